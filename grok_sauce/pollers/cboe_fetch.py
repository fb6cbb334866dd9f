"""One pull of a delayed chain: two hosts, redirects, a size cap, read beside the loop, kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

from grok_sauce.errors import BadPayload, SourceError
from grok_sauce.http import Http, HttpStatus
from grok_sauce.market.instruments import KNOWN, roots_of
from grok_sauce.pollers import cboe_schedule as schedule
from grok_sauce.pollers.cboe_store import CboeStore
from grok_sauce.runtime import concurrency
from grok_sauce.settings import knob
from grok_sauce.values import dataclass

if TYPE_CHECKING:
    from grok_sauce.market.chain import OptionChain

T = TypeVar("T")

PATH: Final = "/api/global/delayed_quotes/options"
# The public site's own address answers browsers.
USER_AGENT: Final = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.0.0 Safari/537.36"
)
REFUSED: Final = 403  # an unknown symbol, in Cboe's manner
TOO_MANY: Final = 429


@dataclass(frozen=True, slots=True)
class CboeSettings:
    """CBOE_*: where the delayed chains are and how often they are fetched."""

    ENV: ClassVar[dict[str, str]] = {
        "base": "CBOE_API_BASE",
        "fallback": "CBOE_API_FALLBACK",
        "interval": "CBOE_INTERVAL",
        "symbols": "CBOE_SYMBOLS",
        "largest": "CBOE_MAX_BYTES",
    }

    base: str = knob("https://cdn-api.cboe.com", url=True)
    fallback: str | None = knob("https://cdn.cboe.com", url=True)
    interval: float = knob(300.0, low=60, high=3600)  # seconds of market time
    symbols: tuple[str, ...] = ()  # empty: those of settings.json, gex.symbols
    largest: int = knob(64_000_000, low=1_000_000, high=512_000_000)  # bytes of one answer


def address(base: str, symbol: str) -> str:
    """Where a symbol's chain is; indices have an underscore.

    >>> address("https://cdn-api.cboe.com", "SPX")
    'https://cdn-api.cboe.com/api/global/delayed_quotes/options/_SPX.json'
    """
    known = KNOWN.get(symbol)
    mark = "_" if known is not None and known[0] == "index" else ""
    return f"{base.rstrip('/')}{PATH}/{mark}{roots_of(symbol)[0]}.json"


class CboeSource:
    """Gets one chain. store keeps each body that was read, None keeps nothing."""

    def __init__(self, settings: CboeSettings, http: Http, store: CboeStore | None) -> None:
        self._settings = settings
        self._http = http
        self._store = store

    def fetch(self, symbol: str, now: float) -> OptionChain:
        """The chain of the first host whose answer is in order and not late, else the newest.

        now: market time. Raises what the first host failed with (Unreachable, HttpStatus,
        BadPayload). 403 and 429 are answers: the other host would say the same.
        """
        hosts = [self._settings.base]
        if self._settings.fallback is not None and self._settings.fallback not in hosts:
            hosts.append(self._settings.fallback)
        found: OptionChain | None = None
        first: SourceError | None = None
        for base in hosts:
            try:
                chain = self._read(base, symbol, now)
            except SourceError as problem:
                first = first or problem
                if isinstance(problem, HttpStatus) and problem.status in (REFUSED, TOO_MANY):
                    break
                continue
            if found is None or chain.as_of > found.as_of:
                found = chain
            if not schedule.is_late(now, chain.as_of, self._settings.interval):
                break
        if found is not None:
            return found
        if first is None:
            raise BadPayload("Cboe: no address is set")
        raise first

    def _read(self, base: str, symbol: str, now: float) -> OptionChain:
        headers = {"User-Agent": USER_AGENT, "Accept": "application/json"}
        answer = self._http.get(
            address(base, symbol), headers=headers, limit=self._settings.largest, redirects=True
        )
        return beside(_parse, answer.body, symbol, now, self._store)


def _parse(body: bytes, symbol: str, now: float, store: CboeStore | None) -> OptionChain:
    """Read a body and keep it."""
    from grok_sauce.pollers.cboe_json import parse_json

    chain = parse_json(body, now)
    if chain.symbol != symbol:
        raise BadPayload(f"Cboe: asked for {symbol}, got {chain.symbol}")
    if store is not None:
        store.keep(symbol, body)
    return chain


def beside(work: Callable[..., T], *args: Any) -> T:
    """Run CPU work on a native thread and wait for it; the loop goes on meanwhile."""
    finished = threading.Event()
    results: list[T] = []
    errors: list[BaseException] = []

    def done(result: T) -> None:
        results.append(result)
        finished.set()

    def failed(error: BaseException) -> None:
        errors.append(error)
        finished.set()

    concurrency.submit(work, *args, done=done, failed=failed)
    finished.wait()
    if errors:
        raise errors[0]
    return results[0]
