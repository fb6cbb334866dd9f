"""followed: upstream hears of a view from its first browser to its last, however they go."""

from __future__ import annotations

from collections import Counter

import pytest

from grok_sauce.errors import SettingsError
from grok_sauce.publishers.followed import Followed, loading
from grok_sauce.publishers.pages import PAGES, Page, Refusal, is_view, wanted

GEX = Page("gex", "gex.levels", "gex", "whole", symbol=True, view=True)
ROOM = "gex.levels:SPX:2026-12-16,2026-12-18"


class Rooms:
    """Members by room, and what upstream heard."""

    def __init__(self) -> None:
        self.inside: Counter[str] = Counter()
        self.heard: list[str] = []
        self.refuses = False
        self.followed = Followed(lambda room: self.inside[room], self.watch, self.unwatch)

    def watch(self, page: str, symbol: str, view: str) -> None:
        if self.refuses:
            raise SettingsError("16 views are open, which is the limit; close one")
        self.heard.append(f"watch {page} {symbol} {view}")

    def unwatch(self, page: str, symbol: str, view: str) -> None:
        self.heard.append(f"unwatch {page} {symbol} {view}")

    def enter(self, room: str = ROOM, page: Page = GEX) -> None:
        self.followed.enter(page, room, lambda: self.inside.update([room]))

    def leave(self, room: str = ROOM) -> None:
        self.inside[room] -= 1
        self.followed.left()


@pytest.fixture
def rooms() -> Rooms:
    return Rooms()


def test_the_last_one_to_leave_lets_the_view_go(rooms: Rooms) -> None:
    rooms.enter()
    rooms.enter()
    rooms.leave()
    between = list(rooms.heard)
    rooms.leave()

    assert "unwatch" not in " ".join(between)
    assert rooms.heard[-1] == "unwatch gex SPX 2026-12-16,2026-12-18"
    assert rooms.heard[0] == "watch gex SPX 2026-12-16,2026-12-18"


def test_a_view_is_let_go_once_and_can_be_followed_again(rooms: Rooms) -> None:
    rooms.enter()
    rooms.leave()
    rooms.followed.left()
    rooms.enter()

    assert [line.split()[0] for line in rooms.heard] == ["watch", "unwatch", "watch"]


def test_pages_without_views_are_nobodys_business(rooms: Rooms) -> None:
    rooms.enter("indicator.rows", PAGES[0])
    rooms.leave("indicator.rows")

    assert rooms.heard == []


def test_who_is_refused_upstream_does_not_join(rooms: Rooms) -> None:
    rooms.refuses = True

    with pytest.raises(Refusal, match="16 views are open"):
        rooms.enter()

    assert rooms.inside[ROOM] == 0


def test_the_view_of_a_page_may_hold_a_colon(rooms: Rooms) -> None:
    rooms.enter("butterfly.mark:SPX:center=6000:5", GEX)

    assert rooms.heard == ["watch gex SPX center=6000:5"]


@pytest.mark.parametrize(
    ("payload", "added"),
    [
        (None, {"loading": True, "done": 0, "of": None}),
        (
            {"status": {"state": "loading", "loaded": 300, "of": 1200}},
            {"loading": True, "done": 300, "of": 1200},
        ),
        ({"status": {"state": "live", "loaded": 1200, "of": 1200}}, {}),
        ({"flip": 1}, {}),
    ],
    ids=["nothing yet", "some of it", "all", "another shape"],
)
def test_an_answer_says_how_far_loading_is(
    payload: dict[str, object] | None, added: dict[str, object]
) -> None:
    assert loading(payload) == added


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        *[(view, True) for view in ("0dte", "7d", "30d", "all", "2026-12-18")],
        ("2026-12-18,2026-12-31", True),
        *[(view, False) for view in ("", "1d", "ALL", "2026-12-32", "20261218", "all,0dte")],
        *[(view, False) for view in ("2026-12-31,2026-12-18", "2026-12-18,2026-12-18")],
        (",".join(f"2026-12-{day:02d}" for day in range(1, 14)), False),
    ],
)
def test_a_view_has_one_spelling(text: str, is_one: bool) -> None:
    assert is_view(text) is is_one


def test_the_gex_page_has_a_room_per_symbol_and_view() -> None:
    pages = {page.name: page for page in PAGES}

    page, key = wanted(pages, {"page": "gex", "symbol": "SPX", "view": "7d"})

    assert (page.topic, key) == ("gex.levels", "SPX:7d")
