"""One owner at a time by a lease in a real Redis, each with a higher token than all before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from grok_sauce.errors import SourceError
from grok_sauce.redis_link import RedisLink, RedisSettings, connect
from grok_sauce.runtime.clock import ManualClock, RealClock
from grok_sauce.runtime.fenced_lock import MARGIN, FencedLock
from tests.redis_server import RedisServer

LEASE = 5.0


@pytest.fixture(scope="module")
def redis_here() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def link(redis_here: RedisServer) -> Iterator[RedisLink]:
    redis_here.cli("FLUSHALL")
    found = connect(RedisSettings(redis_here.url), RealClock())
    yield found
    found.close()


def locks(link: RedisLink, *names: str) -> list[FencedLock]:
    return [FencedLock(link, "feed:lock", name, ManualClock(), LEASE) for name in names]


def expire(link: RedisLink) -> None:
    """As if the lease had run out at the server."""
    link.do("DEL", "feed:lock")


def test_the_first_owns_and_the_second_is_told_who_does(link: RedisLink) -> None:
    first, second = locks(link, "one", "two")

    assert first.keep() is not None
    assert second.keep() is None

    assert second.fence is None
    assert second.holder == "one"


def test_an_owner_keeps_its_token_while_it_renews(link: RedisLink) -> None:
    (first,) = locks(link, "one")

    tokens = {fence.token for fence in (first.keep(), first.keep(), first.keep()) if fence}

    assert len(tokens) == 1


def test_each_new_owner_has_a_higher_token(link: RedisLink) -> None:
    first, second = locks(link, "one", "two")
    tokens = []

    for lock in (first, second, first, second):
        fence = lock.keep()
        assert fence is not None
        tokens.append(fence.token)
        expire(link)

    assert tokens == sorted(set(tokens))


def test_a_server_that_forgot_everything_gives_no_token_again(
    link: RedisLink, redis_here: RedisServer
) -> None:
    first, second = locks(link, "one", "two")
    before = first.keep()

    redis_here.cli("FLUSHALL")
    after = second.keep()

    assert before is not None
    assert after is not None
    assert after.token > before.token


def test_ownership_ends_by_the_owners_own_clock_before_the_lease_does(link: RedisLink) -> None:
    clock = ManualClock()
    lock = FencedLock(link, "feed:lock", "one", clock, LEASE)
    assert lock.keep() is not None

    clock.advance(LEASE - MARGIN - 0.01)
    just_before = lock.fence
    clock.advance(0.02)

    assert just_before is not None
    assert lock.fence is None
    assert int(link.do("PTTL", "feed:lock")) > 0, "the server still keeps others out"


def test_a_lease_counts_from_the_question_not_from_the_answer() -> None:
    clock = ManualClock()

    class Slow:
        def do(self, *command: object) -> object:
            clock.advance(4.0)
            return [b"7", b"7 one"]

    lock = FencedLock(Slow(), "feed:lock", "one", clock, LEASE)

    assert lock.keep() is None
    assert lock.fence is None


def test_a_redis_that_is_gone_takes_nothing_away_before_the_lease_ends(
    link: RedisLink,
) -> None:
    clock = ManualClock()
    lock = FencedLock(link, "feed:lock", "one", clock, LEASE)
    assert lock.keep() is not None

    def gone(*command: object) -> object:
        raise SourceError("gone")

    lock._link = type("Gone", (), {"do": staticmethod(gone)})()
    with pytest.raises(SourceError):
        lock.keep()

    assert lock.fence is not None


def test_only_the_owner_can_release(link: RedisLink) -> None:
    first, second = locks(link, "one", "two")
    first.keep()

    second.release()
    assert second.keep() is None
    first.release()

    assert second.keep() is not None


def test_one_that_was_told_it_lost_owns_nothing(link: RedisLink) -> None:
    (first,) = locks(link, "one")
    first.keep()

    first.lost()

    assert first.fence is None
