"""What a way out for notices is, and how what it says is made fit to be shown."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final, Protocol

from grok_sauce.errors import GrokSauceError
from grok_sauce.values import dataclass

MASK: Final = "••••"
SHORTEST: Final = 4  # characters; a shorter secret may be part of any word
LONGEST: Final = 240  # characters of a reason
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")


class Undeliverable(GrokSauceError):
    """This message is not taken by the target, now or later; others may be."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent. uid names the message at every attempt; at is its real time, Unix seconds."""

    title: str
    text: str
    severity: str
    uid: str
    at: float


class Target(Protocol):
    """One way out. send() blocks its own worker and nobody else.

    label and detail are for pages: no secret is in them.
    """

    @property
    def name(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def detail(self) -> str: ...

    def send(self, letter: Letter) -> str:
        """Hand a letter over; a remark for the log, "" when there is none.

        Raises:
            SourceError: not now; trying again may help.
            Undeliverable: not this letter.
            SourceRefused: none, until somebody changes something.
        """


def shown(text: object, secrets: Collection[str]) -> str:
    """What a server said, on one line, cut, without addresses of ours and secrets.

    >>> shown("bad token abcd1234 at https://h/abcd1234\\r\\n550", ["abcd1234"])
    'bad token •••• at •••• 550'
    """
    line = " ".join(str(text)[: LONGEST * 8].split())
    line = "".join(char if char.isprintable() else "?" for char in line)
    line = _URL.sub(MASK, line)
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORTEST:
            line = line.replace(secret, MASK)
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
