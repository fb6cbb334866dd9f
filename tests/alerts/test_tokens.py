"""Who may send: tokens, signed headers, the first start."""

from __future__ import annotations

import os
import stat
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.alerts.records import TokenRow
from grok_sauce.alerts.settings import AlertSettings
from grok_sauce.alerts.steady import SteadyTime
from grok_sauce.alerts.tokens import (
    MAX_REMEMBERED,
    SECRET_FIELDS,
    Tokens,
    Verified,
    digest_of,
    sign,
)
from grok_sauce.errors import GrokSauceError, SettingsError
from grok_sauce.runtime.clock import ManualClock

# Example of the Standard Webhooks specification, as its reference libraries test it.
KNOWN_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KNOWN_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
KNOWN_TIME = 1614265330
KNOWN_BODY = b'{"test": 2432232314}'
KNOWN_SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


class Shelf:
    """A ledger that keeps tokens in a list."""

    def __init__(self) -> None:
        self.kept: list[TokenRow] = []
        self.used: list[tuple[int, int]] = []
        self.is_busy = False
        self.last = 0

    def token_add(
        self, name: str, digest: str, tickers: tuple[str, ...] | None, expires_ms: int | None
    ) -> int:
        self.last += 1
        self.kept.append(TokenRow(self.last, name, digest, tickers, 1, expires_ms, None))
        return self.last

    def token_delete(self, id: int) -> bool:
        self.kept = [row for row in self.kept if row.id != id]
        return True

    def token_used(self, id: int, ms: int) -> None:
        if self.is_busy:
            raise GrokSauceError("busy")
        self.used.append((id, ms))

    def tokens(self) -> list[TokenRow]:
        return list(self.kept)


@dataclass(frozen=True)
class Letter:
    """A request as tokens look at it."""

    token: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    forwarded: bool = False
    loopback: bool = True


class Gate:
    """Tokens over a shelf, in a folder, at one time."""

    def __init__(self, folder: Path, clock: ManualClock, shelf: Shelf, **knobs: Any) -> None:
        self.folder, self.clock, self.shelf = folder, clock, shelf
        self.tokens = Tokens(shelf, SteadyTime(clock), AlertSettings(**knobs))
        self.path = self.tokens.first_start(folder)

    def first(self) -> str:
        return (self.folder / "webhook_token").read_text().strip()

    def lets_in(self, token: str | None, document: dict[str, Any] | None = None) -> bool:
        return self.tokens.check(Letter(token), document) is not None


@pytest.fixture
def gate(tmp_path: Path, clock: ManualClock) -> Gate:
    return Gate(tmp_path, clock, Shelf())


def again(gate: Gate, shelf: Shelf | None = None) -> Gate:
    """The next start in the same folder."""
    return Gate(gate.folder, gate.clock, shelf or gate.shelf)


class TestFirstStart:
    def test_a_token_is_made_and_only_its_owner_can_read_it(self, gate: Gate) -> None:
        assert gate.path == gate.folder / "webhook_token"
        assert len(gate.first()) >= 43
        assert gate.lets_in(gate.first())
        if os.name == "posix":
            assert stat.S_IMODE(gate.path.stat().st_mode) == 0o600

    def test_the_token_itself_is_in_no_ledger(self, gate: Gate) -> None:
        assert [row.digest for row in gate.shelf.kept] == [digest_of(gate.first())]
        assert gate.first() not in repr(gate.shelf.kept)

    def test_two_first_starts_make_two_tokens(self, gate: Gate, tmp_path: Path) -> None:
        other = Gate(tmp_path / "b", gate.clock, Shelf())

        assert other.first() != gate.first()

    def test_a_second_start_changes_nothing(self, gate: Gate) -> None:
        before = gate.first()

        second = again(gate)

        assert (second.path, second.first()) == (None, before)
        assert second.lets_in(before)

    def test_a_new_database_goes_on_with_the_token_of_the_file(self, gate: Gate) -> None:
        second = again(gate, Shelf())

        assert second.path == gate.path
        assert second.lets_in(gate.first())

    def test_a_file_that_holds_no_token_is_replaced(self, gate: Gate) -> None:
        (gate.folder / "webhook_token").write_text("hunter2\n")

        second = again(gate, Shelf())

        assert not second.lets_in("hunter2")
        assert second.lets_in(second.first())

    def test_a_deleted_token_does_not_come_back(self, gate: Gate) -> None:
        old = gate.first()
        gate.tokens.delete(1)

        second = again(gate)

        assert not second.lets_in(old)
        assert second.lets_in(second.first())


class TestCheck:
    def test_without_anything_nobody_is_let_in(self, gate: Gate) -> None:
        assert not gate.lets_in(None)
        assert not gate.lets_in(None, {})
        assert not gate.lets_in("")

    @pytest.mark.parametrize("name", SECRET_FIELDS)
    def test_the_body_may_carry_the_token(self, gate: Gate, name: str) -> None:
        assert gate.lets_in(None, {"ticker": "X", name: gate.first()})

    def test_fields_of_other_names_and_kinds_prove_nothing(self, gate: Gate) -> None:
        token = gate.first()

        for document in ({"token": token}, {"secret": [token]}, {"secret": None}, {"key": 7}):
            assert not gate.lets_in(None, document)

    @pytest.mark.parametrize(
        "change",
        [lambda t: t[:-1], lambda t: t + "A", lambda t: t.swapcase(), lambda t: " " + t,
         lambda t: digest_of(t), lambda t: "é" * 43, lambda t: "\ud800", lambda t: t * 100],
    )  # fmt: skip
    def test_near_misses_are_misses(self, gate: Gate, change: Any) -> None:
        assert not gate.lets_in(change(gate.first()))

    def test_a_right_token_counts_wherever_a_wrong_one_stands(self, gate: Gate) -> None:
        assert gate.lets_in("wrong", {"secret": gate.first()})
        assert gate.lets_in(gate.first(), {"secret": "wrong"})

    def test_every_token_is_compared(self, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
        tokens = [gate.first(), *(gate.tokens.add(f"n{number}") for number in range(4))]
        compared: list[Any] = []

        def compare(a: Any, b: Any) -> bool:
            compared.append(b)
            return bool(a == b)

        monkeypatch.setattr("grok_sauce.alerts.tokens.hmac.compare_digest", compare)
        counts = []
        for token in [*tokens, "wrong"]:
            gate.lets_in(token)
            counts.append(len(compared))
            compared.clear()

        assert counts == [5] * 6

    def test_who_it_was_is_told_with_its_scope(self, gate: Gate) -> None:
        token = gate.tokens.add("scripts", ["ES", "NQ", "ES"])

        found = gate.tokens.check(Letter(token), None)

        assert found == Verified(2, "scripts", ("ES", "NQ"))
        assert [found.allows(name) for name in ("ES", "es", "YM")] == [True, False, False]
        assert Verified(1, "first", None).allows("YM")

    def test_a_token_runs_out_at_its_time(self, gate: Gate) -> None:
        now_ms = int(gate.clock.real() * 1000)
        token = gate.tokens.add("short", None, now_ms + 1000)

        before = gate.lets_in(token)
        gate.clock.advance(1)

        assert (before, gate.lets_in(token)) == (True, False)

    def test_use_is_noted_once_a_minute_and_shown(self, gate: Gate) -> None:
        start = int(gate.clock.real() * 1000)
        for _ in range(5):
            gate.lets_in(gate.first())
            gate.clock.advance(20)

        assert gate.shelf.used == [(1, start), (1, start + 60_000)]
        assert gate.tokens.rows()[0]["used_ms"] == start + 60_000

    def test_a_busy_ledger_keeps_nobody_out(self, gate: Gate) -> None:
        gate.shelf.is_busy = True

        assert gate.lets_in(gate.first())


class TestChanges:
    def test_rotation_goes_without_a_gap(self, gate: Gate) -> None:
        old, new = gate.first(), gate.tokens.add("second")

        both = [gate.lets_in(old), gate.lets_in(new)]
        name = gate.tokens.delete(1)

        assert (both, name) == ([True, True], "first")
        assert [gate.lets_in(old), gate.lets_in(new)] == [False, True]

    def test_rows_tell_no_secret(self, gate: Gate) -> None:
        token = gate.tokens.add("scripts", ["ES"], 99_999_999_999_999)

        rows = gate.tokens.rows()

        assert rows[1] == {
            "id": 2, "name": "scripts", "created_ms": 1, "used_ms": None,
            "expires_ms": 99_999_999_999_999, "tickers": ["ES"],
        }  # fmt: skip
        assert digest_of(token) not in repr(rows)

    @pytest.mark.parametrize(
        "given, wrong",
        [
            (("",), "name"), ((" ",), "name"), (("x" * 61,), "name"), (("a\nb",), "name"),
            ((7,), "name"), (("first",), "name"), (("a", []), "tickers"), (("a", "ES"), "tickers"),
            (("a", ["{}"]), "tickers"), (("a", [7]), "tickers"), (("a", None, 1), "expires_ms"),
            (("a", None, True), "expires_ms"), (("a", None, "soon"), "expires_ms"),
            (("a", None, 10**15), "expires_ms"),
        ],
    )  # fmt: skip
    def test_what_is_wrong_is_named_and_nothing_is_added(
        self, gate: Gate, given: tuple[Any, ...], wrong: str
    ) -> None:
        with pytest.raises(SettingsError) as caught:
            gate.tokens.add(*given)

        assert caught.value.field == wrong
        assert len(gate.shelf.kept) == 1

    @pytest.mark.parametrize("id", [7, "1", None, True, 1.5])
    def test_a_token_that_is_not_there_cannot_be_deleted(self, gate: Gate, id: Any) -> None:
        with pytest.raises(SettingsError) as caught:
            gate.tokens.delete(id)

        assert caught.value.field == "id"
        assert gate.lets_in(gate.first())

    def test_the_first_token_is_revealed_while_it_is_valid(self, gate: Gate) -> None:
        before = gate.first()

        shown = gate.tokens.reveal()
        gate.tokens.delete(1)

        assert (shown, gate.tokens.reveal()) == (before, None)
        assert not (gate.folder / "webhook_token").exists()

    def test_a_file_that_somebody_changed_reveals_nothing(self, gate: Gate) -> None:
        (gate.folder / "webhook_token").write_text("A" * 43)

        assert gate.tokens.reveal() is None


class TestWithoutAny:
    def tokens(self, *, allowed: bool = True, loopback_only: bool = True) -> Tokens:
        settings = AlertSettings(allow_unauthenticated=allowed)
        clock = ManualClock(real=0.0)
        return Tokens(Shelf(), SteadyTime(clock), settings, loopback_only=loopback_only)

    def test_this_machine_may_send_bare_alerts_where_that_is_allowed(self) -> None:
        found = self.tokens().check(Letter(), {"ticker": "AAPL"})

        assert found == Verified(None, "this machine", None)

    @pytest.mark.parametrize("allowed, loopback_only", [(False, True), (True, False)])
    def test_nobody_may_when_it_is_off_or_others_can_reach_us(
        self, allowed: bool, loopback_only: bool
    ) -> None:
        tokens = self.tokens(allowed=allowed, loopback_only=loopback_only)

        assert tokens.check(Letter(), {}) is None

    @pytest.mark.parametrize(
        "letter, document",
        [
            (Letter(loopback=False), {}),
            (Letter(forwarded=True), {}),
            (Letter("wrong"), {}),
            (Letter(), {"secret": "wrong"}),
            (Letter(), {"key": None}),
            (Letter(headers={"webhook-signature": "v1,AAAA"}), {}),
            (Letter(), None),
        ],
        ids=["other", "tunnel", "path", "body", "empty", "signature", "body not read yet"],
    )
    def test_nobody_else_and_no_wrong_token(self, letter: Letter, document: Any) -> None:
        assert self.tokens().check(letter, document) is None


class TestSigned:
    KEY = KNOWN_SECRET

    @pytest.fixture
    def gate(self, tmp_path: Path) -> Gate:
        clock = ManualClock(market=0.0, real=float(KNOWN_TIME))
        other = "another secret of enough characters"
        return Gate(tmp_path, clock, Shelf(), webhook_secrets=(other, self.KEY))

    def letter(
        self, id: str = KNOWN_ID, at: int | str = KNOWN_TIME, signature: str | None = None
    ) -> Letter:
        key = AlertSettings(webhook_secrets=(self.KEY,)).webhook_keys()[0]
        made = sign(key, id, str(at), KNOWN_BODY)
        headers = {"webhook-id": id, "webhook-timestamp": str(at)}
        headers["webhook-signature"] = made if signature is None else signature
        return Letter(headers=headers, body=KNOWN_BODY)

    def test_the_example_of_the_specification_is_let_in(self, gate: Gate) -> None:
        found = gate.tokens.check(self.letter(signature=KNOWN_SIGNATURE), None)

        assert found == Verified(None, "signed", None)

    @pytest.mark.parametrize(
        "signature",
        ["", "v1,", KNOWN_SIGNATURE[3:], "v2" + KNOWN_SIGNATURE[2:], KNOWN_SIGNATURE[:-2],
         "v1,é", KNOWN_SIGNATURE.lower()],
    )  # fmt: skip
    def test_other_signatures_are_not(self, gate: Gate, signature: str) -> None:
        assert gate.tokens.check(self.letter(signature=signature), None) is None

    def test_one_good_signature_of_several_is_enough(self, gate: Gate) -> None:
        assert gate.tokens.check(self.letter(signature=f"v1,AAAA {KNOWN_SIGNATURE}"), None)

    def test_another_body_is_not_let_in(self, gate: Gate) -> None:
        letter = self.letter()

        assert gate.tokens.check(Letter(None, letter.headers, b"{}"), None) is None

    @pytest.mark.parametrize("off, good", [(-301, False), (-300, True), (300, True), (301, False)])
    def test_the_time_may_be_five_minutes_off(self, gate: Gate, off: int, good: bool) -> None:
        assert (gate.tokens.check(self.letter(at=KNOWN_TIME + off), None) is not None) is good

    @pytest.mark.parametrize("at", ["", "x", "-1", "1e9", "٣", "9" * 13, " 1614265330"])
    def test_a_time_that_is_none_is_not_let_in(self, gate: Gate, at: str) -> None:
        assert gate.tokens.check(self.letter(at=at), None) is None

    @pytest.mark.parametrize("id", ["", "x" * 257, "a\nb", "é"])
    def test_an_id_that_is_none_is_not_let_in(self, gate: Gate, id: str) -> None:
        assert gate.tokens.check(self.letter(id=id), None) is None

    def test_a_captured_request_cannot_be_played_again_within_its_time(self, gate: Gate) -> None:
        future = KNOWN_TIME + 300
        first = gate.tokens.check(self.letter(at=future), None)

        found = []
        for _ in range(601):
            found.append(gate.tokens.check(self.letter(at=future), None))
            gate.clock.advance(1)

        assert first is not None
        assert found == [None] * 601

    def test_the_same_request_may_be_looked_at_twice(self, gate: Gate) -> None:
        letter = self.letter()

        assert gate.tokens.check(letter, None)
        assert gate.tokens.check(letter, {"ticker": "ES"})

    def test_a_retry_that_is_signed_anew_is_let_in(self, gate: Gate) -> None:
        assert gate.tokens.check(self.letter(), None)
        gate.clock.advance(5)

        assert gate.tokens.check(self.letter(at=KNOWN_TIME + 5), None)

    def test_what_is_remembered_is_bounded_and_forgotten(self, gate: Gate) -> None:
        gate.tokens._seen = OrderedDict((n.to_bytes(4, "big"), 0) for n in range(60_000))

        gate.tokens.check(self.letter(), None)
        left = len(gate.tokens._seen)
        later = int(gate.clock.real() * 1000) + 10**9
        gate.tokens._seen = OrderedDict(
            (n.to_bytes(4, "big"), later) for n in range(MAX_REMEMBERED)
        )

        assert left == 1
        assert gate.tokens.check(self.letter(id="one more"), None) is None

    def test_without_a_secret_no_signature_counts(self, tmp_path: Path, clock: ManualClock) -> None:
        plain = Gate(tmp_path, clock, Shelf())
        now = int(clock.real())
        headers = {
            "webhook-id": "a", "webhook-timestamp": str(now),
            "webhook-signature": sign(b"", "a", str(now), b"{}"),
        }  # fmt: skip

        assert plain.tokens.check(Letter(None, headers), None) is None
