"""The strategy's options of /setup in a real browser: each with its unit and its own error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from grok_sauce.settings.strategy import Strategy
from tests.browser.test_pages import make_site

pytestmark = [pytest.mark.browser, pytest.mark.timeout(60)]

Visit = Callable[..., Any]


def test_every_option_of_the_strategy_has_its_field(visit: Visit, templates: Any) -> None:
    site = make_site(visit, templates, "setup.html")

    site.open("/setup")

    shown = site.page.eval_on_selector_all(
        '[data-part="strategy-form"] [data-field]', "all => all.map(each => each.dataset.field)"
    )
    assert sorted(shown) == sorted(f"strategy.{item.name}" for item in fields(Strategy))
    # The settings of this page name no symbol: unknown is empty.
    assert site.page.locator("#strategy-symbols").input_value() == ""
    assert site.complaints == []


def test_what_is_out_of_range_says_so_at_its_field_and_is_not_taken(
    visit: Visit, templates: Any
) -> None:
    site = make_site(visit, templates, "setup.html")
    site.open("/setup")

    site.page.locator("#strategy-cooldown").fill("1.5")
    site.page.locator("#strategy-cooldown").press("Tab")
    site.page.locator("#strategy-symbols").fill("/NQ, /CL")
    site.page.locator("#strategy-symbols").press("Tab")

    error = site.page.locator('[data-error="strategy.cooldown"]').inner_text()
    assert "Between two signals: a whole number from 0 to 86,400 s." in error
    assert "/CL is none of" in site.page.locator('[data-error="strategy.symbols"]').inner_text()
    assert site.page.locator('[data-part="change-list"]').text_content() == ""


def test_a_change_is_saved_and_a_refusal_stands_at_its_field(visit: Visit, templates: Any) -> None:
    site = make_site(visit, templates, "setup.html")
    refusal = {"code": "invalid", "message": "They must differ.", "field": "strategy.session_end"}
    site.api["PUT /api/settings"] = (422, {"error": refusal})
    site.open("/setup")

    site.page.locator("#strategy-session_end").fill("18:00")
    site.page.locator("#strategy-session_end").press("Tab")
    site.page.locator("#strategy-symbols").fill("nq mnq")
    site.page.locator("#strategy-symbols").press("Tab")
    site.page.get_by_role("button", name="Save", exact=True).click()
    site.page.locator(
        '[data-error="strategy.session_end"]', has_text="They must differ."
    ).wait_for()

    [sent] = [body for method, _, body in site.asked if method == "PUT"]
    assert sent["settings"]["strategy"]["symbols"] == ["/NQ", "/MNQ"]
    assert sent["settings"]["strategy"]["session_end"] == "18:00"
