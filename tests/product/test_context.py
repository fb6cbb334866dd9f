"""Headlines, calendar and economy in the running product: the demo's own, and switched live."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.product.harness import MODES, Product, until


def source(product: Product, name: str) -> dict[str, Any]:
    return next(each for each in product.health()["sources"] if each["name"] == name)


def told(product: Product, path: str, name: str) -> Any:
    return json.loads(product.get(path)[1])[name]


@pytest.mark.parametrize("mode", MODES)
def test_the_demo_shows_its_own_context_whatever_keys_the_user_has(
    start: Callable[..., Product], mode: str
) -> None:
    product = start("demo", mode=mode, NEWSAPI_KEY="users-own", FRED_API_KEY="u" * 32).wait()

    news = until(lambda: told(product, "/api/news", "news"), 30, "news")
    until(lambda: told(product, "/api/news", "news")["headlines"], 30, "headlines")
    econ = until(
        lambda: [row for row in told(product, "/api/econ", "econ")["series"] if row["shown"]],
        40,
        "released values",
    )
    until(lambda: source(product, "forex_factory")["state"] == "live", 20, "the calendar")

    assert news["source"] == "NewsAPI"
    assert econ
    calendar = source(product, "forex_factory")
    assert "switched on by the demo" in calendar["detail"]
    assert not calendar["required"]
    saved = json.loads((product.folder / "settings.json").read_text())
    assert saved["sources"]["forex_factory"]["enabled"] is False
    assert "users-own" not in product.text()
    index = told(product, "/api/sentiment", "sentiment")
    assert index["plain"]["n"] == 50


def test_switches_of_setup_take_effect_while_it_runs(start: Callable[..., Product]) -> None:
    product = start("demo").wait()
    until(lambda: source(product, "news")["state"] == "live", 30, "headlines")

    def save(**sources: Any) -> None:
        revision = told(product, "/api/settings", "revision")
        body = {"revision": revision, "settings": {"sources": sources}}
        assert product.send("PUT", "/api/settings", body)[0] == 200

    save(news={"enabled": False}, forex_factory={"enabled": True})
    until(lambda: source(product, "news")["state"] == "off", 15, "news switched off")
    until(lambda: not told(product, "/api/news", "news")["on"], 5, "the note of it")
    off = told(product, "/api/news", "news")
    refused = product.send("POST", "/api/news/search", {"q": "copper"})
    save(news={"enabled": True}, forex_factory={"enabled": False})
    until(lambda: told(product, "/api/news", "news")["headlines"], 15, "headlines again")
    until(lambda: source(product, "forex_factory")["state"] == "off", 15, "no calendar")

    assert (off["headlines"], off["problem"]) == ([], "NewsAPI is off: switched off in Setup.")
    assert refused[0] == 502
    assert "switched off" in refused[1]["error"]["message"]


def test_a_search_is_counted_and_the_quota_ends_with_a_time(start: Callable[..., Product]) -> None:
    product = start("demo", NEWSAPI_CALLS="4").wait()
    until(lambda: source(product, "news")["state"] == "live", 30, "headlines")
    words = ("inflation", "nvidia", "banks", "yields", "oil")

    answers = [product.send("POST", "/api/news/search", {"q": each}) for each in words]

    assert [status for status, _ in answers][:3] == [200, 200, 200]
    assert {status for status, _ in answers[3:]} == {429}
    quota = until(
        lambda: (
            told(product, "/api/news", "news")["quota"]["next_at"]
            and told(product, "/api/news", "news")["quota"]
        ),
        10,
        "the time of the next search",
    )
    assert (quota["used"], quota["left"]) == (4, 0)
    assert quota["next_at"][:16] in answers[-1][1]["error"]["message"]


@pytest.mark.slow
def test_a_failing_newsapi_keeps_the_last_headlines_and_says_so(
    start: Callable[..., Product],
) -> None:
    product = start("demo", "--speed", "240").wait()  # twenty minutes are five seconds
    until(lambda: (told(product, "/api/news", "news") or {}).get("headlines"), 30, "headlines")

    product.fault(newsapi="html")
    late = until(lambda: told(product, "/api/news", "news")["problem"], 40, "a problem")
    kept = told(product, "/api/news", "news")["headlines"]
    product.fault(newsapi="")
    until(lambda: told(product, "/api/news", "news")["problem"] is None, 60, "an end of it")

    assert kept
    assert late
    lines = [line for line in product.text().splitlines() if "edges: NewsAPI" in line]
    assert len(lines) == 2  # once when it began, once when it ended
