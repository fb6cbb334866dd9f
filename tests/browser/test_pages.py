"""Pages in a real browser under the strict policy, with every answer made up here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from grok_sauce.settings import Settings, as_document

pytestmark = [pytest.mark.browser, pytest.mark.timeout(60)]

Visit = Callable[..., Any]
ORDER = "[...document.querySelectorAll('#table tbody tr')].map(row => row.dataset.symbol).join(' ')"
COLUMNS = "[...document.querySelectorAll('#table thead th')].map(th => th.dataset.col)"


def make_rows(templates: Any) -> list[dict[str, Any]]:
    values = [("SPY", 0.43, 1.18), ("TLT", -0.68, 1.67), ("SPX", 0.51, None), ("XLP", 0.0, 0.88)]
    rows = []
    for order, (symbol, percent, rvol) in enumerate(values):
        row = templates.make_row(symbol, price=100.25 + order, change_percent=percent, rvol=rvol)
        row |= {"order": order, "age": 0.2, "color": "darkgreen", "open": 99.0, "spark": []}
        rows.append(row)
    return rows


def make_site(
    visit: Visit, templates: Any, template: str = "indicator.html", **options: Any
) -> Any:
    site = visit(**options)
    rows = make_rows(templates)
    path = "/" + template.removesuffix(".html")
    site.pages[path] = templates.render(template, rows=rows)
    site.api["GET /api/indicator"] = (200, {"epoch": "e", "seq": 0, "rows": rows})
    report = templates.make_health(
        loop={"p50": 1.0, "p99": 2.0, "max": 3.0, "minutes": [1.0, 2.0]},
        queues=[{"name": "Feed", "depth": 3, "limit": 10}],
        clients=[],
        sockets={"open": 1, "limit": 4000},
        memory_mb=None,
        up_since_ms=templates.NOW_MS,
        feed_rate=None,
        feed_peak=None,
        tick_ms=None,
    )
    site.api["GET /api/health"] = (200, report)
    if template == "status.html":
        site.pages[path] = templates.render(template, health=report)
    return site


@pytest.mark.parametrize("template", ["indicator.html", "setup.html", "status.html"])
def test_a_page_runs_under_the_strict_policy_and_never_scrolls_sideways(
    visit: Visit, templates: Any, template: str
) -> None:
    site = make_site(visit, templates, template)

    site.open("/" + template.removesuffix(".html"))
    site.page.wait_for_selector('[data-part="sources"] .source', state="attached")
    overflow = {}
    for width in (1440, 1280, 1024, 800, 390, 320):
        site.page.set_viewport_size({"width": width, "height": 800})
        site.page.evaluate("() => new Promise(done => requestAnimationFrame(() => done()))")
        overflow[width] = site.page.evaluate("document.documentElement.scrollWidth") - width

    assert site.complaints == []
    assert site.foreign == []
    assert {width: excess for width, excess in overflow.items() if excess > 0} == {}


def test_a_click_sorts_and_a_second_one_reverses_with_unknowns_last(
    visit: Visit, templates: Any
) -> None:
    site = make_site(visit, templates)
    site.open("/indicator")
    head = site.page.locator('th[data-col="rvol"] button.head')

    head.click()
    first = site.page.evaluate(ORDER)
    sort = site.page.locator('th[data-col="rvol"]').get_attribute("aria-sort")
    head.click()
    second = site.page.evaluate(ORDER)

    assert first == "TLT SPY XLP SPX"
    assert sort == "descending"
    assert second == "XLP SPY TLT SPX"
    assert "sort=rvol" in site.page.url


def test_a_column_moves_by_keyboard_and_stays_moved_after_a_reload(
    visit: Visit, templates: Any
) -> None:
    site = make_site(visit, templates)
    site.open("/indicator")
    site.page.locator('th[data-col="volume"] button.head').focus()

    site.page.keyboard.press("Alt+ArrowLeft")
    moved = site.page.evaluate(COLUMNS)
    focused = site.page.evaluate("document.activeElement.parentElement.dataset.col")
    site.open("/indicator")

    assert moved.index("volume") == moved.index("rvol_day") - 1
    assert focused == "volume"
    assert site.page.evaluate(COLUMNS) == moved
    row = site.page.evaluate(
        "[...document.querySelector('#table tbody tr').children].map(cell => cell.dataset.col)"
    )
    assert row == moved


def test_a_column_is_hidden_by_delete_and_comes_back_with_reset(
    visit: Visit, templates: Any
) -> None:
    site = make_site(visit, templates)
    site.open("/indicator")
    site.page.locator('th[data-col="witching"] button.head').focus()

    site.page.keyboard.press("Delete")
    without = site.page.evaluate(COLUMNS)
    site.page.get_by_role("button", name="Reset columns").click()

    assert "witching" not in without
    assert "witching" in site.page.evaluate(COLUMNS)


def test_a_dragged_edge_stays_under_the_pointer(visit: Visit, templates: Any) -> None:
    site = make_site(visit, templates)
    site.open("/indicator")
    edge = site.page.locator('th[data-col="price"] .resize').bounding_box()

    site.page.mouse.move(edge["x"] + 4, edge["y"] + 10)
    site.page.mouse.down()
    site.page.mouse.move(edge["x"] + 64, edge["y"] + 10, steps=5)
    site.page.mouse.up()

    moved = site.page.locator('th[data-col="price"] .resize').bounding_box()
    assert abs(moved["x"] - edge["x"] - 60) <= 2


def test_blocked_sockets_fall_back_to_requests_and_say_so(visit: Visit, templates: Any) -> None:
    site = make_site(visit, templates)
    site.open("/indicator")

    site.page.wait_for_selector('[data-banner="polling"]', timeout=20_000)
    row = make_rows(templates)[0] | {"price": 777.5}
    site.api["GET /api/indicator"] = (200, {"epoch": "e", "seq": 1, "rows": [row]})
    cell = site.page.locator('tr[data-symbol="SPY"] td.price', has_text="777.50")
    cell.wait_for()

    assert cell.text_content() == "777.50"
    assert site.page.locator("#table tbody tr").count() == 1


def test_an_unsaved_change_is_listed_and_an_error_stands_at_its_field(
    visit: Visit, templates: Any
) -> None:
    site = make_site(visit, templates, "setup.html")
    refusal = {"code": "invalid", "message": "At most 20.", "field": "gex.expiries"}
    site.api["PUT /api/settings"] = (422, {"error": refusal})
    site.open("/setup")

    site.page.locator("#gex-expiries").fill("30")
    site.page.locator("#gex-expiries").press("Tab")
    listed = site.page.locator('[data-part="change-list"]').text_content()
    site.page.get_by_role("button", name="Save", exact=True).click()
    error = site.page.locator('[data-error="gex.expiries"]', has_text="At most 20.")
    error.wait_for()

    assert listed == "GEX expiries 5 → 30"
    assert site.page.locator("#gex-expiries").input_value() == "30"
    sent = [body for method, _, body in site.asked if method == "PUT"]
    assert sent == [
        {
            "revision": "r1",
            "settings": {"gex": templates.SETTINGS["gex"] | {"expiries": 30}},
        }
    ]


def test_a_symbol_is_checked_before_it_is_added(visit: Visit, templates: Any) -> None:
    site = make_site(visit, templates, "setup.html")
    reason = "No source knows NOPE."
    site.api["GET /api/symbols/check"] = (200, {"ok": False, "symbol": "NOPE", "reason": reason})
    site.open("/setup")

    site.page.locator("#add-symbol").fill("nope")
    site.page.locator("#add-symbol").press("Enter")
    site.page.locator("#add-error", has_text=reason).wait_for()
    before = site.page.locator('[data-group="positive"] li').count()
    site.page.get_by_role("button", name="Add anyway").click()

    assert before == 1
    assert site.page.locator('[data-group="positive"] li').count() == 2


def test_a_short_token_is_refused_at_its_field_without_a_request(
    visit: Visit, templates: Any
) -> None:
    site = make_site(visit, templates, "setup.html")
    site.open("/setup")
    test = site.page.get_by_role("button", name="Test connection")
    was_disabled = test.is_disabled()

    site.page.locator("#client-secret").fill("s" * 40)
    site.page.locator("#refresh-token").fill("eyJhbGciOiJFZERTQSIsInR5cCI")
    test.click()

    error = site.page.locator("#refresh-token-error").text_content()
    assert was_disabled
    assert error.startswith("Token ends early: 27 characters")
    assert not [path for _, path, _ in site.asked if "credentials" in path]


def test_unknown_tiles_of_the_status_page_are_dashes(visit: Visit, templates: Any) -> None:
    site = make_site(visit, templates, "status.html")

    site.open("/status")
    site.page.locator('[data-tile="health"] .metric', has_text="200").wait_for()

    tiles = {
        name: site.page.locator(f'[data-tile="{name}"] .metric').text_content()
        for name in ("feed", "tick", "memory", "loop")
    }
    assert tiles == {"feed": "–", "tick": "–", "memory": "–", "loop": "2 ms"}


def test_a_phone_shows_cards_and_filters_by_group(visit: Visit, templates: Any) -> None:
    site = make_site(visit, templates, width=390, height=844)
    site.open("/indicator")

    height = site.page.locator('tr[data-symbol="SPY"]').bounding_box()["height"]
    site.page.locator('[data-filter="negative"]').click()

    assert height == 53
    assert site.page.locator("#table tbody tr:visible").count() == 0
    assert site.page.locator(".tabs").is_visible()


def test_single_keys_work_outside_fields_only(visit: Visit, templates: Any) -> None:
    site = make_site(visit, templates)
    site.open("/indicator")
    site.page.locator("h1").click()

    site.page.keyboard.press("/")
    focused = site.page.evaluate("document.activeElement.getAttribute('role')")
    site.page.keyboard.type("?")
    in_field = site.page.get_by_role("dialog").count()
    site.page.keyboard.press("Escape")
    site.page.keyboard.press("Escape")
    site.page.keyboard.press("?")

    assert focused == "combobox"
    assert in_field == 0
    assert site.page.get_by_role("dialog").count() == 1


def test_up_since_is_counted_in_real_time_whatever_the_market_says(
    visit: Visit, templates: Any
) -> None:
    site = visit()
    wall = templates.NOW_MS - 25 * 86_400_000
    report = templates.make_health(
        clock={"market_ms": templates.NOW_MS, "wall_ms": wall, "speed": 24.0},
        up_since_ms=wall - 185_000,
        clients=[],
        queues=[],
        loop=None,
    )
    site.pages["/status"] = templates.render("status.html", health=report)
    site.api["GET /api/health"] = (200, report)

    site.open("/status")
    reading = site.page.locator('[data-tile="up"] .reading', has_text="ago")
    reading.wait_for()

    assert reading.text_content() == "3m ago, real time"
    assert site.page.locator('[data-tile="up"] .metric').text_content() == "14:29:02"


def test_the_header_counts_the_history_that_comes_and_is_silent_when_it_has(
    visit: Visit, templates: Any
) -> None:
    site = visit(width=1280, height=800)
    router = {"mark": "fresh", "text": "0 waiting", "needs": 0}
    values: dict[str, Any] = {"clients": [], "queues": [], "loop": None, "router": router}
    site.pages["/status"] = templates.render("status.html", health=templates.make_health(**values))
    under_way = templates.make_health(loading={"done": 12, "of": 40}, **values)
    site.api["GET /api/health"] = (200, under_way)

    site.open("/status")
    loading = site.page.locator('[data-part="loading"]')
    loading.wait_for(state="visible")
    text = loading.text_content()
    bar = loading.locator("progress").evaluate("bar => [bar.value, bar.max]")
    excess = {}
    for width in (1280, 390, 320):
        site.page.set_viewport_size({"width": width, "height": 800})
        site.page.evaluate("() => new Promise(done => requestAnimationFrame(() => done()))")
        excess[width] = site.page.evaluate("document.documentElement.scrollWidth") - width
    site.page.set_viewport_size({"width": 1280, "height": 800})
    site.api["GET /api/health"] = (200, templates.make_health(loading=None, **values))
    loading.wait_for(state="hidden")

    assert text == "loading 12/40 symbols"
    assert bar == [12, 40]
    assert {width: more for width, more in excess.items() if more > 0} == {}
    assert site.complaints == []


def test_the_lexicon_of_the_master_sentiment_is_chosen_on_setup(
    visit: Visit, templates: Any
) -> None:
    site = visit()
    site.pages["/setup"] = templates.render("setup.html", settings=as_document(Settings()))
    site.api["GET /api/health"] = (200, templates.make_health())
    site.open("/setup")

    select = site.page.get_by_label("Master sentiment by")
    before = select.input_value()
    select.select_option("finance")

    site.page.locator('[data-part="savebar"]').wait_for()
    change = site.page.locator('[data-part="change-list"]').text_content()

    assert before == "plain"
    assert "finance" in str(change)


def test_parts_are_cards_of_two_lines_on_a_phone(visit: Visit, templates: Any) -> None:
    site = visit(width=390, height=844)
    source = templates.make_health()["sources"][0] | {"age": 754.0}
    report = templates.make_health(sources=[source], clients=[], queues=[], loop=None)
    site.pages["/status"] = templates.render("status.html", health=report)
    site.api["GET /api/health"] = (200, report)

    site.open("/status")
    age = site.page.locator('[data-part="sources-rows"] td:nth-child(4)', has_text="12m")
    age.wait_for()

    # At one moment: the page draws its rows again with each report.
    fits, apart, height = site.page.locator('[data-part="sources-rows"] tr').evaluate(
        """row => {
          const [name, age] = [2, 4].map((place) => row.querySelector(`td:nth-child(${place})`));
          const top = (cell) => cell.getBoundingClientRect().top;
          const fits = age.scrollWidth <= age.clientWidth;
          return [fits, Math.abs(top(age) - top(name)), row.clientHeight];
        }"""
    )
    assert fits
    assert apart < 3
    assert height < 60


@pytest.mark.parametrize("width", [1440, 1280, 390])
def test_the_steps_of_the_wizard_stand_in_one_line(
    width: int, visit: Visit, templates: Any
) -> None:
    site = make_site(visit, templates, "setup.html", width=width)

    site.open("/setup")

    heights = site.page.evaluate(
        "[...document.querySelectorAll('.steps li')].map(li => [li.clientHeight,"
        " li.scrollWidth - li.clientWidth])"
    )
    assert all(height < 44 and excess <= 0 for height, excess in heights)


def test_writes_are_off_while_the_server_is_away(visit: Visit, templates: Any) -> None:
    site = make_site(visit, templates, "setup.html")
    site.open("/setup")
    site.page.locator("#gex-expiries").fill("30")
    site.page.locator("#gex-expiries").press("Tab")
    save = site.page.get_by_role("button", name="Save", exact=True)
    site.page.locator('[data-banner="polling"]').wait_for(timeout=20_000)
    allowed = save.get_attribute("aria-disabled")

    site.is_down = True
    site.page.locator('[data-part="save"][aria-disabled="true"]').wait_for(timeout=15_000)
    save.click(force=True)

    assert allowed is None
    assert save.get_attribute("title") == "Not connected"
    assert site.page.locator(".savebar [data-offline]").is_visible()
    assert not [method for method, _, _ in site.asked if method == "PUT"]


@pytest.mark.parametrize("width", [1440, 390])
def test_a_conflict_shows_both_sides_and_saves_on_top_of_theirs(
    width: int, visit: Visit, templates: Any
) -> None:
    site = make_site(visit, templates, "setup.html", width=width)
    theirs = templates.SETTINGS | {"gex": templates.SETTINGS["gex"] | {"unit": "point"}}
    refusal = {"code": "conflict", "message": "not saved: it changed on disk"}
    site.api["PUT /api/settings"] = (409, {"error": refusal})
    site.api["GET /api/settings"] = (200, {"settings": theirs, "revision": "r2", "secrets": {}})
    site.open("/setup")
    site.page.locator("#gex-expiries").fill("30")
    site.page.locator("#gex-expiries").press("Tab")

    site.page.locator('[data-part="save"]').click()
    dialog = site.page.get_by_role("alertdialog")
    dialog.wait_for()
    box, text = dialog.bounding_box(), dialog.inner_text()
    focused = site.page.evaluate("document.activeElement.textContent")
    merged = theirs | {"gex": theirs["gex"] | {"expiries": 30}}
    site.api["PUT /api/settings"] = (200, {"settings": merged, "revision": "r3", "changes": []})
    dialog.get_by_role("button", name="Keep mine and save").click()
    site.page.locator('[data-part="savebar"]').wait_for(state="hidden")

    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert "Saved meanwhile: GEX unit" in text
    assert "Yours: GEX expiries" in text
    assert focused == "Show the saved ones"
    sent = [body for method, _, body in site.asked if method == "PUT"]
    assert sent[-1] == {"revision": "r2", "settings": {"gex": merged["gex"]}}


def test_an_import_lists_what_changes_before_it_is_saved(
    visit: Visit, templates: Any, tmp_path: Any
) -> None:
    site = make_site(visit, templates, "setup.html")
    answer = {"changes": ["IWM added to positive"], "settings": templates.SETTINGS}
    site.api["POST /api/settings/import"] = (200, answer)
    file = tmp_path / "mine.json"
    file.write_text("{}")
    site.open("/setup")

    site.page.locator('[data-part="import-file"]').set_input_files(str(file))
    dialog = site.page.get_by_role("alertdialog")
    dialog.wait_for()
    text = dialog.inner_text()
    site.page.keyboard.press("Escape")

    assert "Import 1 change?" in text
    assert "IWM added to positive" in text
    assert dialog.count() == 0
    assert len([path for _, path, _ in site.asked if path.endswith("import")]) == 1
    file.write_text("{nope")
    site.page.locator('[data-part="import-file"]').set_input_files(str(file))
    site.page.locator('[data-part="import-error"]', has_text="mine.json is not JSON.").wait_for()


def test_a_test_that_failed_names_cause_and_cure_and_one_that_passed_offers_live_data(
    visit: Visit, templates: Any
) -> None:
    site = make_site(visit, templates, "setup.html")
    failed = {"name": "Sign-in", "ok": False, "text": "refused", "cure": "Copy both again."}
    site.api["POST /api/credentials/test"] = (200, {"checks": [failed], "passed": False})
    site.open("/setup")
    site.page.locator("#client-secret").fill("demo")
    site.page.locator("#refresh-token").fill("demo")
    test = site.page.get_by_role("button", name="Test connection")

    test.click()
    line = site.page.locator('[data-check="Sign-in"][data-state="failed"]')
    line.wait_for()
    words = line.inner_text()
    passed = {"checks": [failed | {"ok": True, "text": "valid 15m"}], "passed": True}
    site.api["POST /api/credentials/test"] = (200, passed)
    test.click()
    use = site.page.get_by_role("button", name="Use live data")
    use.wait_for()
    restart = {"saved": True, "restart": "Sources start again."}
    site.api["POST /api/credentials"] = (200, restart)
    use.click()
    site.page.locator('[data-part="why"]', has_text="Sources start again.").wait_for()

    assert "refused" in words
    assert "Copy both again." in words
    assert site.page.locator("#client-secret").input_value() == ""
    assert site.page.locator('[data-part="step-text"]').text_content() == "saved"
