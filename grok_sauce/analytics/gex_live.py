"""Live GEX: which views are due in a beat, and the analytics "gex.levels" and "max_pain.levels".

The settings it reads are a GexWishes under "gex" of View.settings. What it needs numpy for is
in gex_work.py, loaded with the first chain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any, Final

from grok_sauce.analytics.gex_blank import blank, gone_text
from grok_sauce.analytics.view import Analytic, View
from grok_sauce.market.listing import Listing
from grok_sauce.values import dataclass

if TYPE_CHECKING:
    from grok_sauce.analytics.gex_work import Item

UNWATCHED: Final = 2.0  # seconds (real) between two reports of a view nobody looks at
WATCHED: Final = 0.05  # times the views that are looked at: between two reports of each
QUIET: Final = 1.0  # seconds between two reports of a watched view without news: ages go on


@dataclass(frozen=True, slots=True)
class RateWishes:
    """Rate (continuous, a year), where it is from, and dividend yields by symbol."""

    rate: float = 0.04
    source: str = "default"
    date: str | None = None
    yields: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GexWishes:
    """What is to be kept: symbols whose view "all" always is, and (symbol, view, watched)."""

    symbols: tuple[str, ...] = ()
    views: tuple[tuple[str, str, bool], ...] = ()
    rates: RateWishes = field(default_factory=RateWishes)

    def keys(self) -> dict[str, tuple[str, str, bool]]:
        """ "SYMBOL:VIEW" -> (symbol, view, is somebody looking)."""
        found = {f"{symbol}:all": (symbol, "all", False) for symbol in self.symbols}
        for symbol, view, watched in self.views:
            key = f"{symbol}:{view}"
            found[key] = (symbol, view, watched or (key in found and found[key][2]))
        return found


@dataclass(frozen=True, slots=True)
class Work:
    """One beat's work, which nobody changes but for `used`: chains by key as they were used."""

    items: tuple[Item, ...]
    told: Mapping[str, Any]
    used: dict[str, Any]


def wishes_of(view: View) -> GexWishes:
    """What the settings of a beat wish."""
    found = view.settings.get("gex")
    return found if isinstance(found, GexWishes) else GexWishes()


def freeze(view: View) -> Work | None:
    """Take what changed into the books and copy those whose views are due; None: nothing is."""
    try:
        return _freeze(view)
    except BaseException:
        view.cache.clear()  # a book that missed a change would stay wrong
        raise


def _freeze(view: View) -> Work | None:
    wishes = wishes_of(view)
    keys = wishes.keys()
    before = view.results.get("gex.levels", {})
    told = {key: before[key] for key in keys if key in before}
    is_loaded = _take_changes(view)
    pause = WATCHED * sum(1 for _, _, watched in keys.values() if watched)
    items: list[Item] = []
    for key, (symbol, name, watched) in keys.items():
        listing = view.state.listings.get(symbol)
        if not is_loaded or not _has_chain(view, symbol, listing):
            told[key] = _blank(view, listing, symbol, name, before.get(key))
        elif _is_due(view, key, symbol, pause if watched else None):
            from grok_sauce.analytics import gex_work

            items.append(gex_work.item(view, key, symbol, name))
    if not items and told.keys() == before.keys() and all(told[k] is before[k] for k in told):
        return None
    used = view.cache.setdefault("used", {})
    for gone in used.keys() - keys.keys():
        del used[gone]
    return Work(tuple(items), told, used)


def _take_changes(view: View) -> bool:
    """Books follow the listings and the events; False while there is nothing to follow."""
    state = view.state
    if not any(listing.streamers for listing in state.listings.values()) and not state.cboe:
        return False
    from grok_sauce.analytics import gex_work

    gex_work.take_changes(view)
    return True


def _has_chain(view: View, symbol: str, listing: Listing | None) -> bool:
    if listing is not None and listing.gone == "vix_needs_future":
        return False
    has_listing = listing is not None and listing.gone is None and bool(listing.expiries)
    return has_listing or symbol in view.state.cboe


def _is_due(view: View, key: str, symbol: str, pause: float | None) -> bool:
    """Watched views (pause: seconds) with each news, others every so often.

    All of them at once when what is said of them changes: the link, the source, the listing.
    """
    cache, state = view.cache, view.state
    signs, ran = cache.setdefault("signs", {}), cache.setdefault("ran", {})
    sign = (view.link_down, view.source, id(state.listings.get(symbol)), id(state.cboe.get(symbol)))
    passed = view.real - ran.get(key, -UNWATCHED)
    if pause is None:
        is_due = passed >= UNWATCHED
    else:
        waiting: set[str] = cache.setdefault("waiting", set())
        if symbol in cache["news"]:
            waiting.add(key)
        is_due = passed >= QUIET or (key in waiting and passed >= pause)
    if is_due or signs.get(key) != sign:
        signs[key], ran[key] = sign, view.real
        cache.setdefault("waiting", set()).discard(key)
        return True
    return False


def _blank(
    view: View, listing: Listing | None, symbol: str, name: str, before: Any
) -> dict[str, Any]:
    """A payload that only says why there is nothing; the one before where that is the same."""
    state, text = gone_text(symbol, listing)
    if isinstance(before, dict) and (state, text) == (
        before["status"]["state"],
        before["status"]["text"],
    ):
        return before
    return blank(symbol, name, view.source, view.now, state, text)


def compute(work: Work) -> Mapping[str, Any]:
    """Payloads of all views that are kept, by "SYMBOL:VIEW"."""
    if not work.items:
        return work.told
    from grok_sauce.analytics import gex_work

    return {**work.told, **gex_work.run(work)}


def max_pain(view: View) -> Mapping[str, Any]:
    """Max pain of the nearest expiry of every underlying whose open interest is followed.

    {symbol, expiry, root, settlement, dte, witching, strike, tied, payout, oi_date, known, of}:
    strike None where no open interest has arrived; known of `of` contracts told theirs.
    """
    if not any(listing.streamers for listing in view.state.listings.values()):
        return {}
    from grok_sauce.analytics import gex_work

    return gex_work.nearest_pains(view)


ANALYTIC: Final = Analytic(
    topic="gex.levels",
    needs=frozenset(
        {"Greeks", "Quote", "Trade", "TradeETH", "Summary", "Chain", "CboeChain", "Link"}
    ),
    every=0.0,
    compute=compute,
    heavy=True,
    sweep=1.0,
    freeze=freeze,
)
MAX_PAIN: Final = Analytic(
    topic="max_pain.levels",
    needs=frozenset({"Summary", "Chain"}),
    every=5.0,
    compute=max_pain,
    sweep=15.0,
)
