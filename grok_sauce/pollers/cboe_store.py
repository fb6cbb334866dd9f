"""The newest body of each symbol on disk, packed: what a restart begins with."""

from __future__ import annotations

import gzip
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from grok_sauce.errors import BadPayload
from grok_sauce.settings import write_whole

if TYPE_CHECKING:
    from grok_sauce.market.chain import OptionChain

log = logging.getLogger(__name__)

_LEVEL: Final = 4  # 14 MB to 2 MB in a fifth of a second
_NAME: Final = re.compile(r"[A-Z0-9]{1,10}(-[A-Z]{1,3})?")


class CboeStore:
    """Bodies in folder/SYMBOL.json.gz, each written whole. Blocks: call it beside the loop."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, symbol: str) -> Path:
        """Where a symbol's body is; BRK/B is BRK-B. The file is a chain for `--cboe-file` too."""
        name = symbol.replace("/", "-")
        if not _NAME.fullmatch(name):
            raise ValueError(f"{symbol!r} cannot be a file's name")
        return self._folder / f"{name}.json.gz"

    def keep(self, symbol: str, body: bytes) -> None:
        """Write a body that was read. A disk that refuses costs a warning, not the chain."""
        try:
            write_whole(self.path(symbol), gzip.compress(body, _LEVEL))
        except OSError as problem:
            log.warning("Cboe: %s not kept: %s", symbol, problem)

    def load(self, symbol: str, now: float) -> tuple[OptionChain, float] | None:
        """The kept chain and the wall time (Unix) it was written; None without a usable one."""
        path = self.path(symbol)
        try:
            written = path.stat().st_mtime
            body = gzip.decompress(path.read_bytes())
            from grok_sauce.pollers.cboe_json import parse_json  # numpy: with the first chain

            chain = parse_json(body, now)
        except FileNotFoundError:
            return None
        except (OSError, EOFError, BadPayload, ValueError) as problem:
            log.warning("Cboe: %s is of no use: %s", path.name, problem)
            return None
        if chain.symbol != symbol:
            log.warning("Cboe: %s holds %s", path.name, chain.symbol)
            return None
        return chain, written
