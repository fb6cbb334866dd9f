"""The alert log as CSV, piece by piece, with no cell that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from grok_sauce.alerts.report_filters import NEW_YORK, Filters

AT_ONCE: Final = 200  # alerts read and written in one piece
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")  # cells that begin so may run
HEADER: Final = (
    *("received_utc", "received_new_york", "id", "seq", "ticker", "action", "sent_as", "trade_id"),
    *("qty", "price", "state", "reason", "targets", "tries", "total_ms", "flags", "strategies"),
    *("acknowledged", "link"),
)


def lines(
    read: Callable[[Filters], tuple[Sequence[Mapping[str, Any]], bool]], filters: Filters
) -> Iterator[str]:
    """CSV text in pieces: the header, then rows as read(filters) gives them, newest first.

    read answers (ROWs, whether there are older ones); it is asked again from the last seq on,
    so alerts that arrive meanwhile move nothing.
    """
    yield _text([HEADER])
    asked = replace(filters, limit=AT_ONCE)
    while True:
        found, more = read(asked)
        if found:
            yield _text([_values(row) for row in found])
        if not more or not found:
            return
        asked = replace(asked, before=found[-1]["seq"])


def cell(value: Any) -> Any:
    """Numbers as they are, the unknown empty, text that is no formula and one line.

    >>> cell("=HYPERLINK(1)"), cell(" @x"), cell(-5), cell(None), cell("a\\nb")
    ("'=HYPERLINK(1)", "' @x", -5, '', 'a b')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return value
    runs = value.startswith(FORMULA) or value.lstrip().startswith(FORMULA)
    text = " ".join(value.splitlines()) if value.splitlines()[1:] else value
    return f"'{text}" if runs else text


def _values(row: Mapping[str, Any]) -> list[Any]:
    when = datetime.fromtimestamp(row["received_ms"] / 1000, UTC)
    link = row["link"]
    return [
        when.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        when.astimezone(NEW_YORK).strftime("%Y-%m-%d %H:%M:%S"),
        *(cell(row[name]) for name in HEADER[2:12]),
        cell("; ".join(_target(each) for each in row["targets"])),
        row["tries"],
        cell(row["total_ms"]),
        cell(" ".join(row["flags"])),
        cell("; ".join(row["strategies"])),
        cell(row["acknowledged"]),
        cell(None if link is None else f"{link['kind']} {link['id']}"),
    ]


def _target(each: Mapping[str, Any]) -> str:
    reason = f" ({each['reason']})" if each["reason"] else ""
    return f"{each['target']} {each['leg']} {each['state']}{reason}"


def _text(found: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(found)
    return text.getvalue()
