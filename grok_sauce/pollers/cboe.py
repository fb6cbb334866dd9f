"""Cboe's delayed chains: how a body is read. numpy is loaded with the first one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grok_sauce.market.chain import OptionChain


def parse_json(
    content: bytes | Mapping[str, Any], now: float | None = None, *, as_of: float | None = None
) -> OptionChain:
    """The chain of a `delayed_quotes/options/SYM.json` body; see cboe_json.parse_json."""
    from grok_sauce.pollers import cboe_json

    return cboe_json.parse_json(content, now, as_of=as_of)


def parse_csv(
    content: bytes, *, as_of: float | None = None, symbol: str | None = None
) -> OptionChain:
    """The chain of a `quotedata.csv`; see cboe_csv.parse_csv."""
    from grok_sauce.pollers import cboe_csv

    return cboe_csv.parse_csv(content, as_of=as_of, symbol=symbol)


def read_chain_file(path: str | Path, as_of: float | None = None) -> OptionChain:
    """The chain of a .json, .csv or .gz file, told by its content; see cboe_file."""
    from grok_sauce.pollers import cboe_file

    return cboe_file.read_chain_file(path, as_of)
