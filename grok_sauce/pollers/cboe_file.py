"""A recorded Cboe chain: a file of either form, packed or not, told by its content."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Final

from grok_sauce.errors import BadPayload, reason_of
from grok_sauce.market.chain import OptionChain
from grok_sauce.pollers.cboe_csv import parse_csv
from grok_sauce.pollers.cboe_json import parse_json

_LARGEST: Final = 256 * 1024 * 1024  # bytes once unpacked; the largest chain known has 14 MB


def read_chain_file(path: str | Path, as_of: float | None = None) -> OptionChain:
    """The chain of a .json, .csv or .gz file; source "FILE".

    as_of: Unix time to look at the chain; without it the file's own.

    Raises:
        BadPayload: it cannot be read or is neither; the message begins with the path.
    """
    try:
        content = _unpacked(Path(path))
        kind = content[:64].lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n")[:1]
        if kind in (b"{", b"["):
            return parse_json(content, as_of=as_of, provider="FILE")
        if kind == b"<":
            raise BadPayload("a web page, not a chain")
        if content[:4] == b"PK\x03\x04":
            raise BadPayload("a workbook or an archive; save it as CSV")
        return parse_csv(content, as_of=as_of)
    except OSError as problem:
        raise BadPayload(f"{path}: {reason_of(problem) or 'cannot be read'}") from None
    except BadPayload as problem:
        raise BadPayload(f"{path}: {problem}") from None


def _unpacked(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(_LARGEST + 1)
    if content[:2] == b"\x1f\x8b":
        try:
            with gzip.open(path) as file:
                content = file.read(_LARGEST + 1)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            raise BadPayload("a gzip file that is cut off or damaged") from None
    if len(content) > _LARGEST:
        raise BadPayload(f"holds more than {_LARGEST} bytes")
    return content
