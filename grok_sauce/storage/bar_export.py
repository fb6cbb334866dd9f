"""Minute bars as text: one CSV for programs and the demo, or an archive of a file a session.

as_csv(bars) -> str                                   header time,open,high,low,close,volume
archive(series) -> dict[file name, str]               a file per session of 18:00 to 16:00
named(text, kept) -> dict[streamer, label]            whose bars a user's symbol means
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final
from zlib import crc32

from grok_sauce.errors import BadPayload, SettingsError
from grok_sauce.market.events import Bar
from grok_sauce.market.instruments import FutureContract, decimals_of, normalise
from grok_sauce.market.products import PRODUCTS
from grok_sauce.market.sessions import NEW_YORK

CSV_HEADER: Final = "time,open,high,low,close,volume"
ARCHIVE_HEADER: Final = (
    "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol"
)
RTYPE: Final = 33  # one-minute bars, in the record types of market data archives
PUBLISHER: Final = 1
EVENING: Final = 18  # New York hour at which a session begins, on the evening before its day
END: Final = 16  # New York hour at which it ends
CENT: Final = Decimal("0.01")
_ANY_DAY: Final = date(2000, 1, 1)  # streamer symbols carry two digits of the year


def named(text: str, kept: Iterable[str]) -> dict[str, str]:
    """Streamer symbols of kept bars that a user's symbol means, with the name of each.

    "SPY" is itself, "/ES" every contract of it that has bars, "/ESZ6" one contract. A
    contract is named without its slash ("ESZ6"), a share as it is.

    Raises:
        SettingsError: nothing kept is called that; the message lists what is.

    >>> named("/es", ["SPY", "/ESZ26:XCME", "/NQZ26:XCME"])
    {'/ESZ26:XCME': 'ESZ6'}
    """
    asked = text.strip().upper()
    wanted = {asked} if asked.startswith("/") else {asked, normalise(asked, "SYMBOL")}
    found: dict[str, str] = {}
    names: dict[str, None] = {}
    for streamer in sorted(kept):
        contract = contract_of(streamer)
        if contract is None:
            names[streamer] = None
            if streamer in wanted:
                found[streamer] = streamer
            continue
        names[f"/{contract.product}"] = None
        spellings = {streamer, contract.short, f"/{contract.product}", streamer.partition(":")[0]}
        if wanted & spellings:
            found[streamer] = contract.short.lstrip("/")
    if found:
        return found
    there = f"there are bars of {', '.join(names)}" if names else "there are no bars yet"
    raise SettingsError(
        f"no bars of {asked[:32]} are kept: {there}. Add the symbol on /setup and let the "
        f"dashboard run; its first start fetches the days before",
        "SYMBOL",
    )


def contract_of(streamer: str) -> FutureContract | None:
    """The future a streamer symbol names; None for everything else."""
    try:
        return FutureContract.parse(streamer, _ANY_DAY)
    except BadPayload:
        return None


def base_of(streamer: str) -> str:
    """What files are named after: the future's root, a share's symbol with - for /.

    >>> base_of("/ESZ26:XCME"), base_of("BRK/B")
    ('ES', 'BRK-B')
    """
    contract = contract_of(streamer)
    return contract.product if contract else streamer.strip("/").replace("/", "-")


def as_csv(bars: Iterable[Bar]) -> str:
    """Bars as lines of CSV_HEADER; times are ISO with New York's offset, numbers exact.

    An unknown volume is an empty cell. `demo --bars` reads such a file.
    """
    lines = [CSV_HEADER]
    for bar in bars:
        prices = (bar.open, bar.high, bar.low, bar.close)
        shown = ",".join(_exact(price) for price in prices)
        lines.append(f"{_new_york(bar.time).isoformat()},{shown},{_volume(bar.volume)}")
    return "\n".join(lines) + "\n"


def session_of(time_ms: int) -> date | None:
    """The day whose session of 18:00 to 16:00 New York a minute belongs to; None between two.

    Wall time: on the two days when clocks change a session has 21 or 23 hours.

    >>> session_of(1797375600000), session_of(1797368400000)  # 18:00 and 16:00 of a Tuesday
    (datetime.date(2026, 12, 16), None)
    """
    moment = _new_york(time_ms)
    if moment.hour >= EVENING:
        return moment.date() + timedelta(days=1)
    return moment.date() if moment.hour < END else None


def archive(series: Mapping[str, Sequence[Bar]]) -> dict[str, str]:
    """Files of an archive: name -> text, one per symbol and session, by time in each.

    series: bars by streamer symbol. Prices are rounded to the instrument's tick;
    contracts of one root share a file, told apart by their symbol.
    """
    rows: dict[str, list[tuple[int, str, str]]] = {}
    for streamer, bars in series.items():
        contract = contract_of(streamer)
        symbol = contract.short.lstrip("/") if contract else streamer
        number = crc32(symbol.encode())
        for bar in bars:
            day = session_of(bar.time)
            if day is None:
                continue
            prices = (bar.open, bar.high, bar.low, bar.close)
            shown = ",".join(on_tick(price, streamer) for price in prices)
            line = (
                f"{_utc(bar.time)},{RTYPE},{PUBLISHER},{number},"
                f"{shown},{_volume(bar.volume)},{symbol}"
            )
            name = f"{base_of(streamer)}_1m_{day.isoformat()}.csv"
            rows.setdefault(name, []).append((bar.time, symbol, line))
    return {
        name: "\n".join([ARCHIVE_HEADER, *(line for _, _, line in sorted(found))]) + "\n"
        for name, found in sorted(rows.items())
    }


def on_tick(price: float, streamer: str) -> str:
    """A price on the instrument's tick, with the tick's decimals; halves go away from 0.

    A future's tick is its contract's; all else is rounded to a cent, under a dollar to a
    hundredth of one.

    >>> on_tick(6010.13, "/ESZ26:XCME"), on_tick(6010.12, "/ESZ26:XCME"), on_tick(597.405, "SPY")
    ('6010.25', '6010.00', '597.41')
    """
    contract = contract_of(streamer)
    product = PRODUCTS.get(contract.product) if contract else None
    exact = Decimal(repr(price))
    tick = Decimal(repr(product.tick)) if product else CENT
    if contract is None and abs(exact) < 1:
        tick = CENT / 100
    rounded = (exact / tick).quantize(Decimal(1), ROUND_HALF_UP) * tick
    return f"{rounded:.{decimals_of(float(tick))}f}"


def _exact(number: float) -> str:
    """The shortest text that reads back as the same number."""
    return str(int(number)) if number == int(number) else repr(number)


def _volume(volume: float | None) -> str:
    return "" if volume is None else _exact(volume)


def _new_york(time_ms: int) -> datetime:
    return datetime.fromtimestamp(time_ms / 1000, NEW_YORK)


def _utc(time_ms: int) -> str:
    """ISO-8601 with nanoseconds, as archives of market data write it."""
    moment = datetime.fromtimestamp(time_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time_ms % 1000:03d}000000Z"
