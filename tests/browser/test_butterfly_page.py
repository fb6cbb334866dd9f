"""The planner in a real browser under the strict policy, with every answer made up here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.butterfly_plan import make_candidates, make_plan, without_chain

pytestmark = [pytest.mark.browser, pytest.mark.timeout(60)]

Visit = Callable[..., Any]
CENTER = '[data-field="center"]'


class Planner:
    """The page over answers of a plan for each centre and width that is asked for."""

    def __init__(self, visit: Visit, templates: Any, plan: Any = None, **options: Any) -> None:
        self.site = visit(**options)
        self.plan = plan or make_plan()
        self.saved = make_candidates()
        pages = {
            "plan": self.plan, "saved": self.saved, "epoch": "e", "seq": 0,
        }  # fmt: skip
        self.site.pages["/butterfly"] = templates.render("butterfly.html", **pages)
        self.site.api["GET /api/health"] = (200, templates.make_health())
        self.answer(self.plan)
        self.page = self.site.page

    def answer(self, plan: dict[str, Any]) -> None:
        """What the next request for a price gets."""
        self.site.api["GET /api/butterfly"] = (200, {"epoch": "e", "seq": 1, "butterfly": plan})

    def open(self, query: str = "") -> Planner:
        self.site.open(f"/butterfly{query}")
        self.page.locator('[data-part="page"][data-state]').wait_for()
        return self

    def text(self, panel: str) -> str:
        found: str = self.page.locator(f'[data-panel="{panel}"]').inner_text()
        return found

    def cell(self, line: str, column: int = 1) -> str:
        row = self.page.locator('[data-panel="widths"] tbody tr', has_text=line)
        found: str = row.locator("td").nth(column - 1).inner_text()
        return found


@pytest.fixture
def planner(visit: Visit, templates: Any) -> Planner:
    return Planner(visit, templates).open()


def test_the_page_runs_under_the_strict_policy_and_never_scrolls_sideways(
    planner: Planner,
) -> None:
    overflow = {}
    for width in (1440, 1280, 1024, 800, 390, 320):
        planner.page.set_viewport_size({"width": width, "height": 800})
        planner.page.evaluate("() => new Promise(done => requestAnimationFrame(() => done()))")
        overflow[width] = planner.page.evaluate("document.documentElement.scrollWidth") - width

    assert planner.site.complaints == []
    assert planner.site.foreign == []
    assert {width: excess for width, excess in overflow.items() if excess > 0} == {}


def test_two_widths_stand_side_by_side_with_the_planners_numbers(planner: Planner) -> None:
    chosen, compared = planner.plan["chosen"], planner.plan["compared"]

    assert planner.cell("Strikes") == "5,985 / 6,010 / 6,035"
    assert planner.cell("Strikes", 2) == "5,960 / 6,010 / 6,060"
    assert planner.cell("Debit, mid").startswith(
        f"{chosen['debit']:.2f} ${round(chosen['debit'] * 100):,}"
    )
    assert planner.cell("Max loss", 2) == f"−${round(compared['max_loss']):,}"
    assert planner.cell("Probability, smile") == f"{chosen['probability']['smile']:.1%}"
    assert planner.cell("Spot to low").endswith("EM")
    assert "after $6.88 fees" in planner.text("widths")


def test_the_legs_end_in_a_package_row_of_what_selling_and_buying_it_costs(
    planner: Planner,
) -> None:
    rows = planner.page.locator('[data-panel="legs"] tbody tr')
    cells = rows.nth(3).locator("td").all_inner_texts()
    package = planner.plan["chosen"]["package"]

    assert rows.count() == 4
    assert [rows.nth(at).locator("td").first.inner_text() for at in range(4)] == [
        "+1", "−2", "+1", "1",
    ]  # fmt: skip
    assert cells[4:7] == [f"{package[name]:.2f}" for name in ("bid", "ask", "mid")]


def test_the_picture_has_both_lines_across_and_a_ring_at_each_break_even(
    planner: Planner,
) -> None:
    canvas = planner.page.locator('[data-part="chart"] canvas').first
    legend = planner.page.locator('[data-panel="payoff"] .legend-item').all_inner_texts()

    assert canvas.bounding_box()["height"] > 200
    assert legend == ["25", "50", "25 today"]
    label = planner.page.locator('[data-part="chart"]').get_attribute("aria-label")
    assert f"break-evens {planner.plan['chosen']['break_even_low']:,.2f}" in label


# Pixels in the colour of the grid inside each text at the ends of the band.
GRID_IN_TEXT = """
() => {
  const box = document.querySelector('[data-panel="payoff"] [data-part="chart"]');
  const css = getComputedStyle(document.documentElement).getPropertyValue('--line').trim();
  const line = [1, 3, 5].map((at) => parseInt(css.slice(at, at + 2), 16)).join();
  // what is seen: the canvases of the largest size, one over the other
  const size = (canvas) => canvas.width * canvas.height;
  const all = [...box.querySelectorAll('canvas')];
  const most = Math.max(...all.map(size));
  const seen = document.createElement('canvas');
  seen.width = all.find((each) => size(each) === most).width;
  seen.height = most / seen.width;
  const context = seen.getContext('2d');
  for (const each of all.filter((one) => size(one) === most)) context.drawImage(each, 0, 0);
  const grid = (left, top, width, height) => {
    const { data } = context.getImageData(left, top, width, height);
    let found = 0;
    for (let at = 0; at < data.length; at += 4) found += data.slice(at, at + 3).join() === line;
    return found;
  };
  return box.drawn.ends.map(({ text, left, right, top, bottom }) => (
    { text, inside: grid(left, top, right - left, bottom - top) }));
}
"""


def test_no_line_goes_through_the_ends_of_the_expected_move(visit: Visit, templates: Any) -> None:
    planner = Planner(visit, templates, width=390, height=844).open()
    planner.page.wait_for_timeout(500)

    found = planner.page.evaluate(GRID_IN_TEXT)

    assert ["move" in each["text"] for each in found] == [True, True]
    assert [each["inside"] for each in found] == [0, 0]


def test_the_picture_is_behind_as_a_table(planner: Planner) -> None:
    planner.page.get_by_role("button", name="Table", exact=True).click()

    heads = planner.page.locator('[data-part="behind"] th').all_inner_texts()
    rows = planner.page.locator('[data-part="behind"] tbody tr')
    assert heads == ["Underlying", "At expiry", "Today", "Compared"]
    assert rows.count() == len(planner.plan["curve"]["x"])


def test_a_centre_is_applied_as_typed_and_stands_in_the_address(planner: Planner) -> None:
    planner.answer(make_plan(center="5990"))

    planner.page.locator(CENTER).fill("5,990")
    planner.page.locator('[data-panel="widths"] td', has_text="5,965 / 5,990 / 6,015").wait_for()

    query = parse_qs(urlsplit(planner.page.url).query)
    assert query["center"] == ["5990"]
    assert (query["expiry"], query["root"]) == (["2026-12-18"], ["SPXW"])
    assert set(query) >= {"symbol", "width", "compare", "side", "price", "quantity", "fees"}


def test_step_buttons_and_arrows_move_by_listed_strikes(planner: Planner) -> None:
    planner.answer(make_plan(center="6015"))

    with planner.page.expect_request("**/api/butterfly?*") as first:
        planner.page.get_by_role("button", name="Higher strike").click()
    planner.page.locator('[data-panel="widths"] td', has_text="5,990 / 6,015 / 6,040").wait_for()
    planner.page.locator(CENTER).focus()
    with planner.page.expect_request("**/api/butterfly?*") as second:
        planner.page.keyboard.press("ArrowDown")

    assert "center=6015" in first.value.url
    assert "center=6010" in second.value.url


def test_presets_are_named_by_their_number_and_say_which_is_chosen(planner: Planner) -> None:
    buttons = planner.page.locator('[data-part="presets"] button')

    assert buttons.all_inner_texts() == ["Spot 6,010", "Flip 5,990", "Max pain 5,975"]
    pressed = [button.get_attribute("aria-pressed") for button in buttons.all()]
    assert pressed == ["true", "false", "false"]
    with planner.page.expect_request("**/api/butterfly?*") as asked:
        buttons.nth(2).click()
    assert "center=5975" in asked.value.url


def test_only_listed_widths_can_be_chosen(planner: Planner) -> None:
    options = planner.page.locator('[data-field="width"] option').all_inner_texts()

    assert options[:3] == ["5", "10", "15"]
    assert "12" not in options
    assert planner.page.locator('[data-field="compare"] option').first.inner_text() == "None"


def test_an_expiry_names_root_and_settlement_and_the_other_product_of_the_day(
    planner: Planner,
) -> None:
    options = planner.page.locator('[data-field="expiry"] option').all_inner_texts()

    assert options == ["Wed 16 Dec SPXW PM", "Fri 18 Dec SPX AM", "Fri 18 Dec SPXW PM"]
    assert planner.page.locator('[data-part="note"]').inner_text() == (
        "SPX AM of the same day settles at the open and is a different product."
    )


def test_an_impossible_value_is_told_at_its_field_and_stays_as_typed(planner: Planner) -> None:
    message = "quantity must be a whole number, 1 to 1,000."
    error = {"code": "invalid", "message": message, "field": "quantity"}
    planner.site.api["GET /api/butterfly"] = (422, {"error": error})

    planner.page.locator('[data-field="quantity"]').fill("0")
    planner.page.locator('[data-error="quantity"]', has_text=message).wait_for()

    assert planner.page.locator('[data-field="quantity"]').input_value() == "0"
    assert planner.page.locator('[data-field="quantity"]').get_attribute("aria-invalid") == "true"


def test_a_strike_that_is_not_listed_turns_numbers_to_dashes_and_says_so(
    visit: Visit, templates: Any
) -> None:
    planner = Planner(visit, templates, make_plan(center="6007")).open()

    words = "6,007 is not listed for SPXW Fri 18 Dec PM; nearest: 6,005 and 6,010."
    assert planner.page.locator('[data-panel="widths"] [data-part="foot"]').inner_text() == words
    assert planner.page.locator('[data-part="nothing"]').inner_text() == words
    assert planner.page.locator('[data-error="center"]').inner_text() == words
    assert planner.cell("Max profit") == "–"
    assert planner.cell("Probability, smile") == "–"


def test_quotes_that_do_not_fit_are_refused_in_words(visit: Visit, templates: Any) -> None:
    plan = make_plan()
    refusal = "Quotes do not fit: debit 26.10 for width 25."
    unknown = ("debit", "debit_mid", "debit_natural", "max_profit", "max_loss", "break_even_low",
               "break_even_high", "profit_per_risk")  # fmt: skip
    plan["chosen"] |= {"refusal": refusal, **dict.fromkeys(unknown)}
    plan["chosen"]["probability"] = {"smile": None, "one_iv": None, "clamped": None}
    plan["curve"]["lines"][0] = {"expiry": None, "today": None}
    plan["status"] = {"state": "refused", "text": refusal}
    planner = Planner(visit, templates, plan).open()

    assert planner.page.locator('[data-panel="widths"] [data-part="foot"]').inner_text() == refusal
    assert planner.cell("Debit, mid") == "–"
    assert planner.cell("Debit, mid", 2) != "–"
    title = planner.page.locator('[data-panel="widths"] td.chosen').nth(1).get_attribute("title")
    assert title == refusal
    package = planner.page.locator('[data-panel="legs"] tr.package td').all_inner_texts()
    assert package[4:7] == ["–", "–", "–"]


def test_a_symbol_without_a_chain_says_why_and_is_asked_for_again(
    visit: Visit, templates: Any
) -> None:
    planner = Planner(visit, templates, without_chain("NDX")).open()
    before = planner.page.locator('[data-part="nothing"]').inner_text()

    planner.answer(make_plan())
    planner.page.locator('[data-panel="legs"] tbody tr').first.wait_for()

    assert before == "No chain of NDX is there yet."
    assert planner.cell("Strikes") == "5,985 / 6,010 / 6,035"


def test_candidates_keep_their_entry_and_say_where_spot_is(planner: Planner) -> None:
    rows = planner.page.locator('[data-panel="candidates"] tbody tr')
    text = [rows.nth(at).inner_text() for at in range(3)]

    first, beyond, _ = planner.saved["candidates"]
    assert "SPX 6,010 ±25" in text[0]
    assert f"{first['entry']:.2f}" in text[0]
    assert "inside" in text[0]
    assert f"+{beyond['beyond']:.2f} beyond" in text[1]
    assert "settled inside" in text[2]
    assert "12.50" in text[2]
    assert rows.nth(0).get_attribute("class") == "selected"


def test_a_candidate_opens_in_the_form(planner: Planner) -> None:
    with planner.page.expect_request("**/api/butterfly?*") as asked:
        planner.page.get_by_role("button", name="SPX 5,950 ±25").first.click()

    query = parse_qs(urlsplit(asked.value.url).query)
    assert (query["center"], query["side"]) == (["5950"], ["calls"])


def test_saving_sends_the_request_and_shows_the_candidate(planner: Planner) -> None:
    new = {**planner.saved["candidates"][0], "id": "new1", "center": 6010.0, "entry": 3.33}
    planner.site.api["POST /api/butterfly/candidates"] = (201, {"candidate": new})

    planner.page.get_by_role("button", name="Save candidate").click()
    planner.page.locator('[data-panel="candidates"] tr[data-id="new1"]').wait_for()

    sent = [body for method, path, body in planner.site.asked if method == "POST"]
    assert sent == [planner.plan["query"]]


def test_deleting_asks_first_and_the_safe_answer_keeps_it(planner: Planner) -> None:
    left = {"candidates": planner.saved["candidates"][1:], "problem": None}
    planner.site.api["DELETE /api/butterfly/candidates"] = (200, left)

    def delete(answer: str) -> None:
        planner.page.get_by_role("button", name="Menu of SPX 6,010 ±25").click()
        planner.page.get_by_role("menuitem", name="Delete").click()
        planner.page.get_by_role("alertdialog").get_by_role("button", name=answer).click()

    delete("Keep")
    kept = planner.page.locator('[data-panel="candidates"] tbody tr').count()
    delete("Delete candidate")
    planner.page.locator('tr[data-id="abc"]').wait_for(state="detached")

    assert kept == 3
    assert [method for method, _, _ in planner.site.asked].count("DELETE") == 1


def test_no_button_of_the_page_sends_an_order(planner: Planner) -> None:
    names = " ".join(planner.page.locator("button").all_inner_texts()).lower()

    assert not any(word in names for word in ("order", "buy ", "sell ", "trade", "submit"))
    assert "Nothing on this page sends an order." in planner.page.inner_text("main")


def test_polled_marks_move_the_numbers_where_sockets_are_blocked(planner: Planner) -> None:
    plan = make_plan()
    plan["chosen"]["debit_mid"] = 7.77
    planner.answer(plan)

    planner.page.locator('[data-panel="widths"] td', has_text="7.77").wait_for(timeout=20_000)

    assert planner.cell("Debit, mid").startswith("7.77")


def test_the_form_is_one_button_on_a_phone(visit: Visit, templates: Any) -> None:
    planner = Planner(visit, templates, width=390, height=844).open()
    button = planner.page.get_by_role("button", name="SPX 6,010 ±25 · Change")
    hidden = planner.page.locator(CENTER).is_visible()

    button.click()

    assert not hidden
    assert planner.page.locator(CENTER).is_visible()
    assert button.get_attribute("aria-expanded") == "true"
    assert planner.page.locator('[data-part="chart"]').bounding_box()["height"] == 300
    leg = planner.page.locator('[data-panel="legs"] tbody tr').first
    assert leg.bounding_box()["height"] < 60


def test_the_picture_follows_the_theme_of_the_system_and_the_button(planner: Planner) -> None:
    pixel = """() => {
      const size = (canvas) => canvas.width * canvas.height;
      const all = [...document.querySelectorAll('[data-part="chart"] canvas')];
      const canvas = all.sort((one, other) => size(other) - size(one))[0];
      return [...canvas.getContext("2d").getImageData(3, 3, 1, 1).data].slice(0, 3);
    }"""
    light, dark = [255, 255, 255], [19, 23, 30]

    def shows(color: list[int]) -> bool:
        wanted = ",".join(map(str, color))
        planner.page.wait_for_function(f"() => String(({pixel})()) === '{wanted}'")
        return bool(planner.page.evaluate(pixel) == color)

    planner.page.emulate_media(color_scheme="light")
    assert shows(light)
    planner.page.emulate_media(color_scheme="dark")
    assert shows(dark)
    planner.page.get_by_role("button", name="Switch theme").click()
    assert shows(light)
