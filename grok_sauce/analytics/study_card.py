"""Card: what a page must say beside a study: its unit, its sign, its source and its caveat."""

from __future__ import annotations

from grok_sauce.values import dataclass


@dataclass(frozen=True, slots=True)
class Card:
    """The words that go with one study; a number of it is never shown without them.

    key: its name in payloads. label: its name on the page. unit: of its main number. sign:
    what a positive number means. source: whose idea and which inputs. caveat: what it is not.
    """

    key: str
    label: str
    unit: str
    sign: str
    source: str
    caveat: str
