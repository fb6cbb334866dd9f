"""The connection test of /setup: sign-in, quote token, a live quote, Greeks, open interest."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from grok_sauce.clients.tastytrade import Tastytrade, TastytradeSettings
from grok_sauce.errors import GrokSauceError, SourceRefused
from grok_sauce.feeds.dxlink import DxLinkFeed, Subscription
from grok_sauce.http import Http
from grok_sauce.market import sessions
from grok_sauce.market.batches import Batch
from grok_sauce.market.state import MarketState
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import Clock
from grok_sauce.runtime.status import SourceStatus

UNDERLYING: Final = "SPX"
OPTIONS: Final = 6
PATIENCE: Final = 10.0  # seconds for the feed to deliver
NAMES: Final = ("Sign-in", "Quote token", "Feed, SPX quote", "Greeks", "Open interest")


@dataclass
class Check:
    """One line: ok is None while it did not run; cure says what to do about a failure."""

    name: str
    ok: bool | None = None
    text: str = "not run"
    cure: str = ""

    def as_json(self) -> dict[str, Any]:
        """As the page reads it."""
        return {"name": self.name, "ok": self.ok, "text": self.text, "cure": self.cure}


class ConnectionTest:
    """Runs with credentials of its own and leaves the running sources alone. Reads only."""

    def __init__(self, base_url: str, http: Http, clock: Clock) -> None:
        self._base_url = base_url
        self._http = http
        self._clock = clock

    def run(self, client_secret: str, refresh_token: str) -> dict[str, Any]:
        """{checks: [{name, ok, text, cure}], passed}; what follows a failure is not run."""
        checks = {name: Check(name) for name in NAMES}
        broker = Tastytrade(
            TastytradeSettings(
                client_secret=client_secret, refresh_token=refresh_token, base_url=self._base_url
            ),
            self._http,
            self._clock,
            None,
        )
        if self._sign_in(broker, checks) and self._quote_token(broker, checks):
            self._feed(broker, checks)
        lines = [check.as_json() for check in checks.values()]
        return {"checks": lines, "passed": all(line["ok"] for line in lines[:3])}

    def _sign_in(self, broker: Tastytrade, checks: dict[str, Check]) -> bool:
        def signed_in() -> str:
            return f"token valid {self._left(broker.access_token().expires_at)}"

        return _attempt(checks["Sign-in"], signed_in)

    def _quote_token(self, broker: Tastytrade, checks: dict[str, Check]) -> bool:
        def fetched() -> str:
            token = broker.quote_token()
            return f"valid {self._left(token.expires_at)}, level {token.level}"

        return _attempt(checks["Quote token"], fetched)

    def _left(self, expires_at: float) -> str:
        return _span(max(0.0, expires_at - self._clock.real()))

    def _feed(self, broker: Tastytrade, checks: dict[str, Check]) -> None:
        with Listener(broker, self._clock) as listener:
            self._underlying(listener, checks["Feed, SPX quote"])
            if checks["Feed, SPX quote"].ok:
                self._options(broker, listener, checks)

    def _underlying(self, listener: Listener, check: Check) -> None:
        state = listener.state
        listener.want([Subscription(kind, UNDERLYING) for kind in ("Quote", "Trade")])
        listener.wait(lambda: (t := state.trade(UNDERLYING)) is not None and t.price is not None)
        trade, quote = state.trade(UNDERLYING), state.quote(UNDERLYING)
        if trade is not None and trade.price is not None:
            spread = ""
            if quote is not None and quote.bid is not None and quote.ask is not None:
                spread = f", {quote.bid:,.2f} / {quote.ask:,.2f}"
            check.ok, check.text = True, f"last {trade.price:,.2f}{spread}"
        elif listener.problem is not None:
            _fail(check, listener.problem)
        else:
            check.ok, check.text = False, f"nothing arrived within {PATIENCE:g} s"
            check.cure = "Try again; at night and at the weekend the feed may rest."

    def _options(self, broker: Tastytrade, listener: Listener, checks: dict[str, Check]) -> None:
        state = listener.state
        spot = state.trade(UNDERLYING)
        try:
            chain = broker.chain(UNDERLYING)
        except GrokSauceError as problem:
            _fail(checks["Greeks"], problem)
            return
        price = spot.price if spot is not None else None
        symbols = [] if price is None else near_options(chain, price, self._clock.market(), OPTIONS)
        if not symbols:
            checks["Greeks"].ok, checks["Greeks"].text = False, "the chain of SPX is empty"
            return
        listener.want([Subscription(kind, s) for s in symbols for kind in ("Greeks", "Summary")])

        def counts() -> tuple[int, int]:
            greeks = [state.greeks(symbol) for symbol in symbols]
            summaries = [state.summary(symbol) for symbol in symbols]
            return (
                sum(value is not None and value.gamma is not None for value in greeks),
                sum(value is not None and value.open_interest is not None for value in summaries),
            )

        listener.wait(lambda: min(counts()) == len(symbols))
        for name, got in zip(("Greeks", "Open interest"), counts(), strict=True):
            checks[name].ok = got == len(symbols)
            checks[name].text = f"{got} of {len(symbols)}"
            if got < len(symbols):
                checks[name].cure = "The rest can still arrive; far or new options may have none."


class Listener:
    """A connection of its own while the with block runs; the running feed is left alone."""

    def __init__(self, broker: Tastytrade, clock: Clock) -> None:
        self.state = MarketState()
        self.problem: GrokSauceError | None = None
        self._clock = clock
        self._stop, self._ended = threading.Event(), threading.Event()
        self._feed = DxLinkFeed(broker, self._sink, clock, status=SourceStatus("test", "Test"))
        self._wanted: list[Subscription] = []

    def __enter__(self) -> Listener:
        concurrency.spawn(self._work, name="connection-test")
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def want(self, subscriptions: list[Subscription]) -> None:
        """Want these besides what was wanted before."""
        self._wanted += subscriptions
        self._feed.want("test", self._wanted, 1)

    def wait(self, arrived: Callable[[], bool]) -> bool:
        """Until arrived() holds, the connection failed, or patience ends."""
        deadline = self._clock.monotonic() + PATIENCE
        while not arrived():
            if self._clock.monotonic() > deadline or self._ended.wait(0.05):
                return arrived()
        return True

    def _sink(self, batch: Batch) -> None:
        self.state.apply(batch)

    def _work(self) -> None:
        try:
            self._feed.run(self._stop)
        except GrokSauceError as problem:
            self.problem = problem
        finally:
            self._ended.set()


def near_options(chain: dict[str, Any], spot: float, now: float, count: int) -> list[str]:
    """Streamer symbols of the options nearest spot, of the expiry that settles next.

    Adjusted options (a deliverable other than the usual) are left out.
    """
    expiries = [
        (settles, expiry)
        for item in chain.get("items", [])
        if item.get("option-chain-type") in (None, "Standard")
        for expiry in item.get("expirations", [])
        if (settles := _settles(expiry)) is not None and settles > now
    ]
    if not expiries:
        return []
    strikes = min(expiries, key=lambda pair: pair[0])[1].get("strikes", [])
    strikes = sorted(strikes, key=lambda strike: abs(float(strike["strike-price"]) - spot))
    found = []
    for strike in strikes[: (count + 1) // 2]:
        found += [str(strike["call-streamer-symbol"]), str(strike["put-streamer-symbol"])]
    return found[:count]


def _settles(expiry: dict[str, Any]) -> float | None:
    """The instant an expiration settles; None where its date is none."""
    try:
        day = date.fromisoformat(str(expiry.get("expiration-date")))
    except ValueError:
        return None
    return sessions.settlement(day, "AM" if expiry.get("settlement-type") == "AM" else "PM")


def _attempt(check: Check, call: Callable[[], str]) -> bool:
    """Fill a line with what the call says, or with why it failed; did it work?"""
    try:
        check.ok, check.text = True, call()
    except GrokSauceError as problem:
        _fail(check, problem)
    return check.ok is True


def _fail(check: Check, problem: GrokSauceError) -> None:
    check.ok, check.text = False, str(problem)
    check.cure = (
        "This needs you: create the grant again and copy both values."
        if isinstance(problem, SourceRefused)
        else "Try again in a minute; the service or the network may be down."
    )


def _span(seconds: float) -> str:
    """14m 51s, 23h 59m."""
    whole = int(seconds)
    if whole >= 3600:
        return f"{whole // 3600}h {whole % 3600 // 60}m"
    return f"{whole // 60}m {whole % 60:02d}s"
