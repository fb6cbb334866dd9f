"""One chart session: one symbol, one series, and the study on it; texts in and out."""

from __future__ import annotations

from typing import Any, Final, Literal

import orjson

from grok_sauce.clients.tradingview_study import StudyCode
from grok_sauce.feeds.tradingview_frames import message
from grok_sauce.feeds.tradingview_levels import LevelReader, Levels
from grok_sauce.feeds.tradingview_messages import (
    Delayed,
    Loaded,
    Output,
    Rolled,
    TradingViewSettings,
    refusal,
    table,
)
from grok_sauce.feeds.tradingview_wants import TIMEFRAMES, candles
from grok_sauce.market.batches import Batch
from grok_sauce.market.events import number
from grok_sauce.market.lt_levels import LtLevels, front_contract

SERIES: Final = "sds_1"
STUDY: Final = "st9"
_LONGEST_RETRY: Final = 900.0

State = Literal["idle", "resolving", "loading", "running", "refused"]
StudyState = Literal["none", "waiting", "loading", "running", "refused"]


class Chart:
    """Opens once with open(); message() and tick() say what comes next.

    A series takes one chart session of its own: a second one in the same is answered with
    critical_error. What fails is opened anew under another session, but a symbol that the
    server does not know is not asked for again on this connection.
    """

    def __init__(
        self, symbol: str, timeframe: str, settings: TradingViewSettings, study: bool
    ) -> None:
        self.symbol, self.timeframe = symbol, timeframe
        self.state: State = "idle"
        self.study: StudyState = "waiting" if study else "none"
        self.session = ""
        self.due = 0.0  # monotonic: not opened before
        self.contract: str | None = None
        self.bars = 0
        self.bad = 0
        self._settings = settings
        self._wait = settings.retry
        self._asked = 0.0  # monotonic, of what was not answered yet
        self._study_due = 0.0
        self._resolve_due = 0.0
        self._resolutions = 1
        self._history: dict[int, tuple[Any, ...]] = {}
        self._levels = LevelReader()

    @property
    def name(self) -> str:
        """For messages to people."""
        return f"{self.symbol} {self.timeframe}"

    @property
    def key(self) -> str:
        """The symbol of its batches."""
        return candles(self.symbol, self.timeframe)

    # ---- what we say --------------------------------------------------------------------

    def open(self, session: str, now: float) -> list[str]:
        """Make the session and ask who the symbol is."""
        self.session, self.state, self._asked = session, "resolving", now
        self._history.clear()
        return [message("chart_create_session", session, ""), self._resolve()]

    def close(self) -> list[str]:
        """Give the session back."""
        state, self.state = self.state, "idle"
        return [] if state == "idle" else [message("chart_delete_session", self.session)]

    def wants_study(self, wanted: bool) -> list[str]:
        """Add the study to this chart, or take it off."""
        if not wanted and self.study in ("loading", "running"):
            self.study = "none"
            return [message("remove_study", self.session, STUDY)]
        if wanted and self.study == "none":
            self.study = "waiting"
        elif not wanted:
            self.study = "none"
        return []

    def renewed(self, now: float) -> None:
        """A new token is in use: what was refused for want of rights may be asked again."""
        if self.study == "refused":
            self.study, self._study_due = "waiting", now + self._settings.settle

    def tick(self, now: float, code: StudyCode | None) -> Output:
        """What time brings: the study, the contract asked again, an answer that never came."""
        out = Output()
        if self.state in ("resolving", "loading") and now - self._asked > self._settings.answer:
            out.texts += self._fail(now)
            said = f"nothing for {self._settings.answer:.0f} s"
            out.events.append(refusal("no_answer", self.name, [said]))
        elif self.state == "running":
            if self.study == "waiting" and code is not None and now >= self._study_due:
                self.study, self._levels = "loading", LevelReader()
                self._asked = now
                out.texts.append(
                    message(
                        "create_study",
                        self.session,
                        STUDY,
                        "st1",
                        SERIES,
                        code.endpoint,
                        code.inputs,
                    )
                )
            elif self.study == "loading" and now - self._asked > 2 * self._settings.answer:
                self.study, self._study_due = "waiting", now + self._next_wait()
                out.texts.append(message("remove_study", self.session, STUDY))
                out.events.append(refusal("no_answer", f"{self.name} study", ["no levels came"]))
            if now >= self._resolve_due:
                self._resolve_due = now + self._settings.resolve
                self._resolutions += 1
                out.texts.append(self._resolve())
        return out

    def _resolve(self) -> str:
        asked = {"symbol": self.symbol, "adjustment": "splits", "session": "extended"}
        encoded = "=" + orjson.dumps(asked).decode()
        return message("resolve_symbol", self.session, f"sds_sym_{self._resolutions}", encoded)

    def _fail(self, now: float) -> list[str]:
        """Open anew later, under another session."""
        self.due = now + self._next_wait()
        if self.study != "none":
            self.study = "waiting"
        return self.close()

    def _next_wait(self) -> float:
        wait, self._wait = self._wait, min(self._wait * 2, _LONGEST_RETRY)
        return wait

    # ---- what the server says -----------------------------------------------------------

    def message(self, method: str, args: list[Any], at: float, now: float) -> Output:
        """Take a message of this session; one that is unknown changes nothing."""
        handler = _HANDLERS.get(method)
        return Output() if handler is None else handler(self, args, at, now)

    def _resolved(self, args: list[Any], at: float, now: float) -> Output:
        info = args[2] if len(args) > 2 and isinstance(args[2], dict) else {}
        before, self.contract = self.contract, contract_of(info, self.symbol) or self.contract
        out = Output()
        delay = number(info.get("delay"))
        if delay is not None and delay > 0:
            out.events.append(Delayed(self.symbol, delay, f"its data come {delay:.0f} s late"))
        if self.state == "resolving":
            self.state, self._asked = "loading", now
            self._resolve_due = now + self._settings.resolve
            out.texts.append(
                message(
                    "create_series", self.session, SERIES, "s1", f"sds_sym_{self._resolutions}",
                    TIMEFRAMES[self.timeframe], self._settings.bars, "",
                )
            )  # fmt: skip
        elif before is not None and self.contract != before and self.contract is not None:
            out.events.append(Rolled(self.symbol, before, self.contract))
            if self.study != "none":
                # Prices of the contract before are no levels of this one.
                out.batches.append(Batch("LtLevels", [self.key], ([None],), at))
        return out

    def _symbol_error(self, args: list[Any], at: float, now: float) -> Output:
        if self.state != "resolving":
            return Output()  # a later question about the contract; the series goes on
        self.state = "refused"
        texts = [message("chart_delete_session", self.session)]
        return Output(texts, events=[refusal("symbol_error", self.name, args)])

    def _series_error(self, args: list[Any], at: float, now: float) -> Output:
        return Output(self._fail(now), events=[refusal("series_error", self.name, args)])

    def _critical_error(self, args: list[Any], at: float, now: float) -> Output:
        self._fail(now)
        # The server has ended the session: there is nothing to give back.
        return Output(events=[refusal("critical_error", self.name, args)])

    def _series_completed(self, args: list[Any], at: float, now: float) -> Output:
        if self.state != "loading":
            return Output()
        self.state, self._wait = "running", self._settings.retry
        self._study_due = now + self._settings.settle
        rows = [self._history[time] for time in sorted(self._history)]
        self._history.clear()
        self.bars = len(rows)
        out = Output(events=[Loaded(self.symbol, self.timeframe, len(rows), self.contract)])
        if rows:
            out.batches.append(table("Candle", self.key, rows, at, True))
        mode = args[2] if len(args) > 2 else ""
        if isinstance(mode, str) and "delayed" in mode:
            out.events.append(Delayed(self.symbol, None, f"its bars are sent as {mode[:40]!r}"))
        return out

    def _data(self, args: list[Any], at: float, now: float) -> Output:
        parts = args[1] if len(args) > 1 else None
        if not isinstance(parts, dict):
            self.bad += 1
            return Output()
        out = Output()
        series, study = parts.get(SERIES), parts.get(STUDY)
        if isinstance(series, dict) and isinstance(series.get("s"), list):
            self._bars(series["s"], at, out)
        if isinstance(study, dict) and isinstance(study.get("st"), list):
            before = self._levels.bad
            self._tell(self._levels.rows(study["st"]), at, out)
            self.bad += self._levels.bad - before
        return out

    def _bars(self, rows: list[Any], at: float, out: Output) -> None:
        found = [bar for bar in map(_bar, rows) if bar is not None]
        self.bad += len(rows) - len(found)
        if self.state == "loading":
            self._history.update((bar[2], bar) for bar in found)
        elif self.state == "running" and found:
            found.sort(key=lambda bar: bar[2])
            out.batches.append(table("Candle", self.key, found, at, False))

    def _study_completed(self, args: list[Any], at: float, now: float) -> Output:
        out = Output()
        if self.study == "loading":
            self.study = "running"
            self._tell(self._levels.completed(), at, out)
        return out

    def _study_error(self, args: list[Any], at: float, now: float) -> Output:
        if self.study == "none":
            return Output()
        self.study = "refused"
        return Output(events=[refusal("study_error", f"{self.name} study", args[3:])])

    def _tell(self, told: list[tuple[int, Levels]], at: float, out: Output) -> None:
        for time, levels in told:
            value = LtLevels(self.symbol, self.timeframe, self.contract, time, True, levels, at)
            out.batches.append(Batch("LtLevels", [self.key], ([value],), at))


def contract_of(info: dict[str, Any], symbol: str) -> str | None:
    """The contract behind a symbol, from what the server said of it or from its own name."""
    told = (info.get("front_contract"), info.get("underlying-symbol"), symbol)
    return next((found for text in told if (found := front_contract(text))), None)


def _bar(row: Any) -> tuple[Any, ...] | None:
    """A row of a series in the order of FIELDS["Candle"]; None when it is no bar.

    Whether its prices make a bar is for whoever keeps it to judge (market.events.Bar).
    """
    values = row.get("v") if isinstance(row, dict) else None
    if not isinstance(values, list) or len(values) < 5:
        return None
    clean = [number(value) for value in values[:6]]
    seconds = clean[0]
    if seconds is None or not 0 < seconds < 1e11 or None in clean[1:5]:
        return None
    volume = clean[5] if len(clean) > 5 else None
    time = int(seconds * 1000)
    return (0, time, time, None, *clean[1:5], volume)


_HANDLERS: Final = {
    "symbol_resolved": Chart._resolved,
    "symbol_error": Chart._symbol_error,
    "series_completed": Chart._series_completed,
    "series_error": Chart._series_error,
    "critical_error": Chart._critical_error,
    "timescale_update": Chart._data,
    "du": Chart._data,
    "study_completed": Chart._study_completed,
    "study_error": Chart._study_error,
}
