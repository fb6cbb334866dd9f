"""The receive pipeline over small fakes: every answer, and what is stored for it."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grok_sauce.alerts.intake import Intake, Post
from grok_sauce.alerts.ledger_values import NewAlert, Received
from grok_sauce.alerts.model import HeldAlert, ReleaseOptions
from grok_sauce.alerts.numbers import Numbers
from grok_sauce.alerts.settings import AlertSettings
from grok_sauce.alerts.steady import SteadyTime
from grok_sauce.alerts.store import StoreBusy
from grok_sauce.runtime.clock import ManualClock

PATH_TOKEN = "canary-path-6b1f-" + "p" * 30
BODY_TOKEN = "canary-body-93e0-" + "b" * 30
SCOPED_TOKEN = "canary-scope-17aa-" + "s" * 30
ALERT = {
    "ticker": "AAPL",
    "trade_id": "Open_Long_ID_123",
    "action": "buy",
    "current_position": "short",
    "qty": 10,
    "price": 150.25,
    "time": "2024-01-04T15:30:00Z",
}
GOOD = json.dumps(ALERT).encode()


@dataclass
class FakeLedger:
    """Stores in memory; what came under a key comes again as its duplicate."""

    stored: list[NewAlert] = field(default_factory=list)
    log: list[tuple[str, str, str]] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)
    problem: Exception | None = None
    flags: tuple[str, ...] = ()
    blocked: bool = False

    def receive(self, new: NewAlert) -> Received:
        if self.problem is not None:
            raise self.problem
        self.stored.append(new)
        keys = [key for key in (new.exact_key, new.semantic_key) if key is not None]
        first = next((self.keys[key] for key in keys if key in self.keys), None)
        if first is None and new.state == "held":
            self.keys.update(dict.fromkeys(keys, new.id))
        flags = (new.alert.flags if new.alert else ()) + self.flags
        state = "duplicate" if first is not None else new.state
        return Received(len(self.stored), new.id, state, first, flags, self.blocked)

    def security(self, address: str, what: str, detail: str = "") -> None:
        self.log.append((address, what, detail))


@dataclass
class FakeTokens:
    asked: list[dict[str, Any] | None] = field(default_factory=list)
    open_to_this_machine: bool = False

    def check(self, post: Post, document: dict[str, Any] | None) -> Any:
        self.asked.append(document)
        shown = [post.token, *((document or {}).get(name) for name in ("secret", "key"))]
        if PATH_TOKEN in shown or BODY_TOKEN in shown:
            return SimpleNamespace(token_id=1, name="first", tickers=None)
        if SCOPED_TOKEN in shown:
            return SimpleNamespace(token_id=2, name="scoped", tickers=("NQ",))
        if self.open_to_this_machine and post.loopback and not post.forwarded:
            return SimpleNamespace(token_id=None, name="this machine", tickers=None)
        return None


@dataclass
class FakeLimits:
    unknown_left: int = 1000
    sender_left: int = 1000
    seen: list[object] = field(default_factory=list)

    def unknown(self, address: str) -> bool:
        self.seen.append(address)
        self.unknown_left -= 1
        return self.unknown_left >= 0

    def sender(self, token_id: int | None) -> bool:
        self.seen.append(token_id)
        self.sender_left -= 1
        return self.sender_left >= 0


class FakeRoutes:
    """AAPL and NQ have a route."""

    def __init__(self) -> None:
        self.options = ReleaseOptions(delay_s=1.5)

    def lookup(self, ticker: str) -> Any:
        if ticker not in ("AAPL", "NQ"):
            return None
        return SimpleNamespace(
            strategies=("Momentum",), options=self.options, group="tech", gap_policy="block_open"
        )


class Desk:
    """An intake with everything around it in reach."""

    def __init__(self, clock: ManualClock, **knobs: Any) -> None:
        self.clock = clock
        self.ledger = FakeLedger()
        self.tokens = FakeTokens()
        self.limits = FakeLimits()
        self.held: list[tuple[HeldAlert, bool]] = []
        self.depth = 0
        time = SteadyTime(clock)
        self.numbers = Numbers(time)
        self.intake = Intake(
            self.ledger,
            FakeRoutes(),
            self.tokens,
            self.limits,
            time,
            AlertSettings(**knobs),
            self.numbers,
            lambda held, blocked: self.held.append((held, blocked)),
            lambda: self.depth,
        )

    def post(
        self, body: bytes | dict[str, Any] = GOOD, token: str | None = PATH_TOKEN, **change: Any
    ) -> tuple[int, dict[str, Any]]:
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        post = Post("POST", token, {}, text, "52.89.214.238", True, False)
        answer = self.intake.answer(replace(post, **change))
        self.headers = dict(answer.headers)
        return answer.status, answer.document

    def counts(self) -> dict[str, Any]:
        return {name: value for name, value in self.numbers.snapshot().items() if value}


@pytest.fixture
def desk(clock: ManualClock) -> Desk:
    return Desk(clock)


def error(message: str) -> dict[str, Any]:
    return {"status": "error", "message": message}


def test_a_stored_alert_is_answered_success_with_its_id(desk: Desk) -> None:
    status, document = desk.post()

    [new] = desk.ledger.stored
    assert (status, document) == (
        200,
        {"status": "success", "message": "Alert queued", "id": new.id},
    )


def test_what_is_stored_says_everything_of_the_alert(desk: Desk) -> None:
    desk.post()

    now = SteadyTime(desk.clock).now_ms()
    [new] = desk.ledger.stored
    assert (new.state, new.reason, new.mapped, new.group) == ("held", None, "close short", "tech")
    assert (new.received_ms, new.wall_ms, new.release_ms) == (now, now, now + 1500)
    assert (new.exact_until_ms, new.semantic_until_ms) == (now + 86_400_000, now + 300_000)
    assert (new.source, new.token_id, new.strategies) == ("52.89.214.238", 1, ("Momentum",))
    assert (new.body, new.gap_policy, new.test) == (GOOD.decode(), "block_open", False)
    assert new.options.delay_s == 1.5


def test_the_dispatcher_is_told_after_the_alert_is_stored(desk: Desk) -> None:
    desk.ledger.flags, desk.ledger.blocked = ("gap",), True

    desk.post()

    [(held, blocked)] = desk.held
    [new] = desk.ledger.stored
    assert (held.seq, held.id, held.group, blocked) == (1, new.id, "tech", True)
    assert (held.received_ms, held.release_ms) == (new.received_ms, new.release_ms)
    assert held.alert.flags == ("gap",)


def test_the_same_alert_again_is_skipped_under_its_first_id(desk: Desk) -> None:
    _, first = desk.post()

    again = desk.post()

    assert again == (
        200,
        {"status": "skipped", "message": "Duplicate alert", "id": first["id"]},
    )
    assert len(desk.held) == 1


def test_the_same_trade_with_other_content_is_skipped_too(desk: Desk) -> None:
    desk.post()

    status, document = desk.post({**ALERT, "price": 151})

    assert (status, document["status"]) == (200, "skipped")


def test_an_alert_without_a_route_is_stored_and_answered_422(desk: Desk) -> None:
    status, document = desk.post({**ALERT, "ticker": "MSFT"})

    [new] = desk.ledger.stored
    assert (status, document) == (422, {**error("No route for ticker"), "id": new.id})
    assert (new.state, new.reason, new.group, desk.held) == ("unrouted", "no_route", "MSFT", [])


def test_a_wrong_field_is_stored_and_named(desk: Desk) -> None:
    status, document = desk.post({**ALERT, "qty": "{{strategy.order.contracts}}"})

    [new] = desk.ledger.stored
    assert (status, document) == (400, error("qty: a placeholder {{...}} was left in it"))
    assert (new.state, new.alert, new.reason) == ("invalid", None, document["message"])
    assert (new.exact_key, new.semantic_key) == (None, None)
    assert "{{strategy.order.contracts}}" in new.body


def test_a_body_that_cannot_be_read_is_answered_400_and_not_stored(desk: Desk) -> None:
    status, document = desk.post(b"buy AAPL now")

    assert (status, document["status"]) == (400, "error")
    assert document["message"].startswith("Not JSON")
    assert desk.ledger.stored == []


def test_an_empty_body_is_told_that_it_is_empty(desk: Desk) -> None:
    assert desk.post(b"") == (400, error("No data provided"))


@pytest.mark.parametrize("token", [None, "wrong", PATH_TOKEN[:-1], PATH_TOKEN + "x", ""])
def test_an_unknown_sender_is_told_nothing(desk: Desk, token: str | None) -> None:
    for body in (GOOD, b"", b"no json", b"[" * 8000, json.dumps({"secret": "wrong"}).encode()):
        assert desk.post(body, token=token) == (401, error("Unauthorized"))

    assert desk.ledger.stored == []


def test_too_many_unknown_requests_are_answered_429(desk: Desk) -> None:
    desk.limits.unknown_left = 2

    statuses = [desk.post(token=None, client="52.89.0.0/16")[0] for _ in range(4)]

    assert statuses == [401, 401, 429, 429]
    assert desk.limits.seen == ["52.89.0.0/16"] * 4


def test_a_known_sender_over_its_rate_is_asked_to_send_again(desk: Desk) -> None:
    desk.limits.sender_left = 1
    desk.post()

    status, document = desk.post()

    assert (status, document["status"]) == (503, "error")
    assert desk.headers == {"Retry-After": "5"}
    assert desk.limits.seen == [1, 1]
    assert desk.counts()["over_rate"] == 1


@pytest.mark.parametrize("body", [GOOD, b"no json"])
def test_a_full_queue_asks_to_send_again(clock: ManualClock, body: bytes) -> None:
    desk = Desk(clock, high_water=10, alarm=5)
    desk.depth = 10

    assert desk.post(body)[0] == 503
    assert desk.post(body, token=None)[0] == 401
    desk.depth = 9
    assert desk.post()[0] == 200


def test_while_shutting_down_known_senders_are_asked_to_send_again(desk: Desk) -> None:
    desk.intake.close()

    assert desk.post()[0] == 503
    assert desk.headers == {"Retry-After": "5"}
    assert desk.post({**ALERT, "secret": BODY_TOKEN}, token=None)[0] == 503
    assert desk.post(token=None)[0] == 401
    assert desk.ledger.stored == []


@pytest.mark.parametrize("body", [ALERT, {**ALERT, "ticker": "MSFT"}, {**ALERT, "qty": 0}])
def test_what_cannot_be_stored_is_asked_for_again(desk: Desk, body: dict[str, Any]) -> None:
    desk.ledger.problem = StoreBusy("no room on the disk")

    status, document = desk.post(body)

    assert (status, document) == (503, error("Not stored in time"))
    assert desk.headers == {"Retry-After": "5"}
    assert desk.held == []
    assert desk.counts()["resend_answers"] == 1


def test_a_bug_asks_for_the_alert_again_and_its_words_stay_out_of_the_log(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.ledger.problem = KeyError(PATH_TOKEN)

    status, document = desk.post()

    assert (status, document) == (503, error("Failed here"))
    assert "KeyError in receive" in caplog.text
    assert "canary" not in caplog.text


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_only_post_is_answered(desk: Desk, method: str) -> None:
    assert desk.post(method=method) == (405, error("Only POST"))
    assert desk.headers == {"Allow": "POST"}


def test_a_body_above_16_kib_is_too_large_whoever_sends_it(desk: Desk) -> None:
    fits = GOOD + b" " * (16_384 - len(GOOD))

    assert desk.post(fits)[0] == 200
    assert desk.post(fits + b" ") == (413, error("Too large"))
    assert desk.post(fits + b" ", token=None) == (413, error("Too large"))


def test_a_secret_in_the_body_lets_in_and_is_kept_nowhere(desk: Desk) -> None:
    desk.post({**ALERT, "secret": BODY_TOKEN}, token=None)
    status, document = desk.post({**ALERT, "key": BODY_TOKEN}, token=None)

    first, again = desk.ledger.stored
    assert (status, document["status"]) == (200, "skipped")  # the secret is no part of the key
    assert first.exact_key == again.exact_key
    assert json.loads(first.body) == {**ALERT, "secret": "••••"}
    assert json.loads(again.body) == {**ALERT, "key": "••••"}


@pytest.mark.parametrize(
    "extra",
    [
        {"secret": BODY_TOKEN},
        {"SECRET": "x", "note": f"use {PATH_TOKEN}"},
        {"meta": [{"auth_token": [BODY_TOKEN]}]},
        {"key": BODY_TOKEN, "note": f"the same: {BODY_TOKEN}"},
        {"secret": BODY_TOKEN, "qty": 0},
        {"secret": BODY_TOKEN, "ticker": "MSFT"},
        {"secret": {"deep": BODY_TOKEN}, "auth_token": 7},
    ],
    ids=lambda extra: "-".join(extra),
)
def test_secrets_are_masked_in_what_is_stored(desk: Desk, extra: dict[str, Any]) -> None:
    desk.post({**ALERT, **extra})

    [new] = desk.ledger.stored
    assert "canary" not in new.body
    assert "••••" in new.body


def test_a_secret_is_in_no_log_answer_or_repr(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    bodies = [{**ALERT, "secret": BODY_TOKEN, **change} for change in ({}, {"qty": 0}, {"a": "{{"})]
    posts = [(json.dumps(body).encode(), None) for body in bodies]
    posts += [(body, PATH_TOKEN) for body in (GOOD, b"{", b"[1]", b"\xff")]
    posts += [(b'{"secret": "' + BODY_TOKEN.encode() + tail, None) for tail in (b"", b'"}', b'",')]

    said = [str(desk.post(body, token)) for body, token in posts]
    desk.ledger.problem = StoreBusy("slow")
    said += [str(desk.post(body, token)) for body, token in posts]
    said += [repr(Post("POST", PATH_TOKEN, {"x": BODY_TOKEN}, bodies[0], "1.1.1.1", True, False))]
    said += [str(desk.ledger.log), str(desk.numbers.snapshot()), caplog.text]

    assert [text for text in said if "canary" in text] == []


def test_a_token_for_some_tickers_sends_no_others(desk: Desk) -> None:
    assert desk.post({**ALERT, "ticker": "NQ"}, token=SCOPED_TOKEN)[0] == 200
    assert desk.post({**ALERT, "ticker": "AAPL"}, token=SCOPED_TOKEN) == (
        401,
        error("Unauthorized"),
    )
    assert desk.post({**ALERT, "ticker": "MSFT"}, token=SCOPED_TOKEN)[0] == 401
    assert len(desk.ledger.stored) == 1


def test_this_machine_may_send_bare_alerts_where_that_is_allowed(desk: Desk) -> None:
    desk.tokens.open_to_this_machine = True
    here = {"token": None, "address": "127.0.0.1", "loopback": True, "forwarded": False}

    assert desk.post(**here)[0] == 200
    assert desk.post(**{**here, "forwarded": True})[0] == 401
    assert desk.post(**{**here, "loopback": False})[0] == 401


@pytest.mark.parametrize("header", ["origin", "cookie", "referer", "sec-fetch-site"])
def test_a_page_in_a_browser_on_this_machine_may_not(desk: Desk, header: str) -> None:
    desk.tokens.open_to_this_machine = True

    status, _ = desk.post(token=None, loopback=True, forwarded=False, headers={header: "null"})

    assert status == 401


@pytest.mark.parametrize(
    "mode, address, status",
    [
        ("off", "1.2.3.4", 200),
        ("warn", "1.2.3.4", 200),
        ("enforce", "1.2.3.4", 401),
        ("enforce", "52.89.214.238", 200),
        ("enforce", "10.1.2.3", 200),
        ("enforce", "no address", 401),
    ],
)
def test_a_source_list_warns_or_refuses(
    clock: ManualClock, mode: str, address: str, status: int
) -> None:
    desk = Desk(clock, sources=mode, source_list=("52.89.214.238", "10.0.0.0/8"))

    assert desk.post(address=address)[0] == status

    noted = [what for _, what, _ in desk.ledger.log]
    is_listed = address in ("52.89.214.238", "10.1.2.3") or mode == "off"
    assert noted == ([] if is_listed else ["address not in the list"])


SUBJECT = r"CN=TradingView Webhooks,O=TradingView\, Inc.,C=US"


@pytest.mark.parametrize(
    "mode, subject, trusted, status",
    [
        ("off", "", True, 200),
        ("warn", "", True, 200),
        ("warn", SUBJECT, False, 200),
        ("enforce", SUBJECT, True, 200),
        ("enforce", "O=TradingView, CN=TradingView Webhooks", True, 200),
        ("enforce", SUBJECT, False, 401),  # anybody can write the header
        ("enforce", "", True, 401),
        ("enforce", "CN=Somebody", True, 401),
        ("enforce", r"O=x\,CN=TradingView Webhooks", True, 401),
        ("enforce", "CN=TradingView Webhooks,CN=Somebody", True, 401),
        ("enforce", "TradingView Webhooks", True, 401),
        ("enforce", "CN=TradingView Webhooks," * 100, True, 401),
    ],
)
def test_a_client_certificate_counts_from_a_trusted_proxy_alone(
    clock: ManualClock, mode: str, subject: str, trusted: bool, status: int
) -> None:
    desk = Desk(clock, client_cert=mode)

    found, _ = desk.post(headers={"x-client-cert-subject": subject}, trusted=trusted)

    assert found == status


def test_the_window_of_the_exact_key_depends_on_a_time_that_can_be_read(desk: Desk) -> None:
    timeless = {name: value for name, value in ALERT.items() if name not in ("time", "trade_id")}

    for body in (ALERT, timeless, {**timeless, "time": "soon"}):
        desk.post(body)

    assert [(new.exact_until_ms - new.received_ms) // 1000 for new in desk.ledger.stored] == [
        86_400,
        120,
        120,
    ]
    assert desk.ledger.stored[1].semantic_key is None


def test_every_post_is_counted(desk: Desk) -> None:
    desk.post()
    desk.post()
    desk.post({**ALERT, "ticker": "MSFT", "trade_id": ""})
    desk.post({**ALERT, "qty": 0})
    desk.post(b"?")
    desk.post(token=None)
    desk.intake.refused("1.1.1.1", "body 413")
    desk.ledger.problem = StoreBusy("slow")
    desk.post()

    counts = desk.counts()
    assert {name: counts[name] for name in counts if isinstance(counts[name], int)} == {
        **{"received": 4, "held": 1, "duplicate": 1, "unrouted": 1, "invalid": 1},
        **{"rejected": 4, "rejected_auth": 1, "resend_answers": 1},
        **{"received_hour": 4, "rejected_hour": 4},
    }


def test_the_clock_offset_is_that_of_the_payload_times(desk: Desk) -> None:
    wall_ms = SteadyTime(desk.clock).wall_ms()

    for late_ms in (2000, 3000, 10_000):
        desk.post({**ALERT, "time": wall_ms - late_ms, "trade_id": f"Open_{late_ms}"})

    assert desk.numbers.snapshot()["clock_offset_s"] == -3.0


def test_a_gate_that_stays_shut_is_logged_once_a_minute(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.ledger.problem = StoreBusy("no room on the disk")

    for _ in range(50):
        desk.post()
        desk.clock.advance(2)

    assert caplog.text.count("no room on the disk") == 2


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.binary(max_size=300), st.sampled_from([None, PATH_TOKEN, BODY_TOKEN, "x"]))
def test_any_body_is_answered_and_never_with_a_500(
    desk: Desk, body: bytes, token: str | None
) -> None:
    status, document = desk.post(body, token)

    assert status in (400, 401)
    assert document["status"] == "error"
