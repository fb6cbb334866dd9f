"""The signal service's levels: one small object on the future's scale, and its refresh."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from grok_sauce.analytics.conversion import Factor, to_future, to_tick
from grok_sauce.controls import Controls
from grok_sauce.errors import SourceError
from grok_sauce.market.instruments import normalise
from grok_sauce.questions import Questions, Unavailable
from grok_sauce.settings import knob

COOLDOWN: Final = 300.0  # seconds of real time between two calculations, unless forced
PATIENCE: Final = 8.0  # seconds for a calculation
MOST: Final = 5  # resistances and supports
BILLION: Final = 1e9
TICK: Final = 0.25  # of index futures; a conversion names its own
USABLE: Final = frozenset({"live", "stale", "closed"})
UNKNOWN: Final = float("nan")


@dataclass(frozen=True, slots=True)
class SignalSettings:
    """Whose levels are told to signal programs."""

    ENV: ClassVar[dict[str, str]] = {"symbol": "GEX_SYMBOL"}

    symbol: str = knob("QQQ")  # an ETF or index with a future: QQQ and NDX to NQ, SPY, SPX to ES

    def __post_init__(self) -> None:
        normalise(self.symbol, "GEX_SYMBOL")


class NoLevels(SourceError):
    """Neither live nor kept levels, and why."""


class SignalLevels:
    """Answers "gex.e80" and does "gex.refresh".

    newest(topic, key) reads the snapshot. Levels come from the first that has them: what the
    engine told last, a calculation of its own, the newest kept minute (from_cache true).
    refused: why this process has none to tell, whatever its pages show.
    """

    def __init__(
        self,
        symbol: str,
        newest: Callable[[str, str], Any],
        questions: Questions,
        real: Callable[[], float],
        refused: str | None = None,
    ) -> None:
        self.symbol = normalise(symbol, "GEX_SYMBOL")
        self._newest = newest
        self._questions = questions
        self._real = real
        self._refused = refused
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
        if _usable(told):
            return signal(told, from_cache=False)
        return self._calculated()

    def refresh(self, force: bool = False) -> dict[str, Any]:
        """Calculate anew; within COOLDOWN of the last time the same again, unless forced.

        Raises:
            NoLevels: there are none, with the reason.
        """
        self._check()
        now = self._real()
        if not force and self._made is not None and 0 <= now - self._made[0] < COOLDOWN:
            return {**self._made[1], "from_cache": True}
        found = self._calculated()
        if not found["from_cache"]:
            self._made = now, found
        return found

    def _check(self) -> None:
        if self._refused is not None:
            raise NoLevels(f"no levels of {self.symbol}: {self._refused}")

    def _calculated(self) -> dict[str, Any]:
        asked = {"symbol": self.symbol, "view": "all", "unit": "pct"}
        found = self._questions.ask("gex.levels", asked, PATIENCE)
        if _usable(found):
            return signal(found, from_cache=False)
        kept = self._questions.ask("gex.last", {"symbol": self.symbol})
        if _usable(kept):
            return signal(kept, from_cache=True)
        raise NoLevels(f"no levels of {self.symbol}: {_reason(found)}")


def signal(payload: Mapping[str, Any], from_cache: bool) -> dict[str, Any]:
    """A payload of topic "gex.levels" (per 1 %) under the names signal programs read.

    Spot is the source's; gamma_flip, walls, resistance and support (nearest first, at most 5)
    are prices of the future rounded to its tick, None while no conversion is known; nq_spot is
    spot carried there, None while the conversion is frozen;
    multiplier is None where the conversion adds points; total_gex is in $bn per 1 % move.
    levels are the source's own, with their distances.
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
            "conversion": conversion,
            "oi_date": payload["oi_date"],
        },
        "levels": payload["levels"],
    }


Convert = Callable[[float | None], float | None]


def _converter(conversion: Mapping[str, Any] | None) -> Convert:
    if conversion is None:
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


def _usable(payload: Any) -> bool:
    return isinstance(payload, Mapping) and payload["status"]["state"] in USABLE


def _reason(answer: Any) -> str:
    if isinstance(answer, Unavailable):
        return answer.reason
    if isinstance(answer, Mapping):
        return answer["status"]["text"] or f"the chain is {answer['status']['state']}"
    return "nothing has arrived yet"
