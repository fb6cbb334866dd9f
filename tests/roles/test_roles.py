"""Controls, questions and views between a web role and a feed, over a real Redis."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from grok_sauce.controls import Controls, UnknownControl
from grok_sauce.errors import SettingsError, SourceError, SourceRefused
from grok_sauce.questions import Questions, Unavailable
from grok_sauce.redis_link import RedisSettings, connect
from grok_sauce.roles.doors import Answering, Asking, FarControls, FarQuestions
from grok_sauce.roles.grey import greyed
from grok_sauce.roles.health import merged
from grok_sauce.roles.views import EXPIRES, HELD, UNWATCH, WATCH, Held, Ledger
from grok_sauce.roles.wire import RoleSettings, redis_of
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import FollowedClock, ManualClock, RealClock, SharedClock
from grok_sauce.settings import SettingsConflict
from tests.redis_server import RedisServer

NAMES = RoleSettings("test")


@pytest.fixture(scope="module")
def redis_here() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


def until(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not look():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)


class Pair:
    """A feed and a web role of it, joined."""

    def __init__(self, url: str) -> None:
        self.link = connect(RedisSettings(url), RealClock())
        self.stop = threading.Event()
        self.reason: str | None = None
        self.known = 5  # the newest token a web role has seen
        self.owns: int | None = 5
        self.controls, self.questions = Controls(), Questions(concurrency.spawn)
        self.clock = ManualClock()
        self.ledger = Ledger(self.controls, self.clock)
        self.answering = Answering(
            self.link,
            NAMES,
            self.controls,
            self.questions,
            lambda: self.owns,
            self.ledger.take,
            concurrency.spawn,
            RealClock(),
        )
        self.asking = Asking(self.link, NAMES, "web1", lambda: self.reason, lambda: self.known)
        self.views = Held(self.asking.ask, lambda: self.known, lambda: self.reason is None)
        self.far = FarControls(self.asking, self.views)
        self.asked = FarQuestions(self.asking, concurrency.spawn)
        self.threads = [
            threading.Thread(target=worker.run, args=(self.stop,), daemon=True)
            for worker in (self.answering, self.asking)
        ]
        for thread in self.threads:
            thread.start()
        listening = lambda: self.link.do("PUBSUB", "NUMSUB", NAMES.requests, NAMES.answers("web1"))  # noqa: E731
        until(lambda: [int(n) for n in listening()[1::2]] == [1, 1])

    def close(self) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join(5)
        self.link.close()


@pytest.fixture
def pair(redis_here: RedisServer) -> Iterator[Pair]:
    found = Pair(redis_here.url)
    yield found
    found.close()


def test_a_control_acts_in_the_feed_and_its_answer_comes_back(pair: Pair) -> None:
    pair.controls.register("double", lambda number: {"twice": 2 * number})

    assert pair.far.do("double", number=21) == {"twice": 42}


@pytest.mark.parametrize(
    "problem",
    [
        SettingsError("no such symbol", "symbol"),
        SettingsConflict("changed meanwhile"),
        SourceError("the broker is away"),
        SourceRefused("sign in again"),
    ],
    ids=lambda problem: type(problem).__name__,
)
def test_an_error_keeps_its_kind_its_words_and_its_field(pair: Pair, problem: Exception) -> None:
    def act() -> None:
        raise problem

    pair.controls.register("act", act)

    with pytest.raises(type(problem)) as caught:
        pair.far.do("act")

    assert type(caught.value) is type(problem)
    assert str(caught.value) == str(problem)
    assert getattr(caught.value, "field", None) == getattr(problem, "field", None)


def test_only_what_is_registered_can_be_done(pair: Pair) -> None:
    with pytest.raises(UnknownControl):
        pair.far.do("__import__", name="os")


def test_a_question_is_answered_and_a_large_answer_too(pair: Pair) -> None:
    rows = [[number, "x" * 100] for number in range(20_000)]
    pair.questions.register("rows", lambda: {"rows": rows})

    assert pair.asked.ask("rows", timeout=20) == {"rows": rows}


def test_a_question_that_fails_is_unavailable_in_the_same_words(pair: Pair) -> None:
    def answer() -> None:
        raise SourceError("no chain yet")

    pair.questions.register("chain", answer)

    assert pair.asked.ask("chain") == Unavailable("no chain yet")
    assert pair.asked.ask("nobody") == Unavailable("nobody answers 'nobody' in this process")


def test_a_slow_question_ends_at_its_time_limit(pair: Pair) -> None:
    pair.questions.register("slow", lambda: time.sleep(3))

    began = time.monotonic()
    found = pair.asked.ask("slow", timeout=0.3)

    assert isinstance(found, Unavailable)
    assert time.monotonic() - began < 2


def test_a_feed_that_is_away_is_not_waited_for(pair: Pair) -> None:
    pair.reason = "The feed has said nothing for 3 s"

    began = time.monotonic()

    assert pair.asked.ask("anything") == Unavailable("The feed has said nothing for 3 s")
    with pytest.raises(SourceError, match="said nothing"):
        pair.far.do("anything")
    assert time.monotonic() - began < 0.2


def test_an_owner_that_is_one_no_more_acts_on_nothing(pair: Pair) -> None:
    done: list[int] = []
    pair.controls.register("act", lambda: done.append(1))
    pair.questions.register("ask", lambda: done.append(2))
    pair.owns = None

    found = pair.asked.ask("ask", timeout=0.3)

    assert isinstance(found, Unavailable)
    assert done == []


def test_the_answer_of_an_owner_before_is_not_believed(pair: Pair) -> None:
    pair.questions.register("price", lambda: 99.0)
    pair.known = 6  # a web role that has heard the next owner already

    assert isinstance(pair.asked.ask("price", timeout=0.3), Unavailable)


def test_an_answer_goes_to_the_role_that_asked_and_to_no_other(
    pair: Pair, redis_here: RedisServer
) -> None:
    pair.questions.register("who", lambda: "you")
    ear = pair.link.hear([NAMES.answers("web2")])

    assert pair.asked.ask("who") == "you"

    heard = [ear.read(0.1) for _ in range(5)]
    ear.close()
    assert not [each for each in heard if each is not None]


def test_requests_that_are_none_are_passed_over(pair: Pair) -> None:
    pair.questions.register("who", lambda: "you")
    for body in (b"", b"[]", b'{"id":1}', b'{"id":"a","role":"b","kind":"do","name":"x"}'):
        pair.link.do("PUBLISH", NAMES.requests, body)

    assert pair.asked.ask("who") == "you"


# ---- views ------------------------------------------------------------------------------


class Watched:
    """The feed's own controls of views."""

    def __init__(self, controls: Controls, most: int = 99) -> None:
        self.now: list[tuple[str, str, str]] = []
        self.most = most
        controls.register(WATCH, self.watch)
        controls.register(UNWATCH, self.unwatch)

    def watch(self, page: str, symbol: str, view: str) -> None:
        if len(self.now) >= self.most:
            raise SettingsError("as many as there may be")
        if (page, symbol, view) not in self.now:
            self.now.append((page, symbol, view))

    def unwatch(self, page: str, symbol: str, view: str) -> None:
        self.now.remove((page, symbol, view))


SPX = {"page": "gex", "symbol": "SPX", "view": "0dte"}
PLACE = ("gex", "SPX", "0dte")


@pytest.fixture
def ledger() -> tuple[Ledger, Watched, ManualClock]:
    controls, clock = Controls(), ManualClock()
    return Ledger(controls, clock), Watched(controls), clock


def test_a_view_ends_when_the_last_web_role_leaves_it(
    ledger: tuple[Ledger, Watched, ManualClock],
) -> None:
    book, watched, _ = ledger
    book.take("a", WATCH, SPX)
    book.take("b", WATCH, SPX)

    book.take("a", UNWATCH, SPX)
    between = list(watched.now)
    book.take("b", UNWATCH, SPX)

    assert between == [PLACE]
    assert watched.now == []


def test_a_killed_web_role_keeps_no_view_alive(
    ledger: tuple[Ledger, Watched, ManualClock],
) -> None:
    book, watched, clock = ledger
    book.take("killed", WATCH, SPX)
    book.take("alive", WATCH, SPX | {"symbol": "QQQ"})

    clock.advance(EXPIRES / 2)
    book.take("alive", HELD, {"places": [["gex", "QQQ", "0dte"]]})
    clock.advance(EXPIRES / 2 + 1)
    book.sweep()

    assert watched.now == [("gex", "QQQ", "0dte")]
    assert book.roles() == 1


def test_a_new_owner_learns_all_views_from_one_telling(
    ledger: tuple[Ledger, Watched, ManualClock],
) -> None:
    book, watched, _ = ledger

    book.take("a", HELD, {"places": [list(PLACE), ["chart", "SPY", "5m"]]})
    book.take("a", HELD, {"places": [list(PLACE)]})

    assert watched.now == [PLACE]


@pytest.mark.parametrize("places", [None, "x", [1], [["a", "b"]], [["a", "b", 3]]])
def test_views_without_their_shape_change_nothing(
    ledger: tuple[Ledger, Watched, ManualClock], places: Any
) -> None:
    book, watched, _ = ledger

    with pytest.raises(SourceError):
        book.take("a", HELD, {"places": places})

    assert watched.now == []


def test_a_browser_is_told_that_no_further_view_can_be_followed(pair: Pair) -> None:
    Watched(pair.controls, most=1)
    pair.far.do(WATCH, **SPX)

    with pytest.raises(SettingsError, match="as many as"):
        pair.far.do(WATCH, **(SPX | {"symbol": "NDX"}))


def test_a_view_opened_while_the_feed_is_away_is_told_when_it_is_back(pair: Pair) -> None:
    watched = Watched(pair.controls)
    pair.reason = "away"
    pair.far.do(WATCH, **SPX)
    assert watched.now == []
    worker = threading.Thread(target=pair.views.run, args=(pair.stop,), daemon=True)
    worker.start()

    pair.reason = None

    until(lambda: watched.now == [PLACE])
    pair.stop.set()
    worker.join(5)


# ---- what pages are told ----------------------------------------------------------------


def test_rows_of_a_dead_feed_are_grey_and_those_that_never_came_stay_as_they_are() -> None:
    live = {"symbol": "SPY", "status": "live", "stale": False, "price": 1.0}
    never = {"symbol": "DXY", "status": "not_offered", "stale": False}

    grey = greyed("indicator.rows", "SPY", live, "gone")

    assert grey is not None
    assert grey.payload == {**live, "status": "link_down", "stale": True}
    assert greyed("indicator.rows", "SPY", grey.payload, "gone") is None
    assert greyed("indicator.rows", "DXY", never, "gone") is None


def test_levels_of_a_dead_feed_say_so() -> None:
    payload = {"status": {"state": "live", "text": ""}, "spot": 6000.0}

    grey = greyed("gex.levels", "SPX:all", payload, "The feed has said nothing for 3 s")

    assert grey is not None
    assert grey.payload["status"]["state"] == "stale"
    assert "said nothing for 3 s" in grey.payload["status"]["text"]


OWN: dict[str, Any] = {
    "ok": True,
    "problems": [],
    "sources": [{"name": "updates", "mark": "fresh"}],
    "workers": [],
    "errors": [],
    "mode": {"name": "LIVE", "detail": "", "seed": None},
    "loading": None,
}
FEED: dict[str, Any] = {
    **OWN,
    "sources": [{"name": "dxlink", "mark": "fresh", "age": 0.1, "state": "live", "rate": 5}],
    "workers": [{"name": "engine", "mark": "fresh"}],
    "mode": {"name": "DEMO", "detail": "", "seed": 42},
    "feed_rate": 12.5,
}


def test_a_web_role_is_as_well_as_its_feed() -> None:
    sick = {**FEED, "ok": False, "problems": ["dxLink is down"]}

    well, ill = merged(OWN, FEED, None), merged(OWN, sick, None)

    assert (well["ok"], well["mode"]["name"], well["feed_rate"]) == (True, "DEMO", 12.5)
    assert [row["name"] for row in well["sources"]] == ["updates", "dxlink"]
    assert [row["name"] for row in well["workers"]] == ["feed: engine"]
    assert (ill["ok"], ill["problems"]) == (False, ["dxLink is down"])


def test_without_its_feed_a_web_role_names_why_and_no_source_looks_fresh() -> None:
    report = merged(OWN, FEED, "The feed has said nothing for 3 s")

    assert not report["ok"]
    assert report["problems"] == ["The feed has said nothing for 3 s"]
    assert report["mode"]["name"] == "NO FEED"
    assert report["feed_gone"]
    (dxlink,) = [row for row in report["sources"] if row["name"] == "dxlink"]
    assert (dxlink["mark"], dxlink["age"], dxlink["rate"]) == ("off", None, None)
    assert "feed_rate" not in report or report["feed_rate"] is None


def test_a_followed_clock_is_the_feeds_and_the_wall_clock_before() -> None:
    clock, shared = FollowedClock(), SharedClock(1_797_000_000.0, RealClock().real(), 24.0)
    assert abs(clock.market() - clock.real()) < 1

    clock.follow(shared.anchor())

    assert clock.speed == 24.0
    assert abs(clock.market() - shared.market()) < 1
    clock.follow(None)
    assert clock.speed == 1.0


def test_a_role_without_redis_says_what_to_set() -> None:
    with pytest.raises(SettingsError, match="REDIS_URL=redis://"):
        redis_of({}, "web")


@pytest.mark.parametrize("name", ["", "a b", "a:b", "x" * 41])
def test_a_name_that_cannot_be_one_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="FEED_NAME"):
        RoleSettings(name)
