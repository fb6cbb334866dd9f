"""The live table in a real browser, fed row by row: flashes, reasons, the keyboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(60)]

Visit = Callable[..., Any]

# A second table of its own on the page: the page's one is fed by polling, which never flashes.
FEED = """
async (row) => {
  if (!window.fed) {
    const { LiveTable } = await import('/static/js/table.js');
    const table = document.createElement('table');
    table.className = 'live-table';
    table.append(document.createElement('tbody'));
    document.querySelector('.table-panel').prepend(table);
    window.fed = new LiveTable(table, [row], { now: () => Date.parse(row.as_of) }, () => {});
    await new Promise((done) => setTimeout(done, 200));
  }
  window.fed.take({ rows: [row] }, false);
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const cell = window.fed.element(row.symbol).querySelector('td.price');
  return [cell.dataset.dir ?? '', ['tick-up', 'tick-down'].filter((name) => cell.classList.contains(name)).join(' ')];
}
"""  # noqa: E501


def open_table(visit: Visit, templates: Any, rows: list[dict[str, Any]], **options: Any) -> Any:
    site = visit(**options)
    site.pages["/indicator"] = templates.render("indicator.html", rows=rows)
    site.api["GET /api/indicator"] = (200, {"epoch": "e", "seq": 0, "rows": rows})
    site.api["GET /api/health"] = (200, templates.make_health())
    site.open("/indicator")
    return site


def tick(templates: Any, price: float, direction: int) -> dict[str, Any]:
    row: dict[str, Any] = templates.make_row("SPY", price=price, direction=direction)
    return row | {"as_of": "2026-12-16T19:32:07Z", "age": 0.0}


def test_a_flash_never_shows_the_opposite_of_the_arrow(visit: Visit, templates: Any) -> None:
    site = open_table(visit, templates, [])

    def feed(row: dict[str, Any]) -> Any:
        return site.page.evaluate(FEED, row)

    feed(tick(templates, 100.0, 0))

    up = feed(tick(templates, 101.0, 1))
    turned = feed(tick(templates, 100.5, -1))  # within the second of the first flash
    site.page.wait_for_timeout(1100)
    # three ticks between two messages: up from 100.5 by the messages, down by the last tick
    between = feed(tick(templates, 100.8, -1))

    assert up == ["up", "tick-up"]
    assert turned == ["down", ""]
    assert between == ["down", "tick-down"]


def test_a_flash_ends_after_a_second_and_the_arrow_stays(visit: Visit, templates: Any) -> None:
    site = open_table(visit, templates, [])
    site.page.evaluate(FEED, tick(templates, 100.0, 0))
    flashed = site.page.evaluate(FEED, tick(templates, 101.0, 1))

    site.page.wait_for_timeout(1100)
    after = site.page.evaluate(FEED, tick(templates, 101.0, 1))

    assert flashed == ["up", "tick-up"]
    assert after == ["up", ""]


def test_a_change_names_its_reference_and_rvol_its_figures(visit: Visit, templates: Any) -> None:
    row = templates.make_row("SPY", price=606.0, open=603.0, prev_close=600.0, order=0)
    row |= {"change_price": 3.0, "change_percent": 0.4975, "change_close": 6.0}
    row |= {"change_close_percent": 1.0, "volume": 41_800_000, "rvol": 1.18}
    site = open_table(visit, templates, [row], width=1600)

    titles = {}
    for column in ("change_percent", "change_close_percent", "rvol", "rvol_day"):
        cell = site.page.locator(f'tr[data-symbol="SPY"] td[data-col="{column}"]')
        cell.hover()
        titles[column] = cell.get_attribute("title")

    assert titles["change_percent"] == "+3.00 (+0.50%) from today’s open, 603.00"
    assert titles["change_close_percent"] == "+6.00 (+1.00%) from the previous close, 600.00"
    assert titles["rvol"].endswith("41.8M against 35.4M.")
    assert titles["rvol_day"] is None  # neither known nor given a reason


def test_the_table_is_one_stop_of_tab_and_arrows_reach_its_heads(
    visit: Visit, templates: Any
) -> None:
    rows = [templates.make_row(symbol, price=1.0, order=at) for at, symbol in enumerate("AB")]
    site = open_table(visit, templates, rows, width=1440)
    where = "document.activeElement.closest('[data-symbol], th')?.outerHTML.slice(0, 200) ?? ''"
    site.page.locator('[data-action="csv"]').focus()

    site.page.keyboard.press("Tab")
    row = site.page.evaluate(where)
    site.page.keyboard.press("ArrowUp")
    site.page.keyboard.press("ArrowRight")
    head = site.page.evaluate("document.activeElement.parentElement.dataset.col")
    site.page.keyboard.press("ArrowDown")
    back = site.page.evaluate(where)

    assert 'data-symbol="A"' in row
    assert head == "price"
    assert 'data-symbol="A"' in back


def test_the_skip_link_comes_first_and_shows(visit: Visit, templates: Any) -> None:
    site = open_table(visit, templates, [])

    site.page.keyboard.press("Tab")

    box = site.page.locator(".skip").bounding_box()
    assert site.page.evaluate("document.activeElement.className") == "skip"
    assert box["y"] >= 0


@pytest.mark.parametrize(("age", "aging"), [(30, False), (61, True)])
def test_an_age_over_a_minute_is_a_warning(
    age: int, aging: bool, visit: Visit, templates: Any
) -> None:
    at = templates.NOW_MS / 1000 - age
    stamp = f"2026-12-16T19:{int(at) // 60 % 60:02}:{int(at) % 60:02}Z"
    row = templates.make_row("SPY", price=600.0, age=float(age), as_of=stamp, order=0)
    site = open_table(visit, templates, [row])
    cell = site.page.locator('tr[data-symbol="SPY"] td.age')

    site.page.wait_for_timeout(1200)

    warn = site.page.evaluate(
        "(() => { const e = document.createElement('i'); e.className = 'warn-text';"
        " document.body.append(e); return getComputedStyle(e).color })()"
    )
    shown = cell.evaluate("cell => getComputedStyle(cell).color")
    assert (shown == warn) is aging
