"""The alert router as a process, a sender like TradingView, and checks of what came of it all.

The checks know nothing of the router's code: they compare what was sent and answered with what
listeners wrote in their journals, and look into the database as any reader of SQLite would.
"""

from __future__ import annotations

import contextlib
import ctypes
import http.client
import json
import os
import queue
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.simulator.receiver import Effect
from tests.product.harness import ROOT, Product, free_port, until

STRATEGY = "Momentum"


# --- the router as a process -------------------------------------------------------------


def as_ordinary_user() -> None:
    """Between fork and exec: give up root's right to write where the mode forbids it."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(24, 1, 0, 0, 0) != 0:  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE
            os._exit(77)


def tree(
    ports: Mapping[str, Sequence[int]],
    *,
    delay_s: float = 0.2,
    gap_ms: int = 50,
    idempotent: bool = True,
    mode: str = "live",
    **routing: Any,
) -> dict[str, Any]:
    """A routing.json: one strategy, each ticker with its ports."""
    every = sorted({port for some in ports.values() for port in some})
    return {
        "routing": {
            "delay_s": delay_s,
            "gap_ms": gap_ms,
            "targets": {f"localhost:{port}": {"idempotent": idempotent} for port in every},
            **routing,
        },
        "strategies": {
            STRATEGY: {
                "mode": mode,
                "accounts": {},
                "tickers": {name: {"ports": [*some]} for name, some in ports.items()},
            }
        },
    }


class Router(Product):
    """`main.py --role router` on a data folder of its own; start() again after a kill."""

    def __init__(
        self,
        folder: Path,
        routing: Mapping[str, Any] | None,
        *arguments: str,
        mode: str = "eventlet",
        role: str = "router",
        ordinary: bool = False,
        **env: str,
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = folder
        self.log = folder / "log.txt"
        self.data = folder / "data"
        # On its embedded market the dashboard keeps alerts apart from real ones.
        self.home = self.data / "demo" if role == "all" else self.data
        self.database = self.home / "alerts.db"
        self._arguments = (*arguments, "--role", role)
        self._before = as_ordinary_user if ordinary else None
        environ = {k: v for k, v in os.environ.items() if not k.startswith("GROK_SAUCE_")}
        self._environ = environ | {
            "ASYNC_MODE": mode,
            "GROK_SAUCE_ENV_FILE": str(folder / "env"),
            "PYTHONUNBUFFERED": "1",
            **env,
        }
        self.home.mkdir(parents=True, exist_ok=True)
        if routing is not None:
            (self.home / "routing.json").write_text(json.dumps(routing), encoding="utf-8")
        self.start()

    def start(self) -> Router:
        """The process, on the same port and folder; does not wait for it."""
        command = [
            sys.executable, "-m", "grok_sauce.cli", *self._arguments, "--port", str(self.port),
            "--data", str(self.data), "--settings", str(self.folder / "settings.json"),
        ]  # fmt: skip
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=self._environ, stdout=out, stderr=subprocess.STDOUT,
                preexec_fn=self._before,
            )  # fmt: skip
        return self

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait(timeout=10)

    @property
    def token(self) -> str:
        """What the file webhook_token holds."""
        text = (self.home / "webhook_token").read_text("utf-8").strip()
        return text.rpartition("/")[2]

    def wait(self, seconds: float = 40) -> Router:
        """Until alerts are let in; the token is there then."""
        until(self._lets_in, seconds, "the first answer")
        return self

    def _lets_in(self) -> bool:
        if self.process.poll() is not None:
            pytest.fail(f"ended with {self.process.returncode}:\n{self.text()}")
        with contextlib.suppress(OSError):
            # 503 until everything is loaded; a GET uses nobody's limits.
            return (self.home / "webhook_token").exists() and self.get("/webhook", 2)[0] == 405
        return False

    def webhook(
        self, body: Any, *, token: str | None = "", host: str | None = None, timeout: float = 10.0
    ) -> Answer:
        """One POST as TradingView makes it. token "": its own; None: none."""
        secret = self.token if token == "" else token
        sender = Poster(self.port, secret, timeout, host)
        try:
            return sender.post(body)
        finally:
            sender.close()

    def query(self, sql: str, *values: Any) -> list[Any]:
        """Read from the database while it is in use."""
        return query(self.database, sql, *values)

    def undelivered(self) -> int:
        """Alerts that the machine has not finished with."""
        return int(
            self.query("SELECT count(*) FROM alert WHERE state IN ('held','released')")[0][0]
        )

    def settle(self, seconds: float = 30.0) -> None:
        """Wait until nothing is on its way any more."""
        until(lambda: self.undelivered() == 0, seconds, "the end of all deliveries")

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """An API call that must succeed."""
        status, told = self.send(method, path, body)
        assert status in (200, 201), (status, told)
        return told

    def delivery(self, alert: str, leg: str | None = None) -> dict[str, Any]:
        """The delivery row of an alert: state, reason, attempts, key, id."""
        rows = self.query(
            "SELECT d.id, d.leg, d.state, d.reason, d.attempts, d.key, d.qty FROM delivery d "
            "JOIN alert a ON a.seq = d.alert_seq WHERE a.id = ? ORDER BY d.id",
            alert,
        )
        names = ("id", "leg", "state", "reason", "attempts", "key", "qty")
        found = [dict(zip(names, row, strict=True)) for row in rows]
        found = [row for row in found if leg in (None, row["leg"])]
        return found[0] if found else {"state": None}


def query(database: Path, sql: str, *values: Any) -> list[Any]:
    """Rows of a query on a database that another process may be writing."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        db.execute("PRAGMA busy_timeout = 5000")
        return db.execute(sql, values).fetchall()


# --- a sender like TradingView -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """status None: no answer came (refused, reset, cut off)."""

    status: int | None
    document: dict[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


class Poster:
    """One keep-alive connection to /webhook."""

    def __init__(
        self, port: int, token: str | None, timeout: float = 3.0, host: str | None = None
    ) -> None:
        self._path = "/webhook" if token is None else f"/webhook/{token}"
        self._headers = {"Content-Type": "application/json; charset=utf-8"}
        if host is not None:
            self._headers["Host"] = host
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def post(self, body: Any) -> Answer:
        """POST a body (JSON unless it is bytes); a lost connection is opened anew next time."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            self._connection.request("POST", self._path, raw, self._headers)
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return Answer(None)
        headers = {name.lower(): value for name, value in answer.getheaders()}
        with contextlib.suppress(ValueError):
            return Answer(answer.status, json.loads(text), headers)
        return Answer(answer.status, {}, headers)

    def close(self) -> None:
        self._connection.close()


Leg = tuple[str, str, int]  # action, direction, qty


@dataclass(slots=True)
class Sent:
    """One alert: what must come of it, and what was answered. Times are monotonic seconds.

    Its price is its name: no two alerts of a run share one, so effects can be told apart by
    what the listener read, without trusting any key.
    """

    n: int
    ticker: str
    body: dict[str, Any]
    legs: tuple[Leg, ...]
    began: float = 0.0
    ended: float = 0.0
    answer: Answer = field(default_factory=lambda: Answer(None))
    tries: int = 0

    @property
    def price(self) -> float:
        return price_of(self.n)

    @property
    def accepted(self) -> bool:
        """Did the router promise to deliver it? A resend whose first try was stored is skipped."""
        return self.answer.status == 200


def price_of(n: int) -> float:
    """A price that a float holds exactly."""
    return 1000 + n / 4


def alerts(count: int, tickers: Sequence[str], seed: int = 1, reversals: float = 0.1) -> list[Sent]:
    """Trades of several tickers, opened, closed and now and then turned round in one order."""
    chance = random.Random(seed)
    held: dict[str, tuple[str, int]] = {ticker: ("flat", 0) for ticker in tickers}
    made = []
    for n in range(1, count + 1):
        ticker = chance.choice(tickers)
        side, size = held[ticker]
        turn = side != "flat" and chance.random() < reversals
        if side == "flat":
            new_side, new_size = chance.choice(("long", "short")), chance.randint(1, 5)
            legs: tuple[Leg, ...] = (("open", new_side, new_size),)
            qty = new_size
        elif turn:
            new_side, new_size = ("short" if side == "long" else "long"), chance.randint(1, 5)
            legs = (("close", side, size), ("open", new_side, new_size))
            qty = size + new_size
        else:
            new_side, new_size = "flat", 0
            legs = (("close", side, size),)
            qty = size
        buys = new_side == "long" or (new_side == "flat" and side == "short")
        body = {
            "ticker": ticker,
            "action": "buy" if buys else "sell",
            "current_position": side,
            "new_pos": new_side,
            "qty": str(qty),
            "prev_qty": str(size),
            "new_qty": str(new_size),
            "price": str(price_of(n)),
            "trade_id": f"Trade_ID_{n}",
        }
        held[ticker] = (new_side, new_size)
        made.append(Sent(n, ticker, body, legs))
    return made


class Stream:
    """Posts alerts at a steady rate on several connections, whatever becomes of the router.

    A 503 is sent again, `again` seconds later and at most three times, like TradingView does
    (it waits 5 s); nothing else is. stop() ends it early; the rest then was never sent.
    """

    def __init__(
        self,
        router: Router,
        made: Sequence[Sent],
        rate: float,
        *,
        again: float = 0.5,
        connections: int = 8,
        resend: bool = True,
    ) -> None:
        self.sent: list[Sent] = []
        self._made, self._rate, self._again, self._resend = made, rate, again, resend
        self._todo: queue.Queue[Sent | None] = queue.Queue()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        posters = [Poster(router.port, router.token) for _ in range(connections)]
        self._threads = [threading.Thread(target=self._pace, daemon=True)]
        self._threads += [
            threading.Thread(target=self._post, args=(poster,), daemon=True) for poster in posters
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()

    def join(self, timeout: float | None = None) -> list[Sent]:
        """All that was sent, once each has its answer or none."""
        for thread in self._threads:
            thread.join(timeout)
            assert not thread.is_alive()
        return self.sent

    def _pace(self) -> None:
        due = time.monotonic()
        for one in self._made:
            if self._stop.wait(max(0.0, due - time.monotonic())):
                break
            self._todo.put(one)
            due += 1 / self._rate
        for _ in self._threads[1:]:
            self._todo.put(None)

    def _post(self, poster: Poster) -> None:
        while (one := self._todo.get()) is not None:
            with self._lock:
                self.sent.append(one)
            while True:
                one.tries += 1
                one.began = time.monotonic()
                one.answer = poster.post(one.body)
                one.ended = time.monotonic()
                if one.answer.status != 503 or not self._resend or one.tries == 4:
                    break
                self._stop.wait(self._again)
        poster.close()


def post_all(router: Router, made: Sequence[Sent], rate: float, **options: Any) -> list[Sent]:
    """Post alerts at a rate and wait for the last answer."""
    return Stream(router, made, rate, **options).join()


def at_once(router: Router, bodies: Sequence[Any]) -> list[Answer]:
    """Post bodies at the same moment, each on a connection of its own."""
    token, gate = router.token, threading.Barrier(len(bodies))
    answers: list[Answer] = [Answer(None)] * len(bodies)

    def one(at: int) -> None:
        poster = Poster(router.port, token, 20.0)
        gate.wait()
        answers[at] = poster.post(bodies[at])
        poster.close()

    threads = [threading.Thread(target=one, args=(at,)) for at in range(len(bodies))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


# --- checks; each gives sentences, none when all is well ------------------------------------

Journals = Mapping[int, Sequence[Effect]]  # what each port acted upon, in order
Ports = Mapping[str, Sequence[int]]  # where each ticker goes


def act_of(effect: Effect) -> tuple[float, str]:
    """What was done: the alert's price and the leg. Twice the same is twice an order."""
    return float(effect.body["price"]), str(effect.body["action"])


def lost(sent: Iterable[Sent], journals: Journals, ports: Ports) -> list[str]:
    """Legs of accepted alerts that a listener never acted upon."""
    done = {port: {act_of(effect) for effect in journal} for port, journal in journals.items()}
    return [
        f"alert {one.n} ({one.ticker}), {action}, did not reach {port}"
        for one in sent
        if one.accepted
        for port in ports[one.ticker]
        for action, _, _ in one.legs
        if (one.price, action) not in done[port]
    ]


def doubled(journals: Journals) -> list[str]:
    """Orders that a listener acted upon twice."""
    return [
        f"{port} did {act} {times} times"
        for port, journal in journals.items()
        for act, times in Counter(map(act_of, journal)).items()
        if times > 1
    ]


def made_up(sent: Iterable[Sent], journals: Journals, ports: Ports) -> list[str]:
    """Orders that nobody sent, or not so: wrong port, side or size."""
    known = {
        (port, one.price, *leg): one
        for one in sent
        for port in ports[one.ticker]
        for leg in one.legs
    }
    return [
        f"{port} got {effect.body}"
        for port, journal in journals.items()
        for effect in journal
        if (one := known.get(
            (port, *act_of(effect)[:1], effect.body["action"], effect.body["direction"],
             effect.body["qty"])
        )) is None
        or one.ticker != effect.body["ticker"]
    ]  # fmt: skip


def inverted(sent: Sequence[Sent], journals: Journals, delay_s: float) -> list[str]:
    """Orders of one ticker that overtook others.

    An alert that was answered before another was sent, and more than a hold window earlier,
    must act first; so must the close of a reversal before its open.
    """
    by_price = {one.price: one for one in sent}
    wrong = []
    for port, journal in journals.items():
        latest: dict[str, float] = defaultdict(float)  # the latest sending among those that acted
        closed: set[float] = set()
        for effect in journal:
            price, action = act_of(effect)
            one = by_price.get(price)
            if one is None:
                continue  # made_up() tells of it
            if action == "close":
                closed.add(price)
            elif len(one.legs) == 2 and price not in closed:
                wrong.append(f"{port}: the open of reversal {one.n} came before its close")
            if one.accepted and one.ended + delay_s < latest[one.ticker]:
                late = latest[one.ticker] - one.ended
                wrong.append(
                    f"{port}: alert {one.n} of {one.ticker} ({one.answer.document.get('id')}) was "
                    f"overtaken by one sent {late:.2f} s after its answer"
                )
            latest[one.ticker] = max(latest[one.ticker], one.began)
    return wrong


def lanes_broken(database: Path, journals: Journals) -> list[str]:
    """Orders of one lane that did not act as released: by release, closes first, then by row."""
    wrong = []
    for port, journal in journals.items():
        rows = query(
            database,
            "SELECT d.key, a.ticker, d.batch, d.leg = 'open', d.id FROM delivery d "
            "JOIN alert a ON a.seq = d.alert_seq WHERE d.target = ?",
            f"localhost:{port}",
        )
        place = {key: (ticker, tuple(order)) for key, ticker, *order in rows}
        last: dict[str, tuple[int, ...]] = defaultdict(tuple)
        for effect in journal:
            if effect.key not in place:
                wrong.append(f"{port}: key {effect.key} is in no row")
                continue
            ticker, order = place[effect.key]
            if order < last[ticker]:
                wrong.append(f"{port}: delivery {order} of {ticker} acted after {last[ticker]}")
            last[ticker] = max(order, last[ticker])
    return wrong


def damaged(database: Path) -> list[str]:
    """What is wrong with the database: pages, references, and stories with a hole.

    Each transition begins where the one before it ended, and the last is where the row stands.
    """
    (found,) = query(database, "PRAGMA integrity_check")
    wrong = [] if found == ("ok",) else [f"integrity: {found}"]
    wrong += [f"reference: {row}" for row in query(database, "PRAGMA foreign_key_check")]
    for table, column in (("delivery", "delivery_id"), ("alert", "alert_seq")):
        name = "id" if table == "delivery" else "seq"
        only = "" if table == "delivery" else "WHERE delivery_id IS NULL"
        states = dict(query(database, f"SELECT {name}, state FROM {table}"))
        stands: dict[int, str | None] = dict.fromkeys(states)
        events = query(
            database,
            f"SELECT {column}, was, now FROM delivery_event {only} ORDER BY id",
        )
        for row, was, now in events:
            if row is None:
                continue
            if stands[row] is not None and was is not None and was != stands[row]:
                wrong.append(f"{table} {row}: from {was} to {now}, but it was {stands[row]}")
            stands[row] = now
        wrong += [
            f"{table} {row} is {state}, its events end at {stands[row]}"
            for row, state in states.items()
            if stands[row] != state
        ]
    return wrong


def refusals(sent: Iterable[Sent]) -> dict[int | None, int]:
    """How many of each answer other than 200."""
    return dict(Counter(one.answer.status for one in sent if one.answer.status != 200))


def percentile(values: Iterable[float], share: float) -> float:
    """The value that this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def check_everything(
    router: Router, sent: Sequence[Sent], journals: Journals, ports: Ports, delay_s: float
) -> None:
    """All of the above on a stopped or idle router."""
    wrong = [
        *damaged(router.database),
        *lost(sent, journals, ports),
        *doubled(journals),
        *made_up(sent, journals, ports),
        *inverted(sent, journals, delay_s),
        *lanes_broken(router.database, journals),
    ]
    assert not wrong, "\n".join(wrong[:40])


def end(router: Router) -> None:
    """SIGTERM: it must be gone within 5 s, with code 0."""
    began = time.monotonic()
    code = router.stop(signal.SIGTERM)
    took = time.monotonic() - began
    assert code == 0, router.text()[-3000:]
    if took > 5.5:
        pytest.fail(f"the stop took {took:.1f} s")
