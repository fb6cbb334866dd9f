"""/gex in a real browser on a running demo: it follows, switches, goes back, stands still."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.product.browser import Open, Tab
from tests.product.gex_demo import SESSION, gex_demo, report, whole
from tests.product.harness import Product, until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

# Every text that is shown in these places, in order: {place: [[ms, text], ...]}.
WATCH = """
() => {
  const places = {
    spot: '[data-part="spot"]',
    net: '[data-tile="net"] [data-part="metric"]',
    levels: '[data-panel="levels"] tbody',
    numbers: '[data-part="numbers"]',
    line: '.bars-chart',
  };
  window.seen = {};
  setInterval(() => {
    for (const [name, selector] of Object.entries(places)) {
      const box = document.querySelector(selector);
      const text = name === 'line'
        ? JSON.stringify((box.lines ?? []).map(({key, x, label}) => [key, x, label]))
        : box.textContent;
      const list = (window.seen[name] ??= []);
      if (list.at(-1)?.[1] !== text) list.push([performance.now(), text]);
    }
  }, 50);
}
"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A demo in which a market minute passes in three seconds."""
    product = gex_demo(
        tmp_path_factory.mktemp("page"),
        *("--start", SESSION, "--speed", "20"),
        symbols=("SPX",),
        strikes=15,
        table=("SPX",),
    )
    until(lambda: whole(product), 120, "all of SPX")
    yield product
    product.stop()


def opened(tab: Tab, product: Product, query: str = "") -> None:
    """The page with its charts drawn and its socket connected."""
    tab.page.goto(f"{product.url}/gex/SPX{query}")
    tab.page.wait_for_selector(".bars-chart canvas", timeout=30_000)


def text(tab: Tab, selector: str) -> str:
    found: str = tab.page.evaluate(
        "s => document.querySelector(s).textContent.replace(/\\s+/g, ' ').trim()", selector
    )
    return found


def query_of(tab: Tab) -> dict[str, str]:
    """What the address keeps."""
    return {name: values[0] for name, values in parse_qs(urlsplit(tab.page.url).query).items()}


def chosen(tab: Tab) -> dict[str, str]:
    """{group: value} of all buttons that are pressed."""
    found: dict[str, str] = tab.page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('div[data-choice], span[data-choice]')]"
        ".map(box => [box.dataset.choice, "
        "box.querySelector('button[aria-pressed=true]')?.value ?? '']))"
    )
    return found


def press(tab: Tab, group: str, value: str) -> None:
    tab.page.locator(f'[data-choice="{group}"] button[value="{value}"]').click()


def settles(tab: Tab, script: str, wanted: Any, seconds: float = 30) -> None:
    """Wait until a script gives what is wanted; fails with what it gave."""
    last: list[Any] = []

    def look() -> bool:
        last[:] = [tab.page.evaluate(script)]
        return bool(last == [wanted])

    try:
        until(look, seconds, f"{script} = {wanted!r}")
    except pytest.fail.Exception:
        assert last == [wanted], script


def test_everything_follows_the_market(demo: Product, open_tab: Open) -> None:
    with open_tab() as tab:
        opened(tab, demo)
        tab.page.evaluate(WATCH)

        seen = moving(tab, {"spot", "net", "levels", "line"})
        is_one = tab.page.evaluate(ONE_SPOT)
        # The numbers stand in the place of the bars.
        tab.page.locator('[data-chart="bars"] [data-action="table"]').click()
        tab.page.evaluate("delete window.seen.numbers")
        seen |= moving(tab, {"numbers"})

        # On a quiet machine each moves several times a second.
        for name, each in seen.items():
            pauses = sorted(after - before for (before, _), (after, _) in pairwise(each))
            assert pauses[len(pauses) // 2] < 2000, name
        assert is_one
        until(lambda: shows_now(tab, demo), 30, "the API's spot on the page")
        assert tab.errors == []
        assert tab.hosts == {"127.0.0.1"}


# Spot beside the symbol, among the levels and as a line of the bars is one number.
ONE_SPOT = """
() => {
  const spot = document.querySelector('[data-part="spot"]').textContent;
  const row = document.querySelector('tr[data-level="spot"] td').textContent;
  const line = document.querySelector('.bars-chart').lines.find(({key}) => key === 'spot');
  return spot === row && line.label === `Spot ${spot}`;
}
"""


def moving(tab: Tab, places: set[str]) -> dict[str, list[tuple[float, str]]]:
    """What was shown in these places, once each has changed seven times."""
    found: dict[str, list[tuple[float, str]]] = {}

    def look() -> bool:
        seen = tab.page.evaluate("window.seen")
        found.update({name: seen.get(name, []) for name in places})
        return all(len(each) >= 8 for each in found.values())

    with contextlib.suppress(pytest.fail.Exception):
        until(look, 60, "eight pictures of each part")
    assert {name for name, each in found.items() if len(each) < 8} == set()
    return found


def shows_now(tab: Tab, demo: Product) -> bool:
    """Is the API's newest spot among the last ones shown?"""
    spot = f"{report(demo)['spot']:,.2f}"
    tab.page.wait_for_timeout(500)
    shown = [value for _, value in tab.page.evaluate("window.seen.spot")[-12:]]
    return spot in shown


TITLES = {
    "gex": "Gamma exposure by strike",
    "dex": "Delta exposure by strike",
    "vanna": "Vanna exposure by strike",
    "charm": "Charm exposure by strike",
}


def test_all_pictures_switch_and_the_address_keeps_them(demo: Product, open_tab: Open) -> None:
    with open_tab() as tab:
        opened(tab, demo)
        tab.page.locator('[data-chart="bars"] [data-action="table"]').click()
        defaults = {"by": "oi", "greek": "gex", "bars": "sides", "unit": "pct"}
        now = dict(defaults)
        for group, values in {
            "bars": ("net", "abs", "gross", "sides"),
            "greek": ("dex", "vanna", "charm", "gex"),
            "by": ("volume",),
            "unit": ("point",),
        }.items():
            for value in values:
                press(tab, group, value)
                now[group] = value

                wanted = {name: each for name, each in now.items() if each != defaults[name]}
                settles(
                    tab, "location.search.slice(1)", "&".join(f"{n}={v}" for n, v in wanted.items())
                )
                settles(
                    tab,
                    "document.querySelector('#bars-title').textContent",
                    TITLES[now["greek"]],
                )
                assert now.items() <= chosen(tab).items()
        press(tab, "greek", "charm")
        press(tab, "bars", "gross")
        heads = tab.page.eval_on_selector_all(
            ".numbers-table thead th", "all => all.map(each => each.textContent)"
        )
        before = chosen(tab)
        tab.page.reload()
        tab.page.wait_for_selector(".bars-chart canvas")
        after = chosen(tab)

        assert heads[1:4] == [f"{side} charm by volume" for side in ("Call", "Put", "Net")]
        assert after == before
        assert query_of(tab) == {"by": "volume", "greek": "charm", "bars": "gross", "unit": "point"}
        assert tab.errors == []


def test_all_expiries_switch_and_the_address_keeps_them(demo: Product, open_tab: Open) -> None:
    with open_tab() as tab:
        opened(tab, demo)
        for view in ("0dte", "2026-12-18", "7d", "30d", "all"):
            press_view(tab, view)
            wanted = covered(demo, view)

            settles(tab, ROWS, [[row["expiry"], row["settlement"]] for row in wanted["max_pain"]])
            assert query_of(tab) == ({} if view == "all" else {"view": view})
            settles(tab, "document.querySelector('.gex-page').dataset.state", "live")
            settles(tab, "document.querySelector('.gex-page').hasAttribute('data-other')", False)
        tab.page.goto(f"{demo.url}/gex/SPX?view=2026-12-18&by=volume")
        settles(tab, ROWS, [["2026-12-18", "AM"], ["2026-12-18", "PM"]])

        assert chosen(tab)["by"] == "volume"
        assert tab.errors == []


# Class of each row of the expiries table; the year is that of the demo.
ROWS = """
[...document.querySelectorAll('.expiries-table tbody tr')].map((tr) => {
  const [, day, month] = tr.cells[0].textContent.split(' ');
  const at = 'JanFebMarAprMayJunJulAugSepOctNovDec'.indexOf(month) / 3 + 1;
  const year = at === 12 ? 2026 : 2027;
  return [`${year}-${String(at).padStart(2, '0')}-${day.padStart(2, '0')}`,
    tr.cells[1].textContent.split(' ')[1]];
})
"""


def press_view(tab: Tab, view: str) -> None:
    """By its button, or where it has none among the presets in the dialog of all expiries."""
    button = tab.page.locator(f'[data-choice="view"] button[value="{view}"]')
    if button.count():
        button.click()
        return
    tab.page.get_by_role("button", name="Choose expiries").click()
    dialog = tab.page.get_by_role("dialog")
    for box in dialog.locator("input:checked").all():
        box.uncheck()
    dialog.locator(f'input[value="{view}"]').check()
    dialog.get_by_role("button", name="Show 1 day").click()


def covered(demo: Product, view: str) -> dict[str, Any]:
    """A report of nearly all options of a view."""

    def look() -> dict[str, Any] | None:
        found = report(demo, expiry=view)
        is_live = bool(found) and found["status"]["state"] == "live"
        return found if is_live and (found["coverage"] or 0.0) > 0.9 else None

    found: dict[str, Any] = until(look, 150, f"the options of {view}")
    return found


def kept_minutes(demo: Product) -> list[int]:
    status, body = demo.get("/api/history/gex?symbol=SPX", timeout=30)
    minutes: list[int] = json.loads(body)["minutes"] if status == 200 else []
    return minutes


def test_the_map_of_the_day_is_drawn_and_the_slider_turns_the_page_back(
    demo: Product, open_tab: Open
) -> None:
    minutes = until(lambda: (m := kept_minutes(demo)) and len(m) >= 5 and m, 120, "five minutes")
    kept = json.loads(demo.get(f"/api/history/gex?symbol=SPX&at={minutes[1]}")[1])
    with open_tab() as tab:
        opened(tab, demo)
        settles(tab, "document.querySelector('[data-part=slider]').disabled", False)

        until(lambda: tab.page.evaluate(COLOURS) > 3, 30, "colours in the map")
        for mode in ("open", "hour", "five", "gex"):
            press(tab, "map", mode)
            settles(tab, "new URLSearchParams(location.search).get('map') ?? 'gex'", mode)
        go_to(tab, minutes[1])
        spot = f"{kept['spot']:,.2f}"
        settles(tab, "document.querySelector('[data-part=spot]').textContent", spot)
        settles(tab, "document.querySelector('.gex-page').hasAttribute('data-past')", True)
        shown = {name: text(tab, f'[data-tile="{name}"] [data-part="metric"]') for name in TILES}
        chip, at = text(tab, '[data-part="history-chip"]'), query_of(tab)["at"]
        tab.page.reload()
        settles(tab, "document.querySelector('[data-part=spot]').textContent", spot)
        tab.page.get_by_role("button", name="Back to live").click()
        settles(tab, "document.querySelector('.gex-page').hasAttribute('data-past')", False)

        flip = kept["zero_gamma"]["all"]["flip"]
        assert shown["flip"] == ("–" if flip is None else f"{flip:,.2f}")
        for wall in ("call_wall", "put_wall"):
            assert shown[wall] == ("–" if kept[wall] is None else f"{kept[wall]:,g}")
        assert chip == f"{at}, history"
        assert "at" not in query_of(tab)
        until(lambda: text(tab, '[data-part="spot"]') != spot, 30, "the live spot")
        assert tab.errors == []


TILES = ("net", "flip", "call_wall", "put_wall")
# How many colours the map has, of every fortieth pixel.
COLOURS = """
() => {
  const canvas = document.querySelector('canvas.map');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const found = new Set();
  for (let at = 0; at < data.length; at += 160) found.add(`${data[at]},${data[at + 1]},${data[at + 2]}`);
  return found.size;
}
"""  # noqa: E501


def go_to(tab: Tab, minute: int) -> None:
    """With the keys of the slider, from the first minute of the session up."""
    slider = tab.page.locator('[data-part="slider"]')
    slider.focus()
    value = tab.page.evaluate(
        "ms => { const ny = new Intl.DateTimeFormat('en-GB', {timeZone: 'America/New_York', "
        "hour: '2-digit', minute: '2-digit'}).format(ms); "
        "return Number(ny.slice(0, 2)) * 60 + Number(ny.slice(3)) - 570; }",
        minute,
    )
    slider.evaluate("(input, value) => { input.value = value - 1; }", value)
    tab.page.keyboard.press("ArrowRight")


# Figures that ages do not change.
PICTURE = """
[...document.querySelectorAll('[data-part=spot], [data-part=metric], .levels-table td.strong')]
  .map((each) => each.textContent)
"""


def test_pause_holds_the_picture_and_resume_lets_it_go(demo: Product, open_tab: Open) -> None:
    with open_tab() as tab:
        opened(tab, demo)
        until(lambda: "–" not in text(tab, '[data-tile="net"] [data-part="metric"]'), 30, "numbers")

        tab.page.keyboard.press("p")
        tab.page.locator('[data-part="line"]').get_by_text("Paused since").wait_for()
        tab.page.wait_for_timeout(500)  # a picture already on its way
        frozen = tab.page.evaluate(PICTURE)
        first = report(demo)
        until(lambda: report(demo)["spot"] != first["spot"], 30, "another spot")
        tab.page.wait_for_timeout(1500)
        still = tab.page.evaluate(PICTURE)
        tab.page.get_by_role("button", name="Resume").click()

        assert still == frozen
        until(lambda: tab.page.evaluate(PICTURE) != frozen, 30, "a picture after the pause")
        settles(tab, "document.querySelector('[data-part=line]').hidden", True)
        assert tab.errors == []


@pytest.mark.parametrize("width", [390, 320])
def test_a_phone_does_not_scroll_sideways(width: int, demo: Product, open_tab: Open) -> None:
    with open_tab(viewport={"width": width, "height": 800}) as tab:
        opened(tab, demo)
        before = text(tab, '[data-part="spot"]')
        until(lambda: text(tab, '[data-part="spot"]') != before, 30, "a live spot")
        over = "document.documentElement.scrollWidth - innerWidth"

        closed = tab.page.evaluate(over)
        for action in ("view", "more-tiles"):
            tab.page.locator(f'[data-action="{action}"]').first.click()
        for button in tab.page.locator('[data-action="table"]:visible').all():
            button.click()
        tab.page.wait_for_timeout(500)
        wide_open = tab.page.evaluate(over)

        assert (closed, wide_open) == (0, 0)
        assert tab.errors == []
