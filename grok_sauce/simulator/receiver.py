"""What a NinjaTrader listener does with a POST to /receive: act once, remember, or misbehave."""

from __future__ import annotations

import json
import os
import random
import threading
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from grok_sauce.errors import SettingsError
from grok_sauce.runtime.clock import Clock
from grok_sauce.simulator.faults import Fault, Faults, Value
from grok_sauce.simulator.http1 import Manner, Request, Response, json_response
from grok_sauce.values import dataclass

KEYS: Final = 10_000  # how many Idempotency-Keys are remembered
_POSTS: Final = 100_000  # how many POSTs are remembered, acted upon or not

FAULTS: Final[dict[str, Fault]] = {
    "status": Fault("answer with this HTTP status and do nothing", 0, 500),
    "retry_after": Fault("seconds in a Retry-After header beside `status`", 0.0, 5.0),
    "hang": Fault(
        "read, then never answer; 'after' acts first, 'before' does not",
        "",
        "before",
        ("before", "after"),
    ),
    "reset": Fault(
        "read, then tear the connection down; 'after' acts first, 'before' does not",
        "",
        "before",
        ("before", "after"),
    ),
    "wait": Fault("act at once and answer so many seconds later", 0.0, 6.0),
    "drip": Fault("let the answer trickle at so many bytes a second", 0, 20),
    "errors": Fault(
        "let this share of the POSTs fail, each in a way drawn from the seed", 0.0, 0.1
    ),
    "count": Fault("let the faults hit the next so many POSTs only (0: all)", 0, 1),
    "forget": Fault("act on every POST, as a listener that remembers no keys", False, True),
}

_HITTING: Final = ("status", "retry_after", "hang", "reset", "wait", "drip", "errors")

# (switch, value) of what `errors` draws from. None leaves a trade out for good: a router that
# may resend brings each of them to an effect.
_DRAWN: Final[tuple[tuple[str, Value, str], ...]] = (
    ("status", 503, "before"),
    ("status", 500, "before"),
    ("status", 500, "after"),
    ("reset", "before", "before"),
    ("reset", "after", "after"),
)


@dataclass(frozen=True, slots=True)
class Effect:
    """One order that was acted upon. n counts from 1; at is wall time in Unix seconds."""

    n: int
    at: float
    key: str | None
    attempt: str | None  # the X-Attempt header
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Post:
    """One POST as it arrived. fate: the status that was answered, "hang" or "reset"."""

    at: float
    key: str | None
    attempt: str | None
    body: dict[str, Any] | None
    fate: str
    acted: bool
    headers: Mapping[str, str]


class Receiver:
    """The listener behind an address: memory, journal of effects in order, faults.

    journal: effects are appended to this file, one JSON object a line, before anything is
    answered, so that they outlive the process; keys and count of an existing file are read
    back, and half a line at its end (the process died writing it) is cut off.
    seed: of the fault `errors`. Any thread may call.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        journal: Path | None = None,
        seed: int = 42,
        faults: Faults | None = None,
    ) -> None:
        self.faults = faults or Faults(table=FAULTS)
        self.faults.listen(self._count)
        self._clock = clock
        self._lock = threading.Lock()
        self._chance = random.Random(seed)
        self._keys: OrderedDict[str, None] = OrderedDict()
        self._effects: list[Effect] = []
        self._posts: deque[Post] = deque(maxlen=_POSTS)
        self._left: int | None = None  # POSTs that faults may still hit
        self._file: int | None = None
        if journal is not None:
            self._open(journal)

    # --- looking -------------------------------------------------------------------------

    def effects(self) -> list[Effect]:
        """What was acted upon, in order."""
        with self._lock:
            return list(self._effects)

    def posts(self) -> list[Post]:
        """Every POST that was read, in order; the last 100,000."""
        with self._lock:
            return list(self._posts)

    def journal(self, since: int = 0) -> dict[str, Any]:
        """What GET /journal answers: effects after number `since`, and how many POSTs came."""
        with self._lock:
            effects = [asdict(effect) for effect in self._effects[since:]]
            return {"effects": effects, "posts": len(self._posts)}

    def close(self) -> None:
        """Let go of the journal's file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    # --- acting --------------------------------------------------------------------------

    def receive(self, request: Request, address: str) -> Response:
        """The answer to a POST to /receive. address: "localhost:9060", the only Host served."""
        host = request.headers.get("host", "")
        if host != address:
            return self._note(request, None, wrong_host(), acted=False)
        try:
            order = read_order(request.body)
        except ValueError as problem:
            refusal = json_response(400, {"status": "error", "message": str(problem)})
            return self._note(request, None, refusal, acted=False)
        switches = self._switches()
        key = request.headers.get("idempotency-key")
        acts = not switches or switches.get("when") != "before"
        acted = acts and self._act(order, key, request.headers.get("x-attempt"))
        told = {"status": "success" if acted or not acts else "duplicate"}
        return self._note(request, order, _answer(switches, told), acted)

    def _switches(self) -> dict[str, Value]:
        """The faults that hit this POST; empty when none does. "when": they act before or after."""
        with self._lock:
            if self._left == 0:
                return {}
            values = self.faults.snapshot()
            found = {name: values[name] for name in _HITTING if self.faults.flag(name)}
            share = float(found.pop("errors", 0.0))
            if share and self._chance.random() < share:
                name, value, when = self._chance.choice(_DRAWN)
                found |= {name: value, "when": when}
            if not found:
                return {}
            if self._left is not None:
                self._left -= 1
        for name in ("hang", "reset"):
            if name in found:
                found["when"] = found[name]
        if "status" in found:
            found.setdefault("when", "before")
        return found

    def _act(self, order: dict[str, Any], key: str | None, attempt: str | None) -> bool:
        """Do what the order says, unless its key is known; whether it was done."""
        with self._lock:
            if key is not None and not self.faults.flag("forget"):
                if key in self._keys:
                    return False
                self._remember(key)
            now = self._clock.real()
            effect = Effect(len(self._effects) + 1, now, key, attempt, order)
            if self._file is not None:
                # One write and no buffer of ours: whoever kills us finds it in the file.
                os.write(self._file, json.dumps(asdict(effect)).encode() + b"\n")
            self._effects.append(effect)
            return True

    def _note(
        self, request: Request, order: dict[str, Any] | None, answer: Response, acted: bool
    ) -> Response:
        manner = answer.manner
        fate = str(answer.status)
        if manner is not None and (manner.hang or manner.reset):
            fate = "hang" if manner.hang else "reset"
        headers = request.headers
        key, attempt = headers.get("idempotency-key"), headers.get("x-attempt")
        post = Post(self._clock.real(), key, attempt, order, fate, acted, dict(headers))
        with self._lock:
            self._posts.append(post)
        return answer

    def _remember(self, key: str) -> None:
        self._keys[key] = None
        while len(self._keys) > KEYS:
            self._keys.popitem(last=False)

    def _count(self, name: str, value: Value) -> None:
        if name == "count":
            with self._lock:
                self._left = int(value) or None

    def _open(self, path: Path) -> None:
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as problem:
            raise SettingsError(f"cannot write {path}: {problem.strerror}", "journal") from None
        text = path.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]
        os.truncate(path, len(whole))
        for line in whole.splitlines():
            effect = Effect(**json.loads(line))
            self._effects.append(effect)
            if effect.key is not None:
                self._remember(effect.key)


def read_order(body: bytes) -> dict[str, Any]:
    """The six keys of an order; more are let pass.

    Raises:
        ValueError: naming what is wrong.

    >>> read_order(b'{"ticker": "NQ", "action": "open"}')
    Traceback (most recent call last):
    ...
    ValueError: direction must be long or short
    """
    try:
        order = json.loads(body)
    except ValueError:
        raise ValueError("the body must be a JSON object") from None
    if not isinstance(order, dict):
        raise ValueError("the body must be a JSON object")
    if not isinstance(order.get("ticker"), str) or not order["ticker"]:
        raise ValueError("ticker must be a text")
    if order.get("action") not in ("open", "close"):
        raise ValueError("action must be open or close")
    if order.get("direction") not in ("long", "short"):
        raise ValueError("direction must be long or short")
    qty, price = order.get("qty"), order.get("price")
    if not isinstance(qty, int) or isinstance(qty, bool) or qty < 1:
        raise ValueError("qty must be a whole number from 1")
    if not isinstance(price, int | float) or isinstance(price, bool):
        raise ValueError("price must be a number")
    if not isinstance(order.get("time"), str):
        raise ValueError("time must be a text")
    return order


def wrong_host() -> Response:
    """How Windows' HttpListener refuses a Host that is not its prefix (from memory)."""
    page = b"<h2>Bad Request - Invalid Hostname</h2>\n<hr><p>HTTP Error 400.</p>\n"
    return Response(400, page, "text/html")


def _answer(switches: Mapping[str, Value], told: dict[str, str]) -> Response:
    if not switches:
        return json_response(200, told)
    headers: tuple[tuple[str, str], ...] = ()
    status = int(switches.get("status", 200))
    if status != 200:
        told = {"status": "error", "message": f"the fault `status` says {status}"}
        if "retry_after" in switches:
            headers = (("Retry-After", f"{float(switches['retry_after']):g}"),)
    manner = Manner(
        hang="hang" in switches,
        reset="reset" in switches,
        wait=float(switches.get("wait", 0.0)),
        drip=int(switches.get("drip", 0)),
    )
    return Response(status, json.dumps(told).encode(), headers=headers, manner=manner)
