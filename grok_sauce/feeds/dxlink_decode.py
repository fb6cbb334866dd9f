"""FEED_DATA into batches: values by the field lists the server announced, no object per event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any, Final

from grok_sauce.errors import BadPayload
from grok_sauce.market.batches import FIELDS, Batch

# What to ask for: the symbol, then our columns. Field order is the server's choice in the end.
ACCEPT_FIELDS: Final[dict[str, list[str]]] = {
    kind: ["eventSymbol", *fields] for kind, fields in FIELDS.items()
}
_PLAIN: Final = frozenset({int, float, str, bool, type(None)})


class Layout:
    """Where a kind's symbol and columns are in a COMPACT run of one channel."""

    __slots__ = ("columns", "fields", "pick", "symbols", "width")

    def __init__(self, kind: str, fields: Sequence[str]) -> None:
        """Read a field list of FEED_CONFIG.

        Raises:
            BadPayload: no eventSymbol in it, or one field twice.
        """
        if "eventSymbol" not in fields or len(set(fields)) != len(fields):
            raise BadPayload(f"dxLink: field list of {kind} is not usable: {list(fields)[:40]}")
        self.fields = tuple(fields)
        self.width = len(fields)
        self.symbols = slice(fields.index("eventSymbol"), None, self.width)
        # None: the server left this column out.
        self.columns = tuple(
            slice(fields.index(name), None, self.width) if name in fields else None
            for name in FIELDS[kind]
        )
        # Symbols and columns in one call; None where a column is left out.
        self.pick = None if None in self.columns else itemgetter(self.symbols, *self.columns)


class ChannelDecoder:
    """Decodes the data of one channel. The server may change its lists and format at any time.

    unknown holds kinds that came and are not ours, for whoever logs them.
    """

    def __init__(self) -> None:
        self._layouts: dict[str, Layout] = {}
        self.unknown: set[str] = set()

    def configure(self, event_fields: Mapping[str, Any]) -> None:
        """Merge `eventFields` of a FEED_CONFIG; kinds it does not name keep their lists.

        Raises:
            BadPayload: not lists of names. Usable lists in it are taken all the same.
        """
        problem: BadPayload | None = None
        for kind, fields in event_fields.items():
            if kind not in FIELDS:
                self.unknown.add(kind)
                continue
            try:
                if not isinstance(fields, list) or not all(isinstance(f, str) for f in fields):
                    raise BadPayload(f"dxLink: field list of {kind} is no list of names")
                self._layouts[kind] = Layout(kind, fields)
            except BadPayload as wrong:
                # Data by an older list would land in wrong columns.
                self._layouts.pop(kind, None)
                problem = wrong
        if problem is not None:
            raise problem

    def fields(self, kind: str) -> tuple[str, ...] | None:
        """The announced list of a kind; None before it came."""
        layout = self._layouts.get(kind)
        return layout.fields if layout else None

    def decode(self, data: Any, at: float, plain: bool = False) -> list[Batch]:
        """The batches of one FEED_DATA, in order of arrival; one for each run of a kind.

        plain says that the caller knows every value to be a number, a string or null;
        else that is checked. A list of objects (FULL) is taken on every channel.

        Raises:
            BadPayload: nothing of the message is used then.
        """
        if not isinstance(data, list):
            raise BadPayload("dxLink: FEED_DATA without a list of data")
        if data and isinstance(data[0], dict):
            return self._full(data, at)
        if len(data) % 2:
            raise BadPayload("dxLink: FEED_DATA is not made of pairs of type and values")
        batches = []
        for kind, flat in zip(data[::2], data[1::2], strict=True):
            if not isinstance(kind, str) or not isinstance(flat, list):
                raise BadPayload("dxLink: FEED_DATA is not made of pairs of type and values")
            if kind not in FIELDS:
                self.unknown.add(kind)
            elif flat:
                batches.append(self._compact(kind, flat, at, plain))
        return batches

    def _compact(self, kind: str, flat: list[Any], at: float, plain: bool) -> Batch:
        layout = self._layouts.get(kind)
        if layout is None:
            raise BadPayload(f"dxLink: {kind} data came before its field list")
        count, rest = divmod(len(flat), layout.width)
        if rest:
            raise BadPayload(
                f"dxLink: {len(flat)} {kind} values do not fill rows of {layout.width}"
            )
        columns: tuple[Sequence[Any], ...]
        if layout.pick is not None:
            picked = layout.pick(flat)
            symbols, columns = picked[0], picked[1:]
        else:
            symbols, empty = flat[layout.symbols], (None,) * count
            columns = tuple([flat[c] if c else empty for c in layout.columns])
        _check_symbols(symbols)
        if not plain and not _PLAIN.issuperset(map(type, flat)):
            raise BadPayload(f"dxLink: a {kind} value is neither number, text nor null")
        return Batch(kind, symbols, columns, at)

    def _full(self, data: list[Any], at: float) -> list[Batch]:
        """Objects; runs of one kind become one batch, so that the order of kinds is kept."""
        runs: list[tuple[str, list[dict[str, Any]]]] = []
        for event in data:
            if not isinstance(event, dict):
                raise BadPayload("dxLink: FEED_DATA mixes objects with something else")
            kind = event.get("eventType")
            if not isinstance(kind, str):
                raise BadPayload("dxLink: an event without eventType")
            if kind not in FIELDS:
                self.unknown.add(kind)
            elif runs and runs[-1][0] == kind:
                runs[-1][1].append(event)
            else:
                runs.append((kind, [event]))
        batches = []
        for kind, events in runs:
            symbols: list[Any] = [event.get("eventSymbol") for event in events]
            _check_symbols(symbols)
            columns = tuple([event.get(name) for event in events] for name in FIELDS[kind])
            if not all(_PLAIN.issuperset(map(type, column)) for column in columns):
                raise BadPayload(f"dxLink: a {kind} value is neither number, text nor null")
            batches.append(Batch(kind, symbols, columns, at))
        return batches


def _check_symbols(symbols: Sequence[Any]) -> None:
    """Refuse rows without a symbol."""
    try:
        # One C call: fails on anything that is not text, costs next to nothing.
        "".join(symbols)
    except TypeError:
        raise BadPayload("dxLink: an event without eventSymbol") from None


def is_flat(frame: bytes | bytearray, lists: int) -> bool:
    """True when a frame opens one object and so many lists: nothing is nested in a value.

    find() runs at memory speed, a look at each value would cost more than the decoding.
    """
    place = -1
    for _ in range(lists):
        place = frame.find(b"[", place + 1)
    return frame.find(b"[", place + 1) < 0 and frame.find(b"{", 1) < 0
