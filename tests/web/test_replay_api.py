"""The replay control's route: what it passes on, what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from grok_sauce.errors import SettingsError

Make = Callable[..., SimpleNamespace]
Browse = Callable[..., Any]


def test_the_control_is_passed_on_and_its_answer_given(make_site: Make, browse: Browse) -> None:
    site = make_site()
    asked: list[tuple[str, Any]] = []

    def control(action: str, value: Any) -> dict[str, Any]:
        asked.append((action, value))
        return {"state": "playing"}

    site.deps.controls.register("replay.control", control)

    answer = browse(site.app).write("/api/replay", {"action": "speed", "value": 30})

    assert (answer.status_code, answer.get_json()) == (200, {"state": "playing"})
    assert asked == [("speed", 30)]


def test_a_wish_that_cannot_be_is_refused_by_its_field(make_site: Make, browse: Browse) -> None:
    site = make_site()

    def control(action: str, value: Any) -> dict[str, Any]:
        raise SettingsError("speed must be from 1 to 60 or max", "value")

    site.deps.controls.register("replay.control", control)

    answer = browse(site.app).write("/api/replay", {"action": "speed", "value": 0})

    assert answer.status_code == 422
    assert answer.get_json()["error"]["field"] == "value"


@pytest.mark.parametrize(
    "body, status",
    [({"action": "play"}, 404), ({}, 422), ({"action": "play", "more": 1}, 422), ([], 400)],
)
def test_where_nothing_is_played_there_is_no_control(
    make_site: Make, browse: Browse, body: Any, status: int
) -> None:
    answer = browse(make_site().app).write("/api/replay", body)

    assert answer.status_code == status
