"""The receive pipeline over the real store, tokens, limits and routing tree."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grok_sauce.alerts import records
from grok_sauce.alerts.intake import Answer, Intake, Post
from grok_sauce.alerts.ledger import Ledger
from grok_sauce.alerts.limits import Limits
from grok_sauce.alerts.model import HeldAlert
from grok_sauce.alerts.numbers import Numbers
from grok_sauce.alerts.routing_file import RoutingFile
from grok_sauce.alerts.settings import AlertSettings
from grok_sauce.alerts.steady import SteadyTime
from grok_sauce.alerts.store import Store
from grok_sauce.alerts.targets import TargetGuard
from grok_sauce.alerts.tokens import Tokens
from grok_sauce.runtime.clock import RealClock
from tests.alerts.bad_bodies import BAD, BARE, REFUSED
from tests.alerts.ledger_kit import running

# The published server's README, to the letter.
CONFIG = (
    '{"strategies":{"MomentumStrategy":{"accounts":{},"tickers":{"AAPL":{"ports":[5000]},'
    '"TSLA":{"ports":[5001,5002]}}}}}'
)
EXAMPLE = (
    b'{"ticker":"AAPL","trade_id":"Open_Long_ID_123","action":"buy","current_position":"short",'
    b'"qty":10,"price":150.25,"time":"2024-01-04T15:30:00Z"}'
)


class House:
    """Everything that a post passes, over files in a folder."""

    def __init__(self, store: Store, folder: Path, **knobs: Any) -> None:
        clock = RealClock()
        steady = SteadyTime(clock)
        settings = AlertSettings(**knobs)
        (folder / "routing.json").write_text(CONFIG)
        self.store = store
        self.ledger = Ledger(store, steady)
        self.tokens = Tokens(self.ledger, steady, settings)
        file = self.tokens.first_start(folder)
        assert file is not None
        self.token = file.read_text().strip()
        guard = TargetGuard(lambda: {5010}, settings.target_hosts)
        self.routing = RoutingFile(
            folder / "routing.json",
            steady,
            guard,
            lambda who, what, detail: self.ledger.audit(who, what, detail),
        )
        self.routing.load()
        self.held: list[HeldAlert] = []
        self.numbers = Numbers(steady)
        self.intake = Intake(
            self.ledger,
            self.routing,
            self.tokens,
            Limits(settings, clock.monotonic),
            steady,
            settings,
            self.numbers,
            lambda held, blocked: self.held.append(held),
            lambda: len(self.held),
        )

    def post(self, body: bytes = EXAMPLE, token: str | None = "") -> Answer:
        shown = self.token if token == "" else token
        return self.intake.answer(Post("POST", shown, {}, body, "127.0.0.1", True, True))

    def rows(self) -> list[tuple[Any, ...]]:
        return self.store.read(
            lambda connection: connection.execute(
                "SELECT id, state, body, link_id FROM alert ORDER BY seq"
            ).fetchall()
        )


@pytest.fixture
def house_of(tmp_path: Path) -> Iterator[Callable[..., House]]:
    with running(Store(tmp_path / "alerts.db", SteadyTime(RealClock()))) as store:
        yield lambda **knobs: House(store, tmp_path, **knobs)


@pytest.fixture
def house(house_of: Callable[..., House]) -> House:
    return house_of()


def together(call: Callable[[], Answer], times: int) -> list[Answer]:
    answers: list[Answer] = []
    barrier = threading.Barrier(times)

    def run() -> None:
        barrier.wait(10)
        answers.append(call())

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    return answers


def test_the_readme_example_is_stored_before_it_is_answered(
    house: House,
) -> None:
    answer = house.post()

    assert (answer.status, answer.document["message"]) == (200, "Alert queued")
    assert house.rows() == [(answer.document["id"], "held", EXAMPLE.decode(), None)]
    assert [held.id for held in house.held] == [answer.document["id"]]


def test_fifty_posts_at_once_give_one_success(house: House) -> None:
    answers = together(house.post, 50)

    assert sorted(answer.document["status"] for answer in answers) == ["skipped"] * 49 + ["success"]
    assert len({answer.document["id"] for answer in answers}) == 1
    assert len(house.held) == 1
    assert len(house.rows()) == 50


def test_every_kind_of_answer_leaves_its_row(house: House) -> None:
    example = json.loads(EXAMPLE)

    statuses = [
        house.post().status,
        house.post().status,
        house.post(json.dumps({**example, "ticker": "aapl"}).encode()).status,
        house.post(json.dumps({**example, "qty": 0}).encode()).status,
        house.post(b"{").status,
        house.post(token=None).status,
    ]

    assert statuses == [200, 200, 422, 400, 400, 401]
    assert [row[1] for row in house.rows()] == ["held", "duplicate", "unrouted", "invalid"]


def test_an_alert_may_come_again_once_its_ticker_has_a_route(
    house: House,
) -> None:
    body = EXAMPLE.replace(b"AAPL", b"NEW")
    assert house.post(body).status == 422

    edit = {"op": "add_ticker", "strategy": "MomentumStrategy", "name": "NEW"}
    house.routing.edit(edit, "test", house.routing.revision)
    edit = {"op": "add_port", "strategy": "MomentumStrategy", "ticker": "NEW", "port": 5003}
    house.routing.edit(edit, "test", house.routing.revision)

    assert house.post(body).document["status"] == "success"


def test_a_post_above_the_rate_is_asked_for_again(house_of: Callable[..., House]) -> None:
    house = house_of(webhook_rate=20)

    statuses = [house.post().status for _ in range(21)]

    assert statuses == [200] * 20 + [503]
    assert dict(house.post().headers) == {"Retry-After": "5"}


def test_the_eleventh_unknown_post_in_a_minute_is_answered_429(
    house: House,
) -> None:
    assert [house.post(token="wrong").status for _ in range(11)] == [401] * 10 + [429]
    assert house.post().status == 200


def test_a_secret_in_the_body_lets_in_and_is_nowhere_in_the_file(
    house: House, tmp_path: Path
) -> None:
    body = json.dumps({**json.loads(EXAMPLE), "secret": house.token}).encode()

    assert house.post(body, token=None).status == 200
    assert house.post(body[:-1], token=None).status == 401

    kept = b"".join(path.read_bytes() for path in tmp_path.glob("alerts.db*"))
    assert b"Open_Long_ID_123" in kept
    assert house.token.encode() not in kept


def test_an_alert_stored_after_its_503_is_a_duplicate_when_it_comes_again(
    tmp_path: Path,
) -> None:
    with running(Store(tmp_path / "alerts.db", SteadyTime(RealClock()), wait_s=0.1)) as store:
        house = House(store, tmp_path)
        other = sqlite3.connect(tmp_path / "alerts.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        first = house.post()
        other.execute("COMMIT")
        other.close()
        deadline = time.monotonic() + 5
        while not house.rows() and time.monotonic() < deadline:
            time.sleep(0.02)
        again = house.post()

        assert (first.status, dict(first.headers)) == (503, {"Retry-After": "5"})
        assert (again.status, again.document["status"]) == (200, "skipped")
        found = store.read(lambda connection: records.held(connection))
        assert [held.id for held in found] == [again.document["id"]]


def test_every_bad_body_is_answered_400_and_the_next_good_one_is_taken(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    texts = {name: house.post(body) for name, body in REFUSED.items()}
    fields = {
        name: (field, house.post(json.dumps({**BARE, **change}).encode()))
        for name, (field, change) in BAD.items()
    }

    good = house.post()

    assert len(texts) + len(fields) >= 60
    assert {name: answer.status for name, answer in texts.items() if answer.status != 400} == {}
    for name, (field, answer) in fields.items():
        assert (name, answer.status) == (name, 400)
        assert answer.document["message"].startswith(f"{field}: ")
    assert [row[1] for row in house.rows()] == ["invalid"] * len(fields) + ["held"]
    assert good.document["status"] == "success"
    assert "Traceback" not in caplog.text
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    change=st.dictionaries(st.sampled_from([*BARE, "qty", "price", "trade_id", "time"]), VALUES),
    ticker=st.sampled_from(["AAPL", "NEW"]),
)
def test_any_document_is_stored_or_refused(
    house: House, change: dict[str, Any], ticker: str
) -> None:
    answer = house.post(json.dumps({**BARE, "ticker": ticker, **change}).encode())

    assert answer.status in (200, 400, 422)
