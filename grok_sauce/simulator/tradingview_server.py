"""TradingView's socket in the embedded market: strict where the real one was found strict.

It cuts who does not echo its heartbeats, who sends none of his own, or who follows no quote;
a second series in a chart session ends the session; a study before its series, or without the
rights, is refused; a token it did not give out ends the connection.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from grok_sauce.runtime.clock import Clock
from grok_sauce.simulator.desk import Desk, Key
from grok_sauce.simulator.faults import Faults
from grok_sauce.simulator.tokens import Tokens
from grok_sauce.simulator.tradingview_chart import ChartSession
from grok_sauce.simulator.tradingview_quotes import QuoteSession
from grok_sauce.simulator.tradingview_tokens import Standing, standing

DELAY: Final = 600  # seconds that delayed prices are behind
_CHURN: Final = (24, 10.0)  # sessions made in so many seconds: more is punished
_HEAD: Final = re.compile(r"~m~([0-9]{1,7})~m~", re.ASCII)
_BEAT: Final = re.compile(r"~h~([0-9]{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class TradingViewLimits:
    """What the socket bears, in seconds."""

    heartbeat: float = 10.0  # between two of ours
    echo: float = 25.0  # until one must have come back
    patience: float = 63.0  # without a heartbeat of the client's own, or without quotes


class Offence(Exception):
    """The client broke the protocol: protocol_error, then the end."""


def frame(payload: str) -> str:
    """One frame; the length counts UTF-16 units."""
    return f"~m~{len(payload.encode('utf-16-le')) // 2}~m~{payload}"


def payloads(text: str) -> list[str]:
    """The frames of one WebSocket message.

    Raises:
        Offence: it is not made of whole frames.
    """
    found, at = [], 0
    while at < len(text):
        head = _HEAD.match(text, at)
        if head is None:
            raise Offence("wrong data")
        rest = text[head.end() :].encode("utf-16-le", "surrogatepass")
        size = int(head[1]) * 2
        if len(rest) < size:
            raise Offence("wrong data")
        payload = rest[:size].decode("utf-16-le", "replace")
        found.append(payload)
        at = head.end() + len(payload)
    return found


class TradingViewSession:
    """Protocol state of one connection; see dxlink_server for how it is driven."""

    def __init__(
        self,
        desk: Desk,
        tokens: Tokens,
        faults: Faults,
        clock: Clock,
        limits: TradingViewLimits = TradingViewLimits(),
    ) -> None:
        self.closing: tuple[int, str] | None = None
        self.busy = False
        self._desk, self._tokens, self._faults, self._clock = desk, tokens, faults, clock
        self._limits = limits
        self._token: str | None = None
        self._charts: dict[str, ChartSession] = {}
        self._quotes: dict[str, QuoteSession] = {}
        self._noted: deque[frozenset[Key]] = deque()
        self._waiting: frozenset[Key] = frozenset()
        self._out: list[str] = []
        self._later: list[tuple[float, Callable[[], None]]] = []
        self._made: deque[float] = deque(maxlen=_CHURN[0])
        now = clock.monotonic()
        self._beats = 0
        self._beaten = now
        self._unanswered: dict[int, float] = {}
        self._pinged = self._quoted = now
        self._pings = 0
        self._greeted = False
        self._next_rubbish = 0.0

    # ---- driven from outside ------------------------------------------------------------

    def receive(self, text: str) -> list[str]:
        """Answer one WebSocket message."""
        try:
            for payload in payloads(text):
                self._payload(payload)
        except Offence as offence:
            self._end(str(offence))
        return self._flush()

    def pump(self) -> list[str]:
        """Nothing is sent in slices."""
        return []

    def note(self, changed: frozenset[Key]) -> None:
        """Tell what moved in the market; safe from any thread."""
        if changed:
            self._noted.append(changed)

    def tick(self, room: bool = True) -> list[str]:
        """What time brings: the greeting, heartbeats, what was asked, data, the end."""
        now = self._clock.monotonic()
        if not self._greeted:
            self._greeted = True
            self._payload_out(
                json.dumps({"session_id": "0.1.demo", "release": "sim", "protocol": "json"})
            )
        due = [call for at, call in self._later if at <= now]
        self._later = [(at, call) for at, call in self._later if at > now]
        for call in due:
            call()
        if self._faults.text("tradingview") == "protocol" and self._token is not None:
            self._end("wrong data")
        if room:
            self._data(now)
        self._keep_time(now)
        return self._flush()

    def closed(self) -> None:
        """The connection is gone: stop watching."""
        for chart in self._charts.values():
            chart.close()
        for quotes in self._quotes.values():
            quotes.close()
        self._charts.clear()
        self._quotes.clear()

    # ---- time ---------------------------------------------------------------------------

    def _data(self, now: float) -> None:
        changed = set(self._waiting)
        while self._noted:
            changed |= self._noted.popleft()
        keys = frozenset(changed)
        waits = False
        for chart in self._charts.values():
            waits |= not chart.beat(keys, now)
        for quotes in self._quotes.values():
            waits |= not quotes.beat(keys, now)
        self._waiting = keys if waits else frozenset()
        kind = self._faults.text("garbage")
        if kind and self._token is not None and now >= self._next_rubbish:
            self._next_rubbish = now + 1.0
            self._out.append(_RUBBISH[kind])

    def _keep_time(self, now: float) -> None:
        limits = self._limits
        if now - self._beaten >= limits.heartbeat:
            self._beaten = now
            self._beats += 1
            self._unanswered[self._beats] = now
            self._payload_out(f"~h~{self._beats}")
        if any(quotes.symbols for quotes in self._quotes.values()):
            self._quoted = now
        deaf = any(now - at > limits.echo for at in self._unanswered.values())
        if deaf or now - min(self._pinged, self._quoted) > limits.patience:
            self.closing = (1000, "")  # without a word, as the real one does

    # ---- what a client says -------------------------------------------------------------

    def _payload(self, payload: str) -> None:
        beat = _BEAT.fullmatch(payload)
        if beat is not None:
            self._heartbeat(int(beat[1]))
            return
        try:
            said = json.loads(payload)
        except ValueError:
            raise Offence("wrong data") from None
        method = said.get("m") if isinstance(said, dict) else None
        args = said.get("p") if isinstance(said, dict) else None
        if not isinstance(method, str) or not isinstance(args, list):
            raise Offence("wrong data")
        if self._token is None and method != "set_auth_token":
            raise Offence("not authorized")
        known = _METHODS.get(method)
        if known is None:
            raise Offence(f"unknown method {method[:30]}")
        least, handler = known
        if len(args) < least or not all(isinstance(arg, str) for arg in args[:1]):
            raise Offence("wrong data")
        handler(self, args)

    def _heartbeat(self, number: int) -> None:
        """Ours come back, or one of the client's own: both count from 1, so time decides."""
        now = self._clock.monotonic()
        sent = self._unanswered.get(number)
        prompt = sent is not None and now - sent < 0.4 * self._limits.heartbeat
        if not prompt and number == self._pings + 1:
            self._pings, self._pinged = number, now
        elif sent is not None:
            del self._unanswered[number]

    @property
    def _standing(self) -> Standing:
        """What the token is worth now: a token may end while it is in use."""
        return standing(self._token or "", self._tokens, self._faults) or "ended"

    def _delay(self) -> int:
        late = self._faults.text("tradingview") == "delayed" or self._standing != "paid"
        return DELAY if late else 0

    def _auth(self, args: list[Any]) -> None:
        if standing(args[0], self._tokens, self._faults) is None:
            raise Offence("auth token is not valid")
        self._token = args[0]

    def _locale(self, args: list[Any]) -> None:
        return

    def _count_session(self) -> None:
        now = self._clock.monotonic()
        if len(self._made) == _CHURN[0] and now - self._made[0] < _CHURN[1]:
            raise Offence("too many sessions")
        self._made.append(now)

    def _chart_create(self, args: list[Any]) -> None:
        self._count_session()
        if args[0] in self._charts:
            raise Offence("session exists")
        self._charts[args[0]] = ChartSession(
            args[0], self._desk, self._faults, self._say, self._after, self._delay
        )

    def _chart_delete(self, args: list[Any]) -> None:
        chart = self._charts.pop(args[0], None)
        if chart is not None:
            chart.close()

    def _chart(self, args: list[Any], call: Callable[[ChartSession], None]) -> None:
        chart = self._charts.get(args[0])
        if chart is None or chart.dead:
            self._say("critical_error", args[0], "session is not found", "")
            return
        call(chart)

    def _resolve(self, args: list[Any]) -> None:
        self._chart(args, lambda chart: chart.resolve(args))

    def _create_series(self, args: list[Any]) -> None:
        self._chart(args, lambda chart: chart.create_series(args))

    def _remove_series(self, args: list[Any]) -> None:
        self._chart(args, lambda chart: chart.remove_series(args))

    def _create_study(self, args: list[Any]) -> None:
        paid = self._standing == "paid"
        self._chart(args, lambda chart: chart.create_study(args, paid))

    def _remove_study(self, args: list[Any]) -> None:
        self._chart(args, lambda chart: chart.remove_study(args))

    def _quote_create(self, args: list[Any]) -> None:
        self._count_session()
        self._quotes[args[0]] = QuoteSession(
            args[0], self._desk, self._faults, self._say, self._delay
        )

    def _quote_delete(self, args: list[Any]) -> None:
        quotes = self._quotes.pop(args[0], None)
        if quotes is not None:
            quotes.close()

    def _of_quotes(self, args: list[Any]) -> QuoteSession:
        quotes = self._quotes.get(args[0])
        if quotes is None:
            raise Offence("quote session is not found")
        return quotes

    def _quote_fields(self, args: list[Any]) -> None:
        self._of_quotes(args).fields = tuple(str(name) for name in args[1:])

    def _quote_add(self, args: list[Any]) -> None:
        self._of_quotes(args).add([str(arg) for arg in args[1:] if isinstance(arg, str)])

    def _quote_remove(self, args: list[Any]) -> None:
        self._of_quotes(args).remove([str(arg) for arg in args[1:]])

    def _quote_fast(self, args: list[Any]) -> None:
        self._of_quotes(args)

    def _hibernate(self, args: list[Any]) -> None:
        self._of_quotes(args)
        self.closing = (1000, "")

    # ---- what we say --------------------------------------------------------------------

    def _after(self, seconds: float, call: Callable[[], None]) -> None:
        self._later.append((self._clock.monotonic() + seconds, call))

    def _say(self, method: str, *args: Any) -> None:
        self._payload_out(
            json.dumps({"m": method, "p": list(args)}, separators=(",", ":"), allow_nan=False)
        )

    def _payload_out(self, payload: str) -> None:
        self._out.append(frame(payload))

    def _end(self, text: str) -> None:
        if self.closing is None:
            self._say("protocol_error", text)
            self.closing = (1000, "")

    def _flush(self) -> list[str]:
        """Everything said since, glued into one WebSocket message as the real one does."""
        out, self._out = self._out, []
        return ["".join(out)] if out else []


_RUBBISH: Final = {
    "json": frame('{"m":"qsd","p":["qs_'),
    "types": frame('{"m":7,"p":{"s":1}}') + frame('{"m":"du","p":["cs_nobody",{"sds_1":[7]}]}'),
    "truncated": '~m~900~m~{"m":"du","p":["cs_',
}

_Handler = Callable[[TradingViewSession, list[Any]], None]

# method -> (arguments it needs, who answers)
_METHODS: Final[dict[str, tuple[int, _Handler]]] = {
    "set_auth_token": (1, TradingViewSession._auth),
    "set_locale": (1, TradingViewSession._locale),
    "chart_create_session": (1, TradingViewSession._chart_create),
    "chart_delete_session": (1, TradingViewSession._chart_delete),
    "resolve_symbol": (3, TradingViewSession._resolve),
    "create_series": (6, TradingViewSession._create_series),
    "remove_series": (2, TradingViewSession._remove_series),
    "create_study": (6, TradingViewSession._create_study),
    "remove_study": (2, TradingViewSession._remove_study),
    "quote_create_session": (1, TradingViewSession._quote_create),
    "quote_delete_session": (1, TradingViewSession._quote_delete),
    "quote_set_fields": (2, TradingViewSession._quote_fields),
    "quote_add_symbols": (2, TradingViewSession._quote_add),
    "quote_remove_symbols": (2, TradingViewSession._quote_remove),
    "quote_fast_symbols": (2, TradingViewSession._quote_fast),
    "quote_hibernate_all": (1, TradingViewSession._hibernate),
}
