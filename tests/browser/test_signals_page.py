"""/signals in a real browser under the strict policy: state, verdicts, trades, the switch."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from tests.browser.signals_payload import make_afternoon

pytestmark = [pytest.mark.browser, pytest.mark.timeout(60)]

Visit = Callable[..., Any]
HOSTILE = '<img src=x onerror="window.broken=1">'


class SignalsPage:
    """/signals over what the real desk said of a made-up afternoon."""

    def __init__(self, visit: Visit, templates: Any, **options: Any) -> None:
        change = options.pop("change", lambda state: None)
        evaluation = options.pop("evaluation", None)
        self.site = visit(**options)
        self.page = self.site.page
        self.state = copy.deepcopy(make_afternoon()["state"])
        change(self.state)
        lines = [
            {
                **each,
                "closed_ms": round(datetime.fromisoformat(each["closed_at"]).timestamp() * 1e3),
            }
            for each in self.state["evaluations"]
        ]
        self.site.pages["/signals"] = templates.render(
            "signals.html", state=self.state, lines=lines, problem=None, epoch="e1", seq=1,
            evaluation=evaluation,
        )  # fmt: skip
        api = self.site.api
        api["GET /api/health"] = (200, templates.make_health())
        api["GET /api/signals"] = (200, {"epoch": "e1", "seq": 1, "signals": self.state})
        for each in make_afternoon()["evaluations"]:
            api[f"GET /api/signals/evaluations/{each['seq']}"] = (200, each)
        for word, on in (("enable", True), ("disable", False)):
            found = {"strategy": "GEX_RECOIL", "enabled": on, "symbols": ["/NQ", "/MNQ"]}
            api[f"POST /strategy/{word}"] = (200, found)

    def open(self) -> SignalsPage:
        self.site.open("/signals")
        self.page.locator('[data-part="parameters"] dd').first.wait_for(state="attached")
        return self

    def text(self, part: str) -> str:
        return str(self.page.locator(f'[data-part="{part}"]').inner_text())

    def rows(self, part: str) -> list[str]:
        return [
            str(text) for text in self.page.locator(f'[data-part="{part}"] > tr').all_inner_texts()
        ]


def test_every_candle_stands_there_with_its_verdicts(visit: Visit, templates: Any) -> None:
    found = SignalsPage(visit, templates).open()

    rows = found.rows("evaluations")
    assert ["Signal, buy" in row for row in rows] == [False, False, True, False]
    assert "Put wall, 21,252.50" in rows[2]
    assert "−6.25" in rows[2]
    assert "15.25" in rows[2]
    assert "55.00, max 30" in rows[0]
    assert "no pair" in rows[3]
    assert found.site.complaints == []
    assert found.site.foreign == []


def test_paper_trades_have_points_dollars_after_costs_and_n(visit: Visit, templates: Any) -> None:
    found = SignalsPage(visit, templates).open()

    [row] = found.rows("trades")
    assert "+25.25" in row
    assert "+$49.26" in row
    assert "target" in row
    assert "n 1" in found.text("sums")
    assert "1 trade is too few to judge by." in found.text("few")
    assert "Not advice" in found.page.locator("main").inner_text()


def test_an_evaluation_opens_with_all_it_was_made_with_and_has_an_address(
    visit: Visit, templates: Any
) -> None:
    found = SignalsPage(visit, templates).open()

    found.page.locator('tr[data-result="signal"] .expand').click()
    opened = found.page.locator("tr.opened")
    opened.locator("text=Made with").wait_for()

    text = opened.inner_text()
    assert "3 LT levels below the entry, max 3" in text
    assert "QQQ, cboe" in text
    assert "buy 1 MNQH7 at 21,246.25" in text
    assert "evaluation=2" in found.page.url
    found.page.locator('tr[data-result="signal"] .expand').click()
    assert opened.count() == 0
    assert "evaluation=" not in found.page.url


def test_a_link_to_an_evaluation_opens_it(visit: Visit, templates: Any) -> None:
    found = SignalsPage(visit, templates, evaluation=2).open()

    found.page.locator("tr.opened >> text=Made with").wait_for()
    assert found.page.locator('tr[data-seq="2"] .expand').get_attribute("aria-expanded") == "true"


def test_the_choice_shows_crosses_or_signals_alone(visit: Visit, templates: Any) -> None:
    found = SignalsPage(visit, templates).open()

    found.page.locator('[data-part="which"] [data-value="crosses"]').click()
    assert len(found.rows("evaluations")) == 2
    found.page.locator('[data-part="which"] [data-value="signals"]').click()
    assert len(found.rows("evaluations")) == 1


def test_the_switch_posts_with_its_proof_and_shows_what_came_of_it(
    visit: Visit, templates: Any
) -> None:
    found = SignalsPage(visit, templates).open()

    found.page.locator('[data-part="switch"] [data-value="disable"]').click()
    found.page.locator(
        '[data-part="switch"] [data-value="disable"][aria-pressed="true"]'
    ).wait_for()

    assert ("POST", "/strategy/disable", {}) in found.site.asked
    assert "what would have been" in found.text("note")


def blocked(state: dict[str, Any]) -> None:
    state["state"], state["text"] = "blocked", "Blocked: no LT levels are known"
    state["blocked"] = [{"input": "lt", "text": f"no LT levels are known {HOSTILE}"}]
    state["lt"] = {"why": "no LT levels are known", "rows": []}


def test_blocked_names_the_input_and_text_stays_text(visit: Visit, templates: Any) -> None:
    found = SignalsPage(visit, templates, change=blocked).open()

    assert found.text("state") == "Blocked"
    assert "LT levels no LT levels are known <img" in found.text("note")
    assert found.text("lt-why") == "No LT levels are known."
    assert found.page.evaluate("window.broken") is None


def empty(state: dict[str, Any]) -> None:
    nothing = {"n": 0, "wins": 0, "points": 0.0, "dollars": 0.0, "mean_points": None}
    state.update(
        evaluations=[], signals=[], open=None, last=None,
        counts={"all": 0, "crosses": 0, "signals": 0},
        sums={**nothing, "mean_dollars": None},
        today={"signals": 0, **nothing, "mean_dollars": None},
        state="off", enabled=False, text="Off",
    )  # fmt: skip


def test_empty_and_off_say_what_is_to_come(visit: Visit, templates: Any) -> None:
    found = SignalsPage(visit, templates, change=empty).open()

    assert "The first comes with the next close" in found.text("no-evaluations")
    assert "No signal yet" in found.text("no-trades")
    assert found.text("last") == "–"
    assert found.text("today-points") == "–"


@pytest.mark.parametrize("width", [390, 1024, 1440])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_page_never_scrolls_sideways(
    visit: Visit, templates: Any, width: int, theme: str
) -> None:
    found = SignalsPage(visit, templates, width=width, color_scheme=theme).open()

    found.page.locator('tr[data-result="signal"] .expand').click()
    found.page.locator("tr.opened >> text=Made with").wait_for()

    assert found.page.evaluate("document.documentElement.scrollWidth") <= width
    assert found.site.complaints == []
