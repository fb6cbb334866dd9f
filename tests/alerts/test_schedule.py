"""The schedule as a whole, run as a simulation: milliseconds are handed in, nothing sleeps."""

from __future__ import annotations

import heapq
import random
from dataclasses import replace

from grok_sauce.alerts.model import Delivery, Outcome
from grok_sauce.alerts.schedule import PER_TARGET, SLOTS, ReleaseGroup, Schedule, Send, Settle
from tests.alerts.send_kit import alert
from tests.alerts.test_hold import held
from tests.alerts.test_lanes import NOW, delivery


def outcome(kind: str = "delivered", ms: float = 3.0) -> Outcome:
    return Outcome(kind, None, "", ms)  # type: ignore[arg-type]


def sends(schedule: Schedule, now: int) -> list[Send]:
    return [action for action in schedule.due(now) if isinstance(action, Send)]


def ended(
    schedule: Schedule, send: Send, state: str, now: int, ms: float = 3.0, kind: str = "delivered"
) -> None:
    schedule.sent(send, replace(send.delivery, state=state), outcome(kind, ms), now)  # type: ignore[arg-type]


def test_a_release_is_told_once_and_keeps_its_group_until_it_is_written() -> None:
    schedule = Schedule()
    schedule.hold(held(1), blocked=True)

    (release,) = schedule.due(2000)
    assert isinstance(release, ReleaseGroup)
    schedule.hold(held(1))  # told again by somebody who saw it in the store
    schedule.hold(held(2, at=2000))
    nothing = schedule.due(9000)
    schedule.released(release, [], 9000)
    (second,) = schedule.due(9000)

    assert release.blocked == {1}
    assert nothing == []
    assert isinstance(second, ReleaseGroup)
    assert [each.seq for each in second.alerts] == [2]
    assert second.blocked == frozenset()


def test_a_pair_is_told_apart_from_what_stays() -> None:
    schedule = Schedule()
    schedule.hold(held(1, alert(trade_number=4)))
    schedule.hold(held(2, alert("sell", "long", trade_number=4)))
    schedule.hold(held(3, alert(trade_number=5)))

    (release,) = schedule.due(2000)

    assert isinstance(release, ReleaseGroup)
    assert [each.seq for each in release.alerts] == [3]
    assert [(one.seq, other.seq) for one, other in release.pairs] == [(1, 2)]


def test_a_pause_stops_sends_but_not_the_end_of_freshness() -> None:
    schedule = Schedule()
    schedule.paused = True
    schedule.put([delivery(1, expires_ms=NOW + 100)], NOW)

    first = schedule.due(NOW)
    (second,) = schedule.due(NOW + 100)

    assert first == []
    assert isinstance(second, Settle)
    assert (second.to, second.reason) == ("expired", "too_old")


def test_next_ms_names_the_next_retry_window_expiry_or_probe() -> None:
    schedule = Schedule()
    schedule.put([delivery(1, state="retry_wait", not_before_ms=NOW + 700)], NOW)

    schedule.due(NOW)
    retry = schedule.next_ms()
    schedule.hold(held(9, at=NOW - 1500))
    schedule.due(NOW)
    window = schedule.next_ms()

    assert retry == NOW + 700
    assert window == NOW + 500


def test_one_target_gets_few_of_the_slots_and_all_together_no_more_than_there_are() -> None:
    schedule = Schedule()
    schedule.put(
        [
            delivery(id, ticker=f"T{id}", group=f"T{id}", target=f"localhost:{9000 + id % 8}")
            for id in range(1, 65)
        ],
        NOW,
    )

    started = sends(schedule, NOW)

    assert len(started) == SLOTS
    counts = {each.delivery.target: 0 for each in started}
    for each in started:
        counts[each.delivery.target] += 1
    assert max(counts.values()) <= PER_TARGET


def test_a_target_that_is_slow_gets_one_slot_until_it_is_quick_again() -> None:
    schedule = Schedule()
    schedule.put([delivery(id, ticker=f"T{id}", group=f"T{id}") for id in range(1, 9)], NOW)
    first = sends(schedule, NOW)
    for each in first:
        ended(schedule, each, "uncertain", NOW + 5000, 5000.0, "ambiguous")

    slow = sends(schedule, NOW + 5000)
    ended(schedule, slow[0], "delivered", NOW + 5003)
    quick = sends(schedule, NOW + 5003)

    assert (len(first), len(slow), len(quick)) == (PER_TARGET, 1, 3)


def test_while_a_breaker_is_open_nothing_is_sent_and_then_one_delivery_decides() -> None:
    schedule = Schedule()
    schedule.put([delivery(id, ticker=f"T{id}", group=f"T{id}") for id in range(1, 4)], NOW)
    schedule.load_breakers({"localhost:9060": {"until_ms": NOW + 900, "pause_s": 5}}, NOW)

    closed = sends(schedule, NOW)
    probe_at = schedule.next_ms()
    half = sends(schedule, NOW + 900)
    state = schedule.sent(
        half[0], replace(half[0].delivery, state="delivered"), outcome(), NOW + 910
    )
    after = sends(schedule, NOW + 910)

    assert closed == []
    assert probe_at == NOW + 900
    assert [each.deciding for each in half] == [True]
    assert state == {}
    assert len(after) == 2


def test_while_the_deciding_attempt_is_under_way_nothing_is_due_in_the_past() -> None:
    """A time in the past would keep the dispatcher awake: nobody else would get a turn."""
    schedule = Schedule()
    schedule.put([delivery(id, ticker=f"T{id}", group=f"T{id}") for id in range(1, 4)], NOW)
    schedule.load_breakers({"localhost:9060": {"until_ms": NOW + 900, "pause_s": 5}}, NOW)

    half = sends(schedule, NOW + 900)
    again = sends(schedule, NOW + 1500)
    at = schedule.next_ms()

    assert (len(half), again) == (1, [])
    assert at is not None
    assert at > NOW + 1500


def test_an_alert_that_is_known_stays_as_it_is() -> None:
    schedule = Schedule()
    schedule.hold(held(1, at=NOW), blocked=False)

    schedule.hold(held(1, at=NOW + 500), blocked=True)

    assert [each.received_ms for each in schedule.windows.all()] == [NOW]
    assert schedule.withdraw(1) == (held(1, at=NOW), False)


def test_a_breaker_of_a_clock_that_ran_ahead_opens_within_a_minute() -> None:
    schedule = Schedule()
    schedule.load_breakers({"localhost:9060": {"until_ms": NOW + 10**9, "pause_s": 60}}, NOW)

    assert schedule.breakers() == {"localhost:9060": NOW + 60_000}


def simulate(hangs: bool, targets: int = 10, per_target: int = 120) -> list[int]:
    """Latencies (ms) of deliveries to all targets but the first, which may hang 5 s a call."""
    chance = random.Random(3)
    schedule = Schedule()
    arrivals = sorted(
        (NOW + chance.randint(0, 30_000), target)
        for target in range(targets)
        for _ in range(per_target)
    )
    events: list[tuple[int, int, str, Send | Delivery]] = []
    for id, (at, target) in enumerate(arrivals, 1):
        name = f"T{target}-{id % 3}"
        one = delivery(
            id,
            ticker=name,
            group=name,
            batch=id,
            target=f"localhost:{9000 + target}",
            received_ms=at,
            expires_ms=at + 10**7,
        )
        heapq.heappush(events, (at, id, "arrives", one))
    latencies, count = [], len(arrivals)
    while events:
        now, _, what, item = heapq.heappop(events)
        if isinstance(item, Delivery):
            schedule.put([item], now)
        else:
            ended(schedule, item, "delivered", now, 5000.0 if what == "hung" else 3.0)
            if item.delivery.target != "localhost:9000":
                latencies.append(now - item.delivery.received_ms)
        for send in sends(schedule, now):
            hung = hangs and send.delivery.target == "localhost:9000"
            count += 1
            took = 5000 if hung else chance.randint(2, 5)
            heapq.heappush(events, (now + took, count, "hung" if hung else "ended", send))
    return sorted(latencies)


def test_a_target_that_hangs_leaves_the_other_nine_as_they_were() -> None:
    without, with_one = simulate(hangs=False), simulate(hangs=True)

    assert len(without) == len(with_one) == 9 * 120
    p99 = round(len(without) * 0.99) - 1
    assert with_one[p99] <= without[p99] * 1.2
    assert with_one[-1] <= 20
