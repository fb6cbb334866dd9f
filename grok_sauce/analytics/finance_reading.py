"""A headline rewritten for VADER's engine: what rises, what falls, and whether that is good.

reading(title) -> str      words that matter in markets replaced by the codes in CODES
CODES                      code -> its value on VADER's scale
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from string import punctuation
from typing import Final

from grok_sauce.analytics.finance_lexicon import (
    MOVES,
    NAMES,
    SIGNS,
    THINGS,
    WORTHS,
    Entry,
    Move,
    Sign,
    Thing,
    Worth,
)
from grok_sauce.values import dataclass

STEPS: Final = 40  # codes reach from -4.0 to 4.0, VADER's ends, in tenths
CODES: Final[Mapping[str, float]] = {
    f"worth{tenths:+d}": tenths / 10 for tenths in range(-STEPS, STEPS + 1) if tenths
}
NOTHING: Final = "worth0"  # a word the engine finds nowhere
LONGEST: Final = 5  # words in a phrase
NEAR: Final = 4  # units between a move and what moves
FAR: Final = 9  # the same for a move that looks past a comma
TURNED: Final = -0.74  # what a negation leaves of a value: VADER's own factor
MORE: Final = 1.3
BIT: Final = 0.6
ASIDE: Final = 0.5

ENTRIES: Final[Mapping[str, Entry]] = {**THINGS, **MOVES, **WORTHS, **SIGNS}
_HYPHEN: Final = re.compile(r"(?<=[A-Za-z])-(?=[A-Za-z])")
_NAME: Final = re.compile(
    r"\b(?:" + "|".join(re.escape(name) for name in sorted(NAMES, key=len, reverse=True)) + r")\b"
)
_CLAUSES: Final = ("stop", "aside")
_ENDS: Final = frozenset(",;:?!—–|)")


@dataclass(slots=True)
class _Unit:
    """A word or phrase: entry is what it means (None: VADER's own word), value what it got."""

    text: str
    entry: Entry | None
    is_upper: bool
    ends: bool  # a comma or the like follows
    value: float | None = None
    is_taken: bool = False  # as the object of a verb
    tail: str = ""

    def written(self) -> str:
        """As VADER's engine shall read it."""
        if isinstance(self.entry, Sign) and self.entry.what == "not":
            return "not" + self.tail
        if isinstance(self.entry, Sign) and self.entry.what in ("less", "slow"):
            return NOTHING
        if self.entry is None or isinstance(self.entry, Sign):
            return self.text
        tenths = max(-STEPS, min(STEPS, round((self.value or 0.0) * 10)))
        code = f"worth{tenths:+d}" if tenths else NOTHING
        return (code.upper() if self.is_upper else code) + self.tail


def reading(title: str) -> str:
    """The title with every word that matters replaced by a code of what it is worth there.

    >>> reading("Unemployment falls"), reading("Profit falls")
    ('worth0 worth+16', 'worth0 worth-16')
    """
    units = list(_units(title))
    moves: list[int] = []
    for place, unit in enumerate(units):
        entry = unit.entry
        if isinstance(entry, Move):
            moves.append(place)
        elif isinstance(entry, Worth | Thing):
            unit.value = entry.value
    for place in moves:
        _move(units, place)
    _put_aside(units)
    return " ".join(unit.written() for unit in units)


def _units(title: str) -> Iterator[_Unit]:
    """The title in words and phrases, the longest phrase first."""
    text = _NAME.sub(lambda found: found[0].replace(" ", "_") + "_", title.replace("’", "'"))
    words = _HYPHEN.sub(" ", text).split()
    cores = [_core(word) for word in words]
    place = 0
    while place < len(words):
        for length in range(min(LONGEST, len(words) - place), 0, -1):
            inner = words[place : place + length - 1]
            if any(word[-1] in _ENDS for word in inner):
                continue
            entry = ENTRIES.get(" ".join(cores[place : place + length]))
            if entry is not None or length == 1:
                break
        taken = words[place : place + length]
        yield _Unit(
            " ".join(taken),
            entry,
            all(word.isupper() for word in taken),
            taken[-1][-1] in _ENDS,
            tail="".join(character for character in taken[-1] if character in "!?"),
        )
        place += length


def _core(word: str) -> str:
    """A word as it stands in the lexicon: lower case, bare of punctuation and possessive."""
    bare = word.lower().strip(punctuation)
    return bare[:-2] if bare.endswith("'s") else bare


def _move(units: Sequence[_Unit], place: int) -> None:
    """Say what a move is worth: good or bad by what moves."""
    unit = units[place]
    move = unit.entry
    assert isinstance(move, Move)
    reach = FAR if move.reaches else NEAR
    found = None
    ways = (1, -1) if move.takes == "object" else (-1, 1)
    for step in ways[:1] if move.needs == "object" else ways:
        found = _thing(units, place, step, reach, move.reaches)
        if found is not None:
            units[found].is_taken |= step > 0 and move.takes == "object"
            break
    value = move.value
    thing = None if found is None else units[found].entry
    if isinstance(thing, Thing):
        value *= thing.rise
        if found is not None:
            units[found].value = 0.0  # said with the move
    is_bad = isinstance(thing, Thing) and thing.rise < 0
    if (move.needs in ("any", "object") and thing is None) or (move.needs == "bad" and not is_bad):
        value = 0.0
    unit.value = value * _degree(units, place)


def _thing(units: Sequence[_Unit], place: int, step: int, reach: int, reaches: bool) -> int | None:
    """Where the thing stands that moves, going one way; None where a clause ends first."""
    for at in range(place + step, place + step * (reach + 1), step):
        if not 0 <= at < len(units):
            return None
        between = units[at if step < 0 else at - 1]
        if between.ends and not reaches:
            return None
        entry = units[at].entry
        if isinstance(entry, Sign) and entry.what in _CLAUSES:
            return None
        if isinstance(entry, Thing) and not units[at].is_taken:
            return at
    return None


def _degree(units: Sequence[_Unit], place: int) -> float:
    """What the words behind a move make of it, up to the end of its clause."""
    move = units[place].entry
    is_up = isinstance(move, Move) and move.value > 0
    for at in range(place, min(place + NEAR, len(units))):
        entry = units[at].entry
        if at > place and isinstance(entry, Sign):
            if entry.what == "less" or (entry.what == "slow" and is_up):
                return TURNED
            if entry.what in _CLAUSES:
                break
            if entry.what in ("more", "bit"):
                return MORE if entry.what == "more" else BIT
        if units[at].ends:
            break
    return 1.0


def _put_aside(units: Sequence[_Unit]) -> None:
    """Halve what stands in a clause that is not the news itself."""
    is_aside = False
    for unit in units:
        if isinstance(unit.entry, Sign) and unit.entry.what in _CLAUSES:
            is_aside = unit.entry.what == "aside"
        if is_aside and unit.value is not None:
            unit.value *= ASIDE
        is_aside &= not unit.ends
