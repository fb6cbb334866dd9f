"""The connection test of /setup: sign-in, quote token, a live quote, Greeks, open interest."""

from __future__ import annotations

import threading
from dataclasses import dataclass
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
        check = checks["Sign-in"]
        try:
            token = broker.access_token()
        except GrokSauceError as problem:
            _fail(check, problem)
            return False
        left = max(0.0, token.expires_at - self._clock.real())
        check.ok, check.text = True, f"token valid {_span(left)}"
        return True

    def _quote_token(self, broker: Tastytrade, checks: dict[str, Check]) -> bool:
        check = checks["Quote token"]
        try:
            token = broker.quote_token()
        except GrokSauceError as problem:
            _fail(check, problem)
            return False
        left = max(0.0, token.expires_at - self._clock.real())
        check.ok, check.text = True, f"valid {_span(left)}, level {token.level}"
        return True

    def _feed(self, broker: Tastytrade, checks: dict[str, Check]) -> None:
        state = MarketState()
        lock = threading.Lock()

        def sink(batch: Batch) -> None:
            with lock:
                state.apply(batch)

        feed = DxLinkFeed(broker, sink, self._clock, status=SourceStatus("test", "Test"))
        feed.want("test", [Subscription(kind, UNDERLYING) for kind in ("Quote", "Trade")], 1)
        stop, failed = threading.Event(), threading.Event()
        problem: list[GrokSauceError] = []

        def work() -> None:
            try:
                feed.run(stop)
            except GrokSauceError as error:
                problem.append(error)
                failed.set()

        concurrency.spawn(work, name="connection-test")
        try:
            self._underlying(state, checks["Feed, SPX quote"], failed, problem)
            if checks["Feed, SPX quote"].ok:
                self._options(broker, feed, state, checks)
        finally:
            stop.set()

    def _underlying(
        self,
        state: MarketState,
        check: Check,
        failed: threading.Event,
        problem: list[GrokSauceError],
    ) -> None:
        deadline = self._clock.monotonic() + PATIENCE
        while self._clock.monotonic() < deadline and not failed.wait(0.05):
            trade, quote = state.trade(UNDERLYING), state.quote(UNDERLYING)
            if trade is not None and trade.price is not None:
                spread = ""
                if quote is not None and quote.bid is not None and quote.ask is not None:
                    spread = f", {quote.bid:,.2f} / {quote.ask:,.2f}"
                check.ok, check.text = True, f"last {trade.price:,.2f}{spread}"
                return
        if problem:
            _fail(check, problem[0])
        else:
            check.ok, check.text = False, f"nothing arrived within {PATIENCE:g} s"
            check.cure = "Try again; at night and at the weekend the feed may rest."

    def _options(
        self, broker: Tastytrade, feed: DxLinkFeed, state: MarketState, checks: dict[str, Check]
    ) -> None:
        spot = state.trade(UNDERLYING)
        try:
            chain = broker.chain(UNDERLYING)
        except GrokSauceError as problem:
            _fail(checks["Greeks"], problem)
            return
        assert spot is not None
        assert spot.price is not None
        symbols = near_options(chain, spot.price, self._clock.market(), OPTIONS)
        if not symbols:
            checks["Greeks"].ok, checks["Greeks"].text = False, "the chain of SPX is empty"
            return
        wanted = [Subscription(kind, s) for s in symbols for kind in ("Greeks", "Summary")]
        feed.want("test-options", wanted, 2)
        deadline = self._clock.monotonic() + PATIENCE
        greeks = counts = 0
        pause = threading.Event()
        while self._clock.monotonic() < deadline and min(greeks, counts) < len(symbols):
            pause.wait(0.05)
            greeks = sum(
                (g := state.greeks(s)) is not None and g.gamma is not None for s in symbols
            )
            counts = sum(
                (m := state.summary(s)) is not None and m.open_interest is not None for s in symbols
            )
        for name, got in (("Greeks", greeks), ("Open interest", counts)):
            checks[name].ok = got == len(symbols)
            checks[name].text = f"{got} of {len(symbols)}"
            if got < len(symbols):
                checks[name].cure = "The rest can still arrive; far or new options may have none."


def near_options(chain: dict[str, Any], spot: float, now: float, count: int) -> list[str]:
    """Streamer symbols of the options nearest spot, of the nearest expiry that is still ahead."""
    today = sessions.new_york_date(now).isoformat()
    expiries = [
        (str(expiry.get("expiration-date")), expiry)
        for item in chain.get("items", [])
        for expiry in item.get("expirations", [])
        if str(expiry.get("expiration-date")) > today
    ]
    if not expiries:
        return []
    strikes = min(expiries, key=lambda pair: pair[0])[1].get("strikes", [])
    strikes = sorted(strikes, key=lambda strike: abs(float(strike["strike-price"]) - spot))
    found = []
    for strike in strikes[: (count + 1) // 2]:
        found += [str(strike["call-streamer-symbol"]), str(strike["put-streamer-symbol"])]
    return found[:count]


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
