"""View: what an analytic may see of one beat, and Analytic: how one is registered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

from grok_sauce.market.state import MarketState
from grok_sauce.values import dataclass

Groups = Mapping[str, tuple[str, ...]]  # "positive" | "neutral" | "negative" -> user symbols
Payloads = Mapping[str, Any]  # key -> payload; None says that the key is gone


@dataclass(frozen=True, slots=True)
class View:
    """One beat as an analytic sees it, on the engine's thread.

    now: market time (Unix seconds). groups: the user's symbols in order. symbols: those to
    work out now (all: everything is worked out, and keys not answered are gone). changed:
    streamer symbols with news since the analytic's last run. source: LIVE, DELAYED, DEMO or
    REPLAY. links: sources that have said whether they are up. cache: the analytic's own, kept
    from beat to beat: results that would come out the same again, nothing else. real: monotonic
    seconds, for what is done every so often. results: topic -> key -> newest payload of
    every analytic, of this beat for those listed before.
    """

    state: MarketState
    now: float
    groups: Groups
    symbols: tuple[str, ...]
    all: bool = True
    changed: frozenset[str] = frozenset()
    source: str = "LIVE"
    links: frozenset[str] = frozenset()
    settings: Mapping[str, Any] = field(default_factory=dict)
    cache: dict[Any, Any] = field(default_factory=dict)
    real: float = 0.0
    results: Mapping[str, Payloads] = field(default_factory=dict)

    @property
    def link_down(self) -> bool:
        """True when every source that spoke of its link says that it is down."""
        return bool(self.links) and not any(
            self.state.link_up(source) is not False for source in self.links
        )


def watched(view: View) -> list[str]:
    """User symbols that are followed beside the table, as by an open chart, in order of arrival."""
    table = {symbol for symbols in view.groups.values() for symbol in symbols}
    return [symbol for symbol in view.state.instruments if symbol not in table]


@dataclass(frozen=True, slots=True)
class Analytic:
    """A calculation the engine keeps up to date.

    topic: where its payloads go. needs: kinds of batches after which it is stale. every:
    seconds (real time) between two runs, 0 for each beat. compute(view) answers payloads by
    key, new objects each time. sweep: seconds after which everything is worked out again
    though nothing came, for what time alone changes. quiet: payload fields whose change alone
    is not told.

    heavy (over 5 ms): freeze(view) makes a copy nobody changes, compute is given that
    instead of the view, on a thread of its own, and answers for all keys. A copy of None says
    that nothing is due: what was told stays.
    """

    topic: str
    needs: frozenset[str]
    every: float
    compute: Callable[[Any], Payloads]
    heavy: bool = False
    sweep: float | None = None
    quiet: frozenset[str] = frozenset()
    freeze: Callable[[View], Any] | None = None

    def __post_init__(self) -> None:
        if self.heavy and self.freeze is None:
            raise ValueError(f"{self.topic}: a heavy analytic needs freeze, or two threads share")
