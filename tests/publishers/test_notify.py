"""Deliveries: durable, tried again, given up, never twice at will, never in anybody's way."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.errors import SourceError, SourceRefused
from grok_sauce.publishers.notify import ATTEMPTS, Delivery, Outbox
from grok_sauce.publishers.notify_target import Letter, Undeliverable, shown
from grok_sauce.runtime.clock import ManualClock, RealClock
from grok_sauce.storage.notices import Message, NoticeRow
from tests.publishers.notify_kit import until


class Phone:
    """A target that answers as told: an error to raise, or "" to take the letter."""

    name = "phone"
    label = "Phone"
    detail = "made up"

    def __init__(self) -> None:
        self.answers: list[Exception | str] = []
        self.letters: list[Letter] = []
        self.gate: threading.Event | None = None

    def send(self, letter: Letter) -> str:
        if self.gate is not None:
            self.gate.wait(10)
        answer = self.answers.pop(0) if self.answers else ""
        if isinstance(answer, Exception):
            raise answer
        self.letters.append(letter)
        return answer


@pytest.fixture
def outbox(tmp_path: Path, clock: ManualClock) -> Iterator[Outbox]:
    box = Outbox(tmp_path / "notices.db", clock)
    yield box
    box.close()


@pytest.fixture
def phone() -> Phone:
    return Phone()


@pytest.fixture
def make(outbox: Outbox, phone: Phone, clock: ManualClock) -> Callable[..., Delivery]:
    def made(**options: Any) -> Delivery:
        is_on = options.pop("is_on", lambda: True)
        return Delivery(phone, outbox, clock, is_on, jitter=lambda: 0.5, **options)

    return made


def put(outbox: Outbox, made: float, *titles: str, **values: Any) -> None:
    messages = [
        Message("phone", values.get("kind", "notice"), "info", title, "text", made)
        for title in titles
    ]
    outbox.use(lambda store: store.put((), (), messages))


def log_of(outbox: Outbox) -> list[tuple[str, str, int]]:
    rows = outbox.use(lambda store: store.log(50))
    return [(row.title, row.state, row.attempts) for row in reversed(rows)]


def test_messages_go_out_in_order_and_are_noted(
    outbox: Outbox, phone: Phone, clock: ManualClock, make: Callable[..., Delivery]
) -> None:
    put(outbox, clock.real(), "one", "two")
    delivery = make()

    assert [delivery.step() for _ in range(3)] == [True, True, False]

    assert [letter.title for letter in phone.letters] == ["one", "two"]
    assert log_of(outbox) == [("one", "sent", 1), ("two", "sent", 1)]


def test_a_failure_is_tried_again_later_and_keeps_the_order(
    outbox: Outbox, phone: Phone, clock: ManualClock, make: Callable[..., Delivery]
) -> None:
    put(outbox, clock.real(), "one")
    delivery = make()
    phone.answers = [SourceError("busy"), SourceError("busy")]
    delivery.step()
    uid = outbox.use(lambda store: store.log(1))[0].uid

    clock.advance(4)
    early = delivery.step()
    clock.advance(1)
    delivery.step()
    clock.advance(15)
    delivery.step()

    assert early is False
    assert log_of(outbox) == [("one", "sent", 3)]
    assert [letter.uid for letter in phone.letters] == [uid]


def test_after_eight_attempts_or_two_hours_it_is_given_up(
    outbox: Outbox, phone: Phone, clock: ManualClock, make: Callable[..., Delivery]
) -> None:
    put(outbox, clock.real(), "never", kind="summary")
    delivery = make()
    phone.answers = [SourceError("busy")] * ATTEMPTS
    for _ in range(ATTEMPTS):
        delivery.step()
        clock.advance(1801)
    put(outbox, clock.real(), "old")
    clock.advance(7201)
    delivery.step()

    assert log_of(outbox) == [("never", "failed", ATTEMPTS), ("old", "expired", 0)]
    assert phone.letters == []


def test_a_letter_that_is_not_taken_does_not_hold_up_the_next(
    outbox: Outbox, phone: Phone, clock: ManualClock, make: Callable[..., Delivery]
) -> None:
    put(outbox, clock.real(), "bad", "good")
    delivery = make()
    phone.answers = [Undeliverable("too long")]

    delivery.step()
    delivery.step()

    assert log_of(outbox) == [("bad", "failed", 1), ("good", "sent", 1)]


def test_a_refused_target_is_left_alone_until_a_test_passes(
    outbox: Outbox, phone: Phone, clock: ManualClock, make: Callable[..., Delivery]
) -> None:
    put(outbox, clock.real(), "one")
    delivery = make()
    phone.answers = [SourceRefused("wrong token"), SourceRefused("wrong token")]
    delivery.step()
    clock.advance(60)
    again = delivery.step()
    failed = delivery.test(Letter("Test", "text", "info", "t1", clock.real()))

    passed = delivery.test(Letter("Test", "text", "info", "t2", clock.real()))
    delivery.step()

    assert again is False
    assert (failed["ok"], failed["text"]) == (False, "wrong token")
    assert passed["ok"] is True
    assert delivery.refused is None
    assert log_of(outbox) == [("one", "sent", 2), ("Test", "failed", 1), ("Test", "sent", 1)]


def test_a_target_that_is_off_keeps_what_waits(
    outbox: Outbox, phone: Phone, clock: ManualClock, make: Callable[..., Delivery]
) -> None:
    put(outbox, clock.real(), "one")

    assert make(is_on=lambda: False).step() is False

    assert log_of(outbox) == [("one", "waiting", 0)]


def test_what_waits_is_sent_after_a_restart(
    outbox: Outbox, phone: Phone, clock: ManualClock, make: Callable[..., Delivery]
) -> None:
    put(outbox, clock.real(), "one", "two")
    make().step()
    outbox.close()

    after = Outbox(outbox.path, clock)
    delivery = Delivery(phone, after, clock, lambda: True)
    while delivery.step():
        pass

    assert [letter.title for letter in phone.letters] == ["one", "two"]
    after.close()


def test_a_server_that_dribbles_for_ever_holds_up_its_own_worker_alone_and_for_so_long(
    tmp_path: Path, phone: Phone
) -> None:
    clock = RealClock()
    box = Outbox(tmp_path / "notices.db", clock)
    phone.gate = threading.Event()
    put(box, clock.real(), "one")
    delivery = Delivery(phone, box, clock, lambda: True, deadline=0.1)

    delivery.step()
    (kept,) = box.use(lambda store: store.log(1))
    delivery._due = 0.0
    second = delivery.test(Letter("Test", "text", "info", "t1", clock.real()))

    assert (kept.state, kept.error) == ("waiting", "no end within 0.1 s")
    assert second["text"] == "the attempt before has not ended yet"
    phone.gate.set()
    until(lambda: phone.letters, "the late send ends")
    box.close()


def test_the_worker_delivers_and_stops_at_once_while_a_send_hangs(
    tmp_path: Path, phone: Phone
) -> None:
    clock = RealClock()
    box = Outbox(tmp_path / "notices.db", clock)
    delivery = Delivery(phone, box, clock, lambda: True)
    stop = threading.Event()
    worker = threading.Thread(target=delivery.run, args=(stop,))
    worker.start()
    put(box, clock.real(), "one")
    delivery.wake()
    until(lambda: phone.letters, "the first is delivered")
    phone.gate = threading.Event()
    put(box, clock.real(), "two")
    delivery.wake()
    until(lambda: delivery._wake.is_set() is False, "the worker took the second")

    stop.set()
    worker.join(3)

    assert not worker.is_alive()
    assert log_of(box)[1] == ("two", "waiting", 0)
    phone.gate.set()
    until(lambda: len(phone.letters) == 2, "the late send ends")
    box.close()


def test_a_bug_in_a_plugin_costs_one_message_and_its_text_is_not_logged(
    outbox: Outbox,
    phone: Phone,
    clock: ManualClock,
    make: Callable[..., Delivery],
    caplog: pytest.LogCaptureFixture,
) -> None:
    put(outbox, clock.real(), "one", "two")
    delivery = make()
    phone.answers = [RuntimeError("https://host/secret-4f2a")]

    with caplog.at_level(logging.DEBUG):
        delivery.step()
        delivery.step()

    assert log_of(outbox) == [("one", "failed", 1), ("two", "sent", 1)]
    assert "secret-4f2a" not in caplog.text


def test_notices_and_their_messages_are_kept_together_and_once(
    outbox: Outbox, clock: ManualClock
) -> None:
    now = clock.real()
    row = NoticeRow("n1", now, now, "flip", "warn", "Title", "Text", "SPX", "/gex/SPX")
    held = Message("phone", "notice", "warn", "Title", "Text", now, "n1", "held")

    for _ in range(2):
        outbox.use(lambda store: store.put([row], ["n1", "n1b"], [], now=now))
    outbox.use(lambda store: store.put((), (), [held]))
    kept = outbox.use(lambda store: store.load(10))
    ((seq, again),) = outbox.use(lambda store: store.held("phone"))
    digest = Message("phone", "digest", "info", "1 notice", "Title", now)
    outbox.use(lambda store: store.put((), (), [digest], [seq], now))

    assert kept.told == ("n1", "n1b")
    assert kept.recent == (row,)
    assert again == row
    assert log_of(outbox) == [("Title", "gathered", 0), ("1 notice", "waiting", 0)]
    assert outbox.use(lambda store: store.held("phone")) == []


def test_what_is_old_leaves_the_file(outbox: Outbox, clock: ManualClock) -> None:
    now = clock.real()
    row = NoticeRow("n1", now, now, "flip", "warn", "Title", "Text", None, None)
    put(outbox, now, "settled", "waits")
    outbox.use(lambda store: store.put([row], ["n1"], [], now=now))
    first = outbox.use(lambda store: store.log(2))[1]
    outbox.use(lambda store: store.settle(first._replace(state="sent", done=now)))

    outbox.use(lambda store: store.expire([("notice", now + 1)], now))
    outbox.use(lambda store: store.prune(now + 31 * 86400))
    kept = outbox.use(lambda store: store.load(10))

    assert (kept.told, kept.recent, log_of(outbox)) == ((), (), [])


@pytest.mark.parametrize(
    "text, secrets, found",
    [
        ("535 bad canary\r\nBcc: x", ["canary"], "535 bad •••• Bcc: x"),
        ("see https://u:p@h/x now", [], "see •••• now"),
        ("x" * 500, [], "x" * 239 + "…"),
        ("a\x1b[31mred", [], "a?[31mred"),
        ("the word", ["th"], "the word"),
    ],
)
def test_what_servers_say_is_shown_without_secrets(
    text: str, secrets: list[str], found: str
) -> None:
    assert shown(text, secrets) == found
