"""The signal service's levels: one small object on the future's scale, and its refresh."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar, Final, Protocol

from grok_sauce.analytics.conversion import Factor, to_future, to_tick
from grok_sauce.controls import Controls
from grok_sauce.desks import level_sets
from grok_sauce.errors import SettingsError, SourceError
from grok_sauce.market.instruments import normalise
from grok_sauce.market.times import iso
from grok_sauce.questions import Questions, Unavailable
from grok_sauce.values import dataclass

COOLDOWN: Final = 300.0  # seconds of market time between two calculations, unless forced
PATIENCE: Final = 8.0  # seconds for a calculation
MOST: Final = 5  # resistances and supports
BILLION: Final = 1e9
TICK: Final = 0.25  # of index futures; a conversion names its own
USABLE: Final = frozenset({"live", "stale", "closed"})
GOING_ON: Final = frozenset({"live", "closed"})
CBOE: Final = "CBOE"  # a payload's source
UNKNOWN: Final = float("nan")


@dataclass(frozen=True, slots=True)
class SignalSettings:
    """Whose levels are told to signal programs."""

    ENV: ClassVar[dict[str, str]] = {"symbols": "GEX_SYMBOL"}

    # ETFs or indices with a future: QQQ and NDX to NQ, SPY and SPX to ES. The first is the one
    # /gex/levels tells; of two with one future the first counts.
    symbols: tuple[str, ...] = ("QQQ", "SPY")

    def __post_init__(self) -> None:
        if not self.symbols:
            raise SettingsError("GEX_SYMBOL must name an underlying, such as QQQ", "GEX_SYMBOL")
        for symbol in self.symbols:
            normalise(symbol, "GEX_SYMBOL")

    def names(self) -> tuple[str, ...]:
        """The symbols as they are written everywhere, each once."""
        return tuple(dict.fromkeys(normalise(name, "GEX_SYMBOL") for name in self.symbols))


class NoLevels(SourceError):
    """Neither live nor kept levels, and why."""


class Kept(Protocol):
    """What is asked of the level service."""

    def told(self, symbol: str) -> dict[str, Any] | None:
        """The newest document of a symbol."""

    def is_live(self, symbol: str) -> bool:
        """Whether that is of a live report which goes on."""

    def carried(self, symbol: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        """A report, with the kept factor where it has none."""

    def look(self, symbol: str) -> None:
        """Take Cboe's newest chain at once."""


class SignalLevels:
    """Answers "gex.e80" and does "gex.refresh".

    newest(topic, key) reads the snapshot, market() is market time. Levels come from the first
    that has them: what the engine told last, the set of Cboe's chain, a calculation of its own,
    the newest kept (from_cache true). fetch(symbol) asks Cboe for a new chain and answers
    whether one came; None: there is no Cboe here. refused: why this process has none to tell,
    whatever its pages show.
    """

    def __init__(
        self,
        symbol: str,
        newest: Callable[[str, str], Any],
        questions: Questions,
        market: Callable[[], float],
        refused: str | None = None,
        kept: Kept | None = None,
        fetch: Callable[[str], bool] | None = None,
    ) -> None:
        self.symbol = normalise(symbol, "GEX_SYMBOL")
        self._newest = newest
        self._questions = questions
        self._market = market
        self._refused = refused
        self._kept = kept
        self._fetch = fetch
        self._made: tuple[float, dict[str, Any]] | None = None  # of the last refresh

    def register(self, controls: Controls) -> None:
        """Open both doors."""
        self._questions.register("gex.e80", self.levels)
        controls.register("gex.refresh", self.refresh)

    def levels(self) -> dict[str, Any]:
        """The levels now; see signal().

        Raises:
            NoLevels: there are none, with the reason.
        """
        self._check()
        told = self._newest("gex.levels", f"{self.symbol}:all")
        if _is_live(told) and self._is_whole(told):
            return self._live(told)
        delayed = self._delayed()
        if delayed is not None:
            return delayed
        usable = _usable(told) and self._is_whole(told)
        return self._live(told) if usable else self._calculated()

    def refresh(self, force: bool = False) -> dict[str, Any]:
        """Calculate anew; within COOLDOWN of the last time the same again, unless forced.

        Where no live options are followed Cboe is asked for its newest chain.

        Raises:
            NoLevels: there are none, with the reason.
        """
        self._check()
        now = self._market()
        if not force and self._made is not None and 0 <= now - self._made[0] < COOLDOWN:
            return {**self._made[1], "from_cache": True}
        found = self._renewed()
        if not found["from_cache"]:
            self._made = now, found
        return found

    def _renewed(self) -> dict[str, Any]:
        if not _is_live(self._newest("gex.levels", f"{self.symbol}:all")):
            if self._fetch is not None and self._fetch(self.symbol) and self._kept is not None:
                self._kept.look(self.symbol)
            delayed = self._delayed()
            if delayed is not None:
                return delayed
        return self._calculated()

    def _check(self) -> None:
        if self._refused is not None:
            raise NoLevels(f"no levels of {self.symbol}: {self._refused}")

    def _live(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        feed = "cboe" if payload["source"] == CBOE else "dxlink"
        if self._kept is not None:
            payload = self._kept.carried(self.symbol, payload)
        return signal(payload, from_cache=False, feed=feed)

    def _is_whole(self, payload: Mapping[str, Any]) -> bool:
        """Have so many options come that no wall can be missing, or were they enough before?"""
        if self._kept is not None and self._kept.is_live(self.symbol):
            return True
        return level_sets.is_whole(payload["status"])

    def _delayed(self) -> dict[str, Any] | None:
        """The document of Cboe's chain, where that is what is newest."""
        found = None if self._kept is None else self._kept.told(self.symbol)
        is_delayed = found is not None and found["definition"].get("feed") == "cboe"
        return found if is_delayed else None

    def _calculated(self) -> dict[str, Any]:
        asked = {"symbol": self.symbol, "view": "all", "unit": "pct"}
        found = self._questions.ask("gex.levels", asked, PATIENCE)
        if _usable(found) and self._is_whole(found):
            return self._live(found)
        kept = None if self._kept is None else self._kept.told(self.symbol)
        if kept is not None:
            return {**kept, "from_cache": True}
        last = self._questions.ask("gex.last", {"symbol": self.symbol})
        if _usable(last):
            return {**self._live(last), "from_cache": True}
        raise NoLevels(f"no levels of {self.symbol}: {_reason(found)}")


def signal(
    payload: Mapping[str, Any],
    from_cache: bool,
    feed: str | None = None,
    known_at: float | None = None,
) -> dict[str, Any]:
    """A payload of topic "gex.levels" (per 1 %) under the names signal programs read.

    Spot is the source's; gamma_flip, walls, resistance and support (nearest first, at most 5)
    are prices of the future rounded to its tick, None while no conversion is known; nq_spot is
    spot carried there, None while the conversion is frozen;
    multiplier is None where the conversion adds points; total_gex is in $bn per 1 % move.
    levels are the source's own, with their distances. definition says what all of it is:
    feed ("dxlink" or "cboe"; None: not told), known_at (when the program had it, ISO; None: as
    asked), the conversion with its time, and reasons: why a value is None.
    """
    conversion = payload["conversion"]
    convert = _converter(conversion)
    spot = payload["spot"]
    net = payload["totals"]["net"]
    return {
        "timestamp": payload["as_of"],
        "qqq_spot": spot,
        "nq_spot": _future_price(conversion, spot, convert),
        "multiplier": conversion["value"] if conversion and conversion["kind"] == "ratio" else None,
        "total_gex": None if net is None else net / BILLION,
        "regime": payload["regime"],
        "gamma_flip": convert((payload["zero_gamma"]["all"] or {}).get("flip")),
        "call_wall": convert(payload["call_wall"]),
        "put_wall": convert(payload["put_wall"]),
        "resistance": [convert(level) for level in _nearest(payload["resistance"])],
        "support": [convert(level) for level in _nearest(payload["support"])],
        "from_cache": from_cache,
        "definition": {
            **payload["definition"],
            "symbol": payload["symbol"],
            "source": payload["source"],
            "status": payload["status"]["state"],
            "total_gex": "$bn per 1 % move of the underlying",
            "prices": "of the future, rounded to its tick; null without a conversion",
            "nq_spot": "spot carried to the future; null while the conversion is frozen",
            "conversion": _dated(conversion, payload["as_of"]),
            "oi_date": payload["oi_date"],
            "as_of": payload["as_of"],
            "feed": feed,
            "known_at": iso(known_at),
            "reasons": _reasons(payload),
        },
        "levels": payload["levels"],
    }


def _dated(conversion: Mapping[str, Any] | None, as_of: str) -> dict[str, Any] | None:
    """The conversion with the time of its value, where it has one."""
    if conversion is None:
        return None
    age = conversion["age"]
    at = None if age is None else datetime.fromisoformat(as_of).timestamp() - age
    return {**conversion, "at": iso(at)}


def _reasons(payload: Mapping[str, Any]) -> dict[str, str]:
    """Why values are None, by name."""
    found: dict[str, str] = {}
    conversion = payload["conversion"]
    flip = payload["zero_gamma"]["all"]
    if payload["spot"] is None:
        found["qqq_spot"] = f"the price of {payload['symbol']} is not known"
        found["nq_spot"] = found["qqq_spot"]
    if payload["totals"]["net"] is None:
        found["total_gex"] = found["regime"] = "no gamma exposure is known"
    if not flip or flip["flip"] is None:
        said = flip.get("reason") if flip else None
        found["gamma_flip"] = said or "no zero gamma was looked for"
    for name, words in (("call_wall", "calls at or above"), ("put_wall", "puts at or below")):
        if payload[name] is None:
            found[name] = f"no gamma of {words} spot is known"
    if conversion is None or conversion["value"] is None:
        said = conversion["note"] if conversion else None
        why = said or f"no future is known that {payload['symbol']} is carried to"
        for name in ("nq_spot", "gamma_flip", "call_wall", "put_wall", "resistance", "support"):
            found.setdefault(name, why)
        found["multiplier"] = why
        return found
    if conversion["frozen"]:
        found["nq_spot"] = "the factor is frozen; spot stands still while the future moves"
    if conversion["kind"] == "basis":
        found["multiplier"] = "the conversion adds points"
    return found


Convert = Callable[[float | None], float | None]


def _converter(conversion: Mapping[str, Any] | None) -> Convert:
    if conversion is None or conversion["value"] is None:
        return lambda level: None
    factor = Factor(
        contract=conversion["contract"],
        kind=conversion["kind"],
        value=conversion["value"],
        at=UNKNOWN,
        frozen=conversion["frozen"],
        source_price=UNKNOWN,
        future_price=UNKNOWN,
    )
    tick = conversion["tick"] or TICK
    return lambda level: None if level is None else to_tick(to_future(level, factor), tick)


def _future_price(
    conversion: Mapping[str, Any] | None, spot: float | None, convert: Convert
) -> float | None:
    """What spot stands for on the future; a frozen factor does not say where that is now."""
    return None if conversion is None or conversion["frozen"] else convert(spot)


def _nearest(ranked: Mapping[str, Any]) -> list[float]:
    found: list[float] = ranked["by_distance"]
    return found[:MOST]


def _is_live(payload: Any) -> bool:
    """Of live options, and going on (also while the market is closed)."""
    return (
        isinstance(payload, Mapping)
        and payload["status"]["state"] in GOING_ON
        and payload["source"] != CBOE
    )


def _usable(payload: Any) -> bool:
    return isinstance(payload, Mapping) and payload["status"]["state"] in USABLE


def _reason(answer: Any) -> str:
    if isinstance(answer, Unavailable):
        return answer.reason
    if isinstance(answer, Mapping):
        status = answer["status"]
        if status["state"] in USABLE:
            return level_sets.missing(status)
        return status["text"] or f"the chain is {status['state']}"
    return "nothing has arrived yet"
