"""/forex in a real browser under the strict policy: settings, token, news, trades, hostile text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from grok_sauce.settings import Settings, as_document
from grok_sauce.settings.forex import KNOBS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(60)]

Visit = Callable[..., Any]
HOSTILE = '<img src=x onerror="window.broken=1">'
WINDOW = {
    "title": HOSTILE, "currency": "USD", "impact": "high", "time": "2026-12-16T20:00:00Z",
    "starts": "2026-12-16T19:58:00Z", "ends": "2026-12-16T20:02:00Z",
}  # fmt: skip


def make_blackout(**values: Any) -> dict[str, Any]:
    return {
        "active": False, "until": None, "now": [], "next": WINDOW, "events": [WINDOW],
        "unscheduled": [], "before_minutes": 2, "after_minutes": 2, "currencies": None,
        "as_of": "2026-12-16T19:32:07Z", "source": "Forex Factory", "fetched_at": None,
        "covers_until": "2026-12-19", "reason": None, **values,
    }  # fmt: skip


def make_trades(count: int) -> dict[str, Any]:
    rows = [
        {
            "seq": n, "ticket": 9_007_199_254_740_991, "symbol": f"PAIR{n}", "type": "buy_limit",
            "entry": 1.0853, "sl": 1.0833, "tp": None, "status": "pending",
            "time": "2026-12-16T19:31:40Z", "received": "2026-12-16T19:32:07Z",
        }
        for n in range(count, 0, -1)
    ]  # fmt: skip
    return {"total": count, "keep": 50_000, "trades": rows}


class ForexPage:
    """/forex over made-up answers."""

    def __init__(self, visit: Visit, templates: Any, **options: Any) -> None:
        blackout = options.pop("blackout", make_blackout())
        trades = options.pop("trades", make_trades(2))
        self.site = visit(**options)
        self.page = self.site.page
        self.document = as_document(Settings())
        self.site.pages["/forex"] = templates.render(
            "forex.html",
            settings=self.document["forex"], revision="r1",
            knobs=[knob._asdict() for knob in KNOBS],
            advice={"time_zone": "America/Chicago", "utc_offset_minutes": -360,
                    "in_hours": False, "as_of": "2026-12-16T19:32:07Z"},
            blackout=blackout, trades=trades, problem=None, header="X-Forex-Token",
            token={"masked": "••••••••wxyz", "is_given": False}, epoch="e1", seq=1,
        )  # fmt: skip
        api = self.site.api
        api["GET /api/health"] = (200, templates.make_health())
        api["GET /api/forex/trades"] = (200, {"epoch": "e1", "seq": 1, "forex": trades})
        api["GET /api/forex/blackout"] = (200, blackout)

    def open(self) -> ForexPage:
        self.site.open("/forex")
        self.page.locator('[data-part="origin"]:has-text(":9")').wait_for(state="attached")
        return self

    def text(self, part: str) -> str:
        found: str = self.page.locator(f'[data-part="{part}"]').first.inner_text()
        return found

    def writes(self) -> list[tuple[str, str, Any]]:
        return [each for each in self.site.asked if each[0] != "GET"]


@pytest.fixture
def opened(visit: Visit, templates: Any) -> Callable[..., ForexPage]:
    return lambda **options: ForexPage(visit, templates, **options).open()


def test_numbers_news_and_trades_are_drawn_and_hostile_text_stays_text(
    opened: Callable[..., ForexPage],
) -> None:
    forex = opened()

    row = forex.page.locator('[data-part="rows"] tr').first.inner_text().split("\t")
    assert row[1:8] == [
        "9007199254740991", "PAIR2", "buy limit", "pending", "1.0853", "1.0833", "–"
    ]  # fmt: skip
    assert "Free of news" in forex.text("blackout")
    assert HOSTILE in forex.text("blackout")
    assert "quiet 14:58 to 15:02" in forex.text("blackout")
    assert forex.page.evaluate("window.broken") is None
    assert (forex.site.complaints, forex.site.foreign) == ([], [])


def test_a_calendar_that_cannot_say_is_not_called_free(opened: Callable[..., ForexPage]) -> None:
    unknown = make_blackout(active=None, next=None, events=[], reason="The calendar is off.")

    forex = opened(blackout=unknown)

    assert "News: not known" in forex.text("blackout")
    assert "The calendar is off." in forex.text("blackout")
    assert "Free" not in forex.text("blackout")


def test_a_changed_number_is_saved_as_the_section_alone(
    opened: Callable[..., ForexPage],
) -> None:
    forex = opened()
    saved = {**forex.document, "forex": {**forex.document["forex"], "fast_ema": 13}}
    forex.site.api["PUT /api/settings"] = (
        200, {"settings": saved, "revision": "r2", "changes": ["EA fast EMA 20 → 13"]},
    )  # fmt: skip

    forex.page.fill("#ea-fast_ema", "13")
    told = forex.text("changed")
    forex.page.click('[data-part="save"]')
    forex.page.locator(".toast").first.wait_for()

    ((_, path, body),) = forex.writes()
    assert told == "1 unsaved"
    assert (path, body["revision"], list(body["settings"])) == ("/api/settings", "r1", ["forex"])
    assert body["settings"]["forex"]["fast_ema"] == 13
    assert forex.page.locator('[data-part="save"]').is_disabled()


@pytest.mark.parametrize(
    ("name", "typed"),
    [("lot_size", "0"), ("lot_size", ""), ("rsi_period", "14.5"), ("start_hour", "24")],
)
def test_a_number_outside_its_limits_cannot_be_saved(
    opened: Callable[..., ForexPage], name: str, typed: str
) -> None:
    forex = opened()

    forex.page.fill(f"#ea-{name}", typed)

    error = forex.page.locator(f'[data-error="{name}"]').inner_text()
    assert "number from" in error
    assert forex.page.locator('[data-part="save"]').is_disabled()
    forex.page.click('[data-part="undo"]')
    assert forex.page.locator(f'[data-error="{name}"]').inner_text() == ""


def test_what_the_server_refuses_stands_at_its_field(opened: Callable[..., ForexPage]) -> None:
    forex = opened()
    message = "forex.slow_ema must be more than the fast EMA (60), not 50"
    forex.site.api["PUT /api/settings"] = (
        422, {"error": {"code": "invalid", "message": message, "field": "forex.slow_ema"}},
    )  # fmt: skip

    forex.page.fill("#ea-fast_ema", "60")
    forex.page.click('[data-part="save"]')

    forex.page.locator('[data-error="slow_ema"]:has-text("more than")').wait_for()
    assert forex.page.input_value("#ea-fast_ema") == "60"


def test_the_token_is_asked_for_only_by_its_button_and_a_new_one_asks_first(
    opened: Callable[..., ForexPage],
) -> None:
    forex = opened()
    forex.site.api["POST /api/forex/token/reveal"] = (
        200, {"token": "t" * 43, "masked": "••••••••tttt", "header": "X-Forex-Token"},
    )  # fmt: skip
    forex.site.api["POST /api/forex/token"] = (
        201, {"token": "n" * 43, "masked": "••••••••nnnn", "header": "X-Forex-Token"},
    )  # fmt: skip
    before = forex.writes()

    forex.page.click('[data-action="copy-token"]')
    forex.page.locator('.toast:has-text("Token copied")').wait_for()
    forex.page.click('[data-action="new-token"]')
    forex.page.keyboard.press("Enter")  # the safe answer is the focused one
    kept = forex.text("token")
    forex.page.click('[data-action="new-token"]')
    forex.page.click('button:has-text("Make a new token")')
    forex.page.locator('[data-part="token"]:has-text("nnnn")').wait_for()

    assert before == []
    assert kept == "••••••••wxyz"
    assert [path for _, path, _ in forex.writes()] == [
        "/api/forex/token/reveal", "/api/forex/token"
    ]  # fmt: skip


@pytest.mark.parametrize("width", [360, 768, 1024, 1440])
def test_the_page_never_scrolls_sideways(opened: Callable[..., ForexPage], width: int) -> None:
    forex = opened(width=width, trades=make_trades(60))

    wide = forex.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width


def test_no_trades_is_said_and_not_an_empty_table(opened: Callable[..., ForexPage]) -> None:
    forex = opened(trades=make_trades(0))

    assert forex.page.locator('[data-part="empty"]').is_visible()
    assert not forex.page.locator('[data-part="problem"]').is_visible()


def test_setup_leads_here_and_still_marks_its_own_first_section(
    visit: Visit, templates: Any
) -> None:
    site = visit()
    site.pages["/setup"] = templates.render("setup.html")
    site.api["GET /api/health"] = (200, templates.make_health())

    site.open("/setup")
    link = site.page.locator('.sections a[aria-current="true"]')
    link.wait_for()

    assert link.all_inner_texts() == ["Symbols"]
    assert site.page.locator('.sections a[href="/forex"]').inner_text() == "EA exchange"
