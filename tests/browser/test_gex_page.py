"""The GEX page in a real browser under the strict policy, with a day made up here."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(60)]

Visit = Callable[..., Any]
SYMBOLS = ["SPX", "NDX", "SPY", "QQQ"]


def load_day() -> Any:
    """The made-up day beside this file, which is no package."""
    path = Path(__file__).with_name("gex_payload.py")
    spec = importlib.util.spec_from_file_location("gex_payload", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


DAY = load_day()
# Where the lines of the main chart stand and what the strikes beside them are.
LINES = "document.querySelector('.bars-chart').lines"
PIXELS = """
() => {
  // the main pane is the largest canvas; colours are counted by the token they belong to
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  const found = {};
  const names = Object.fromEntries(['call', 'put', 'up', 'down', 'spot', 'zero', 'flat'].map((name) => [name, rgb(css('--' + name))]));
  for (const canvas of document.querySelectorAll('.bars-chart canvas')) {
    if (canvas.width < 400 || canvas.height < 100) continue;
    const { data, width } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    for (let at = 0; at < data.length; at += 4) {
      if (data[at + 3] < 255) continue;
      for (const [name, [r, g, b]] of Object.entries(names)) {
        if (data[at] !== r || data[at + 1] !== g || data[at + 2] !== b) continue;
        found[name] ??= { count: 0, left: Infinity, right: -Infinity };
        const x = (at / 4) % width;
        found[name].count += 1;
        found[name].left = Math.min(found[name].left, x);
        found[name].right = Math.max(found[name].right, x);
      }
    }
  }
  return found;
}
"""  # noqa: E501


class Server:
    """What the server would answer; `live` may be changed by a test, `asked` are the addresses."""

    def __init__(self, site: Any, templates: Any, **payload: Any) -> None:
        self.site, self.templates = site, templates
        self.live: dict[str, Any] = {**DAY.make_payload("SPX", "7d"), **payload}
        self.history: dict[str, Any] = DAY.make_history()
        self.asked: list[str] = []
        site.api["GET /api/health"] = (200, templates.make_health())
        site.page.route(re.compile(r"//127\.0\.0\.1:9/(gex|api/gex|api/history)"), self._answer)

    def _answer(self, route: Any) -> None:
        url = urlsplit(route.request.url)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.asked.append(f"{url.path}?{url.query}")
        if url.path.startswith("/gex"):
            route.fulfill(
                body=self.page(query),
                content_type="text/html",
                headers={"Content-Security-Policy": POLICY},
            )
        elif url.path == "/api/gex":
            route.fulfill(json=self._payload(query))
        elif "at" in query:
            route.fulfill(json=DAY.make_minute(int(query["at"])))
        else:
            route.fulfill(json=self.history)

    def _payload(self, query: dict[str, str]) -> dict[str, Any]:
        if query["symbol"] != "SPX" and self.live["totals"] is not None:
            scale = {"NDX": 0.4, "SPY": 0.6, "QQQ": -0.3}[query["symbol"]]
            totals = {**self.live["totals"], "net": self.live["totals"]["net"] * scale}
            regime = "positive" if scale > 0 else "negative"
            return {**self.live, "symbol": query["symbol"], "totals": totals, "regime": regime}
        if query["expiry"] == self.live["view"]:
            return self.live
        return dict(DAY.make_payload("SPX", query["expiry"]))

    def page(self, query: dict[str, str]) -> str:
        view = query.get("view", "7d")
        payload = self.live if view == self.live["view"] else DAY.make_payload("SPX", view)
        text = self.templates.render(
            "gex.html", symbol="SPX", symbols=SYMBOLS, view=view, unit=query.get("unit", "pct"),
            payload=payload, epoch="e", seq=1, page="gex",
        )  # fmt: skip
        return str(text)


POLICY = (
    "default-src 'self'; script-src 'self' 'nonce-n0nce'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self'"
)


@pytest.fixture
def open_gex(visit: Visit, templates: Any) -> Callable[..., Any]:
    """open_gex(query, width, **payload) -> (site, server), with the charts drawn."""

    def start(query: str = "", width: int = 1440, height: int = 900, **payload: Any) -> Any:
        site = visit(width=width, height=height)
        site.page.set_default_timeout(20_000)
        server = Server(site, templates, **payload)
        site.open("/gex/SPX" + query)
        if payload.get("status", {}).get("state") not in ("refused", "no_chain"):
            site.page.wait_for_selector(".bars-chart canvas")
            until(site, "document.querySelector('[data-part=live-end]').textContent")
        site.page.wait_for_timeout(400)  # one picture: at most four a second
        return site, server

    return start


def text(site: Any, selector: str) -> str:
    return str(site.page.locator(selector).first.inner_text())


def tile(site: Any, name: str) -> list[str]:
    return text(site, f'[data-tile="{name}"]').replace("?", "").split("\n")


def until(site: Any, script: str) -> None:
    """Wait for a condition; the browser's own waiting evaluates text, which the policy forbids."""
    for _ in range(300):
        if site.page.evaluate(script):
            return
        site.page.wait_for_timeout(50)
    raise AssertionError(f"never: {script}")


def test_the_page_runs_under_the_strict_policy_and_never_scrolls_sideways(
    open_gex: Callable[..., Any],
) -> None:
    site, _ = open_gex()

    overflow = {}
    for width in (1440, 1280, 1024, 800, 600, 390, 320):
        site.page.set_viewport_size({"width": width, "height": 800})
        site.page.wait_for_timeout(80)
        overflow[width] = site.page.evaluate("document.documentElement.scrollWidth") - width

    assert site.complaints == []
    assert site.foreign == []
    assert {width: excess for width, excess in overflow.items() if excess > 0} == {}


def test_scripts_say_the_same_as_the_server(
    open_gex: Callable[..., Any], visit: Visit, templates: Any
) -> None:
    plain = visit(java_script_enabled=False)
    server = Server(plain, templates)
    plain.page.goto("http://127.0.0.1:9/gex/SPX")
    names = "[data-tile], [data-panel] tbody tr, [data-top] tbody tr, [data-part=methods], .numbers tbody tr:nth-child(5)"  # noqa: E501
    read = "all => all.map(e => e.textContent.replace(/\\s+/g, ' ').trim())"
    before = plain.page.eval_on_selector_all(names, read)

    site, _ = open_gex()
    site.page.locator('[data-chart="bars"] [data-action="table"]').click()
    after = site.page.eval_on_selector_all(names, read)

    ages = re.compile(r"[0-9.]+s( old)?$")
    assert len(before) > 40
    assert [ages.sub("", each) for each in after] == [ages.sub("", each) for each in before]
    assert server.asked[0].startswith("/gex/SPX")
    assert plain.page.locator(".numbers-table").is_visible()


def test_bars_stand_in_the_colours_of_their_side_and_lines_at_their_price(
    open_gex: Callable[..., Any],
) -> None:
    site, server = open_gex()

    seen = site.page.evaluate(PIXELS)
    lines = {line["key"]: line for line in site.page.evaluate(LINES)}

    assert {"call", "put", "up", "down", "spot", "zero"} <= seen.keys()
    # 25 strikes of 5 points on both sides of 6,015, the first above spot
    width = (lines["call_wall"]["x"] - lines["put_wall"]["x"]) / (6050 - 5950)
    at = lines["put_wall"]["x"]
    assert lines["spot"]["x"] == pytest.approx(at + (DAY.SPOT - 5950) * width, abs=0.6)
    flip = server.live["zero_gamma"]["all"]["flip"]
    assert lines["flip"]["x"] == pytest.approx(at + (flip - 5950) * width, abs=0.6)
    assert lines["spot"]["label"] == "Spot 6,012.36"
    boxes = [line["spot"] for line in lines.values()]
    assert all(boxes)
    assert lines["flip"]["spot"]["left"] < lines["flip"]["x"]
    assert lines["put_wall"]["spot"]["left"] < lines["put_wall"]["x"]


def test_a_view_changes_bars_title_unit_and_address(open_gex: Callable[..., Any]) -> None:
    site, _ = open_gex()
    before = site.page.evaluate(PIXELS)

    site.page.get_by_role("button", name="Gross", exact=True).click()
    site.page.wait_for_timeout(400)
    gross = site.page.evaluate(PIXELS)
    site.page.get_by_role("button", name="Vanna", exact=True).click()
    site.page.get_by_role("button", name="Volume", exact=True).click()
    site.page.wait_for_timeout(400)
    title, covers = text(site, "#bars-title"), text(site, '[data-chart="bars"] .covers')
    net = tile(site, "net")
    address = site.page.url
    site.page.get_by_role("button", name="GEX", exact=True).first.click()
    site.page.get_by_role("button", name="per point").click()
    site.page.wait_for_timeout(400)

    assert before["put"]["count"] > 500
    assert gross["flat"]["count"] > 2000
    assert "put" not in gross or gross["put"]["count"] < before["put"]["count"] / 5
    assert title.startswith("Vanna exposure by strike")
    assert covers == "$ of delta per volatility point, by volume · dealers long calls, short puts"
    assert net[0] == "Net vanna by volume"
    assert "by=volume&greek=vanna&bars=gross" in address
    assert tile(site, "net")[0] == "Net GEX by volume, $ per point"
    assert "unit=point" in site.page.url


def test_the_address_brings_the_view_back(open_gex: Callable[..., Any]) -> None:
    site, _ = open_gex("?view=0dte&by=volume&bars=net&strikes=15&map=hour&unit=point")

    pressed = site.page.eval_on_selector_all(
        '[data-choice] button[aria-pressed="true"]', "all => all.map(each => each.value)"
    )
    strikes = site.page.locator('select[data-choice="strikes"]').input_value()

    assert set(pressed) == {"0dte", "volume", "net", "gex", "hour", "point"}
    assert strikes == "15"
    payload = DAY.make_payload("SPX", "0dte")
    calls = sum(payload["columns"]["call_gex_volume"])
    puts = sum(payload["columns"]["put_gex_volume"])
    million = (calls - puts) / payload["unit_factor"] / 1e6
    assert tile(site, "net")[1].startswith(
        ("+" if million > 0 else "−") + f"{abs(million):.3g}"[:3]
    )


def test_another_expiry_is_asked_for_and_shown(open_gex: Callable[..., Any]) -> None:
    site, server = open_gex()

    site.page.get_by_role("button", name="0DTE", exact=True).click()
    until(site, "document.querySelectorAll('[data-panel=expiries] tbody tr').length === 1")
    site.page.keyboard.press("]")
    until(
        site,
        "document.querySelector('[data-panel=expiries] tbody th').textContent === 'Thu 17 Dec'",
    )
    site.page.keyboard.press("4")
    until(site, "document.querySelectorAll('[data-panel=expiries] tbody tr').length === 6")

    views = [parse_qs(urlsplit(each).query)["expiry"][0] for each in server.asked
             if each.startswith("/api/gex?symbol=SPX") and "strikes=0" not in each]  # fmt: skip
    assert [view for at, view in enumerate(views) if at == 0 or views[at - 1] != view][-3:] == [
        "0dte", "2026-12-17", "7d",
    ]  # fmt: skip
    assert "view=7d" in site.page.url


def test_any_listed_expiries_can_be_chosen(open_gex: Callable[..., Any]) -> None:
    site, _ = open_gex("?view=0dte")

    site.page.get_by_role("button", name="Choose expiries").click()
    dialog = site.page.get_by_role("dialog")
    rows = dialog.locator("label").all_inner_texts()
    dialog.locator('input[value="2026-12-16"]').uncheck()
    dialog.locator('input[value="2026-12-17"]').check()
    dialog.locator('input[value="2026-12-23"]').check()
    dialog.get_by_role("button", name="Show 2 days").click()
    until(site, "document.querySelectorAll('[data-panel=expiries] tbody tr').length === 2")

    assert len(rows) == 33  # 34 settlements on 33 days
    assert re.search(r"Fri 18 Dec\s+2d\s+SPX AM, SPXW PM\s+witching", rows[2])
    assert "view=2026-12-17,2026-12-23" in site.page.url
    assert site.page.locator('[data-action="expiries"]').inner_text() == "2 expiries"


def test_a_live_message_moves_the_numbers_at_once(open_gex: Callable[..., Any]) -> None:
    site, server = open_gex()

    totals = {**server.live["totals"], "net": -1.25e9}
    server.live = {**server.live, "totals": totals, "regime": "negative", "spot": 6000.5}
    until(site, "document.querySelector('[data-part=spot]').textContent === '6,000.50'")
    site.page.wait_for_timeout(300)

    assert tile(site, "net")[1:] == ["−1.25B", "Negative: dealers amplify moves"]
    lines = site.page.evaluate(LINES)
    assert next(line for line in lines if line["key"] == "spot")["label"] == "Spot 6,000.50"


def test_the_slider_turns_the_whole_page_to_a_minute_and_back(open_gex: Callable[..., Any]) -> None:
    site, _ = open_gex()
    spot = text(site, '[data-part="spot"]')
    slider = site.page.locator('[data-part="slider"]')

    slider.evaluate("input => { input.value = 275; input.dispatchEvent(new Event('input')); }")
    until(site, "document.querySelector('.gex-page').hasAttribute('data-past')")
    site.page.wait_for_timeout(300)
    then = text(site, '[data-part="spot"]')
    chip = text(site, '[data-part="history-chip"]')
    legend = text(site, '[data-chart="bars"] .legend')
    address = site.page.url
    site.page.keyboard.press(",")
    until(
        site, "document.querySelector('[data-part=history-chip]').textContent.startsWith('14:04')"
    )
    site.page.get_by_role("button", name="Back to live").click()
    until(site, "!document.querySelector('.gex-page').hasAttribute('data-past')")

    assert chip.startswith("14:05, history")
    assert then == f"{DAY.spot_at(275):,.2f}"
    assert "Now" in legend
    assert "at=14:05" in address
    assert "at=" not in site.page.url
    assert text(site, '[data-part="spot"]') == spot
    assert text(site, '[data-part="live-end"]') == "At the live end, 14:32"


def test_a_minute_in_the_address_is_opened(open_gex: Callable[..., Any]) -> None:
    site, _ = open_gex("?at=11:00")
    until(site, "document.querySelector('.gex-page').hasAttribute('data-past')")

    assert text(site, '[data-part="spot"]') == f"{DAY.spot_at(90):,.2f}"
    assert site.page.locator('[data-part="slider"]').input_value() == "90"


def test_a_new_minute_is_added_at_the_live_end(open_gex: Callable[..., Any]) -> None:
    site, server = open_gex("?view=all")

    iso = "2026-12-16T19:33:01.000Z"
    server.live = {**DAY.make_payload("SPX", "all"), "as_of": iso}
    until(site, "document.querySelector('[data-part=live-end]').textContent.endsWith('14:33')")

    assert site.page.locator('[data-part="slider"]').input_value() == "303"


def test_the_map_shows_changes_as_their_difference(open_gex: Callable[..., Any]) -> None:
    site, server = open_gex()
    site.page.locator('[data-chart="map"] [data-action="table"]').click()

    table = site.page.locator('[data-chart="map"] [data-part="table"]')
    rows = table.locator("tr").all_inner_texts()
    row = next(each for each in rows if each.startswith("6,050"))
    site.page.get_by_role("button", name="Change since open").click()

    net = [values[server.history["strikes"].index(6050.0)] for values in server.history["net"]]
    wanted = [net[-1], net[-1] - net[0], net[-1] - net[-61], net[-1] - net[-6]]
    cells = row.split()[1:]
    for cell, value in zip(cells, wanted, strict=True):
        unit = {"B": 1e9, "M": 1e6, "K": 1e3}[cell[-1]]
        got = float(cell[1:-1]) * unit * (1 if cell[0] == "+" else -1)
        assert got == pytest.approx(value, rel=0.01, abs=6e6)
    assert "map=open" in site.page.url


def test_pause_freezes_the_picture_and_says_since_when(open_gex: Callable[..., Any]) -> None:
    site, server = open_gex()

    site.page.keyboard.press("p")
    site.page.wait_for_timeout(400)
    said = text(site, '[data-part="line"]')
    server.live = {**server.live, "spot": 6001.0}
    asked = len(server.asked)
    deadline = 8000
    site.page.wait_for_timeout(100)
    while sum("symbol=SPX&expiry=7d" in each for each in server.asked[asked:]) < 2 and deadline > 0:
        site.page.wait_for_timeout(200)
        deadline -= 200
    frozen = text(site, '[data-part="spot"]')
    site.page.get_by_role("button", name="Resume").click()
    until(site, "document.querySelector('[data-part=spot]').textContent === '6,001.00'")

    assert re.match(r"Paused since 14:32:\d\d\.", said)
    assert frozen == "6,012.36"
    assert site.page.locator('[data-part="line"]').is_hidden()


def test_levels_are_copied_in_one_fixed_format(open_gex: Callable[..., Any]) -> None:
    site, _ = open_gex()
    site.page.evaluate(
        "() => { window.copied = []; Object.defineProperty(navigator, 'clipboard',"
        " { value: { writeText: async (text) => { window.copied.push(text); } } }); }"
    )

    for name in ("Plain text", "For TradingView", "For NinjaTrader"):
        site.page.keyboard.press("Shift+C")
        site.page.get_by_role("menuitem", name=name).click()
    plain, tradingview, ninja = site.page.evaluate("window.copied")

    assert tradingview.split(";")[:4] == ["GSL1", "SPX", "ESH2027", "2026-12-16T19:32:07Z"]
    assert ninja.split(";")[2] == "ES 03-27"
    levels = dict(field.split("=") for field in tradingview.split(";")[4:])
    assert levels["call_wall"] == "6081.25"  # 6,050 + 31.14, rounded to .25
    assert levels["put_wall"] == "5981.25"
    assert levels["spot"] == "6043.50"
    assert float(levels["zero_gamma"]) * 4 % 1 == 0
    assert tradingview.split(";")[4:] == ninja.split(";")[4:]
    assert re.search(r"^Call wall +6,050\.00 +6,081\.25$", plain, flags=re.MULTILINE)
    assert plain.splitlines()[0] == (
        "SPX levels, Wed 16 Dec 14:32:07 ET, 7 days, strikes 5,700 to 6,300, /ESH7 basis +31.14"
    )


def test_levels_without_a_price_of_the_future_are_the_symbol_s_own(
    open_gex: Callable[..., Any],
) -> None:
    day = DAY.make_payload("SPX", "7d")
    note = "No entitlement: no prices of /ESH7 arrive"
    conversion = {**day["conversion"], "value": None, "age": None, "frozen": True, "note": note}
    levels = [{**row, "future": None} for row in day["levels"]]
    site, _ = open_gex(conversion=conversion, levels=levels)
    site.page.evaluate(
        "() => { window.copied = []; Object.defineProperty(navigator, 'clipboard',"
        " { value: { writeText: async (text) => { window.copied.push(text); } } }); }"
    )

    site.page.keyboard.press("Shift+C")
    site.page.get_by_role("menuitem", name="For TradingView").click()
    said = site.page.locator(".toast").last.inner_text()
    copied = site.page.evaluate("window.copied")[0].split(";")

    assert copied[:3] == ["GSL1", "SPX", "SPX"]
    assert "call_wall=6050.00" in copied
    assert f"Levels for TradingView copied, prices of SPX, {note}" in said
    assert text(site, '[data-panel="levels"] [data-part="covers"]') == note


def test_nothing_is_copied_where_no_level_is_known(open_gex: Callable[..., Any]) -> None:
    site, _ = open_gex(levels=[])

    site.page.keyboard.press("Shift+C")

    assert "Nothing copied" in site.page.locator(".toast").last.inner_text()
    assert site.page.get_by_role("menuitem").count() == 0


# Texts that end before they are through: an ellipsis, or a line that is cut.
CUT = """
() => [...document.querySelectorAll('main *')].filter((each) => {
  const clips = getComputedStyle(each).overflowX === 'hidden';
  const isText = each.innerText && each.clientWidth > 1;
  return clips && isText && each.checkVisibility() && each.scrollWidth > each.clientWidth + 1;
}).map((each) => each.innerText)
"""


@pytest.mark.parametrize("width", [1440, 1280, 1024, 390])
def test_no_text_is_cut_off(open_gex: Callable[..., Any], width: int) -> None:
    site, _ = open_gex("?by=volume&unit=point", width=width)

    assert site.page.evaluate(CUT) == []


def test_the_main_chart_fills_the_height_beside_the_levels(open_gex: Callable[..., Any]) -> None:
    day = DAY.make_payload("SPX", "7d")
    more = [{**day["levels"][0], "key": f"more_{at}", "value": 6400 + at} for at in range(6)]
    site, _ = open_gex(levels=[*more, *day["levels"]])
    find = """() => {
      const box = (part) => document.querySelector(part).getBoundingClientRect();
      const [panel, foot] = [box('.gex-main'), box('.gex-main .panel-foot')];
      const drawn = Math.max(...[...document.querySelectorAll('.bars-chart canvas')].map(
        (each) => each.getBoundingClientRect().bottom));
      return { levels: box('.gex-levels').bottom, panel: panel.bottom, foot: [foot.top, foot.bottom],
        drawn };
    }"""  # noqa: E501

    found = site.page.evaluate(find)

    assert found["panel"] == pytest.approx(found["levels"], abs=1)
    assert found["foot"][1] == pytest.approx(found["panel"], abs=2)
    assert found["drawn"] == pytest.approx(found["foot"][0], abs=2)


@pytest.mark.parametrize("width", [1440, 1280, 1024, 390])
def test_each_top_table_has_bars_of_their_share(open_gex: Callable[..., Any], width: int) -> None:
    site, server = open_gex(width=width)

    for name, field in (("oi", "oi"), ("volume", "volume"), ("put_call", "ratio")):
        cells = f"""() => [...document.querySelectorAll('[data-top="{name}"] .bar-cell')]
          .map((cell) => [cell.firstElementChild.getBoundingClientRect().width,
            cell.clientWidth - 2 * parseFloat(getComputedStyle(cell).paddingLeft)])"""
        found = site.page.evaluate(cells)
        values = [row[field] for row in server.live["tops"][name]]

        assert [bar for bar, _ in found] == pytest.approx(
            [
                max(1, whole * value / max(values))
                for (_, whole), value in zip(found, values, strict=True)
            ],
            abs=1.5,
        )
        assert found[0][1] >= 24


def test_files_hold_the_numbers_at_full_precision(open_gex: Callable[..., Any]) -> None:
    site, server = open_gex()
    site.page.locator('[data-chart="bars"] [data-action="table"]').click()

    with site.page.expect_download() as found:
        site.page.locator('[data-chart="bars"] [data-action="csv"]').click()
    lines = Path(found.value.path()).read_text().splitlines()
    with site.page.expect_download() as picture:
        site.page.locator('[data-chart="oi"] [data-action="png"]').click()
    with site.page.expect_download() as levels:
        site.page.locator('[data-panel="levels"] [data-action="csv"]').click()

    heads = lines[0].split(",")
    row = dict(
        zip(heads, next(line for line in lines if line.startswith("6050,")).split(","), strict=True)
    )
    columns = server.live["columns"]
    assert float(row["call_gex"]) == columns["call_gex"][columns["strike"].index(6050.0)]
    assert len(lines) == len(columns["strike"]) + 1
    assert Path(picture.value.path()).read_bytes().startswith(b"\x89PNG")
    assert picture.value.suggested_filename == "SPX-oi-2026-12-16T193207.png"
    assert "Call wall,6050,6081.14," in Path(levels.value.path()).read_text()


def test_every_number_explains_itself(open_gex: Callable[..., Any]) -> None:
    site, _ = open_gex()
    wanted = site.page.eval_on_selector_all("[data-about]", "all => all.map(e => e.dataset.about)")
    there = site.page.eval_on_selector_all("[data-guide]", "all => all.map(e => e.dataset.guide)")

    site.page.locator('[data-tile="flip"] .about').click()
    dialog = site.page.get_by_role("dialog")
    words = dialog.inner_text()
    dialog.get_by_role("button", name="How to read this page").click()
    guide = site.page.get_by_role("dialog").inner_text()
    site.page.keyboard.press("Escape")

    assert set(wanted) <= set(there)
    assert "buy dips and sell rallies" in words
    assert "Why others differ" in words
    assert "High open interest often acts as support or resistance" in guide
    assert site.page.get_by_role("dialog").count() == 0


def test_keys_walk_views_and_units(open_gex: Callable[..., Any]) -> None:
    site, _ = open_gex()

    for key in ("v", "b", "%"):
        site.page.keyboard.press(key)
    dex = site.page.url  # the unit is GEX's alone
    for key in ("v", "v", "v"):
        site.page.keyboard.press(key)
    site.page.wait_for_url(lambda url: "greek" not in url)
    site.page.keyboard.press("%")

    assert "greek=dex&bars=net" in dex
    assert "unit" not in dex
    site.page.wait_for_url(lambda url: "unit=point" in url and "greek" not in url)


def test_keys_are_left_alone_inside_fields(open_gex: Callable[..., Any]) -> None:
    site, _ = open_gex()

    site.page.locator("#search input").focus()
    site.page.keyboard.type("vp%")

    assert "greek" not in site.page.url
    assert site.page.locator('[data-part="line"]').is_hidden()


@pytest.mark.parametrize(
    ("status", "title", "button"),
    [
        (("refused", "Options on VIX are priced on the VIX future."), "No GEX for SPX", False),
        (("no_chain", "No listed options."), "No options for SPX", True),
    ],
)
def test_a_page_without_numbers_says_why_and_names_the_way_out(
    status: tuple[str, str], title: str, button: bool, open_gex: Callable[..., Any]
) -> None:
    state = {"state": status[0], "text": status[1], "loaded": 0, "of": 0}
    site, _ = open_gex(status=state, totals=None, columns={"strike": []}, levels=[], tops=None)

    panel = text(site, '[data-part="state"]')

    assert title in panel
    assert status[1] in panel
    assert ("Try now" in panel) is button
    assert "Open NDX instead" in panel
    assert tile(site, "net")[1] == "–"
    assert not site.page.locator(".gex-map").is_visible()
    assert site.complaints == []


def test_stale_numbers_say_so_and_turn_grey(open_gex: Callable[..., Any]) -> None:
    status = {"state": "stale", "text": "These are the last levels kept.", "loaded": 1, "of": 1}
    site, _ = open_gex(status=status)

    grey = site.page.locator('[data-tile="flip"] .metric').evaluate(
        "e => getComputedStyle(e).color"
    )
    label = site.page.locator(".top-state .source span:last-child").first.evaluate(
        "e => getComputedStyle(e).color"
    )

    assert text(site, '[data-part="line"]') == "Stale. These are the last levels kept."
    assert grey == label


def test_symbols_are_compared_on_one_scale(open_gex: Callable[..., Any]) -> None:
    site, _ = open_gex("?view=all")
    loaded = (
        "[...document.querySelectorAll('.strip-words')].filter(e => /flip/.test(e.textContent))"
    )
    until(site, f"{loaded}.length === 4")

    cells = [each.split("\n") for each in site.page.locator(".strip-cells li").all_inner_texts()]
    bars = site.page.eval_on_selector_all(
        ".strip-cells .bar",
        "all => all.map(e => [parseFloat(e.style.left), parseFloat(e.style.width)])",
    )

    assert [cell[0] for cell in cells] == SYMBOLS
    assert bars[0] == [50, 50]  # the largest reaches the end
    assert bars[3][0] < 50  # negative stands left of the middle
    assert bars[1][1] / bars[0][1] == pytest.approx(0.4, abs=0.02)
    assert "amplifies" in " ".join(cells[3])


def test_charts_take_the_colours_of_the_theme(open_gex: Callable[..., Any]) -> None:
    site, _ = open_gex()

    site.page.keyboard.press("Shift+D")
    site.page.wait_for_timeout(400)
    light = site.page.evaluate(PIXELS)  # counts by the tokens of now
    site.page.evaluate("document.documentElement.dataset.palette = 'cb'")
    site.page.wait_for_timeout(400)
    blind = site.page.evaluate(PIXELS)

    for seen in (light, blind):
        assert seen["call"]["count"] > 500
        assert seen["put"]["count"] > 500
        assert seen["spot"]["count"] > 100


def test_a_phone_shows_the_two_first_numbers_and_folds_the_rest(
    open_gex: Callable[..., Any],
) -> None:
    site, _ = open_gex(width=390, height=844)
    visible = "all => all.filter(e => e.offsetParent).length"

    few = site.page.eval_on_selector_all("[data-tile]", visible)
    controls = site.page.locator('[data-choice="greek"]').is_visible()
    site.page.get_by_role("button", name="More numbers").click()
    all_of_them = site.page.eval_on_selector_all("[data-tile]", visible)
    site.page.get_by_role("button", name="View", exact=True).click()
    small = site.page.eval_on_selector_all(
        ".gex-bar button, .gex-more button",
        "all => all.filter(e => e.offsetParent && e.getBoundingClientRect().height < 33).map(e => e.textContent)",  # noqa: E501
    )

    assert (few, all_of_them) == (2, 9)
    assert not controls
    assert site.page.locator('[data-choice="greek"]').is_visible()
    assert small == []
    assert site.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_strike_under_the_pointer_is_read_out_in_the_head(open_gex: Callable[..., Any]) -> None:
    site, server = open_gex()
    lines = {line["key"]: line for line in site.page.evaluate(LINES)}
    box = site.page.locator(".bars-chart").bounding_box()

    site.page.mouse.move(box["x"] + lines["call_wall"]["x"], box["y"] + 150)
    until(
        site, "document.querySelector('[data-chart=bars] .covers').textContent.startsWith('6,050')"
    )
    words = text(site, '[data-chart="bars"] .covers')

    columns = server.live["columns"]
    calls = columns["call_gex"][columns["strike"].index(6050.0)] / 1e9
    assert f"calls +{calls:.2f}B" in words


def test_made_up_numbers_are_json() -> None:
    json.dumps(
        [DAY.make_payload(), DAY.make_history(), DAY.make_minute(DAY.OPEN_MS)], allow_nan=False
    )
