"""The alert log in a real browser under the strict policy, with every answer made up here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser import alerts_payload as made
from tests.browser.alert_site import Live, render

pytestmark = [pytest.mark.browser, pytest.mark.timeout(60)]

Visit = Callable[..., Any]
ASKS = "a20418"  # an open whose outcome is not known
SIZE = "a20417"  # a reversal whose new size is not known
HELD = "a20420"
REFUSED = "a20405"


class AlertPage:
    """/alerts over a made-up day; `asked` are writes, in order."""

    def __init__(self, visit: Visit, templates: Any, query: str = "", **options: Any) -> None:
        values = options.pop("values", {})
        health = options.pop("health", {"mark": "down", "text": "5 need you", "needs": 5})
        self.log = options.pop("log", made.make_log())
        self.site = visit(**options)
        self.page = self.site.page
        self.live = Live(self.site)
        self.query = query
        context = {"log": self.log, "detail": None, "security": None, "absent": None, **values}
        self.markup = render(templates, f"/alerts{query}", "alerts.html", **context)
        self.site.pages["/alerts"] = self.markup
        self.site.api["GET /api/health"] = (200, templates.make_health(router=health))
        self.answer(self.log)
        for row in self.log["rows"] if self.log else []:
            self.detail(row)
        self.site.api["GET /api/routing"] = (200, made.make_tree())

    def answer(self, log: Any) -> None:
        """What the next request for the list gets."""
        self.site.api["GET /api/alerts"] = (200, log)

    def detail(self, row: dict[str, Any], **values: Any) -> None:
        self.site.api[f"GET /api/alerts/{row['id']}"] = (200, made.make_detail(row, **values))

    def allow(self, path: str, value: Any = None, status: int = 200) -> None:
        self.site.api[f"POST {path}"] = (status, value or {"ok": True})

    def open(self) -> AlertPage:
        self.site.open(f"/alerts{self.query}")
        self.page.locator('[data-part="sources"] .source').first.wait_for(state="attached")
        return self

    def row(self, id: str) -> Any:
        return self.page.locator(f'tr[data-id="{id}"]')

    def sent(self) -> list[tuple[str, Any]]:
        return [(path, body) for method, path, body in self.site.asked if method == "POST"]

    def ids(self) -> list[str]:
        found: list[str] = self.page.evaluate(
            "[...document.querySelectorAll('#alerts-table tbody tr')].map(tr => tr.dataset.id)"
        )
        return found

    @property
    def drawer(self) -> Any:
        return self.page.locator('[data-part="drawer"]')

    @property
    def dialog(self) -> Any:
        return self.page.get_by_role("alertdialog")


@pytest.fixture
def alerts(visit: Visit, templates: Any) -> AlertPage:
    return AlertPage(visit, templates).open()


def opened(visit: Visit, templates: Any, id: str, **options: Any) -> AlertPage:
    page = AlertPage(visit, templates, f"?alert={id}", **options).open()
    page.drawer.locator(".timeline").wait_for()
    return page


# ---- the page without a script --------------------------------------------------------------


def test_rows_and_numbers_stand_in_the_page_without_any_script(
    visit: Visit, templates: Any
) -> None:
    alerts = AlertPage(visit, templates, java_script_enabled=False)
    alerts.site.open("/alerts")

    cells = alerts.row(ASKS).locator("th, td").all_inner_texts()
    assert cells[:5] == [
        "14:31:40.655", "MNQ_30minL", "buy → open long", "Open_Long_ID_409", "uncertain",
    ]  # fmt: skip
    assert cells[7] == "7,009"
    assert alerts.page.locator('[data-metric="delivered"] dd').inner_text() == "2.04s / 4.19s"
    assert alerts.page.locator(".nav .badge").inner_text().startswith("5")
    assert alerts.page.locator('a[data-part="older"]').get_attribute("href") == (
        "/alerts?before=20404"
    )
    form = alerts.page.locator('form[data-part="filters"]')
    assert (form.get_attribute("method"), form.get_attribute("action")) == ("get", "/alerts")
    assert form.get_by_role("button", name="Show").is_visible()


def test_a_script_draws_the_rows_as_the_server_did(visit: Visit, templates: Any) -> None:
    still = AlertPage(visit, templates, java_script_enabled=False)
    still.site.open("/alerts")
    words = "[...document.querySelectorAll('#alerts-table tbody tr')].map(tr => tr.innerText)"
    before = [each for each in still.page.evaluate(words) if "hold" not in each]
    live = AlertPage(visit, templates).open()

    after = [each for each in live.page.evaluate(words) if "hold" not in each]

    assert len(after) == 16
    assert [each for each in after if "RTY_rev" not in each] == [
        each for each in before if "RTY_rev" not in each
    ]


def test_hostile_text_stays_text_in_every_place(visit: Visit, templates: Any) -> None:
    hostile = '"><img src=x onerror=alert(1)></script><script>alert(2)</script>'
    row = made.make_row("a9", 9, ticker=hostile, trade_id=hostile, flags=[hostile])
    row |= {"targets": [made.make_target(8091, label=hostile)], "strategies": [hostile]}
    log = made.make_log([row], filters={name: [hostile] for name in made.make_log()["filters"]})
    alerts = AlertPage(visit, templates, "?alert=a9", log=log)
    sent = [{"target": hostile, "leg": "open", "body": hostile}]
    alerts.detail(row, body=hostile, source=hostile, sent=sent)
    alerts.open().drawer.locator(".timeline").wait_for()

    assert alerts.site.complaints == []
    assert alerts.page.locator("img").count() == 0
    assert hostile in alerts.drawer.inner_text()
    assert "<script>alert" not in alerts.markup


# ---- layout ---------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["", f"?alert={ASKS}", "?tab=dead"])
def test_the_page_runs_under_the_strict_policy_and_never_scrolls_sideways(
    visit: Visit, templates: Any, query: str
) -> None:
    alerts = AlertPage(visit, templates, query).open()
    overflow = {}
    for width in (1440, 1280, 1024, 768, 390, 320):
        alerts.page.set_viewport_size({"width": width, "height": 800})
        alerts.page.evaluate("() => new Promise(done => requestAnimationFrame(() => done()))")
        overflow[width] = alerts.page.evaluate("document.documentElement.scrollWidth") - width

    assert alerts.site.complaints == []
    assert alerts.site.foreign == []
    assert {width: excess for width, excess in overflow.items() if excess > 0} == {}


def test_no_time_state_or_port_is_cut_beside_the_drawer(visit: Visit, templates: Any) -> None:
    alerts = opened(visit, templates, ASKS)
    cut = """names => [...document.querySelectorAll('#alerts-table tbody tr')].flatMap(tr =>
      names.map(name => tr.querySelector('.' + name)).filter(cell =>
        cell.offsetParent && cell.scrollWidth > cell.clientWidth + 1)
        .map(cell => cell.innerText))"""
    found = {}
    for width in (1440, 1280, 1024):
        alerts.page.set_viewport_size({"width": width, "height": 800})
        found[width] = alerts.page.evaluate(cut, ["when", "state-cell", "targets", "flags"])

    assert found == {1440: [], 1280: [], 1024: []}


def test_the_drawer_is_452_pixels_beside_the_list_and_covers_it_on_a_tablet(
    visit: Visit, templates: Any
) -> None:
    alerts = opened(visit, templates, ASKS)

    wide = alerts.drawer.bounding_box()
    alerts.page.set_viewport_size({"width": 768, "height": 900})
    narrow = alerts.drawer.bounding_box()

    assert wide["width"] == 452
    assert alerts.row(ASKS).bounding_box()["x"] == 0
    assert narrow["width"] == 768


def test_a_phone_has_cards_and_one_button_for_the_filters(visit: Visit, templates: Any) -> None:
    alerts = AlertPage(visit, templates, width=390, height=844).open()
    button = alerts.page.get_by_role("button", name="Filters")
    before = alerts.page.locator('[data-filter="ticker"]').is_visible()

    button.click()

    assert not before
    assert alerts.page.locator('[data-filter="ticker"]').is_visible()
    card = alerts.row(ASKS).bounding_box()
    assert (card["width"], card["height"] < 70) == (390, True)
    assert alerts.page.locator(".tabs .badge").inner_text().startswith("5")


# ---- the log, live --------------------------------------------------------------------------


def new_row(number: int = 20421, **values: Any) -> dict[str, Any]:
    return made.make_row(f"a{number}", number, received_ms=made.NOW_MS, **values)


def test_a_new_alert_comes_on_top_and_numbers_move(alerts: AlertPage) -> None:
    alerts.live.push(new_row(), numbers=made.make_numbers(waiting=7, dead=6))

    alerts.row("a20421").wait_for()

    assert alerts.ids()[0] == "a20421"
    assert alerts.page.locator('[data-metric="waiting"] dd').inner_text() == "7"
    assert alerts.page.locator('[data-part="dead"]').inner_text() == "6"
    assert "of 185" in alerts.page.locator('[data-part="count"]').inner_text()


def test_rows_under_a_moving_pointer_stay_where_they_are(alerts: AlertPage) -> None:
    box = alerts.row(ASKS).bounding_box()
    alerts.page.mouse.move(box["x"] + 200, box["y"] + 10)

    alerts.live.push(new_row())

    assert alerts.page.get_by_text("1 new, put in when the pointer rests").is_visible()
    assert alerts.row(ASKS).bounding_box()["y"] == box["y"]
    alerts.page.mouse.move(5, 5)
    assert alerts.ids()[0] == "a20421"


def test_a_filtered_list_takes_only_rows_that_fit(visit: Visit, templates: Any) -> None:
    rows = [row for row in made.make_rows() if row["ticker"] == "MNQ_30minL"]
    alerts = AlertPage(visit, templates, "?ticker=MNQ_30minL", log=made.make_log(rows)).open()

    alerts.live.push(new_row(20421, ticker="ES_Long_15"), new_row(20422, ticker="MNQ_30minL"))
    alerts.row("a20422").wait_for()

    assert alerts.ids() == ["a20422", *(row["id"] for row in rows)]


def test_an_older_page_takes_no_new_rows_but_changes_of_its_own(
    visit: Visit, templates: Any
) -> None:
    alerts = AlertPage(visit, templates, "?before=20421").open()

    alerts.live.push(new_row(), {**alerts.log["rows"][0], "state": "done"})
    alerts.row(HELD).get_by_text("done").wait_for()

    assert "a20421" not in alerts.ids()


def test_the_list_over_http_is_taken_where_sockets_are_blocked(
    visit: Visit, templates: Any
) -> None:
    alerts = AlertPage(visit, templates)
    alerts.page.route("**/socket.io.min.js*", lambda route: route.abort())
    log = alerts.log
    alerts.answer({**log, "rows": [new_row(), *log["rows"][:5]], "total": 6, "more": False})

    alerts.open().row("a20421").wait_for()

    assert alerts.ids() == ["a20421", *(row["id"] for row in log["rows"][:5])]
    assert alerts.page.locator('[data-part="count"]').inner_text() == "1 to 6 of 6"


def test_filters_are_applied_as_chosen_and_stand_in_the_address(alerts: AlertPage) -> None:
    with alerts.page.expect_response("**/api/alerts?*state=refused*"):
        alerts.page.locator('[data-filter="state"]').select_option("refused")
    with alerts.page.expect_response("**/api/alerts?*q=ID_12*"):
        alerts.page.locator('[data-filter="q"]').fill("ID_12")
    query = parse_qs(urlsplit(alerts.page.url).query)
    export = alerts.page.locator('[data-part="export"]').get_attribute("href")
    alerts.page.get_by_role("button", name="Clear").click()

    assert query == {"state": ["refused"], "q": ["ID_12"]}
    assert "state=refused" in export
    assert urlsplit(alerts.page.url).query == ""


def test_the_head_says_what_is_wrong_and_which_guards_are_active(
    visit: Visit, templates: Any
) -> None:
    numbers = made.make_numbers(
        problems=["The disk is full: alerts are answered 503."],
        guards=["NQ trend 5 min is paused until 18:00."],
        breakers=[{"target": "localhost:8095", "next_probe_ms": made.NOW_MS + 4000}],
    )
    alerts = AlertPage(visit, templates, log=made.make_log(numbers=numbers)).open()

    lines = alerts.page.locator('[data-part="notes"] .line')
    assert lines.count() == 3
    assert lines.nth(0).get_attribute("role") == "alert"
    assert "disk is full" in lines.nth(0).inner_text()
    assert "localhost:8095 does not answer, next try" in lines.nth(1).inner_text()
    assert "paused until 18:00" in lines.nth(2).inner_text()


def test_a_list_that_cannot_be_read_says_so_and_offers_another_try(alerts: AlertPage) -> None:
    problem = {"error": {"code": "busy", "message": "The store is busy."}}
    alerts.site.api["GET /api/alerts"] = (500, problem)

    alerts.page.locator('[data-filter="state"]').select_option("refused")
    line = alerts.page.locator('[data-part="error"]')
    line.wait_for()
    said = line.inner_text()
    alerts.answer(alerts.log)
    line.get_by_role("button", name="Try again").click()
    line.wait_for(state="detached")

    assert "The store is busy." in said
    assert len(alerts.ids()) == 17


def test_without_a_router_the_page_keeps_its_frame_and_says_where_it_is(
    visit: Visit, templates: Any
) -> None:
    values = {"absent": "Alerts are taken at http://127.0.0.1:5011.", "router_url": "/other"}
    alerts = AlertPage(visit, templates, log=None, values=values, health=None).open()

    panel = alerts.page.locator('[data-part="absent"]')
    assert "http://127.0.0.1:5011" in panel.inner_text()
    assert panel.get_by_role("link", name="Open the router").get_attribute("href") == "/other"
    assert alerts.page.get_by_role("button", name="Pause forwarding").is_disabled()
    assert alerts.page.locator('[data-metric="waiting"] dd').inner_text() == "–"
    assert alerts.site.complaints == []


def test_an_empty_log_names_the_ways_out(visit: Visit, templates: Any) -> None:
    alerts = AlertPage(visit, templates, log=made.make_log([])).open()

    text = alerts.page.locator('[data-part="empty"]').inner_text()
    assert "No alerts today" in text
    assert "point a TradingView alert at the webhook address" in text
    assert not alerts.page.locator("#alerts-table").is_visible()


def test_lists_of_refusals_and_changes_are_tables(visit: Visit, templates: Any) -> None:
    line = {"at_ms": made.NOW_MS, "address": "203.0.113.9", "what": "wrong_token", "detail": "x"}
    values = {"security": [line]}
    alerts = AlertPage(visit, templates, "?tab=security", values=values).open()

    cells = alerts.page.locator(".security-table td").all_inner_texts()
    assert cells == ["Wed 16 Dec 14:32:07.000", "203.0.113.9", "wrong token", "x"]


# ---- one alert ------------------------------------------------------------------------------


def test_a_row_opens_in_the_drawer_with_its_question_first(alerts: AlertPage) -> None:
    alerts.row(ASKS).locator(".ticker").click()
    alerts.drawer.locator(".timeline").wait_for()

    heads = alerts.drawer.locator("h3").all_inner_texts()
    assert heads[0] == "Did this order reach NinjaTrader?"
    assert heads[1:4] == ["What happened", "Attempts", "Sent to the target"]
    assert f"alert={ASKS}" in alerts.page.url
    assert "3 of 184" in alerts.drawer.inner_text()
    assert "19:31:40.655 UTC" in alerts.drawer.inner_text()
    assert "+5,004" in alerts.drawer.inner_text()


def test_j_and_k_walk_and_escape_closes(visit: Visit, templates: Any) -> None:
    alerts = opened(visit, templates, ASKS)

    alerts.page.keyboard.press("j")
    alerts.drawer.get_by_role("heading", name="RTY_rev").wait_for()
    below = alerts.page.url
    alerts.page.keyboard.press("k")
    alerts.page.keyboard.press("k")
    alerts.drawer.get_by_role("heading", name="ES_Long_15").wait_for()
    alerts.page.keyboard.press("Escape")

    assert SIZE in below
    assert alerts.drawer.is_hidden()
    assert "alert=" not in alerts.page.url
    assert alerts.page.evaluate("document.activeElement.dataset.id") == "a20419"


def test_rows_are_one_stop_and_arrows_walk_them(alerts: AlertPage) -> None:
    stops = "document.querySelectorAll('#alerts-table [tabindex=\"0\"]').length"

    alerts.row(HELD).focus()
    alerts.page.keyboard.press("ArrowDown")
    alerts.page.keyboard.press("ArrowDown")
    alerts.page.keyboard.press("Enter")
    alerts.drawer.get_by_role("heading", name="MNQ_30minL").wait_for()

    assert alerts.page.evaluate(stops) == 1


def test_it_arrived_is_told_at_once(visit: Visit, templates: Any) -> None:
    alerts = opened(visit, templates, ASKS)
    alerts.allow(f"/api/alerts/{ASKS}/decide")

    with alerts.page.expect_response(f"**/api/alerts/{ASKS}/decide"):
        alerts.drawer.get_by_role("button", name="It arrived").click()

    assert alerts.sent() == [
        (f"/api/alerts/{ASKS}/decide", {"delivery": 204180, "decision": "arrived"})
    ]


def test_sending_again_asks_with_the_exposure_and_needs_a_tick(
    visit: Visit, templates: Any
) -> None:
    alerts = opened(visit, templates, ASKS)
    alerts.allow(f"/api/alerts/{ASKS}/decide")
    alerts.drawer.get_by_role("button", name="Send again…").click()
    text = alerts.dialog.inner_text()
    risky = alerts.dialog.get_by_role("button", name="Send again")
    focused = alerts.page.evaluate("document.activeElement.textContent")

    before = risky.is_disabled()
    alerts.page.keyboard.press("Enter")  # on the safe answer
    sent_by_enter = alerts.sent()
    alerts.drawer.get_by_role("button", name="Send again…").click()
    alerts.dialog.get_by_text("I looked at NinjaTrader").click()
    with alerts.page.expect_response("**/decide"):
        alerts.dialog.get_by_role("button", name="Send again").click()

    assert "Send MNQ_30minL open long again?" in text
    assert "4 contracts, 2 of them unwanted" in text
    assert "buy 2 MNQ_30minL at 21,406.25" in text
    assert "14:32:40, in 3" in text  # fresh for 60 s
    assert (before, focused, sent_by_enter) == (True, "Do not send", [])
    assert alerts.sent()[0][1]["decision"] == "send"


def test_a_question_that_settles_meanwhile_can_only_be_closed(visit: Visit, templates: Any) -> None:
    alerts = opened(visit, templates, ASKS)
    alerts.drawer.get_by_role("button", name="Send again…").click()
    row = alerts.log["rows"][2] | {"question": None, "state": "done", "needs": False}

    alerts.live.push({**row, "targets": [made.make_target(8093)]})
    alerts.dialog.get_by_text("Settled meanwhile: done.").wait_for()

    buttons = alerts.dialog.get_by_role("button").all_inner_texts()
    assert buttons == ["Close"]


def test_a_server_that_wants_a_late_order_confirmed_is_told(visit: Visit, templates: Any) -> None:
    alerts = opened(visit, templates, SIZE)
    error = {"code": "invalid", "message": "The open is older than 60 s.", "field": "confirm_late"}
    alerts.allow(f"/api/alerts/{SIZE}/decide", {"error": error}, 422)
    alerts.drawer.get_by_role("button", name="Send", exact=True).click()
    alerts.dialog.get_by_text("The open is older than 60 s.").wait_for()
    alerts.allow(f"/api/alerts/{SIZE}/decide")

    alerts.dialog.get_by_text("The price may have moved").click()
    with alerts.page.expect_response("**/decide"):
        alerts.dialog.get_by_role("button", name="Send it").click()

    assert [body.get("confirm_late") for _, body in alerts.sent()] == [None, True]


def test_the_size_of_a_reversal_is_sent_from_the_row(alerts: AlertPage) -> None:
    alerts.allow(f"/api/alerts/{SIZE}/decide")
    form = alerts.row(SIZE).locator("form")
    field = form.get_by_role("spinbutton")
    shown = field.input_value()

    field.fill("0")
    form.get_by_role("button", name="Send").click()
    alerts.page.get_by_text("A whole number, 1 to 10,000.").wait_for()
    refused = alerts.sent()
    field.fill("2")
    with alerts.page.expect_response("**/decide"):
        form.get_by_role("button", name="Send").click()

    assert (shown, refused) == ("1", [])
    assert alerts.sent()[0][1] == {"delivery": 204171, "decision": "send", "qty": 2}
    chips = alerts.row(SIZE).locator(".target").all_inner_texts()
    assert chips == ["8093\nclose", "open"]


def test_what_is_typed_stays_while_the_row_changes(alerts: AlertPage) -> None:
    field = alerts.row(SIZE).get_by_role("spinbutton")
    field.fill("3")

    alerts.live.push(new_row(), {**alerts.log["rows"][3], "tries": 2})
    alerts.row("a20421").wait_for()

    assert field.input_value() == "3"
    assert alerts.page.evaluate("document.activeElement.value") == "3"


def test_a_held_alert_can_be_cancelled(visit: Visit, templates: Any) -> None:
    alerts = opened(visit, templates, HELD)
    alerts.allow(f"/api/alerts/{HELD}/cancel")

    with alerts.page.expect_response("**/cancel"):
        alerts.drawer.get_by_role("button", name="Cancel").click()

    assert alerts.drawer.get_by_role("button", name="Replay…").count() == 0


def test_a_replay_as_new_needs_a_tick_and_says_age_and_position(
    visit: Visit, templates: Any
) -> None:
    alerts = opened(visit, templates, REFUSED)
    alerts.allow("/api/alerts/replay", {"replayed": 1, "refused": []})

    alerts.page.keyboard.press("r")
    text = alerts.dialog.inner_text()
    go = alerts.dialog.locator(".button.risky")
    late_blocks = go.is_disabled()
    alerts.dialog.get_by_text("older than its freshness limit").click()
    same = go.is_disabled()
    alerts.dialog.get_by_text("As a new order").click()
    as_new = go.is_disabled()
    alerts.dialog.get_by_text("I looked at NinjaTrader").click()
    with alerts.page.expect_response("**/api/alerts/replay"):
        go.click()

    assert "Replay GC_swing open long?" in text
    assert "long" in text
    assert (late_blocks, same, as_new) == (True, False, True)
    assert alerts.sent()[0][1] == {"ids": [REFUSED], "mode": "as_new", "confirm_late": True}


# ---- switches -------------------------------------------------------------------------------


def test_pausing_never_asks_and_resuming_says_what_is_sent(visit: Visit, templates: Any) -> None:
    alerts = AlertPage(visit, templates)
    alerts.allow("/api/alerts/pause")
    alerts.open()
    paused = made.make_log(numbers=made.make_numbers(paused=True, waiting=2))
    with alerts.page.expect_response("**/api/alerts/pause"):
        alerts.page.get_by_role("button", name="Pause forwarding").click()
    held = {"state": "held", "targets": []}
    rows = [
        made.make_row("h1", 5, received_ms=made.NOW_MS - 20_000, **held)
        | {"sent_as": "close short, open long"},
        made.make_row("h2", 4, received_ms=made.NOW_MS - 250_000, **held),
    ]
    alerts.answer({**paused, "rows": rows, "more": False})
    alerts.live.push(numbers=paused["numbers"])
    resume = alerts.page.get_by_role("button", name="Resume, 2 held")
    resume.wait_for()
    # the same two rows answer for the held and for the released ones
    resume.click()
    text = alerts.dialog.inner_text()
    alerts.page.keyboard.press("Escape")

    assert "Closes are sent first." in text
    assert "Sent now\n2 closes, 2 opens" in text
    assert "2 orders, oldest 4m 1" in text
    assert "Resume and send 4" in text
    assert [body for _, body in alerts.sent()] == [{"paused": True}]
    assert "primary" in resume.get_attribute("class")


def test_dry_mode_is_left_only_after_asking(visit: Visit, templates: Any) -> None:
    log = made.make_log(numbers=made.make_numbers(dry=True))
    alerts = AlertPage(visit, templates, log=log)
    alerts.allow("/api/alerts/dry")
    alerts.open()
    switch = alerts.page.get_by_role("switch")

    switch.click()
    alerts.dialog.get_by_role("button", name="Stay in dry mode").click()
    kept = alerts.sent()
    still_on = switch.is_checked()
    switch.click()
    with alerts.page.expect_response("**/api/alerts/dry"):
        alerts.dialog.get_by_role("button", name="Forward orders").click()

    assert (kept, still_on) == ([], True)
    assert alerts.sent() == [("/api/alerts/dry", {"dry": False})]


def test_the_dead_letter_acknowledges_and_replays_a_selection(visit: Visit, templates: Any) -> None:
    alerts = AlertPage(visit, templates, "?tab=dead")
    alerts.allow("/api/alerts/acknowledge", {"acknowledged": 2})
    alerts.open()
    button = alerts.page.get_by_role("button", name="Acknowledge")
    before = button.is_disabled()

    for id in (ASKS, REFUSED):
        alerts.row(id).get_by_role("checkbox").check()
    with alerts.page.expect_response("**/acknowledge"):
        button.click()

    assert before
    assert alerts.sent()[0][1] == {"ids": [ASKS, REFUSED]}


def test_a_span_of_time_is_replayed_for_one_target(visit: Visit, templates: Any) -> None:
    alerts = AlertPage(visit, templates, "?tab=dead")
    alerts.allow("/api/alerts/replay", {"replayed": 3, "refused": []})
    alerts.open()

    alerts.page.get_by_role("button", name="Replay a span of time…").click()
    alerts.page.locator("#span-target").select_option("localhost:8095")
    alerts.dialog.get_by_role("button", name="Continue…").click()
    alerts.dialog.get_by_text("older than its freshness limit").click()
    with alerts.page.expect_response("**/api/alerts/replay"):
        alerts.dialog.get_by_role("button", name="Replay", exact=True).click()

    body = alerts.sent()[0][1]
    assert body["target"] == "localhost:8095"
    assert body["between"]["to_ms"] - body["between"]["from_ms"] == 3_600_000


# ---- the header of every page ---------------------------------------------------------------


def test_badge_and_lamp_show_the_same_count_and_both_go_with_the_last_question(
    visit: Visit, templates: Any
) -> None:
    alerts = AlertPage(visit, templates).open()
    lamp = alerts.page.locator('[data-part="router"]')
    badge = alerts.page.locator(".nav .badge")
    before = (badge.inner_text().split()[0], lamp.inner_text().split())

    calm = {"mark": "fresh", "text": "0 waiting", "needs": 0}
    alerts.site.api["GET /api/health"] = (200, templates.make_health(router=calm))
    badge.wait_for(state="hidden")

    assert before == ("5", ["Router", "5", "need", "you"])
    assert lamp.inner_text().split() == ["Router", "0", "waiting"]
    assert lamp.get_attribute("data-mark") == "fresh"


def test_g_then_a_and_g_then_t_go_to_the_pages(visit: Visit, templates: Any) -> None:
    alerts = AlertPage(visit, templates).open()
    markup = render(templates, "/strategies", "strategies.html", tree=made.make_tree())
    alerts.site.pages["/strategies"] = markup
    alerts.site.api["GET /api/tokens"] = (200, made.make_tokens())

    alerts.page.keyboard.press("g")
    alerts.page.keyboard.press("t")
    alerts.page.wait_for_url("**/strategies")
    alerts.page.locator('[data-part="sources"] .source').first.wait_for(state="attached")
    alerts.page.keyboard.press("g")
    alerts.page.keyboard.press("a")
    alerts.page.wait_for_url("**/alerts")

    assert alerts.site.complaints == []


def test_a_lost_server_greys_the_numbers_and_stops_writes(visit: Visit, templates: Any) -> None:
    alerts = AlertPage(visit, templates).open()

    alerts.live.kill()
    alerts.page.locator("html[data-connection=lost]").wait_for(timeout=20_000)

    pause = alerts.page.get_by_role("button", name="Pause forwarding")
    assert pause.get_attribute("aria-disabled") == "true"
    pause.click(force=True)
    assert alerts.sent() == []
    assert len(alerts.ids()) == 17
