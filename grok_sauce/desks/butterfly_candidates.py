"""Saved candidates marked live: which contracts they need, what they are worth, how they ended."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, Final, Protocol

from grok_sauce.errors import GrokSauceError, SettingsError
from grok_sauce.market.expiries import Expiry
from grok_sauce.market.listing import ListedChain
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import Clock, as_datetime
from grok_sauce.storage.butterflies import Butterflies, NoSuchCandidate

if TYPE_CHECKING:
    from grok_sauce.market.chain import OptionChain

log = logging.getLogger(__name__)

SLOWLY: Final = 5.0  # seconds between two looks for what has settled
NOT_ON_FEED: Final = (
    "Settled at the opening: its settlement price is calculated from opening trades and is not "
    "on the feed."
)


class Chains(Protocol):
    """What is asked of the option chains, see butterfly_desk.Chains."""

    def listed(self, symbol: str) -> ListedChain | str:
        """Everything listed, or why nothing is known."""

    def chain(self, symbol: str, expiries: Collection[Expiry]) -> OptionChain | None:
        """What is followed of these expiries."""

    def close(self, expiry: Expiry, symbol: str) -> float | None:
        """The price an expiry settled at, None while it is not known."""


class Candidates:
    """What is saved, with its marks. newest is the list last worked out, for every page."""

    def __init__(self, kept: Butterflies, chains: Chains, clock: Clock) -> None:
        self._kept = kept
        self._chains = chains
        self._clock = clock
        self._lock = threading.Lock()
        self._looked_at = float("-inf")  # monotonic
        self.newest: list[dict[str, Any]] = []

    def add(self, plan: Mapping[str, Any]) -> dict[str, Any]:
        """Keep what a plan shows; the candidate as marked now.

        Raises:
            SettingsError: there is no room, or it cannot be written.
        """
        query, chosen, expiry = plan["query"], plan["chosen"], plan["expiry"]
        self._kept.add(
            {
                "symbol": plan["symbol"],
                "expiry": expiry["day"],
                "root": expiry["root"],
                "settlement": expiry["settlement"],
                "center": chosen["strikes"][1],
                "width": chosen["strikes"][1] - chosen["strikes"][0],
                "width_high": chosen["strikes"][2] - chosen["strikes"][1],
                "side": chosen["side"],
                "price": query["price"],
                "quantity": int(query["quantity"]),
                "fees": float(query["fees"]),
                "entry": chosen["debit"],
                "multiplier": chosen["multiplier"],
                "saved_at": as_datetime(self._clock.market()).isoformat(timespec="seconds"),
            }
        )
        newest: dict[str, Any] = self.marked()["candidates"][0]
        return newest

    def remove(self, id: str) -> dict[str, Any]:
        """Forget a candidate; what is left.

        Raises:
            SettingsError: there is none of that id, or the file cannot be written.
        """
        try:
            self._kept.remove(id)
        except NoSuchCandidate as problem:
            raise SettingsError(str(problem), "id") from None
        return self.marked()

    def marked(self) -> dict[str, Any]:
        """{candidates, problem}: all of them marked now, newest first."""
        with self._lock:
            kept = self._kept.all()
            chains: dict[tuple[str, Expiry], OptionChain | None] = {}
            for each in kept:
                place = each["symbol"], expiry_of(each)
                if each["settled"] is None and place not in chains:
                    chains[place] = self._chains.chain(place[0], [place[1]])
            self.newest = concurrency.offload(_mark_all, kept, chains) if kept else []
        return {"candidates": self.newest, "problem": self._kept.problem}

    def contracts(self) -> dict[str, set[str]]:
        """Streamer symbols of all legs that have not settled, by underlying."""
        found: dict[str, set[str]] = {}
        for each in self._kept.all():
            listed = self._chains.listed(each["symbol"])
            if each["settled"] is not None or isinstance(listed, str):
                continue
            center = each["center"]
            strikes = {
                round(point * 1000)
                for point in (center - each["width"], center, center + each["width_high"])
            }
            legs = contracts_of(listed, expiry_of(each), strikes, each["side"])
            found.setdefault(each["symbol"], set()).update(legs)
        return found

    def symbols(self) -> set[str]:
        """Underlyings of candidates that have not settled."""
        return {each["symbol"] for each in self._kept.all() if each["settled"] is None}

    def settle(self) -> None:
        """Note what has settled since the last look; called often, looks every few seconds."""
        real = self._clock.monotonic()
        if real - self._looked_at < SLOWLY:
            return
        self._looked_at = real
        now = self._clock.market()
        for each in self._kept.all():
            expiry = expiry_of(each)
            if each["settled"] is not None or expiry.settles > now:
                continue
            settled = self._settled(each, expiry)
            if settled is not None:
                try:
                    self._kept.settle(each["id"], settled)
                except GrokSauceError as problem:
                    log.warning("butterfly candidate not settled: %s", problem)

    def _settled(self, each: Mapping[str, Any], expiry: Expiry) -> dict[str, Any] | None:
        at = as_datetime(expiry.settles).isoformat(timespec="seconds")
        if expiry.settlement == "AM":
            return {"spot": None, "value": None, "at": at, "reason": NOT_ON_FEED}
        price = self._chains.close(expiry, each["symbol"])
        if price is None:
            return None
        value = concurrency.offload(_value, dict(each), price)
        return {"spot": price, "value": value, "at": at}


def contracts_of(
    listed: ListedChain, expiry: Expiry, strikes: Collection[int], side: str = "auto"
) -> set[str]:
    """Streamer symbols of an expiry's contracts at these strikes (thousandths)."""
    found: set[str] = set()
    for each in listed.expiries:
        if each.expiry != expiry:
            continue
        for strike, call, put in zip(each.strikes, each.calls, each.puts, strict=True):
            if strike in strikes:
                found.update(
                    name
                    for name, kind in ((call, "calls"), (put, "puts"))
                    if name is not None and side in ("auto", kind)
                )
    return found


def expiry_of(candidate: Mapping[str, Any]) -> Expiry:
    """The expiry a candidate was saved with."""
    day = date.fromisoformat(candidate["expiry"])
    return Expiry(day, candidate["root"], candidate["settlement"])


def _mark_all(
    kept: list[dict[str, Any]], chains: Mapping[tuple[str, Expiry], OptionChain | None]
) -> list[dict[str, Any]]:
    from grok_sauce.analytics.butterfly_mark import mark

    return [mark(each, chains.get((each["symbol"], expiry_of(each)))) for each in kept]


def _value(candidate: dict[str, Any], price: float) -> float:
    from grok_sauce.analytics.butterfly_mark import settled_value

    return settled_value(candidate, price)
