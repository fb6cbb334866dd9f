"""The panel of studies on /gex: asked for when opened, each number with its words."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.gex_payload import make_history, make_payload
from tests.browser.studies_payload import make_studies

pytestmark = [pytest.mark.browser, pytest.mark.timeout(60)]

Visit = Callable[..., Any]


@pytest.fixture
def open_page(visit: Visit, templates: Any) -> Callable[..., Any]:
    """open_page(studies, width) -> site, with the page drawn and the panel closed."""

    def start(answer: tuple[int, Any] | None = None, width: int = 1440) -> Any:
        site = visit(width=width)
        payload = make_payload("SPX", "all")
        site.pages["/gex/SPX"] = templates.render(
            "gex.html", symbol="SPX", symbols=["SPX"], view="all", unit="pct", payload=payload,
            epoch="e", seq=1, page="gex",
        )  # fmt: skip
        site.api["GET /api/health"] = (200, templates.make_health())
        site.api["GET /api/gex"] = (200, payload)
        site.api["GET /api/history/gex"] = (200, make_history())
        site.api["GET /api/studies"] = answer or (200, make_studies())
        site.open("/gex/SPX")
        site.page.wait_for_selector(".bars-chart canvas")
        return site

    return start


def asked(site: Any) -> int:
    return sum(path == "/api/studies" for _, path, _ in site.asked)


def opened(site: Any) -> Any:
    site.page.get_by_text("Studies, estimates").click()
    site.page.wait_for_selector("[data-study]")
    return site.page


def block(page: Any, key: str) -> str:
    return str(re.sub(r"\s+", " ", page.locator(f'[data-study="{key}"]').inner_text()))


def test_nothing_is_asked_for_before_the_panel_is_opened(open_page: Callable[..., Any]) -> None:
    site = open_page()

    before = asked(site)
    opened(site)

    assert (before, asked(site)) == (0, 1)
    assert site.complaints == []


def test_each_study_stands_with_unit_sign_n_and_caveat(open_page: Callable[..., Any]) -> None:
    page = opened(open_page())

    vanna = block(page, "vanna")
    assert vanna.startswith("Vanna +669.9 futures contracts per volatility point grows · n 10")
    assert "Delta a volatility point +201M $" in vanna
    assert "Sign: positive: the dealers’ delta" in vanna.replace("'", "’")
    assert "a model (long calls, short puts)" in vanna
    assert page.locator("[data-study]").count() == 8
    covers = page.locator('[data-part="studies"] [data-part="covers"]').inner_text()
    assert covers.startswith("10 contracts of 1 expiry, counted in /ESZ6, ")


def test_what_is_unknown_is_a_dash_with_its_reason(open_page: Callable[..., Any]) -> None:
    page = opened(open_page())

    flow, walls = block(page, "delta_flow"), block(page, "walls")
    assert flow.startswith("Delta flow – futures contracts Prints (TimeAndSale) of these options")
    assert walls.startswith(
        "Do walls hold? – share of touches that bounced "
        "0 decided touches in 0 sessions; 30 are needed · n 0 decided touches"
    )
    assert "0.00" not in flow


def test_a_refusal_is_told_in_words(open_page: Callable[..., Any]) -> None:
    error = {"error": {"code": "not_followed", "message": "Studies are made of the GEX symbols."}}
    site = open_page((404, error))

    site.page.get_by_text("Studies, estimates").click()
    site.page.get_by_text("Studies are made of the GEX symbols.").wait_for()

    assert site.page.locator("[data-study]").count() == 0


@pytest.mark.parametrize("width", [1440, 800, 390, 320])
def test_the_open_panel_never_makes_the_page_wider(
    open_page: Callable[..., Any], width: int
) -> None:
    page = opened(open_page(width=width))

    assert page.evaluate("document.documentElement.scrollWidth") <= width
