"""A recording: what every source said, in checked blocks, written as it comes and read in order.

RecordingWriter(path, header)         .add(entry), .flush(), .close()
Recording(path)                       .header, .start, .end, .blocks, .problem, .entries()

The file is a line that names the format, then blocks. A block is a head of fixed length (HEAD)
and lines of JSON, compressed. The first block is the header, one object; the last one, of no
entries, says that the recording was ended and not cut off. Blocks are only ever appended, so that
whatever was written before a kill or a full disk can be read.
"""

from __future__ import annotations

import json
import lzma
import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

from grok_sauce.errors import BadPayload
from grok_sauce.feeds.recording_values import Entry, decode, encode

SCHEMA: Final = 1
MAGIC: Final = b"GROK SAUCE RECORDING 1\n"
SUFFIX: Final = ".gsr"
# Mark, how it is compressed, kind, bytes compressed and plain, entries, first seq, first and
# last arrival, checksum of the compressed bytes; then a checksum of all that.
HEAD: Final = struct.Struct("<4s1s1sIIIQddI")
SUM: Final = struct.Struct("<I")
MARK: Final = b"GSRB"
HEADER, ENTRIES, END = b"H", b"E", b"."
ZLIB, LZMA = b"Z", b"X"
LARGEST: Final = (
    1 << 28
)  # bytes of one block, plain; no writer makes such, a broken file may say so
FULL: Final = 1 << 20  # plain bytes after which a block is written


class Block(NamedTuple):
    """One block's head, and where its bytes begin in the file."""

    place: int
    packing: bytes
    kind: bytes
    size: int
    plain: int
    entries: int
    seq: int
    start: float
    end: float
    checksum: int


class RecordingWriter:
    """Appends entries to a new file. One thread at a time; every call may raise OSError.

    packing: ZLIB is quick, LZMA half as large. written counts bytes in the file, plain those
    before compression, entries and events what they hold.
    """

    def __init__(self, path: Path, header: Mapping[str, Any], packing: bytes = ZLIB) -> None:
        self.path = path
        self.written = 0
        self.plain = 0
        self.entries = 0
        self.events = 0
        self._packing = packing
        self._lines: list[str] = []
        self._size = 0
        self._first: tuple[int, float] | None = None
        self._last = 0.0
        self._file: BinaryIO = open(path, "xb")  # noqa: SIM115 - closed by close()
        self._file.write(MAGIC)
        self.written = len(MAGIC)
        whole = {"schema": SCHEMA, **header}
        self._append(HEADER, json.dumps(whole, allow_nan=False).encode(), 0, 0, 0.0, 0.0)
        self._file.flush()

    def add(self, entry: Entry) -> None:
        """Take an entry; a block that is full goes to the file.

        Raises:
            BadPayload: a value that cannot be recorded; nothing of the entry is kept then.
        """
        line = encode(entry)
        if self._first is None:
            self._first = entry.seq, entry.at
        self._last = entry.at
        self._lines.append(line)
        self._size += len(line)
        self.entries += 1
        self.events += len(entry.batch.symbols)
        if self._size >= FULL:
            self.flush()

    def flush(self) -> None:
        """Everything taken so far stands in the file as a whole block."""
        if self._first is not None:
            (seq, start), lines = self._first, self._lines
            plain = "\n".join(lines).encode("ascii")
            self._append(ENTRIES, plain, len(lines), seq, start, self._last)
            self._lines, self._size, self._first = [], 0, None
        self._file.flush()

    def close(self) -> None:
        """Write what waits and the end; again is nothing."""
        if self._file.closed:
            return
        try:
            self.flush()
            told = json.dumps({"entries": self.entries, "events": self.events}).encode()
            self._append(END, told, 0, 0, self._last, self._last)
            self._file.flush()
            os.fsync(self._file.fileno())
        finally:
            self._file.close()

    def abandon(self) -> None:
        """Close without writing more: the disk is full."""
        try:
            self._file.close()
        except OSError:
            return  # its last bytes did not fit; what stands in the file is whole blocks and a rest

    def _append(
        self, kind: bytes, plain: bytes, entries: int, seq: int, start: float, end: float
    ) -> None:
        packed = _pack(plain, self._packing)
        head = HEAD.pack(
            *(MARK, self._packing, kind, len(packed), len(plain), entries),
            *(seq, start, end, zlib.crc32(packed)),
        )
        self._file.write(head + SUM.pack(zlib.crc32(head)) + packed)
        self.written += len(head) + SUM.size + len(packed)
        self.plain += len(plain)


class Recording:
    """A file opened for reading. blocks are those with entries, in order.

    start and end: arrival of the first and last entry, market time. problem: a sentence when
    the file does not end as it should (cut off, damaged), else None; what is whole before that
    is read.

    Raises:
        BadPayload: no recording, one of another version, or nothing whole in it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem: str | None = None
        self.blocks: list[Block] = []
        try:
            with path.open("rb") as file:
                self._scan(file)
        except OSError as problem:
            raise BadPayload(f"{path} cannot be read: {problem.strerror or problem}") from None
        if not self.blocks:
            raise BadPayload(f"{path.name} holds no whole block of entries")

    @property
    def start(self) -> float:
        """Arrival of the first entry."""
        return self.blocks[0].start

    @property
    def end(self) -> float:
        """Arrival of the last entry."""
        return self.blocks[-1].end

    @property
    def size(self) -> int:
        """How many entries there are."""
        return sum(block.entries for block in self.blocks)

    def entries(self) -> Iterator[Entry]:
        """All of them in order, one block in memory at a time.

        A damaged block ends it there, as problem then says.
        """
        number = 0
        while number < len(self.blocks):  # a damaged one shortens the list
            yield from self.read(number)
            number += 1

    def read(self, number: int) -> list[Entry]:
        """The entries of a block; none, and problem says so, when it is damaged."""
        block = self.blocks[number]
        try:
            with self.path.open("rb") as file:
                lines = _plain(file, block).decode("ascii").split("\n")
            found = [decode(line) for line in lines]
        except (OSError, UnicodeDecodeError, BadPayload) as problem:
            self.problem = f"{self.path.name} is damaged in block {number + 1}: {problem}"
            del self.blocks[max(1, number) :]
            return []
        return found

    def _scan(self, file: BinaryIO) -> None:
        name = self.path.name
        magic = file.read(len(MAGIC))
        if magic != MAGIC:
            known = magic[:21] == MAGIC[:21]
            raise BadPayload(
                f"{name} is a recording of another version; this one reads {SCHEMA}"
                if known
                else f"{name} is no recording"
            )
        length = file.seek(0, os.SEEK_END)
        first = _head(file, len(MAGIC), length)
        if not isinstance(first, Block) or first.kind != HEADER:
            raise BadPayload(f"{name} has no whole header: {first if first else 'cut off'}")
        self.header = self._header(_plain(file, first))
        place = first.place + first.size
        while True:
            block = _head(file, place, length)
            if not isinstance(block, Block):
                self._stopped(file, block, length - place)
                return
            if block.kind == END:
                return
            if block.kind == ENTRIES:
                self.blocks.append(block)
            place = block.place + block.size

    def _stopped(self, file: BinaryIO, why: str, left: int) -> None:
        """The file ends without its end; a last block whose bytes are not right is left out."""
        while self.blocks:
            try:
                _plain(file, self.blocks[-1])
                break
            except BadPayload as problem:
                left += self.blocks.pop().size
                why = str(problem)
        told = f"; the last {left} bytes are not used ({why})" if left else ""
        self.problem = (
            f"{self.path.name} was cut off: {len(self.blocks)} whole blocks are played{told}"
        )

    def _header(self, plain: bytes) -> dict[str, Any]:
        try:
            header = json.loads(plain)
            schema = header["schema"]
        except (ValueError, TypeError, KeyError):
            raise BadPayload(f"{self.path.name} has a header that is none") from None
        if schema != SCHEMA:
            raise BadPayload(
                f"{self.path.name} is a recording of schema {schema}; this version reads {SCHEMA}"
            )
        return dict(header)


def _head(file: BinaryIO, place: int, length: int) -> Block | str:
    """The block that begins at place, or what is wrong with it ("" at the end of the file)."""
    file.seek(place)
    data = file.read(HEAD.size + SUM.size)
    if not data:
        return ""
    if len(data) < HEAD.size + SUM.size:
        return "half a head"
    head, (checksum,) = data[: HEAD.size], SUM.unpack(data[HEAD.size :])
    if head[:4] != MARK or zlib.crc32(head) != checksum:
        return "no block begins there"
    block = Block(place + len(data), *HEAD.unpack(head)[1:])
    if max(block.plain, block.size) > LARGEST or block.packing not in (ZLIB, LZMA):
        return "no block of this version"
    if block.place + block.size > length:
        return "half a block"
    return block


def _pack(plain: bytes, packing: bytes) -> bytes:
    return lzma.compress(plain, preset=6) if packing == LZMA else zlib.compress(plain, 6)


def _plain(file: BinaryIO, block: Block) -> bytes:
    """The bytes of a block as they were before compression.

    Raises:
        BadPayload: not those that were written.
    """
    file.seek(block.place)
    packed = file.read(block.size)
    if len(packed) != block.size or zlib.crc32(packed) != block.checksum:
        raise BadPayload("its checksum is wrong")
    try:
        if block.packing == LZMA:
            plain = lzma.LZMADecompressor().decompress(packed, block.plain + 1)
        else:
            plain = zlib.decompressobj().decompress(packed, block.plain + 1)
    except (lzma.LZMAError, zlib.error) as problem:
        raise BadPayload(f"it cannot be unpacked: {problem}") from None
    if len(plain) != block.plain:
        raise BadPayload("it has another length than it says")
    return plain
