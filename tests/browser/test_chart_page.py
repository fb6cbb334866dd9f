"""The chart page in a real browser under the strict policy, over candles made up here."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.chart_payload import (
    DAYS,
    MINUTE,
    make_beside,
    make_candles,
    make_live,
)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(60)]

Visit = Callable[..., Any]
BOX = "document.querySelector('.price-chart')"
# A socket that this file speaks for: rooms are answered by `window.rooms`, told by `window.tell`.
SOCKET = """
window.rooms = {};
window.asked = [];
(() => {
  const listeners = {};
  const fire = (event, value) => (listeners[event] ?? []).forEach((each) => each(value));
  const socket = {
    connected: false,
    on: (event, listener) => { (listeners[event] ??= []).push(listener); },
    connect: () => setTimeout(() => { socket.connected = true; fire("connect"); }, 0),
    disconnect: () => { socket.connected = false; },
    emit: (event, params, done) => {
      window.asked.push([event, params]);
      if (event !== "subscribe" || !done) return;
      const name = params.page === "chart" ? `chart:${params.view}` : params.page;
      const found = window.rooms[name];
      setTimeout(() => done(null, found ? { epoch: "e", seq: 1, t: 0, full: true, ...found } : { error: { code: "none", message: "none" } }), 0);
    },
    timeout: () => socket,
  };
  window.tell = (event, message) => fire(event, { epoch: "e", t: 0, full: true, ...message });
  Object.defineProperty(window, "io", { get: () => () => socket, set: () => {} });
})();
"""  # noqa: E501


class Charts:
    """The page over answers for each timeframe, with its rooms in the test's hand."""

    def __init__(self, visit: Visit, templates: Any, **options: Any) -> None:
        self.site = visit(**options)
        self.page = self.site.page
        self.templates = templates
        self.asked: list[dict[str, str]] = []
        self.candles: dict[str, Any] = {}
        self.beside: dict[str, Any] = make_beside()
        self.older: list[dict[str, Any]] = []
        self.context: dict[str, Any] = {}
        self.site.api["GET /api/health"] = (200, templates.make_health())
        self.page.set_default_timeout(20_000)
        self.page.add_init_script(SOCKET)
        self.page.route(re.compile(r"//127\.0\.0\.1:9/(chart|api/candles)"), self._answer)

    def _answer(self, route: Any) -> None:
        url = urlsplit(route.request.url)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path.startswith("/chart"):
            headers = {"Content-Security-Policy": POLICY}
            route.fulfill(body=self.html(query), content_type="text/html", headers=headers)
            return
        self.asked.append(query)
        if "to" in query and self.older:
            route.fulfill(json=self.older.pop(0))
        else:
            route.fulfill(json=self.of(query["tf"], query["hours"]))

    def of(self, timeframe: str, hours: str) -> dict[str, Any]:
        return make_candles(timeframe, hours, **self.candles)

    def html(self, query: dict[str, str]) -> str:
        timeframe, hours = query.get("tf", "5m"), query.get("hours", "regular")
        context = {
            "symbol": "SPY", "symbols": ["SPY", "QQQ", "GLD"], "timeframe": timeframe,
            "hours": hours, "candles": self.of(timeframe, hours), "problem": None,
            "beside": self.beside, "epoch": "e", "seq": 1, "page": "chart",
        }  # fmt: skip
        return str(self.templates.render("chart.html", **context | self.context))

    def open(self, query: str = "") -> Charts:
        self.site.open(f"/chart/SPY{query}")
        self.until("window.asked.length > 4")
        self.settle()
        return self

    def until(self, expression: str) -> None:
        """Wait for it; the page's policy lets Playwright wait for no text of its own."""
        for _ in range(160):
            if self.page.evaluate(expression):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"never true: {expression}")

    def settle(self) -> None:
        """Two pictures later."""
        self.page.wait_for_timeout(150)
        self.page.evaluate(
            "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    def drawn(self) -> Any:
        return self.page.evaluate(f"{BOX}.drawn")

    def text(self, selector: str) -> str:
        return str(self.page.locator(selector).first.inner_text())

    def rows(self, panel: str) -> list[list[str]]:
        found: list[list[str]] = self.page.evaluate(
            f"[...document.querySelectorAll('[data-panel={panel}] tbody tr')]"
            ".map(tr => [...tr.cells].map(td => td.innerText.trim()))"
        )
        return found

    def tell(self, message: dict[str, Any], seq: int = 2) -> None:
        self.page.evaluate(
            "([chart, seq]) => window.tell('update_chart', { seq, chart })", [message, seq]
        )
        self.settle()


POLICY = (
    "default-src 'self'; script-src 'self' 'nonce-n0nce'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self'"
)


@pytest.fixture
def charts(visit: Visit, templates: Any) -> Charts:
    return Charts(visit, templates)


def followed(charts: Charts) -> Charts:
    """Open, with a room that has answered, so that messages are newer than it."""
    live = make_live(charts.of("5m", "regular"))
    charts.page.add_init_script(
        f"addEventListener('DOMContentLoaded', () => {{ window.rooms['chart:5m'] = {{ chart: {json.dumps(live)} }}; }});"  # noqa: E501
    )
    return charts.open()


def test_the_page_runs_under_the_strict_policy_and_never_scrolls_sideways(charts: Charts) -> None:
    charts.open()
    overflow = {}
    for width in (1440, 1280, 1024, 800, 390, 320):
        charts.page.set_viewport_size({"width": width, "height": 800})
        charts.settle()
        overflow[width] = charts.page.evaluate("document.documentElement.scrollWidth") - width

    assert charts.site.complaints == []
    assert charts.site.foreign == []
    assert {width: excess for width, excess in overflow.items() if excess > 0} == {}


def test_the_page_is_complete_without_any_answer_of_the_server(charts: Charts) -> None:
    charts.open()
    found = charts.drawn()
    candles = make_candles()

    assert charts.asked == []
    assert found["candles"] == found["volumes"] == len(candles["bars"])
    assert found["vwap"] == len(candles["bars"])
    assert charts.text('[data-part="spot"]') == "600.42"
    assert charts.text('[data-part="change"]') == "▲ +2.57 +0.43%"


def test_the_axis_has_holes_for_missing_candles_and_room_to_the_close_but_no_invented_candle(
    charts: Charts,
) -> None:
    found = charts.open().drawn()
    gap = next(each for each in found["shade"] if each["kind"] == "gap")

    assert found["places"] == 78 + 78  # two whole sessions of five minutes
    assert found["candles"] == found["places"] - 4 - 17  # 11:00 to 11:20, and 14:35 to 16:00
    assert gap["label"] == "no bars 11:00 to 11:20"
    assert "1 gap marked" in charts.text(".chart-foot")


def test_levels_have_lines_with_labels_that_never_overlap(charts: Charts) -> None:
    found = charts.open().drawn()["levels"]
    by_key = {each["key"]: each for each in found}
    boxes = sorted(each["box"][1] for each in found)

    assert {"spot", "zero_gamma", "call_wall_2"} <= by_key.keys()
    assert by_key["zero_gamma"]["label"] == "Zero gamma 598.13"
    assert "put_wall_2" not in by_key  # the same strike as the first
    assert all(other - one >= 16 for one, other in pairwise(boxes))


def test_the_levels_panel_is_in_order_of_price_with_both_distances(charts: Charts) -> None:
    rows = charts.open().rows("levels")
    names = [row[0] for row in rows]

    assert names[0] == "Call wall"
    assert names.index("Spot") < names.index("Zero gamma") < names.index("Put wall")
    assert ["Zero gamma", "598.13", "−2.29", "−0.38%"] in rows
    assert ["POC, week", "597.53", "−2.89", "−0.48%"] in rows
    assert ["OR 15 high", "597.86", "−2.56", "−0.43%"] in rows
    assert ["Max pain, 0DTE", "598.00", "−2.42", "−0.40%"] in rows


def test_the_profile_stands_at_the_right_edge_with_its_levels_named(charts: Charts) -> None:
    found = charts.open().drawn()
    labels = [each["label"] for each in found["names"]]

    assert {"POC 597.53", "VAH 598.75"} <= set(labels)
    assert charts.rows("profile")[0] == ["HVN", "599.43", "1.90M", "48%"]
    assert "Value area 70.3%, Mon 14 Dec 09:30 to now, 135M shares" in charts.text(
        '[data-panel="profile"]'
    )


def test_another_span_of_the_profile_goes_into_the_address(charts: Charts) -> None:
    charts.open()

    charts.page.select_option('[data-choice="span"]', "prior_week")
    charts.settle()
    prior = [row for row in charts.rows("levels") if row[0].startswith("POC")]
    charts.page.select_option('[data-choice="span"]', "day")
    charts.settle()

    assert prior[0][:2] == ["POC, last week", "590.00"]
    assert "span=day" in charts.page.url
    assert "No minute of this session is closed yet." in charts.text('[data-panel="profile"]')
    assert charts.page.locator('[data-layer="profile"]').get_attribute("aria-disabled") == "true"


def test_the_opening_range_is_a_box_with_its_first_break(charts: Charts) -> None:
    found = charts.open().drawn()["range"]
    breaks = [each["label"] for each in found if each["kind"] == "break"]

    assert breaks == ["OR 15 down 09:46"]
    assert charts.rows("orb")[1] == ["15 min", "597.86", "597.33", "0.53", "▼ 09:46", "–"]
    assert charts.rows("orb")[2][0] == "30 min no data"

    charts.page.get_by_role("button", name="5 min", exact=True).last.click()
    charts.settle()

    assert "or=5" in charts.page.url
    assert [row[0] for row in charts.rows("levels") if row[0].startswith("OR")] == [
        "OR 5 high", "OR 5 low",
    ]  # fmt: skip


def test_events_of_one_place_are_one_label_and_those_before_the_open_say_so(
    charts: Charts,
) -> None:
    marks = charts.open().drawn()["events"]

    assert [each["label"] for each in marks] == [
        "Before the open: 08:30",
        "10:00 2 releases",
        "15:15 Fed’s Williams speaks",
    ]
    assert marks[1]["moved"] == " −0.21%"
    assert marks[1]["lines"] == ["10:00 Existing Home Sales", "10:00 Crude <b>Oil</b> Inventories"]
    assert all(each["box"] for each in marks)


def test_titles_of_a_feed_are_text(charts: Charts) -> None:
    charts.open()

    assert charts.page.locator('[data-panel="events"] b').count() == 0
    assert "Crude <b>Oil</b> Inventories" in charts.text('[data-panel="events"]')


def test_the_events_panel_says_what_the_symbol_did(charts: Charts) -> None:
    rows = charts.open().rows("events")

    assert ["10:00", "Existing Home Sales", "−0.21%"] in rows
    assert rows[-1] == ["15:15", "Fed’s Williams speaks", ""]
    assert rows[0] == ["Wed 08:30", "Core Retail Sales m/m", "–"]


def test_a_layer_is_switched_by_its_button_and_by_its_key_and_stands_in_the_address(
    charts: Charts,
) -> None:
    charts.open()

    charts.page.locator('[data-layer="gex"]').click()
    charts.page.keyboard.press("w")
    charts.settle()
    found = charts.drawn()

    assert "hide=vwap,gex" in charts.page.url
    assert [each["key"] for each in found["levels"]] == ["spot"]
    assert found["vwap"] == 0
    assert charts.page.locator('[data-layer="gex"]').get_attribute("aria-pressed") == "false"


def test_an_address_opens_with_what_it_says(charts: Charts) -> None:
    found = charts.open("?tf=15m&hours=extended&hide=profile,events").drawn()

    assert found["candles"] == len(make_candles("15m", "extended")["bars"])
    assert found["profile"] is None
    assert found["events"] is None
    assert [each["kind"] for each in found["shade"]].count("outside") == 2


def test_another_timeframe_asks_once_and_follows_its_own_room(charts: Charts) -> None:
    charts.open()

    charts.page.keyboard.press("1")
    charts.until(f"{BOX}.drawn.candles > 300")
    subscribed = charts.page.evaluate(
        "window.asked.filter(([event, { page }]) => page === 'chart').map(([e, p]) => [e, p.view])"
    )

    assert [each["tf"] for each in charts.asked] == ["1m"]
    assert subscribed[0] == ["subscribe", "5m"]
    assert ["unsubscribe", "5m"] in subscribed
    assert subscribed[-1] == ["subscribe", "1m"]
    assert "tf=1m" in charts.page.url


def test_on_a_day_chart_what_needs_minutes_is_off_with_the_reason(charts: Charts) -> None:
    charts.open("?tf=1d")
    vwap = charts.page.locator('[data-layer="vwap"]')

    assert charts.text('[data-part="when"]') == "Wed 16 Dec"
    assert vwap.get_attribute("aria-disabled") == "true"
    assert vwap.get_attribute("title") == "VWAP is of one session: choose minutes."
    assert "of the feed’s daily bars" in charts.text(".chart-foot")


def test_a_live_message_moves_the_last_candle_and_the_price(charts: Charts) -> None:
    followed(charts)
    live = make_live(charts.of("5m", "regular"), price=601.11)
    live["bars"][-1][4] = 601.11
    live["bars"][-1][2] = 601.2

    charts.tell(live)
    last = charts.drawn()["last"]

    assert last["close"] == 601.11
    assert charts.text('[data-part="spot"]') == "601.11"
    assert charts.text('[data-value="C"]') == "601.11"
    assert charts.asked == []


def test_a_new_candle_takes_the_next_place_and_a_missed_one_is_asked_for(charts: Charts) -> None:
    followed(charts)
    before = charts.drawn()
    live = make_live(charts.of("5m", "regular"))
    last = live["bars"][-1]
    live["bars"] = [*live["bars"][1:], [last[0] + 5 * MINUTE, *last[1:]]]

    charts.tell(live)
    next_one = charts.drawn()
    live["bars"] = [[bar[0] + 60 * MINUTE, *bar[1:]] for bar in live["bars"]]
    charts.tell(live, 3)
    charts.page.wait_for_timeout(200)

    assert next_one["candles"] == before["candles"] + 1
    assert next_one["places"] == before["places"]
    assert len(charts.asked) == 1


def test_scrolling_to_the_left_end_fetches_what_is_older_until_there_is_nothing(
    charts: Charts,
) -> None:
    first = make_candles()["bars"][0][0]
    day = [first - 24 * 60 * MINUTE + place * 5 * MINUTE for place in range(78)]
    bars = [[ms, 598.0, 599.0, 597.0, 598.5, 1000.0] for ms in day]
    charts.older = [
        make_candles(
            bars=bars, vwap=[None] * 78, extended=[False] * 78, starts=[day[0]], gaps=[], more=False
        )
    ]
    charts.candles = {"more": True}
    charts.open()

    charts.page.locator(".price-chart").focus()
    for _ in range(8):
        charts.page.keyboard.press("ArrowLeft")
    charts.until(f"{BOX}.drawn.candles > 200")
    charts.settle()

    assert [each.get("to") for each in charts.asked] == [str(first)]
    assert "nothing older is kept" in charts.text(".chart-foot")
    charts.until("location.search.includes('to=2026-12-1')")
    assert charts.page.get_by_role("button", name="Newest").is_visible()

    charts.page.get_by_role("button", name="Newest").click()
    charts.settle()

    assert "to=" not in charts.page.url


def test_the_crosshair_reads_the_candle_under_it(charts: Charts) -> None:
    charts.open()
    box = charts.page.locator(".price-chart").bounding_box()
    newest = charts.text('[data-part="when"]')

    charts.page.mouse.move(box["x"] + 120, box["y"] + 200)
    charts.settle()
    when = charts.text('[data-part="when"]')

    assert newest == "Wed 16 Dec 14:30"
    assert re.fullmatch(r"Tue 15 Dec \d\d:\d[05]", when)
    bar = next(
        each
        for each in make_candles()["bars"]
        if each[0] == DAYS["2026-12-15"] + _minutes(when) * MINUTE
    )
    assert charts.text('[data-value="O"]') == f"{bar[1]:.2f}"
    assert charts.text('[data-value="H"]') == f"{bar[2]:.2f}"


def _minutes(when: str) -> int:
    hour, minute = when.split()[-1].split(":")
    return int(hour) * 60 + int(minute) - 570


@pytest.mark.parametrize(
    "status, kind, says",
    [
        ("link_down", "error", "The price feed is down. Candles stop at Wed 16 Dec 14:32:06."),
        ("stale", "warning", "Stale. No price of SPY for"),
        ("closed", "info", "The market is closed. The last price is of Wed 16 Dec 14:32:06."),
        ("halted", "warning", "SPY is halted."),
    ],
)
def test_what_is_not_live_is_said_in_words(
    charts: Charts, status: str, kind: str, says: str
) -> None:
    charts.candles = {"status": status, "stale": status in ("stale", "link_down")}
    charts.open()
    line = charts.page.locator('[data-part="line"]')

    assert line.inner_text().startswith(says)
    assert line.get_attribute("data-kind") == kind
    assert charts.drawn()["candles"] > 0


def test_a_symbol_that_is_not_offered_says_so_and_shows_the_way_out(charts: Charts) -> None:
    none = {"bars": [], "vwap": [], "extended": [], "starts": [], "gaps": [], "first": None}
    charts.candles = {
        **none, "status": "not_offered", "price": None, "hint": "UUP", "change_close": None,
        "as_of": None,
    }  # fmt: skip
    charts.open()
    state = charts.page.locator('[data-part="state"]')

    assert "SPY is not offered by this source." in state.inner_text()
    assert state.get_by_role("link", name="Open UUP instead").get_attribute("href") == "/chart/UUP"
    assert charts.page.locator(".price-chart").is_hidden()


def test_an_index_has_no_volume_pane_and_no_vwap(charts: Charts) -> None:
    bars = [[*bar[:5], None] for bar in make_candles()["bars"]]
    charts.candles = {"kind": "index", "bars": bars, "vwap": [None] * len(bars)}
    found = charts.open().drawn()

    assert found["volumes"] == found["vwap"] == 0
    assert charts.page.locator('[data-layer="vwap"]').get_attribute("title") == (
        "An index has no volume."
    )
    assert charts.page.locator(".readout .average").first.is_hidden()


def test_without_gex_the_layer_is_off_with_the_reason(charts: Charts) -> None:
    why = "No GEX of SPY is kept. Choose GEX symbols in Setup."
    charts.candles = {"gex": {"levels": None, "state": "none", "text": why}}
    charts.open()

    assert charts.page.locator('[data-layer="gex"]').get_attribute("aria-disabled") == "true"
    assert why in charts.text('[data-panel="levels"]')


def test_the_table_has_the_numbers_of_the_picture(charts: Charts) -> None:
    charts.open()

    charts.page.get_by_role("button", name="Table", exact=True).click()
    rows = charts.page.locator(".candle-table tbody tr")
    newest = make_candles()["bars"][-1]

    assert rows.count() == len(make_candles()["bars"])
    assert rows.first.inner_text().split("\t")[:5] == [
        "Wed 16 Dec 14:30", *(f"{value:.2f}" for value in newest[1:5]),
    ]  # fmt: skip
    assert charts.page.locator(".price-chart").is_hidden()


def test_a_picture_is_saved_with_what_it_is(charts: Charts) -> None:
    charts.open()

    with charts.page.expect_download() as download:
        charts.page.get_by_role("button", name="PNG").click()

    assert download.value.suggested_filename == "SPY-5m-2026-12-16T193206.png"


def test_the_switcher_finds_symbols_of_the_table_and_of_the_feed(charts: Charts) -> None:
    found = [
        {"symbol": "NVDA", "name": "NVIDIA", "kind": "equity", "has_options": True, "last": 1.5}
    ]
    charts.site.api["GET /api/symbols"] = (200, {"results": found})
    charts.open("?tf=15m")

    charts.page.keyboard.press("s")
    options = charts.page.locator(".symbol-list [role=option]")
    known = options.all_inner_texts()
    charts.page.keyboard.type("nv")
    charts.until("document.querySelector('.symbol-list').textContent.includes('NVIDIA')")
    charts.page.keyboard.press("Enter")
    charts.page.wait_for_url("**/chart/NVDA*")

    assert [each.split("\n")[0] for each in known] == ["SPY", "QQQ", "GLD"]
    assert "tf=15m" in charts.page.url


def test_the_light_theme_redraws_the_canvas(visit: Visit, templates: Any) -> None:
    charts = Charts(visit, templates, color_scheme="dark").open()
    corner = f"""() => {{
      const canvas = {BOX}.querySelector('canvas');
      return [...canvas.getContext('2d').getImageData(3, 200, 1, 1).data.slice(0, 3)];
    }}"""
    dark = charts.page.evaluate(corner)

    charts.page.keyboard.press("Shift+D")
    charts.settle()

    assert sum(dark) < 200
    assert sum(charts.page.evaluate(corner)) > 600


def test_a_phone_shows_the_chart_and_keeps_the_rest_behind_one_button(
    visit: Visit, templates: Any
) -> None:
    charts = Charts(visit, templates, width=390, height=844)
    charts.open()
    box = charts.page.locator(".price-chart").bounding_box()
    layers = charts.page.locator('[data-part="layers"]')

    hidden = layers.is_hidden()
    charts.page.get_by_role("button", name="View").click()

    assert box["height"] == 300
    assert hidden
    assert layers.is_visible()


def test_without_scripts_the_candles_stand_in_a_table(templates: Any) -> None:
    markup = templates.render(
        "chart.html", symbol="SPY", symbols=["SPY"], timeframe="5m", hours="regular",
        candles=make_candles(), problem=None, beside={}, epoch="e", seq=1,
    )  # fmt: skip

    assert markup.count('<tr><th scope="row">Wed 16 Dec') >= 50
    assert "600.42" in markup
