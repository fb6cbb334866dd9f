"""The butterfly planner's desk: answers, candidates, and live marks for pages that look."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

from grok_sauce.controls import Controls
from grok_sauce.desks.butterfly_candidates import Candidates, contracts_of
from grok_sauce.desks.butterfly_facts import (
    NOTHING,
    basis_of,
    expiries_ahead,
    levels_of,
    marks_of,
    note_of,
    own_of,
    plain,
    quoted_of,
    status_of,
    vix_of,
    worked,
)
from grok_sauce.desks.butterfly_form import Form, Invalid, Unlisted, complete, read, read_key
from grok_sauce.errors import SettingsError
from grok_sauce.market.expiries import Expiry
from grok_sauce.market.listing import ListedChain
from grok_sauce.questions import Questions
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import Clock, as_datetime
from grok_sauce.storage.butterflies import Butterflies
from grok_sauce.update import Update
from grok_sauce.values import dataclass

if TYPE_CHECKING:
    from grok_sauce.analytics.forward import Rates
    from grok_sauce.market.chain import OptionChain

log = logging.getLogger(__name__)

TOPIC: Final = "butterfly.mark"
PAUSE: Final = 0.25  # seconds (real) between two looks at the quotes
ANYWAY: Final = 1.0  # seconds after which ages and time left are told though no quote moved
PATIENCE: Final = 12  # looks, half a pause apart, for quotes of legs that were just asked for
LINGER: Final = 15.0  # seconds the contracts of an answer stay followed when nobody watches
# What trades in shares where the index itself has no volume: whose RVOL stands for it.
PROXIES: Final = {"SPX": "SPY", "XSP": "SPY", "NDX": "QQQ", "RUT": "IWM", "DJX": "DIA"}


class Chains(Protocol):
    """What is asked of the option chains."""

    def symbols(self) -> Sequence[str]:
        """Underlyings to offer, in order."""

    def listed(self, symbol: str) -> ListedChain | str:
        """Everything listed, or why nothing is known, in words."""

    def chain(self, symbol: str, expiries: Collection[Expiry]) -> OptionChain | None:
        """What is followed of these expiries, as of now; None before anything is."""

    def want_quotes(self, owner: str, symbol: str, contracts: Collection[str]) -> None:
        """Follow these contracts (streamer symbols) with quotes; none: nothing any more."""

    def rates(self, symbol: str) -> Rates:
        """Rate and dividend yield where quotes give no forward."""

    def close(self, expiry: Expiry, symbol: str) -> float | None:
        """The price an expiry settled at, None while it is not known."""


@dataclass(frozen=True, slots=True)
class Context:
    """What stands beside: row(symbol) of the table, gex(symbol) payload, None while unknown."""

    row: Callable[[str], Mapping[str, Any] | None]
    gex: Callable[[str], Mapping[str, Any] | None]


class ButterflyDesk:
    """A worker, and who answers "butterfly.price" and "butterfly.candidates".

    watched() names the (symbol, key) that browsers follow; each is worked out again whenever
    its quotes moved, and told as Update("butterfly.mark", "SYMBOL:key", plan).
    """

    name = "butterflies"

    def __init__(
        self,
        chains: Chains,
        context: Context,
        kept: Butterflies,
        publish: Callable[[Sequence[Update]], None],
        watched: Callable[[], Collection[tuple[str, str]]],
        clock: Clock,
    ) -> None:
        self._chains = chains
        self._context = context
        self._publish = publish
        self._watched = watched
        self._clock = clock
        self.candidates = Candidates(kept, chains, clock)
        self._lock = threading.Lock()
        self._asked: dict[str, tuple[Form, float]] = {}  # key -> form, until (monotonic)
        self._forms: dict[str, Form] = {}  # room -> what browsers follow
        self._wanted: dict[str, frozenset[str]] = {}  # symbol -> contracts
        self._told: dict[str, tuple[Any, float]] = {}  # room -> what it was made of, when

    def register(self, controls: Controls, questions: Questions) -> None:
        """Offer all of it."""
        controls.register("butterfly.save", self.save)
        controls.register("butterfly.remove", self.candidates.remove)
        questions.register("butterfly.price", self.price)
        questions.register("butterfly.candidates", self.candidates.marked)

    # ---- answers ------------------------------------------------------------------------

    def price(self, **asked: str) -> dict[str, Any]:
        """The plan of a request as its address has it (text, see butterfly_form.FIELDS).

        {invalid: {field, message}} where a value cannot be one. Without a chain, or for an
        expiry nobody lists, the plan says so in status and has no numbers.
        """
        try:
            values = read(asked)
        except Invalid as problem:
            return {"invalid": {"field": problem.field, "message": str(problem)}}
        symbols = list(self._chains.symbols())
        symbol = values.get("symbol") or (symbols[0] if symbols else "SPX")
        listed = self._chains.listed(symbol)
        if isinstance(listed, str):
            return self._without(symbol, values, "no_chain", listed)
        try:
            form = complete(values, listed, self._spot(symbol, listed), self._clock.market())
        except Unlisted as problem:
            return self._without(symbol, values, "refused", str(problem), listed)
        with self._lock:
            self._asked[form.key()] = form, self._clock.monotonic() + LINGER
        self._follow()
        return self._plan(form, listed, self._quoted(form, listed))

    def save(self, **asked: str) -> dict[str, Any]:
        """Keep what a request shows now as a candidate.

        Raises:
            SettingsError: it has no price now, or it cannot be written.
        """
        plan = self.price(**asked)
        if "invalid" in plan:
            raise SettingsError(plan["invalid"]["message"], plan["invalid"]["field"])
        chosen = plan["chosen"]
        if chosen is None or chosen["refusal"] is not None:
            raise SettingsError(plan["status"]["text"] if chosen is None else chosen["refusal"])
        return self.candidates.add(plan)

    def _without(
        self,
        symbol: str,
        values: Mapping[str, Any],
        state: str,
        text: str,
        listed: ListedChain | None = None,
    ) -> dict[str, Any]:
        """A plan without numbers that says why."""
        return {
            **self._head(symbol, None, listed),
            "status": {"state": state, "text": text},
            "query": {name: plain(value) for name, value in values.items()} | {"symbol": symbol},
            "key": None,
            **NOTHING,
            "note": None,
            "strikes": [],
        }

    def _plan(self, form: Form, listed: ListedChain, chain: OptionChain | None) -> dict[str, Any]:
        mine = own_of(listed, form.expiry)
        found = dict(NOTHING)
        if chain is not None:
            marks = marks_of(self._context.gex(form.symbol), form)
            rates = self._chains.rates(form.symbol)
            found = concurrency.offload(worked, chain, mine.strikes, form, rates, marks)
        return {
            **self._head(form.symbol, chain, listed),
            "status": status_of(chain, found),
            "query": form.query(),
            "key": form.key(),
            **found,
            "note": note_of(listed, form.expiry),
            "strikes": [strike / 1000 for strike in mine.strikes],
        }

    def _head(
        self, symbol: str, chain: OptionChain | None, listed: ListedChain | None
    ) -> dict[str, Any]:
        """Product, its price, its expiries and the context line."""
        now = self._clock.market()
        row, gex = self._context.row(symbol), self._context.gex(symbol)
        spot_at = None if chain is None else chain.spot_at
        proxy = PROXIES.get(symbol, symbol)
        change = (gex or {}).get("change") or {}
        percent = change.get("percent")
        return {
            "symbol": symbol,
            "symbols": list(self._chains.symbols()),
            "source": None if chain is None else chain.source,
            "as_of": as_datetime(now).isoformat(timespec="milliseconds"),
            "spot": None if chain is None else chain.spot,
            "spot_basis": None if chain is None or chain.spot is None else chain.spot_basis,
            "spot_age": None if spot_at is None else max(0.0, now - spot_at),
            "change_percent": (row or {}).get("change_close_percent") if row else percent,
            "oi_date": None if chain is None or chain.oi_date is None else str(chain.oi_date),
            "expiries": [] if listed is None else expiries_ahead(listed, now),
            "context": {
                "rvol_symbol": proxy,
                "rvol": (self._context.row(proxy) or {}).get("rvol"),
                **vix_of(self._context.row("VIX")),
                **levels_of(gex),
            },
        }

    def _spot(self, symbol: str, listed: ListedChain) -> float | None:
        """The price to choose a strike by."""
        chain = self._chains.chain(symbol, [each.expiry for each in listed.expiries[:1]])
        if chain is not None and chain.spot is not None:
            return chain.spot
        row = self._context.row(symbol)
        return None if row is None else row["price"]

    def _quoted(self, form: Form, listed: ListedChain) -> OptionChain | None:
        """The chain, once a first quote of each leg has come or would have by now."""
        legs = len(contracts_of(listed, form.expiry, form.strikes()))
        for _ in range(PATIENCE):
            chain = self._chain(form)
            if chain is not None and quoted_of(chain, form.strikes()) >= legs:
                return chain
            concurrency.sleep(PAUSE / 2)
        return self._chain(form)

    def _chain(self, form: Form) -> OptionChain | None:
        return self._chains.chain(form.symbol, [form.expiry])

    # ---- live ---------------------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        """Tell pages that look of every move, until stop is set."""
        while not stop.wait(PAUSE):
            self.step()

    def step(self) -> None:
        """One look at everything that is followed."""
        now = self._clock.monotonic()
        self.candidates.settle()
        forms = self._live()
        self._follow()
        gone = [room for room in self._told if room not in forms]
        updates = [Update(TOPIC, room, None) for room in gone]
        for room in gone:
            del self._told[room]
        for room, form in forms.items():
            listed = self._chains.listed(form.symbol)
            if isinstance(listed, str):
                continue
            chain = self._chain(form)
            basis, before = basis_of(chain), self._told.get(room)
            if before is not None and before[0] == basis and now - before[1] < ANYWAY:
                continue
            self._told[room] = basis, now
            plan = self._plan(form, listed, chain)
            # The lists of the form stay as the page's own request had them.
            for name in ("strikes", "expiries", "symbols"):
                del plan[name]
            updates.append(Update(TOPIC, room, plan))
        if any(update.payload is not None for update in updates):
            marked = self.candidates.marked()["candidates"]
            for update in updates:
                if update.payload is not None:
                    update.payload["candidates"] = marked
        if updates:
            self._publish(updates)

    def _live(self) -> dict[str, Form]:
        """What browsers follow, by room; a text that is no request is nobody's."""
        found = {}
        for symbol, key in self._watched():
            room = f"{symbol}:{key}"
            form = self._forms.get(room)
            listed = self._chains.listed(symbol)
            if form is None and not isinstance(listed, str):
                try:
                    form = complete(read_key(key), listed, None, self._clock.market())
                except (Invalid, Unlisted) as problem:
                    log.debug("butterfly %s: %s", room, problem)
                    continue
                if form.symbol != symbol or form.key() != key:
                    continue  # one text a request: others would be rooms of their own
            if form is not None:
                found[room] = form
        self._forms = found
        return found

    def _follow(self) -> None:
        """Ask for the legs of all that is shown, asked for lately, or saved."""
        now = self._clock.monotonic()
        with self._lock:
            self._asked = {key: each for key, each in self._asked.items() if each[1] > now}
            forms = [form for form, _ in self._asked.values()] + list(self._forms.values())
            wanted = self.candidates.contracts()
            for form in forms:
                listed = self._chains.listed(form.symbol)
                if not isinstance(listed, str):
                    legs = contracts_of(listed, form.expiry, form.strikes())
                    wanted.setdefault(form.symbol, set()).update(legs)
            for symbol in self._wanted.keys() | wanted.keys():
                legs_of = frozenset(wanted.get(symbol, ()))
                if legs_of != self._wanted.get(symbol, frozenset()):
                    self._chains.want_quotes(f"butterfly:{symbol}", symbol, sorted(legs_of))
                    self._wanted[symbol] = legs_of
