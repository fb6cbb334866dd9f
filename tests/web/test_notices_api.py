"""GET /api/notices and the test button over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from grok_sauce.desks.notice_report import report, shown
from grok_sauce.desks.notices import NoticeDesk
from grok_sauce.errors import SettingsError
from grok_sauce.publishers.notify_settings import NotifySettings
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.storage.notices import NoticeRow
from grok_sauce.update import Update
from grok_sauce.web.app import OPENAPI

Make = Callable[..., SimpleNamespace]
Browse = Callable[..., Any]
FILE: dict[str, Any] = json.loads(OPENAPI.read_text("utf-8"))


def fits(method: str, path: str, answer: Any) -> list[str]:
    """What of an answer is not as documented."""
    found = FILE["paths"][path][method]["responses"][str(answer.status_code)]
    schema = {**found["content"]["application/json"]["schema"], "components": FILE["components"]}
    return [error.message for error in Draft202012Validator(schema).iter_errors(answer.get_json())]


@pytest.fixture
def site(make_site: Make, clock: ManualClock) -> SimpleNamespace:
    """A site whose notices come from a real desk; calls notes what was asked of it."""
    made = make_site()
    knobs = NotifySettings(targets="desk=json://127.0.0.1:9/")
    desk = NoticeDesk(
        made.tmp_path / "notices.db", knobs, made.snapshot, made.snapshot.publish, clock,
        lambda: "LIVE",
    )  # fmt: skip
    made.calls = []

    def test(**params: Any) -> Any:
        made.calls.append(params)
        if params["target"] == "nobody":
            raise SettingsError("there is no target named nobody", "target")
        return {"target": params["target"], "ok": True, "text": "sent in 0.1 s", "seconds": 0.1}

    made.machine.questions.register("notices.read", lambda: report(desk))
    made.machine.questions.register("notices.test", test)
    return made


def test_notices_are_told_as_documented(site: SimpleNamespace, browse: Browse) -> None:
    empty = browse(site.app).open("/api/notices")
    row = NoticeRow(
        "n1", site.clock.market(), site.clock.real(), "flip", "warn", "T", "x", None, None
    )
    told = shown(row, True, "LIVE")
    site.snapshot.publish([Update("notice", "", {**told, "recent": [told]})])

    answer = browse(site.app).open("/api/notices")

    assert fits("get", "/api/notices", empty) == []
    assert fits("get", "/api/notices", answer) == []
    assert empty.get_json()["notice"] is None
    assert answer.get_json()["notice"]["recent"][0]["id"] == "n1"
    assert [each["name"] for each in answer.get_json()["targets"]] == ["browser", "desk", "email"]


@pytest.mark.parametrize(
    "body, status",
    [
        ({"target": "desk"}, 200),
        ({"target": "desk", "kind": "summary"}, 200),
        ({"target": "nobody"}, 503),
        ({"target": "../etc"}, 422),
        ({"target": 7}, 422),
        ({"target": "desk", "kind": "poem"}, 422),
        ({"target": "desk", "url": "http://10.0.0.1/"}, 422),
        ({}, 422),
    ],
)
def test_a_test_names_a_target_and_never_an_address(
    site: SimpleNamespace, browse: Browse, body: Any, status: int
) -> None:
    answer = browse(site.app).write("/api/notices/test", body)

    assert answer.status_code == status
    assert fits("post", "/api/notices/test", answer) == []
    assert bool(site.calls) == (status in (200, 503))


def test_a_stranger_cannot_send_tests(site: SimpleNamespace, browse: Browse) -> None:
    answer = browse(site.app).open(
        "/api/notices/test",
        "POST",
        json={"target": "desk"},
        headers={"Origin": "http://evil.example"},
    )

    assert answer.status_code == 403
    assert site.calls == []
