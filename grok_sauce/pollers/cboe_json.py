"""Cboe's delayed-quotes JSON: text or parsed document in, OptionChain out.

The options are decoded one at a time, out of a body of up to 14 MB: nothing keeps 30,000
dicts, and other threads get their turn in between (one json.loads would hold them up).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from grok_sauce.errors import BadPayload, SettingsError
from grok_sauce.market.chain import OptionChain
from grok_sauce.market.instruments import normalise, underlying_of
from grok_sauce.market.sessions import NEW_YORK
from grok_sauce.pollers.cboe_columns import NUMBERS, Columns, Head

SOURCE: Final = "Cboe"
_FIELDS: Final = {name: name for name in NUMBERS} | {"oi": "open_interest"}
_OPTIONAL: Final = frozenset({"theta", "vega"})
_AT_ONCE: Final = 128  # options turned into columns together
_AHEAD: Final = 300.0  # seconds a file may be ahead of our clock
_OPTIONS: Final = re.compile(r'"options"\s*:\s*\[')
_GAP: Final = re.compile(r"[ \t\r\n]*")
_decode = json.JSONDecoder().raw_decode


def parse_json(
    content: bytes | Mapping[str, Any],
    now: float | None = None,
    *,
    as_of: float | None = None,
    provider: str = "CBOE",
) -> OptionChain:
    """The chain of a `delayed_quotes/options/SYM.json` body.

    now: market time of the arrival; a file from the future is refused. as_of: look at the
    chain at another time than the underlying's own (`data.last_trade_time`, New York).
    provider becomes the chain's source. Prices and greeks are as of the underlying's time.
    IV 0, -999 and other sentinels are NaN; of an adjusted root the multiplier is NaN.

    Raises:
        BadPayload: naming the row (options count from 1) and the field.
    """
    columns = Columns(SOURCE)
    if isinstance(content, Mapping):
        head, options = _given(content)
        _add_all(columns, options)
    else:
        text = _text(content)
        start = _OPTIONS.search(text)
        if start is None:
            raise BadPayload(f"{SOURCE}: {_what(text)}")
        reader = _Reader(text, start.end())
        _add_all(columns, reader)
        head = _head_around(text, start.end(), reader.end)
    return columns.chain(_head(head, now), as_of, provider)


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise BadPayload(f"{SOURCE}: no UTF-8 text at byte {problem.start}") from None


def _what(text: str) -> str:
    if text.lstrip()[:1] == "<":
        return "a web page, not a chain"
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return "no JSON"
    return "no data.options in it"


class _Reader:
    """The objects of a JSON array one after the other; end is behind its bracket."""

    def __init__(self, text: str, start: int) -> None:
        self._text = text
        self.end = start

    def __iter__(self) -> Iterator[Any]:
        text, place, row = self._text, self.end, 0
        gap = _GAP.match
        place = gap(text, place).end()  # type: ignore[union-attr]
        if text[place : place + 1] == "]":
            self.end = place + 1
            return
        while True:
            row += 1
            try:
                value, place = _decode(text, place)
            except (ValueError, RecursionError):
                raise BadPayload(f"{SOURCE}, row {row}: no JSON; cut off?") from None
            yield value
            place = gap(text, place).end()  # type: ignore[union-attr]
            mark = text[place : place + 1]
            place = gap(text, place + 1).end()  # type: ignore[union-attr]
            if mark == "]":
                self.end = place
                return
            if mark != ",":
                raise BadPayload(f"{SOURCE}, row {row}: no comma behind it; cut off?")


def _head_around(text: str, start: int, end: int) -> Mapping[str, Any]:
    """What stands before and behind the options, which were read already."""
    try:
        document = json.loads(f"{text[:start]}]{text[end:]}")
    except (ValueError, RecursionError):
        raise BadPayload(f"{SOURCE}: no JSON around the options; cut off?") from None
    head, options = _given(document)
    if options != []:
        raise BadPayload(f"{SOURCE}: no data.options in it")
    return head


def _given(document: Any) -> tuple[Mapping[str, Any], Any]:
    data = document.get("data") if isinstance(document, Mapping) else None
    options = data.get("options") if isinstance(data, Mapping) else None
    if not isinstance(options, list):
        raise BadPayload(f"{SOURCE}: no data.options in it")
    return document, options


def _add_all(columns: Columns, options: Any) -> None:
    rest = enumerate(options, start=1)
    while pairs := list(islice(rest, _AT_ONCE)):
        rows = [row for row, _ in pairs]
        options_now = [option for _, option in pairs]
        for row, option in pairs:
            symbol = option.get("option") if isinstance(option, Mapping) else None
            if not isinstance(symbol, str):
                raise columns.wrong(row, "option", "no option symbol")
            columns.add(symbol.strip(), row, "option")
        for name, key in _FIELDS.items():
            if name in _OPTIONAL:
                values = [option.get(key) for option in options_now]
            else:
                try:
                    values = [option[key] for option in options_now]
                except KeyError:
                    row = next(row for row, option in pairs if key not in option)
                    raise columns.wrong(row, key, "missing") from None
            columns.fill(name, values, rows, key)


# ---- the underlying ---------------------------------------------------------------------


def _head(document: Mapping[str, Any], now: float | None) -> Head:
    data = document["data"]
    spot = _price(data.get("current_price")) or _price(data.get("close"))
    if spot is None:
        raise BadPayload(f"{SOURCE}, data.current_price: no price of the underlying")
    at = _wall(data.get("last_trade_time"), "data.last_trade_time")
    if now is not None and at is not None and at > now + _AHEAD:
        raise BadPayload(
            f"{SOURCE}, data.last_trade_time: {data['last_trade_time']} (New York) has not been "
            f"yet; is this machine's clock right?"
        )
    name = data.get("symbol") or document.get("symbol")
    return Head(_symbol(name), spot, at, _generated(document.get("timestamp")))


def _price(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value < 1e9 else None


def _symbol(name: Any) -> str:
    """^RUT and _RUT are RUT; "" when the file does not say."""
    if name is None:
        return ""
    try:
        return underlying_of(normalise(str(name).strip().lstrip("_^")))
    except SettingsError:
        raise BadPayload(f"{SOURCE}, data.symbol: {str(name)[:40]!r} is no symbol") from None


def _wall(value: Any, field: str) -> float | None:
    """New York's wall clock as a Unix time; None when absent."""
    if value is None or value == "":
        return None
    try:
        moment = datetime.fromisoformat(str(value))
        moment = moment.replace(tzinfo=NEW_YORK) if moment.tzinfo is None else moment
        return moment.timestamp()
    except (ValueError, OverflowError):
        raise BadPayload(f"{SOURCE}, {field}: {str(value)[:40]!r} is no time") from None


def _generated(value: Any) -> float | None:
    """The top-level timestamp, UTC; it only dates the open interest, so rubbish is unknown."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
