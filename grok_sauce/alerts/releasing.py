"""The end of a hold window, made durable: pairs cancelled, the others given their deliveries."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from grok_sauce.alerts import records
from grok_sauce.alerts.hold import Pair
from grok_sauce.alerts.model import Delivery, HeldAlert
from grok_sauce.alerts.moves import IllegalMove
from grok_sauce.alerts.plans import Rules, plan
from grok_sauce.alerts.schedule import ReleaseGroup
from grok_sauce.alerts.sending import Lasting

if TYPE_CHECKING:
    from grok_sauce.alerts.ledger import Ledger
    from grok_sauce.alerts.numbers import Numbers


class Releaser:
    """Writes releases. look_again is called when the store knows more than the schedule."""

    def __init__(
        self,
        lasting: Lasting,
        ledger: Ledger,
        rules: Callable[[], Rules],
        numbers: Numbers,
        look_again: Callable[[], None],
    ) -> None:
        self._lasting = lasting
        self._ledger = ledger
        self._rules = rules
        self._numbers = numbers
        self._look_again = look_again

    def write(self, release: ReleaseGroup) -> list[Delivery]:
        """Write a release; its deliveries.

        Raises:
            StoreBusy: the program stops before the store could write it.
        """
        for pair in release.pairs:
            self._cancel(pair)
        alerts = list(release.alerts)
        while alerts:
            try:
                return self._release(alerts, release.blocked)
            except IllegalMove:
                # Not all are held: cancelled meanwhile, or written though nobody told us.
                left = [held for held in alerts if self._is_held(held)]
                if len(left) == len(alerts):
                    raise
                alerts = left
                self._look_again()
        return []

    def _release(self, alerts: list[HeldAlert], blocked: frozenset[int]) -> list[Delivery]:
        opened: dict[str, int | None] = {}
        for held in alerts:
            ticker = held.alert.ticker
            if held.options.reversal_qty == "qty_minus_prev" and ticker not in opened:
                opened[ticker] = self._opened(ticker)
        plans = plan(alerts, blocked, opened, self._rules())
        made = self._lasting.keep(lambda: self._ledger.release(plans))
        self._numbers.count("released", len(alerts))
        for delivery in made:
            if delivery.state in ("skipped", "uncertain"):
                self._numbers.count(delivery.state)
        return made

    def _opened(self, ticker: str) -> int | None:
        return self._lasting.keep(lambda: self._ledger.opened_qty(ticker))

    def _cancel(self, pair: Pair) -> None:
        one, other = pair
        seqs, ids = [one.seq, other.seq], (one.id, other.id)
        try:
            self._lasting.keep(lambda: self._ledger.cancel(seqs, "net_zero_pair", pair=ids))
        except IllegalMove:
            self._look_again()  # done already; or one was cancelled alone and the other is found
        else:
            self._numbers.count("cancelled", 2)

    def _is_held(self, held: HeldAlert) -> bool:
        row = self._lasting.look(lambda connection: records.alert(connection, held.seq))
        return row is not None and row.state == "held"
