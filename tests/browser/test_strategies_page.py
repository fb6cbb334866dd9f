"""The routing tree in a real browser under the strict policy, with every answer made up here."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.browser import alerts_payload as made
from tests.browser.alert_site import Live, render

pytestmark = [pytest.mark.browser, pytest.mark.timeout(60)]

Visit = Callable[..., Any]
EDIT = "/api/routing/edit"
LONG = "?strategy=NQ+trend+5+min&ticker=NQ_Long_5min"


class StrategyPage:
    """/strategies over a made-up tree."""

    def __init__(self, visit: Visit, templates: Any, query: str = "", **options: Any) -> None:
        values = options.pop("values", {})
        self.tree = options.pop("tree", made.make_tree())
        self.site = visit(**options)
        self.page = self.site.page
        self.query = query
        self.live = Live(self.site)
        context = {"tree": self.tree, "numbers": made.make_numbers(), "absent": None}
        context |= {"tokens": made.make_tokens(), **values}
        self.site.pages["/strategies"] = render(
            templates, f"/strategies{query}", "strategies.html", **context
        )
        self.site.api["GET /api/health"] = (200, templates.make_health())
        self.site.api["GET /api/routing"] = (200, self.tree)
        self.site.api["GET /api/tokens"] = (200, made.make_tokens())
        self.allow(EDIT, self.tree)

    def allow(self, path: str, value: Any, status: int = 200) -> None:
        self.site.api[f"POST {path}"] = (status, value)

    def open(self) -> StrategyPage:
        self.site.open(f"/strategies{self.query}")
        self.page.locator('[data-part="sources"] .source').first.wait_for(state="attached")
        return self

    def row(self, *path: str) -> Any:
        key = json.dumps(path, separators=(",", ":"))
        return self.page.locator(f"tr[data-key='{key}']")

    def sent(self) -> list[Any]:
        return [body for method, _, body in self.site.asked if method == "POST"]

    def menu(self, row: Any, item: str) -> None:
        row.get_by_role("button", name="Menu of").click()
        self.page.get_by_role("menuitem", name=item).click()

    @property
    def dialog(self) -> Any:
        return self.page.locator(".dialog")

    @property
    def options(self) -> Any:
        return self.page.locator('[data-part="options"]')


@pytest.fixture
def strategies(visit: Visit, templates: Any) -> StrategyPage:
    return StrategyPage(visit, templates).open()


@pytest.mark.parametrize("query", ["", LONG])
def test_the_page_runs_under_the_strict_policy_and_never_scrolls_sideways(
    visit: Visit, templates: Any, query: str
) -> None:
    strategies = StrategyPage(visit, templates, query).open()
    overflow = {}
    for width in (1440, 1280, 1024, 768, 390, 320):
        strategies.page.set_viewport_size({"width": width, "height": 800})
        strategies.page.evaluate("() => new Promise(done => requestAnimationFrame(() => done()))")
        overflow[width] = strategies.page.evaluate("document.documentElement.scrollWidth") - width

    assert strategies.site.complaints == []
    assert strategies.site.foreign == []
    assert {width: excess for width, excess in overflow.items() if excess > 0} == {}


def test_the_tree_stands_in_the_page_without_any_script(visit: Visit, templates: Any) -> None:
    strategies = StrategyPage(visit, templates, java_script_enabled=False)
    strategies.site.open("/strategies")

    rows = strategies.page.locator('[data-part="rows"] tr')
    assert rows.count() == 18
    assert rows.nth(0).locator("th, td").all_inner_texts()[:2] == [
        "NQ trend 5 min 2 tickers, 3 ports", "Live",
    ]  # fmt: skip
    assert "listening, 3s ago" in rows.nth(2).inner_text()
    assert "1 uncertain" in strategies.page.locator('[data-part="rows"]').inner_text()
    assert strategies.page.locator('[data-sum="delivered"]').inner_text() == "168"


def test_rows_say_lamp_ages_and_the_second_use_of_a_port(strategies: StrategyPage) -> None:
    port = strategies.row("NQ trend 5 min", "NQ_Long_5min", "localhost:8091")
    second = strategies.row("ES 15 min", "ES_Short_15", "localhost:8095")

    assert "200 in 12 ms" in port.inner_text()
    ages = port.locator("[data-age]").all_inner_texts()
    assert ages[1:] == ["2m 03s", "2.04s"]
    assert second.locator(".lamp").inner_text().strip() == "same port as above"
    assert second.get_by_role("button", name="Send test").count() == 0
    covers = strategies.page.locator('[data-part="covers"]').inner_text()
    assert covers == "5 strategies · 6 tickers · 6 ports · 5 alerts need you"
    decide = strategies.page.get_by_role("link", name="Decide")
    assert "target=localhost%3A8093" in decide.get_attribute("href")


def test_the_grid_folds_walks_and_has_one_stop(strategies: StrategyPage) -> None:
    press = strategies.page.keyboard.press
    first = strategies.row("NQ trend 5 min")
    first.focus()

    press("ArrowLeft")
    folded = strategies.row("NQ trend 5 min", "NQ_Long_5min").count()
    press("ArrowRight")
    press("ArrowDown")
    press("ArrowDown")
    key = strategies.page.evaluate("document.activeElement.dataset.key")
    press("ArrowLeft")
    parent = strategies.page.evaluate("document.activeElement.dataset.key")

    assert folded == 0
    assert json.loads(key)[2] == "localhost:8091"
    assert json.loads(parent)[-1] == "NQ_Long_5min"
    grid = strategies.page.get_by_role("treegrid")
    assert grid.locator('tr[tabindex="0"]').count() == 1
    assert first.get_attribute("aria-level") == "1"


def test_live_asks_once_for_each_strategy_and_off_never(strategies: StrategyPage) -> None:
    row = strategies.row("RTY scalps")
    row.get_by_role("button", name="Live").click()
    text = strategies.dialog.inner_text()
    strategies.dialog.get_by_role("button", name="Stay in Dry").click()
    stayed = strategies.sent()
    row.get_by_role("button", name="Live").click()
    with strategies.page.expect_response(f"**{EDIT}"):
        strategies.dialog.get_by_role("button", name="Go live").click()
    with strategies.page.expect_response(f"**{EDIT}"):
        row.get_by_role("button", name="Live").click()  # the answer above still says dry
    with strategies.page.expect_response(f"**{EDIT}"):
        row.get_by_role("button", name="Off").click()

    assert "Dry: recorded, not sent" in text
    assert "none yet, so nothing is sent" in text
    assert stayed == []
    assert [each["mode"] for each in strategies.sent()] == ["live", "live", "off"]
    assert strategies.sent()[0] == {
        "revision": "r1", "op": "set_strategy", "name": "RTY scalps", "mode": "live",
    }  # fmt: skip


def test_deleting_lists_what_goes_and_the_safe_answer_keeps_it(strategies: StrategyPage) -> None:
    row = strategies.row("Swing")
    row.focus()
    strategies.page.keyboard.press("Delete")
    text = strategies.dialog.inner_text()
    strategies.page.keyboard.press("Enter")  # the safe answer has the focus
    kept = strategies.sent()
    strategies.menu(row, "Delete strategy")
    with strategies.page.expect_response(f"**{EDIT}"):
        strategies.dialog.get_by_role("button", name="Delete strategy").click()

    assert "Delete “Swing”?" in text
    assert "New alerts for GC_swing become unrouted." in text
    assert "1 ticker GC_swing, 1 port 8099" in text
    assert "used nowhere else" in text
    assert kept == []
    assert strategies.sent()[0]["op"] == "delete_strategy"


def test_deleting_a_shared_port_says_where_it_stays(strategies: StrategyPage) -> None:
    row = strategies.row("ES 15 min", "ES_Long_15", "localhost:8095")

    strategies.menu(row, "Delete port")

    assert "stays in ES_Short_15" in strategies.dialog.inner_text()


def test_adding_shows_an_error_at_its_field_and_keeps_what_was_typed(
    strategies: StrategyPage,
) -> None:
    message = "port: 5010 is this program's own."
    strategies.allow(EDIT, {"error": {"code": "invalid", "message": message, "field": "port"}}, 422)
    strategies.row("Swing", "GC_swing").get_by_role("button", name="Add port").click()
    strategies.dialog.get_by_label("Port").fill("5010")
    strategies.dialog.get_by_label("Label").fill("main")
    strategies.dialog.get_by_role("button", name="Add port").click()
    strategies.dialog.get_by_text(message).wait_for()
    typed = strategies.dialog.get_by_label("Port").input_value()
    strategies.allow(EDIT, strategies.tree)
    strategies.dialog.get_by_label("Port").fill("9060")
    with strategies.page.expect_response(f"**{EDIT}"):
        strategies.dialog.get_by_role("button", name="Add port").click()
    strategies.dialog.wait_for(state="detached")

    assert typed == "5010"
    assert strategies.sent()[-1] == {
        "revision": "r1", "op": "add_port", "strategy": "Swing", "ticker": "GC_swing",
        "port": 9060, "label": "main",
    }  # fmt: skip


def test_strategies_and_tickers_are_added_and_renamed_by_keyboard(
    strategies: StrategyPage,
) -> None:
    press = strategies.page.keyboard.press
    strategies.row("Swing").focus()
    for key, text in (("F2", "Metals"), ("Insert", "SI_swing")):
        press(key)
        strategies.page.keyboard.insert_text(text)
        with strategies.page.expect_response(f"**{EDIT}"):
            press("Enter")
        strategies.dialog.wait_for(state="detached")

    assert [{**each, "revision": ""} for each in strategies.sent()] == [
        {"revision": "", "op": "rename_strategy", "name": "Swing", "to": "Metals"},
        {"revision": "", "op": "add_ticker", "strategy": "Swing", "name": "SI_swing"},
    ]


def test_a_test_stays_beside_its_port(strategies: StrategyPage) -> None:
    row = strategies.row("NQ trend 5 min", "NQ_Long_5min", "localhost:8092")
    strategies.allow("/api/routing/test", {"ok": False, "text": "refused", "ms": 2, "status": None})

    row.get_by_role("button", name="Send test").click()
    row.get_by_text("refused in 2 ms").wait_for()
    strategies.live.push(tree_changed="r2")

    assert strategies.sent() == [
        {"strategy": "NQ trend 5 min", "ticker": "NQ_Long_5min", "port": 8092}
    ]
    assert row.get_by_text("refused in 2 ms").is_visible()


def test_options_save_only_what_changed_and_an_empty_field_means_the_usual(
    visit: Visit, templates: Any
) -> None:
    strategies = StrategyPage(visit, templates, LONG).open()
    options = strategies.options
    save = options.get_by_role("button", name="Save")
    before = save.is_disabled()

    options.get_by_label("Hold window, seconds").fill("3.5")
    options.get_by_label("Group").fill("")
    options.get_by_label("When a target does not answer").select_option("resend")
    options.get_by_text("More and guards").click()
    options.get_by_label("No opens between, New York").fill("09:30-09:35, 15:55-16:00")
    with strategies.page.expect_response(f"**{EDIT}"):
        save.click()

    assert before
    assert strategies.sent() == [
        {
            "revision": "r1", "op": "set_ticker", "strategy": "NQ trend 5 min",
            "name": "NQ_Long_5min", "delay_s": 3.5, "group": None, "ambiguous_policy": "resend",
            "no_open_between": ["09:30-09:35", "15:55-16:00"],
        }
    ]  # fmt: skip


def test_a_wrong_option_is_told_at_its_field(visit: Visit, templates: Any) -> None:
    strategies = StrategyPage(visit, templates, LONG).open()
    options = strategies.options
    field = options.get_by_label("Hold window, seconds")

    field.fill("90")
    options.get_by_role("button", name="Save").click()
    own = options.locator('[data-error="delay_s"]').inner_text()
    field.fill("")
    options.get_by_label("Group").fill("x")
    error = {"code": "invalid", "message": "group is too odd.", "field": "group"}
    strategies.allow(EDIT, {"error": error}, 422)
    options.get_by_role("button", name="Save").click()
    options.locator('[data-error="group"]', has_text="group is too odd.").wait_for()

    assert own == "A number, 0 to 60."
    assert options.get_by_label("Group").get_attribute("aria-invalid") == "true"
    assert len(strategies.sent()) == 1


def test_a_newer_tree_does_not_take_what_is_being_typed(visit: Visit, templates: Any) -> None:
    strategies = StrategyPage(visit, templates, LONG).open()
    field = strategies.options.get_by_label("Hold window, seconds")
    field.fill("7")
    tree = made.make_tree(revision="r2")
    tree["strategies"][0]["tickers"][0]["ports"][0]["label"] = "renamed"
    strategies.site.api["GET /api/routing"] = (200, tree)

    strategies.live.push(tree_changed="r2")
    strategies.page.get_by_text("renamed").wait_for()

    assert field.input_value() == "7"


def test_a_conflict_says_so_and_loads_the_newest(strategies: StrategyPage) -> None:
    error = {"code": "conflict", "message": "routing.json changed at 14:20."}
    strategies.allow(EDIT, {"error": error}, 409)
    strategies.row("RTY scalps").get_by_role("button", name="Off").click()
    line = strategies.page.locator('[data-part="notes"] .line')
    line.wait_for()
    said = line.inner_text()
    newest = made.make_tree(revision="r2")
    newest["strategies"][4]["mode"] = "off"
    strategies.site.api["GET /api/routing"] = (200, newest)

    line.get_by_role("button", name="Load the newest").click()
    line.wait_for(state="detached")

    assert "changed meanwhile" in said
    off = strategies.row("RTY scalps").get_by_role("button", name="Off")
    assert off.get_attribute("aria-pressed") == "true"


def test_the_filter_finds_names_and_ports(strategies: StrategyPage) -> None:
    field = strategies.page.get_by_role("searchbox", name="Filter by name or port")

    field.fill("8099")
    by_port = strategies.page.locator('[data-part="rows"] tr').count()
    field.fill("copper")
    none = strategies.page.locator('[data-part="no-match"]').inner_text()

    assert by_port == 3
    assert none == "No strategy, ticker or port contains “copper”."


def test_the_webhook_address_is_masked_until_it_is_asked_for(strategies: StrategyPage) -> None:
    address = strategies.page.locator('[data-part="address"]')
    masked = address.inner_text()
    strategies.allow("/api/tokens/reveal", {"path": "/webhook/s3cret"})

    strategies.page.get_by_role("button", name="Show").click()
    strategies.page.get_by_text("http://127.0.0.1:9/webhook/s3cret").wait_for()
    strategies.page.get_by_role("button", name="Hide").click()

    assert masked.endswith("/webhook/••••••••")
    assert address.inner_text().endswith("/webhook/••••••••")


def test_a_new_token_is_shown_once_and_an_old_one_deleted_after_asking(
    strategies: StrategyPage,
) -> None:
    strategies.allow("/api/tokens", {"token": "abc", "path": "/webhook/abc"}, 201)
    strategies.site.api["DELETE /api/tokens"] = (200, {"rows": [], "file": None})

    strategies.page.get_by_role("button", name="New token…").click()
    strategies.dialog.get_by_label("Name").fill("desk 2")
    strategies.dialog.get_by_label("Only for these tickers").fill("GC_swing, NQ")
    strategies.dialog.get_by_role("button", name="Make token").click()
    strategies.dialog.get_by_text("http://127.0.0.1:9/webhook/abc").wait_for()
    strategies.dialog.get_by_role("button", name="Close").click()
    strategies.page.get_by_role("button", name="Delete token desk").click()
    with strategies.page.expect_response("**/api/tokens") as deleted:
        strategies.dialog.get_by_role("button", name="Delete token").click()

    assert strategies.sent()[0] == {"name": "desk 2", "tickers": ["GC_swing", "NQ"]}
    assert deleted.value.request.post_data_json == {"id": 2}


def test_an_import_shows_its_changes_before_anything_changes(strategies: StrategyPage) -> None:
    document = {"strategies": {}}
    changes = ['strategy "Swing" deleted (GC_swing)']
    strategies.allow("/api/routing/import", {"changes": changes, "tree": strategies.tree})
    strategies.page.locator('[data-part="import-file"]').set_input_files(
        {"name": "config.json", "mimeType": "application/json",
         "buffer": json.dumps(document).encode()}
    )  # fmt: skip
    strategies.dialog.get_by_text(changes[0]).wait_for()
    first = strategies.sent()

    with strategies.page.expect_response(lambda answer: answer.url.endswith("/import")):
        strategies.dialog.get_by_role("button", name="Import", exact=True).click()

    assert first == [{"document": document}]
    assert strategies.sent() == [{"document": document}] * 2


def test_an_earlier_version_is_restored_after_asking(strategies: StrategyPage) -> None:
    strategies.page.locator('.panel-head [data-action="import"]').click()
    strategies.dialog.get_by_role("button", name="Restore…").first.click()
    strategies.dialog.get_by_text("Restore the routing of").wait_for()

    with strategies.page.expect_response(f"**{EDIT}"):
        strategies.dialog.get_by_role("button", name="Restore", exact=True).click()

    assert strategies.sent() == [{"revision": "r1", "op": "restore", "n": 1}]


def test_a_daily_pause_is_offered_where_it_is_switched_on(visit: Visit, templates: Any) -> None:
    tree = made.make_tree()
    tree["strategies"][0]["daily_pause"] = True
    strategies = StrategyPage(visit, templates, "?strategy=NQ+trend+5+min", tree=tree)
    strategies.allow("/api/routing/pause_today", tree)
    strategies.open()

    with strategies.page.expect_response("**/api/routing/pause_today"):
        strategies.options.get_by_role("button", name="Pause opens for the rest of the day").click()

    assert strategies.sent() == [{"strategy": "NQ trend 5 min"}]


def test_hostile_names_stay_text(visit: Visit, templates: Any) -> None:
    hostile = "'\"><img src=x onerror=alert(1)>"
    tree = made.make_tree()
    tree["strategies"][0]["name"] = hostile
    tree["strategies"][0]["tickers"][0]["name"] = hostile
    tree["strategies"][0]["tickers"][0]["ports"][0]["label"] = hostile
    strategies = StrategyPage(visit, templates, tree=tree).open()

    strategies.page.locator('[data-part="rows"] tr').first.focus()
    strategies.page.keyboard.press("Delete")
    strategies.dialog.wait_for()

    assert strategies.site.complaints == []
    assert strategies.page.locator("img").count() == 0
    assert hostile in strategies.dialog.inner_text()


def test_no_strategies_and_no_router_say_what_to_do(visit: Visit, templates: Any) -> None:
    empty = StrategyPage(visit, templates, tree=made.make_tree(strategies=[])).open()
    values = {"absent": "The router is not running.", "tree": None, "numbers": None}
    absent = StrategyPage(visit, templates, values=values).open()

    assert "No strategies yet" in empty.page.locator('[data-part="empty"]').inner_text()
    assert "The router is not running." in absent.page.locator("main").inner_text()
    assert absent.site.complaints == []
    assert empty.site.complaints == []
