"""The TradingView conversation without a socket: text in, texts, batches and events out.

Phases: "hello" (the server speaks first) -> "asking" (token shown, things asked one by one) ->
"streaming" (something was answered). Raises what ends the connection; what is only about one
symbol, chart or study comes as an event and the rest goes on.
"""

from __future__ import annotations

import codecs
import secrets
import string
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import Any, Final, Literal

import orjson

from grok_sauce.clients.tradingview_study import StudyCode
from grok_sauce.feeds.tradingview_chart import Chart
from grok_sauce.feeds.tradingview_frames import Unframer, heartbeat, message, ping
from grok_sauce.feeds.tradingview_messages import (
    FellSilent,
    NotAnswered,
    Output,
    ProtocolRefused,
    Ready,
    SessionRefused,
    TradingViewSettings,
    refusal,
    words,
)
from grok_sauce.feeds.tradingview_quotes import QuoteSession
from grok_sauce.feeds.tradingview_wants import MAX_CHARTS, MAX_SYMBOLS, Want

Phase = Literal["hello", "asking", "streaming"]

_ECHOES: Final = 10  # heartbeats answered in one second; more is an echo of our echo
_NAMED: Final = 40  # kinds of trouble that are counted by name


def random_id(prefix: str) -> str:
    """A name for a session: twelve lower-case letters."""
    return prefix + "".join(secrets.choice(string.ascii_lowercase) for _ in range(12))


class TradingViewProtocol:
    """See the module. Times: at is market time, now is monotonic; both in seconds."""

    def __init__(
        self,
        token: str,
        settings: TradingViewSettings | None = None,
        ids: Callable[[str], str] = random_id,
    ) -> None:
        self.phase: Phase = "hello"
        self.frames = 0
        self.troubles: Counter[str] = Counter()  # what was not understood, by name
        self.charts: dict[tuple[str, str], Chart] = {}
        self._token = token
        self._settings = settings or TradingViewSettings()
        self._ids = ids
        self._unframer = Unframer()
        self._decode = codecs.getincrementaldecoder("utf-8")("replace")
        self._quotes = QuoteSession(ids("qs_"), self._settings.late)
        self._wanted: frozenset[Want] = frozenset()
        self._code: StudyCode | None = None
        self._started = self._heard = self._pinged = self._asked = 0.0
        self._next = 0.0  # when the next thing may be asked
        self._pings = 0
        self._echoed: deque[float] = deque(maxlen=_ECHOES)

    # ---- driven from outside ------------------------------------------------------------

    def start(self, now: float) -> Output:
        """The socket is open. The server speaks first, so nothing is said yet."""
        self._started = self._heard = self._pinged = now
        return Output()

    def want(self, wanted: Iterable[Want]) -> None:
        """Follow exactly these; tick() asks for the difference.

        Raises:
            ValueError: more symbols or charts than one connection should ask for.
        """
        wishes = frozenset(wanted)
        check_limits(wishes)
        self._wanted = wishes

    def use_study(self, code: StudyCode | None) -> None:
        """The script of the study, once it is known."""
        self._code = code

    def renew(self, token: str, now: float) -> Output:
        """Show another token on the running connection."""
        self._token = token
        for chart in self.charts.values():
            chart.renewed(now)
        return Output([] if self.phase == "hello" else [message("set_auth_token", token)])

    def feed_bytes(self, data: bytes, at: float, now: float) -> Output:
        """One WebSocket message.

        Raises:
            ProtocolRefused, SessionRefused: the server ends it.
        """
        self._heard = now
        self.frames += 1
        out = Output()
        payloads = self._unframer.feed(self._decode.decode(data))
        for complaint in self._unframer.complaints:
            self._trouble(complaint)
        self._unframer.complaints.clear()
        for payload in payloads:
            self._payload(payload, at, now, out)
        return out

    def tick(self, at: float, now: float) -> Output:
        """What time brings; call it several times a second.

        Raises:
            FellSilent, NotAnswered: only another connection can help.
        """
        settings = self._settings
        if self.quiet_for(now) > settings.silence:
            raise FellSilent(f"TradingView: silent for {self.quiet_for(now):.0f} s")
        out = Output()
        if self.phase == "hello":
            if now - self._started >= settings.hello:
                self._begin(now, out)  # some hosts greet late or not at all
            return out
        if now - self._pinged >= settings.ping:
            self._pinged = now
            self._pings += 1
            out.texts.append(ping(self._pings))
        self._follow(now, out)
        waited = now - self._asked if self._asked else 0.0
        if self.phase == "asking" and waited > settings.answer:
            raise NotAnswered(f"TradingView: nothing it was asked is answered for {waited:.0f} s")
        for chart in self.charts.values():
            out.add(chart.tick(now, self._code))
        out.events += self._quotes.overdue(at, now)
        return out

    def quiet_for(self, now: float) -> float:
        """Seconds since anything was heard."""
        return now - self._heard

    @property
    def bad(self) -> int:
        """How much was not understood."""
        return sum(self.troubles.values()) + sum(chart.bad for chart in self.charts.values())

    @property
    def delayed(self) -> dict[str, str]:
        """Symbols behind the market, and how that is known."""
        return self._quotes.delayed

    # ---- what is asked ------------------------------------------------------------------

    def _begin(self, now: float, out: Output) -> None:
        self.phase = "asking"
        self._next = now
        out.texts += [
            message("set_auth_token", self._token),
            message("set_locale", "en", "US"),
            *self._quotes.open(),
        ]

    def _follow(self, now: float, out: Output) -> None:
        """Drop what nobody wants at once, ask for what is missing one thing at a time."""
        symbols = {want.symbol for want in self._wanted}
        places = {(want.symbol, want.timeframe) for want in self._wanted if want.timeframe}
        studies = {(want.symbol, want.timeframe) for want in self._wanted if want.study}
        for symbol in [symbol for symbol in self._quotes.symbols if symbol not in symbols]:
            out.texts += self._quotes.remove(symbol)
        for place in [place for place in self.charts if place not in places]:
            out.texts += self.charts.pop(place).close()
        for place in sorted(places - self.charts.keys()):
            self.charts[place] = Chart(*place, self._settings, place in studies)
        for place, chart in self.charts.items():
            if (chart.study != "none") is not (place in studies):
                out.texts += chart.wants_study(place in studies)
        if now >= self._next:
            texts = self._ask_next(symbols, now)
            if texts:
                self._next = now + self._settings.spacing
                self._asked = self._asked or now
                out.texts += texts

    def _ask_next(self, symbols: set[str], now: float) -> list[str]:
        missing = sorted(symbols.difference(self._quotes.symbols))
        if missing:
            return self._quotes.add(missing[0], now)
        for chart in self.charts.values():
            if chart.state == "idle" and now >= chart.due:
                return chart.open(self._ids("cs_"), now)
        return []

    # ---- what is said -------------------------------------------------------------------

    def _payload(self, payload: str, at: float, now: float, out: Output) -> None:
        count = heartbeat(payload)
        if count is not None:
            if len(self._echoed) < _ECHOES or now - self._echoed[0] >= 1.0:
                self._echoed.append(now)
                out.texts.append(ping(count))
            return
        try:
            frame = orjson.loads(payload)
        except ValueError:
            self._trouble("a payload that is no JSON")
            return
        if not isinstance(frame, dict):
            self._trouble("a payload that is no object")
            return
        method, args = frame.get("m"), frame.get("p", [])
        if method is None:
            if self.phase == "hello":
                self._begin(now, out)
            return
        if not isinstance(method, str) or not isinstance(args, list):
            self._trouble("a message of the wrong shape")
            return
        self._take(method, args, at, now, out)

    def _take(self, method: str, args: list[Any], at: float, now: float, out: Output) -> None:
        if method == "protocol_error":
            raise ProtocolRefused(f"TradingView: protocol_error: {words(args)}")
        session = args[0] if args and isinstance(args[0], str) else ""
        if session == self._quotes.session:
            self._answered(out)
            self._quote(method, args, at, out)
            return
        for chart in self.charts.values():
            if chart.session == session and chart.state not in ("idle", "refused"):
                self._answered(out)
                out.add(chart.message(method, args, at, now))
                return
        if method == "critical_error" and not session.startswith("cs_"):
            raise SessionRefused(f"TradingView: critical_error: {words(args)}")
        if method not in _PASSING:
            self._trouble(f"{method[:30]} for nobody")

    def _quote(self, method: str, args: list[Any], at: float, out: Output) -> None:
        if method == "critical_error":
            raise SessionRefused(f"TradingView: critical_error: {words(args)}")
        if method == "quote_error":
            out.events.append(refusal("quote_error", "quotes", args[1:]))
        elif method == "qsd":
            quotes = self._quotes.data(args, at)
            if quotes is None:
                self._trouble("qsd of the wrong shape")
            else:
                out.add(quotes)

    def _answered(self, out: Output) -> None:
        if self.phase == "asking":
            self.phase = "streaming"
            out.events.append(Ready())

    def _trouble(self, name: str) -> None:
        known = name in self.troubles or len(self.troubles) < _NAMED
        self.troubles[name if known else "something else"] += 1


# Late words about sessions that were given back: no trouble.
_PASSING: Final = frozenset(
    {
        "symbol_resolved", "series_loading", "series_completed", "timescale_update", "du",
        "study_loading", "study_completed", "study_error", "series_error", "symbol_error",
        "critical_error", "qsd", "quote_completed",
    }
)  # fmt: skip


def check_limits(wanted: frozenset[Want]) -> None:
    """Raises ValueError for more symbols or charts than one connection should ask for."""
    symbols = {want.symbol for want in wanted}
    charts = {(want.symbol, want.timeframe) for want in wanted if want.timeframe}
    if len(symbols) > MAX_SYMBOLS or len(charts) > MAX_CHARTS:
        raise ValueError(
            f"TradingView: {len(symbols)} symbols and {len(charts)} charts are wanted, at most "
            f"{MAX_SYMBOLS} and {MAX_CHARTS} fit"
        )
