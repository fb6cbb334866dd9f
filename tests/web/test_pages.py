"""What the pages and the plain routes answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from grok_sauce.runtime.clock import ManualClock
from grok_sauce.update import Update
from grok_sauce.web import PAGES
from grok_sauce.web.status import prometheus

Make = Callable[..., SimpleNamespace]
Browse = Callable[..., Any]


def test_the_table_is_complete_without_a_socket(make_site: Make, browse: Browse) -> None:
    text = browse(make_site().app).open("/indicator").get_data(as_text=True)

    assert text.index("<td>SPY 0.3s") < text.index("<td>XLF 0.3s")
    assert "e1 1" in text


def test_hostile_names_reach_page_and_script_as_text(make_site: Make, browse: Browse) -> None:
    text = browse(make_site().app).open("/indicator").get_data(as_text=True)

    assert "<b>" not in text
    assert "&lt;/script&gt;" in text
    block = text.partition('<script type="application/json"')[2].partition(">")[2]
    rows = json.loads(block.partition("</script>")[0])
    assert rows[1]["name"] == "</script><b>"


def test_root_leads_to_the_table(make_site: Make, browse: Browse) -> None:
    answer = browse(make_site().app).open("/")

    assert answer.status_code == 302
    assert answer.headers["Location"] == "/indicator"


def test_api_gives_rows_in_order_with_the_newest_time(make_site: Make, browse: Browse) -> None:
    found = browse(make_site().app).open("/api/indicator").get_json()

    assert [row["symbol"] for row in found["rows"]] == ["SPY", "XLF"]
    assert (found["epoch"], found["seq"]) == ("e1", 1)
    assert found["as_of"] == "2026-12-16T19:32:06.700Z"
    assert found["rows"][0]["rvol"] is None


def test_an_empty_table_has_no_time(make_site: Make, browse: Browse) -> None:
    found = browse(make_site(rows=False).app).open("/api/indicator").get_json()

    assert (found["rows"], found["as_of"], found["seq"]) == ([], None, 0)


def test_nan_never_leaves_as_json(make_site: Make, browse: Browse) -> None:
    site = make_site()
    site.snapshot.publish([Update("indicator.rows", "SPY", {"symbol": "SPY", "order": 0,
                                                             "price": float("nan")})])  # fmt: skip

    answer = browse(site.app).open("/api/indicator")

    assert answer.status_code == 500
    assert "NaN" not in answer.get_data(as_text=True)


def test_context_has_pages_display_and_version(make_site: Make, browse: Browse) -> None:
    text = browse(make_site().app).open("/setup").get_data(as_text=True)

    linked = "".join(f"[{page.path} {page.key}]" for page in PAGES)
    assert f"setup|system|0.1.0|{linked}|" in text
    assert "|False|False|None|" in text
    assert f"{make_site().store.revision} False 5" in text


@pytest.mark.parametrize(("query", "first"), [("", False), ("?first=1", True), ("?first=0", False)])
def test_setup_is_a_first_run_only_when_it_is_asked_for(
    query: str, first: bool, make_site: Make, browse: Browse
) -> None:
    site = make_site()

    text = browse(site.app).open("/setup" + query).get_data(as_text=True)

    assert f"{site.store.revision} {first} 5" in text


def test_a_broken_settings_file_is_told_on_every_page(make_site: Make, browse: Browse) -> None:
    site = make_site()
    site.store.path.write_text("{")
    site.store.refresh()

    text = browse(site.app).open("/status").get_data(as_text=True)

    assert "settings.json cannot be used: not JSON" in text


def test_asset_addresses_change_with_the_content(make_site: Make, browse: Browse) -> None:
    site = make_site()
    user = browse(site.app)
    first = user.open("/status").get_data(as_text=True)
    (site.deps.static / "css" / "base.css").write_text("body{margin:0}", "utf-8")

    second = user.open("/status").get_data(as_text=True)

    address = first.partition("/static/css/base.css?v=")[2].split()[0]
    assert len(address) == 12
    assert address not in second
    assert " /static/css/none.css" in first
    assert "none.css?" not in first


@pytest.mark.parametrize(
    "path, cache",
    [
        ("/static/css/base.css?v=abc", "public, max-age=31536000, immutable"),
        ("/static/css/base.css", "no-cache"),
        ("/static/css/none.css?v=abc", "no-store"),
        ("/api/indicator", "no-store"),
        ("/indicator", "no-store"),
    ],
)
def test_caching_fits_what_is_served(
    make_site: Make, browse: Browse, path: str, cache: str
) -> None:
    answer = browse(make_site().app).open(path)

    assert answer.headers["Cache-Control"] == cache


def test_static_files_are_revalidated_by_etag(make_site: Make, browse: Browse) -> None:
    user = browse(make_site().app)
    etag = user.open("/static/css/base.css").headers["ETag"]

    again = user.open("/static/css/base.css", headers={"If-None-Match": etag})

    assert again.status_code == 304


@pytest.mark.parametrize(
    "path", ["/static/../settings.json", "/static/%2e%2e/settings.json", "/static//etc/passwd",
             "/static/css/..%2f..%2fsettings.json", "/static/css/base.css%00"],
)  # fmt: skip
def test_static_serves_nothing_else(make_site: Make, browse: Browse, path: str) -> None:
    answer = browse(make_site().app).open(path)

    assert answer.status_code == 404


@pytest.mark.parametrize(
    "path, password",
    [("/indicator", None), ("/setup", None), ("/status", None), ("/nothing", None),
     ("/login", "correct horse battery"), ("/nothing", "correct horse battery")],
)  # fmt: skip
@pytest.mark.parametrize("told", [True, False], ids=["running", "before the first beat"])
def test_the_real_templates_draw_under_the_policy(
    make_site: Make,
    browse: Browse,
    caplog: pytest.LogCaptureFixture,
    path: str,
    password: str | None,
    told: bool,
) -> None:
    site = make_site(rows=False, health=told, real=True, dashboard_password=password)
    user = browse(site.app)

    answer = user.open(path, headers={"Accept": "text/html"})
    text = answer.get_data(as_text=True)

    assert answer.status_code == (404 if path == "/nothing" else 200)
    assert text.rstrip().endswith("</html>")
    assert not re.search(r"<script(?![^>]*nonce=)", text)
    assert not re.search(r"<[^>]+\s(style|on[a-z]+)=", text)
    assert "<style" not in text
    for address in re.findall(r'(?:src|href)="(/static/[^"]+)"', text):
        assert "?v=" in address
        assert user.open(address).status_code == 200
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', text)
    assert caplog.text == ""


class TestHealth:
    def test_good(self, make_site: Make, browse: Browse) -> None:
        answer = browse(make_site().app).open("/health")

        assert answer.status_code == 200
        assert answer.get_json()["mode"]["name"] == "DEMO"

    def test_503_names_what_does_not_work(self, make_site: Make, browse: Browse) -> None:
        site = make_site()
        report = site.snapshot.health() | {"ok": False, "problems": ["dxLink is down"]}
        site.snapshot.publish([Update("service.health", "", report)])

        answer = browse(site.app).open("/api/health")

        assert answer.status_code == 503
        assert answer.get_json()["problems"] == ["dxLink is down"]

    def test_503_before_the_first_report(self, make_site: Make, browse: Browse) -> None:
        answer = browse(make_site(health=False).app).open("/health")

        assert answer.status_code == 503
        assert "not started" in answer.get_json()["problems"][0]

    def test_a_report_nobody_renews_is_not_believed(
        self, make_site: Make, browse: Browse, clock: ManualClock
    ) -> None:
        site = make_site()
        clock.advance(16)

        answer = browse(site.app).open("/health")

        assert answer.status_code == 503
        assert answer.get_json()["problems"] == [
            "the last health report is 16 s old: the engine stands still"
        ]

    def test_strangers_learn_no_more_than_ok(self, make_site: Make, browse: Browse) -> None:
        site = make_site(dashboard_password="correct horse battery")

        answer = browse(site.app).open("/health")

        assert (answer.status_code, answer.get_json()) == (200, {"ok": True})


class TestMetrics:
    def test_text_parses_and_leaves_out_the_unknown(self, make_site: Make, browse: Browse) -> None:
        answer = browse(make_site().app).open("/metrics")
        text = answer.get_data(as_text=True)

        assert answer.content_type == "text/plain; version=0.0.4"
        assert "grok_sauce_up 1" in text.splitlines()
        assert 'grok_sauce_source_mark{source="dxlink",mark="fresh"} 1' in text.splitlines()
        assert 'grok_sauce_source_mark{source="dxlink",mark="down"} 0' in text.splitlines()
        assert "# TYPE grok_sauce_source_restarts_total counter" in text.splitlines()
        assert 'grok_sauce_queue_depth{queue="feed"} 12' in text.splitlines()
        assert "feed_events_per_second" not in text.partition("source_events")[0]
        assert "None" not in text
        assert text.endswith("\n")

    def test_the_router_counts_and_measures(self) -> None:
        alerts = {
            "delivered": 7,
            "held": 2,
            "accept_p99_ms": None,
            "targets": {"localhost:9060": {"attempts": 4, "success_percent": 75.0}},
        }

        lines = prometheus({"ok": True, "alerts": alerts}).splitlines()

        assert "# TYPE grok_sauce_alerts_delivered_total counter" in lines
        assert "grok_sauce_alerts_delivered_total 7" in lines
        assert "grok_sauce_alerts_held 2" in lines
        assert 'grok_sauce_alerts_target_success_percent{target="localhost:9060"} 75.0' in lines
        assert not any("accept" in line for line in lines)

    def test_up_is_0_without_a_report(self, make_site: Make, browse: Browse) -> None:
        text = browse(make_site(health=False).app).open("/metrics").get_data(as_text=True)

        assert "grok_sauce_up 0" in text.splitlines()


class TestErrors:
    def test_unknown_api_address_answers_json(self, make_site: Make, browse: Browse) -> None:
        answer = browse(make_site().app).open("/api/nothing")

        assert answer.status_code == 404
        assert answer.get_json() == {
            "error": {"code": "not_found", "message": "There is nothing at this address."}
        }

    def test_unknown_page_answers_a_page(self, make_site: Make, browse: Browse) -> None:
        answer = browse(make_site().app).open("/nothing", headers={"Accept": "text/html"})

        assert answer.status_code == 404
        assert "404 No such page" in answer.get_data(as_text=True)

    def test_wrong_method_names_the_right_one(self, make_site: Make, browse: Browse) -> None:
        answer = browse(make_site().app).open("/api/settings", "DELETE")

        assert answer.status_code == 405
        assert answer.headers["Allow"] == "GET, HEAD, PUT"
        assert "use GET, HEAD, PUT" in answer.get_json()["error"]["message"]

    def test_a_bug_shows_an_id_and_nothing_else(
        self, make_site: Make, browse: Browse, caplog: pytest.LogCaptureFixture
    ) -> None:
        site = make_site()
        site.snapshot.rows = lambda: 1 / 0

        answer = browse(site.app).open("/api/indicator")

        message = answer.get_json()["error"]["message"]
        number = message.removesuffix(".").rpartition(" ")[2]
        assert answer.status_code == 500
        assert "ZeroDivision" not in answer.get_data(as_text=True)
        assert number in caplog.text
        assert "ZeroDivisionError" in caplog.text

    def test_a_failing_error_page_still_answers(self, make_site: Make, browse: Browse) -> None:
        site = make_site()
        (site.deps.templates / "error.html").write_text("{{ 1 // 0 }}", "utf-8")

        answer = browse(site.app).open("/nothing", headers={"Accept": "text/html"})

        assert answer.status_code == 404
        assert answer.get_data(as_text=True) == "404 There is nothing at this address.\n"

    def test_a_question_nobody_answers_is_503(self, make_site: Make, browse: Browse) -> None:
        site = make_site()
        del site.machine.questions._answerers["symbols.search"]

        answer = browse(site.app).open("/api/symbols?q=NVD")

        assert answer.status_code == 503
        assert answer.get_json()["error"]["code"] == "unavailable"
