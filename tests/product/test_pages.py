"""The pages in a real browser, on the running demo."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.product.browser import Open, Tab
from tests.product.harness import Product, until

pytestmark = pytest.mark.browser

LIVE = ["SPY", "XLF", "XLP", "QQQ", "BITO", "XLU", "IYR", "TIP", "GLD", "TLT", "VIX", "UUP"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """One demo for the tests that only look."""
    # Ten minutes after the opening even the quiet ones tick.
    product = Product(tmp_path_factory.mktemp("demo"), "demo", "--start", "2026-12-16T09:40").wait()
    until(product.live, 30, "a live table")
    yield product
    product.stop()


def test_all_rows_tick_and_dxy_says_why_not(demo: Product, open_tab: Open) -> None:
    with open_tab() as tab:
        tab.page.goto(demo.url + "/indicator")
        before = tab.prices()
        seen: set[str] = set()

        def all_ticked() -> bool:
            seen.update(s for s, price in tab.prices().items() if price != before[s])
            return seen >= set(LIVE)

        until(lambda: all_ticked() or None, 90, "a tick of every row")

        assert (
            "Not offered by this source" in tab.page.locator('tr[data-symbol="DXY"]').inner_text()
        )
        assert tab.errors == []
        assert tab.hosts == {"127.0.0.1"}


def test_sort_stays_while_ticking_and_reverses_on_the_second_click(
    demo: Product, open_tab: Open
) -> None:
    with open_tab() as tab:
        tab.page.goto(demo.url + "/indicator")
        head = tab.page.locator('th[data-col="volume"] button.head')

        head.click()
        tab.page.mouse.move(5, 5)
        descending = until(lambda: sorted_by(tab, "volume", True), 5, "descending volumes")
        before = tab.prices()
        until(lambda: tab.prices() != before, 10, "a tick")
        tab.page.wait_for_timeout(1500)
        still = sorted_by(tab, "volume", True)
        head.click()
        tab.page.mouse.move(5, 5)
        ascending = until(lambda: sorted_by(tab, "volume", False), 5, "ascending volumes")

        assert descending
        assert still
        assert ascending
        assert tab.page.locator('th[data-col="volume"]').get_attribute("aria-sort") == "ascending"
        assert set(tab.order()[-2:]) == {"DXY", "VIX"}  # unknowns last in both directions
        assert "sort=" in tab.page.url


def sorted_by(tab: Tab, column: str, descending: bool) -> bool:
    """Is the table in the order of a column's figures, dashes last?"""
    texts = tab.page.evaluate(
        "c => [...document.querySelectorAll('tbody tr[data-symbol]')].map(tr => "
        "tr.querySelector(`td[data-col=\"${c}\"]`)?.textContent ?? '–')",
        column,
    )
    units = {"K": 1e3, "M": 1e6, "B": 1e9}
    numbers = [
        float(t.rstrip("KMB").replace(",", "")) * units.get(t[-1], 1) for t in texts if t != "–"
    ]
    return (
        len(numbers) > 5
        and numbers == sorted(numbers, reverse=descending)
        and texts[: len(numbers)].count("–") == 0
    )


def test_columns_move_and_resize_by_keyboard_and_survive_a_reload(
    demo: Product, open_tab: Open
) -> None:
    with open_tab() as tab:
        tab.page.goto(demo.url + "/indicator")
        tab.page.locator('th[data-col="rvol"] button.head').focus()
        start = tab.heads()
        width = tab.width("rvol")

        tab.page.keyboard.press("Alt+ArrowLeft")
        tab.page.keyboard.press("Shift+ArrowRight")
        tab.page.keyboard.press("Shift+ArrowRight")
        moved = tab.heads()
        wider = tab.width("rvol")
        tab.page.reload()
        tab.page.wait_for_timeout(300)

        assert moved.index("rvol") == start.index("rvol") - 1
        assert wider == pytest.approx(width + 16, abs=2)
        assert tab.heads() == moved
        assert tab.width("rvol") == pytest.approx(wider, abs=2)
        tab.page.locator('[data-action="reset"]').click()
        assert tab.heads() == start


def test_columns_move_and_resize_by_mouse_and_survive_a_reload(
    demo: Product, open_tab: Open
) -> None:
    with open_tab() as tab:
        tab.page.goto(demo.url + "/indicator")
        start = tab.heads()
        width = tab.width("volume")

        drag(tab, head_centre(tab, "volume"), head_centre(tab, "rvol"))
        moved = until(lambda: tab.heads() if tab.heads() != start else None, 5, "a moved column")
        box = tab.page.locator('th[data-col="volume"]').bounding_box()
        edge = (box["x"] + box["width"] - 2, box["y"] + box["height"] / 2)
        drag(tab, edge, (edge[0] + 40, edge[1]))
        wider = tab.width("volume")
        tab.page.reload()
        tab.page.wait_for_timeout(300)

        assert moved.index("volume") < start.index("volume")
        assert wider == pytest.approx(width + 40, abs=6)
        assert tab.heads() == moved
        assert tab.width("volume") == pytest.approx(wider, abs=2)


def head_centre(tab: Tab, column: str) -> tuple[float, float]:
    box = tab.page.locator(f'th[data-col="{column}"]').bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(tab: Tab, start: tuple[float, float], end: tuple[float, float]) -> None:
    mouse = tab.page.mouse
    mouse.move(*start)
    mouse.down()
    for step in range(1, 11):
        mouse.move(
            start[0] + (end[0] - start[0]) * step / 10, start[1] + (end[1] - start[1]) * step / 10
        )
        tab.page.wait_for_timeout(20)
    mouse.up()


def test_symbol_added_on_the_setup_page_ticks_within_three_seconds(
    start: Callable[..., Product],
    open_tab: Open,
) -> None:
    product = start("demo").wait()
    until(product.live, 30, "a live table")
    with open_tab() as tab:
        tab.page.goto(product.url + "/setup")
        field = tab.page.get_by_label("Add symbol")
        field.click()
        field.type("NVD", delay=20)
        tab.page.get_by_text("NVIDIA").first.wait_for(timeout=5000)
        field.fill("NVDA")
        field.press("Enter")
        tab.page.get_by_role("button", name="Save").click()
        tab.page.goto(product.url + "/indicator")

        price = until(lambda: number(tab.prices().get("NVDA")), 3, "a price of NVDA")

        assert price > 0
        assert all(number(tab.prices()[symbol]) for symbol in LIVE)
        assert product.health()["sources"][0]["restarts"] == 0
        assert tab.errors == []


def number(text: str | None) -> float | None:
    try:
        return float((text or "").replace(",", ""))
    except ValueError:
        return None


def test_killed_market_greys_the_rows_and_they_come_back(
    start: Callable[..., Product], open_tab: Open
) -> None:
    product = start("demo").wait()
    until(product.live, 30, "a live table")
    with open_tab() as tab:
        tab.page.goto(product.url + "/indicator")
        until(lambda: tab.stale() == 0, 5, "no grey row")

        os.kill(product.market_pid(), signal.SIGKILL)

        until(lambda: tab.stale() >= len(LIVE), 3, "grey rows")
        until(lambda: tab.stale() == 0, 15, "recovery")
        before = tab.prices()
        until(lambda: tab.prices() != before, 10, "a tick after recovery")
        assert tab.errors == []


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("how", ["stopped", "half_open"])
def test_silent_market_greys_the_rows_in_time_and_they_come_back(
    how: str, start: Callable[..., Product], open_tab: Open
) -> None:
    product = start("demo").wait()
    until(product.live, 30, "a live table")
    market = product.market_pid()
    with open_tab() as tab:
        tab.page.goto(product.url + "/indicator")

        if how == "stopped":
            os.kill(market, signal.SIGSTOP)
        else:
            product.fault(half_open=True)
        try:
            until(lambda: tab.stale() >= len(LIVE), 45, "grey rows after 35 s of silence")
        finally:
            if how == "stopped":
                os.kill(market, signal.SIGCONT)
            else:
                product.fault(half_open=False)

        until(lambda: tab.stale() == 0, 70, "recovery")
        assert tab.errors == []


def test_lost_dashboard_is_said_with_a_countdown_and_comes_back(
    start: Callable[..., Product],
    open_tab: Open,
) -> None:
    product = start("demo").wait()
    until(product.live, 30, "a live table")
    with open_tab() as tab:
        tab.page.goto(product.url + "/indicator")
        until(lambda: len(tab.prices()) > 5, 5, "rows")

        product.stop()
        tab.page.get_by_text("Connection lost").wait_for(timeout=10_000)
        again = restart(product, product.port)

        until(again.answers, 40, "the dashboard again")
        tab.page.get_by_text("Connection lost").wait_for(state="hidden", timeout=70_000)
        before = tab.prices()
        until(lambda: tab.prices() != before, 20, "a tick after the return")
        again.stop()


def restart(product: Product, port: int) -> Product:
    """The same dashboard on the same port."""
    return Product(product.folder, "demo", port=port)


def test_page_is_complete_and_says_its_age_with_sockets_blocked(
    demo: Product, open_tab: Open
) -> None:
    with open_tab() as tab:
        tab.page.route("**/socket.io/**", lambda route: route.abort())
        tab.page.goto(demo.url + "/indicator")

        before = tab.prices()

        assert all(number(before[symbol]) for symbol in LIVE)
        until(lambda: tab.prices() != before, 30, "newer numbers without a socket")


def test_page_without_javascript_has_every_number(demo: Product, open_tab: Open) -> None:
    with open_tab(java_script_enabled=False) as tab:
        tab.page.goto(demo.url + "/indicator")

        text = tab.page.locator('tr[data-symbol="SPY"] td.price').inner_text()

        assert number(text)


@pytest.mark.parametrize(
    ("width", "theme", "palette"),
    [(1440, "dark", "standard"), (1280, "light", "standard"), (800, "dark", "cb")]
    + [(390, "dark", "standard"), (390, "light", "cb")],
)
@pytest.mark.parametrize("path", ["/indicator", "/setup", "/setup?first=1", "/status"])
def test_no_page_scrolls_sideways_or_complains(
    path: str, width: int, theme: str, palette: str, demo: Product, open_tab: Open
) -> None:
    looks: Any = {"color_scheme": theme, "viewport": {"width": width, "height": 860}}
    with open_tab(**looks) as tab:
        tab.page.goto(demo.url + path)
        tab.page.evaluate("p => document.documentElement.dataset.palette = p", palette)
        tab.page.wait_for_timeout(400)

        wide = tab.page.evaluate("document.documentElement.scrollWidth - innerWidth")

        assert wide <= 0
        assert tab.errors == []
        assert tab.hosts == {"127.0.0.1"}
