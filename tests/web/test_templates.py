"""Templates rendered with the smallest context that templates/base.html promises to live with."""

from __future__ import annotations

import importlib.util
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import flask
import pytest

from grok_sauce.settings import Settings, as_document
from grok_sauce.web.format import FILTERS

ROOT = Path(__file__).parents[2]
NOW_MS = 1797449527000  # Wednesday 2026-12-16, 14:32:07 New York

UNKNOWN = [
    "price",
    "price_basis",
    "direction",
    "bid",
    "ask",
    "spread",
    "open",
    "prev_close",
    "change_price",
    "change_percent",
    "change_close",
    "change_close_percent",
    "volume",
    "rvol",
    "rvol_day",
    "avg_volume",
    "day_high",
    "day_low",
    "vwap_distance",
    "gap_percent",
    "max_pain",
    "dte",
    "witching",
    "net_gex",
    "zero_gamma",
    "call_wall",
    "put_wall",
    "zero_gamma_distance",
    "call_wall_distance",
    "put_wall_distance",
    "orb",
    "orb_detail",
    "color",
    "as_of",
    "age",
    "hint",
    "expiry",
    "name",
]


def make_row(symbol: str, **values: Any) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(UNKNOWN)
    row |= {"symbol": symbol, "group": "positive", "kind": "etf", "decimals": 2, "spark": []}
    row |= {"text_color": "orange", "stale": False, "status": "live", "source": "LIVE"}
    return row | {"reasons": {}, "order": 0} | values


def make_health(**values: Any) -> dict[str, Any]:
    source = {"name": "dxlink", "label": "dxLink", "state": "live", "mark": "fresh", "age": 0.1}
    source |= {"detail": "streaming", "rate": 12.0, "restarts": 0, "required": True}
    source |= {"last_error": None, "last_error_at": None, "next_try": None}
    report: dict[str, Any] = {
        "ok": True,
        "problems": [],
        "mode": {"name": "LIVE", "detail": "", "seed": None},
        "clock": {"market_ms": NOW_MS, "wall_ms": NOW_MS, "speed": 1.0},
        "session": {
            "state": "open",
            "label": "Open",
            "ends_ms": NOW_MS + 5_273_000,
            "next_label": "closes",
            "half_day": False,
            "holiday": None,
        },
        "next_event": None,
        "sources": [source],
        "router": None,
        "workers": [],
        "errors": [],
        "machine": [],
    }
    return report | values


SETTINGS: dict[str, Any] = {
    "schema": 1,
    "indicators": {"positive": ["SPY"], "neutral": ["GLD"], "negative": ["DXY"]},
    "gex": {"symbols": ["SPX"], "strikes_each_side": 60, "expiries": 5, "unit": "pct"},
    **{name: as_document(Settings())[name] for name in ("profile", "orb", "notices")},
    "sources": {},
    "display": {
        "time_zone": "new_york",
        "palette": "standard",
        "theme": "system",
        "flash": True,
        "keys": True,
    },
}


def render(template: str, **values: Any) -> str:
    app = flask.Flask(__name__, template_folder=str(ROOT / "templates"))
    app.jinja_env.filters.update(FILTERS)
    names = ("indicator", "setup", "status")
    context: dict[str, Any] = {
        "pages": [{"name": n, "path": f"/{n}", "label": n.title(), "key": n[0]} for n in names],
        "page": template.removesuffix(".html"),
        "csp_nonce": "n0nce",
        "csrf_token": "t0ken",
        "display": SETTINGS["display"],
        "health": make_health(),
        "settings_problem": None,
        "signed_in": False,
        "version": "0.1.0",
        "asset": lambda name: f"/static/{name}?v=1",
        "rows": [],
        "epoch": "e",
        "seq": 0,
        "settings": SETTINGS,
        "revision": "r1",
        "secrets_set": {"CLIENT_SECRET": False, "REFRESH_TOKEN": False},
        "first_run": False,
        "code": 404,
        "title": "No such page",
        "message": "There is no page here.",
        "advice": None,
        "error": None,
        "next": None,
    }
    with app.test_request_context("/"):
        return flask.render_template(template, **context | values)


class Cells(HTMLParser):
    """Text of each cell by (symbol, column), and the attributes of it."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.cells: dict[tuple[str, str], str] = {}
        self.attributes: dict[tuple[str, str], dict[str, str | None]] = {}
        self._symbol = ""
        self._column: str | None = None
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "tr":
            self._symbol = found.get("data-symbol") or ""
        if tag in ("td", "th") and self._symbol:
            self._column = found.get("data-col") or ""
            self.cells[self._symbol, self._column] = ""
            self.attributes[self._symbol, self._column] = found

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._column = None

    def handle_data(self, data: str) -> None:
        if self._symbol and self._column:
            self.cells[self._symbol, self._column] += data


def test_a_row_stands_complete_in_the_page_without_any_script() -> None:
    row = make_row("SPX", price=6012.36, change_price=25.66, change_percent=0.43, color="darkgreen")
    row |= {"volume": 41_812_345, "rvol": 1.24, "max_pain": 5990.0, "dte": 0, "witching": False}
    row |= {"age": 0.24, "direction": 1}

    page = Cells(render("indicator.html", rows=[row]))

    cells = {column: text for (_, column), text in page.cells.items()}
    assert cells["price"] == "6,012.36"
    assert (cells["change_price"], cells["change_percent"]) == ("+25.66", "+0.43%")
    assert (cells["volume"], cells["rvol"], cells["max_pain"]) == ("41.8M", "1.24", "5,990.00")
    assert (cells["dte"], cells["witching"], cells["age"]) == ("0", "No", "0.2s")
    assert page.attributes["SPX", "price"]["data-dir"] == "up"
    assert page.attributes["SPX", "price"]["class"] == "price num"


def test_an_unknown_number_is_a_dash_with_its_reason() -> None:
    row = make_row("SPX", reasons={"rvol": 'RVOL needs 3 sessions, 1 "loaded"'})

    page = Cells(render("indicator.html", rows=[row]))

    assert page.cells["SPX", "rvol"] == "–"
    assert page.attributes["SPX", "rvol"]["title"] == 'RVOL needs 3 sessions, 1 "loaded"'
    assert "unknown" in (page.attributes["SPX", "rvol"]["aria-label"] or "")
    numbers = [
        text for (_, column), text in page.cells.items() if column not in ("symbol", "spark")
    ]
    assert set(numbers) == {"–"}


def test_a_symbol_that_is_not_offered_says_so_and_names_the_way_out() -> None:
    row = make_row("DXY", status="not_offered", hint="UUP", group="negative")

    page = Cells(render("indicator.html", rows=[row]))

    assert page.cells["DXY", "notice"] == "Not offered by this source. Use UUP instead"
    assert page.cells["DXY", "price"] == "–"


def test_a_stale_row_loses_its_tint() -> None:
    row = make_row("TIP", price=107.62, color="darkred", stale=True, status="stale", age=312.0)

    markup = render("indicator.html", rows=[row])

    assert re.search(r'<tr[^>]*data-symbol="TIP"[^>]*class="positive stale"', markup)
    assert Cells(markup).cells["TIP", "age"] == "5m 12s"


@pytest.mark.parametrize("template", ["indicator.html", "setup.html", "status.html", "error.html"])
def test_hostile_text_stays_text(template: str) -> None:
    hostile = "</script><script>alert(1)</script>"
    row = make_row("SPY", name=hostile, reasons={"rvol": hostile})
    health = make_health()
    health["sources"][0]["label"] = hostile
    health["sources"][0]["detail"] = hostile

    markup = render(template, rows=[row], health=health, message=hostile, absent={"gex": hostile})

    assert "<script>alert" not in markup
    assert "alert(1)" in markup


@pytest.mark.parametrize("template", ["indicator.html", "setup.html", "status.html", "login.html"])
def test_a_page_opens_before_the_first_health_report(template: str) -> None:
    markup = render(template, health=None)

    assert "<main" in markup
    assert "None" not in re.sub(r"<script[^>]*>.*?</script>", "", markup, flags=re.DOTALL)


def test_only_pages_that_exist_are_linked() -> None:
    pages = [{"name": "status", "path": "/status", "label": "Status", "key": "h"}]

    markup = render("status.html", pages=pages)

    navigation = "".join(re.findall(r"<nav.*?</nav>", markup, flags=re.DOTALL))
    assert re.findall(r'href="([^"]+)"', navigation) == ["/status", "/status"]
    assert navigation.count('aria-current="page"') == 2


def test_the_demo_says_on_every_page_that_no_price_is_real() -> None:
    health = make_health(mode={"name": "DEMO", "detail": "", "seed": 42})

    markup = render("status.html", health=health)

    assert re.search(r'<div class="line" id="demo-line">', markup)
    assert "Prices are simulated, seed 42. No price on this page is real." in markup
    assert 'id="demo-line" hidden' in render("status.html")


@pytest.mark.parametrize("template", ["indicator.html", "setup.html", "status.html"])
def test_a_public_feed_is_named_on_every_page_and_no_other_one_is(template: str) -> None:
    late = make_health(mode={"name": "DELAYED", "detail": "15–20 min", "seed": None})

    markup = render(template, health={**late, "feed_note": "These are <not> live."})

    assert re.search(r'<div class="line" data-kind="warning" id="feed-note">', markup)
    assert "These are &lt;not&gt; live." in markup
    assert "DELAYED 15–20 min" in markup
    assert 'id="feed-note" hidden' in render(template)


def test_the_header_says_how_much_of_the_history_has_come_and_nothing_when_all_has() -> None:
    loading = render("status.html", health=make_health(loading={"done": 12, "of": 40}))
    loaded = render("status.html", health=make_health(loading=None))

    (shown,) = re.findall(r'<span class="loading"[^>]*>.*?</span>', loading)
    (gone,) = re.findall(r'<span class="loading"[^>]*>.*?</span>', loaded)
    assert re.sub(r"<[^>]+>", "", shown) == "loading 12/40 symbols"
    assert '<progress aria-hidden="true" max="40" value="12">' in shown
    assert " hidden" not in shown
    assert re.search(r'data-part="loading" hidden', gone)


def test_the_first_start_shows_the_wizard_and_nothing_else() -> None:
    markup = render("setup.html", first_run=True)

    assert "first start, step 1 of 3" in markup
    assert "Skip, explore the demo" in markup
    assert 'id="add-symbol"' not in markup


def test_a_secret_that_is_set_is_named_and_never_shown() -> None:
    markup = render("setup.html", secrets_set={"CLIENT_SECRET": True, "REFRESH_TOKEN": False})

    field = re.search(r'<input[^>]*id="client-secret"[^>]*>', markup)
    assert field is not None
    assert "set; paste a new one" in field.group(0)
    assert " value=" not in field.group(0)


def test_the_data_for_the_scripts_is_the_same_as_on_the_page() -> None:
    row = make_row("SPY", price=600.42)

    markup = render("indicator.html", rows=[row], epoch="e7", seq=41)

    text = re.search(r'id="table-data"[^>]*>(.*?)</script>', markup, flags=re.DOTALL)
    assert text is not None
    assert json.loads(text.group(1)) == {"rows": [row], "epoch": "e7", "seq": 41}


def load_day() -> Any:
    """The made-up day of the page tests in tests/browser, which is no package."""
    path = ROOT / "tests/browser/gex_payload.py"
    spec = importlib.util.spec_from_file_location("gex_payload_for_templates", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


DAY = load_day()


def render_gex(payload: Any, **values: Any) -> str:
    names = {"symbol": "SPX", "symbols": ["SPX", "NDX"], "view": "7d", "unit": "pct"}
    return render("gex.html", payload=payload, **names | values)


def text_of(markup: str, part: str) -> str:
    """Text of the element with this attribute, without what is inside further tags' names."""
    found = re.search(rf"<(\w+)[^>]*{re.escape(part)}[^>]*>(.*?)</\1>", markup, flags=re.DOTALL)
    assert found is not None
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found.group(2))).strip()


def test_gamma_exposure_stands_complete_in_the_page_without_any_script() -> None:
    markup = render_gex(DAY.make_payload())

    assert text_of(markup, 'data-tile="call_wall"') == "Call wall 6,050 +37.64 above, 0.63%"
    assert "Spot" in text_of(markup, 'data-tile="flip"')
    assert text_of(markup, 'data-level="put_wall"') == "Put wall S1 5,950.00 5,981.25 \u221262.36"
    assert text_of(markup, 'data-level="spot"') == "Spot 6,012.36 6,043.50 +0.43%"
    assert "Fri 18 Dec</th>" not in markup  # a witching day carries its tag
    assert markup.count('<span class="tag">witching</span>') == 2
    numbers = re.search(r'data-part="numbers">(.*?)</tbody>', markup, flags=re.DOTALL)
    assert numbers is not None
    assert numbers.group(1).count("<tr>") == len(DAY.STRIKES)


def test_exposure_per_point_is_named_and_divided() -> None:
    payload = DAY.make_payload()

    per_point = text_of(render_gex(payload, unit="point"), 'data-tile="net"')

    million = payload["totals"]["net"] / payload["unit_factor"] / 1e6
    assert per_point.startswith(f"Net GEX, $ per point +{million:.0f}M")


@pytest.mark.parametrize(
    ("state", "title"),
    [
        ("refused", "No GEX for VIX"),
        ("no_chain", "No options for VIX"),
        (None, "Loading the chain of VIX"),
    ],
)
def test_a_gex_page_without_numbers_keeps_its_frame_and_says_why(
    state: str | None, title: str
) -> None:
    text = "Options on VIX are priced on the VIX future."
    status = {"state": state, "text": text, "loaded": 0, "of": 0}
    blank = dict.fromkeys(DAY.make_payload())
    payload = None if state is None else {**blank, "view": "all", "status": status}

    markup = render_gex(payload, symbol="VIX")

    assert title in markup
    assert (text in text_of(markup, 'data-part="state"')) is (state is not None)
    assert text_of(markup, 'data-tile="net"').startswith("Net GEX, $ per 1% –")
    assert "data-numbers" not in markup
    assert 'href="/gex/SPX"' in markup


def test_a_payload_of_unknowns_is_a_page_of_dashes() -> None:
    blank = {
        **DAY.make_payload(), "spot": None, "call_wall": None, "put_wall": None, "coverage": None,
        "zero_gamma": {
            "all": {"flip": None, "reason": "net_positive_everywhere"},
            "strike_sign": None, "cumulative": None,
        },
        "max_pain": [], "term": [], "expected_move": None, "put_call": None, "conversion": None,
        "change": None, "scope": None, "rate": None, "regime": None, "tops": None,
        "totals": {"net": None, "net_per_point": None}, "levels": [],
    }  # fmt: skip

    markup = render_gex(blank)

    assert "No flip: net gamma is positive everywhere in ±20%" in markup
    assert text_of(markup, 'data-tile="move"') == "Expected move – no quotes at the money"
    assert "None" not in re.sub(r"<script[^>]*>.*?</script>", "", markup, flags=re.DOTALL)


def test_hostile_words_in_a_chain_stay_text() -> None:
    hostile = "</script><script>alert(1)</script>"
    levels = [{**DAY.make_payload()["levels"][0], "label": hostile}]
    status = {"state": "stale", "text": hostile, "loaded": 1, "of": 1}

    markup = render_gex({**DAY.make_payload(), "levels": levels, "status": status})

    assert "<script>alert" not in markup
    assert "alert(1)" in markup
