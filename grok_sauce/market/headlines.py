"""Headlines as values: hostile text made plain, the same story once, real ages, a local search.

plain(text, limit) -> str                        markup, controls and direction marks taken out
link(text) -> str | None                         an http(s) address fit for a page
same_story(title, outlets) -> str                what titles of one story have in common
merged(headlines) -> tuple[Headline, ...]        each story once, newest first
matching(headlines, text) -> tuple[Headline, ...]
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from typing import Final

from grok_sauce.values import dataclass

LONGEST_LINK: Final = 2000  # characters
A_DAY_LATE: Final = 23 * 3600.0  # newest headline older than this when fetched: a delayed plan

_SILENT: Final = frozenset({"script", "style", "noscript", "template", "iframe", "title", "svg"})
_BREAKS: Final = frozenset({"br", "p", "li", "ul", "ol", "div", "tr", "td", "h1", "h2", "h3"})
# Controls, format marks (direction overrides, zero width), private use, surrogates, unassigned.
_UNSEEN: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})
_LINK: Final = re.compile(
    r"https?://(?P<host>[a-z0-9.-]+\.[a-z]{2,}|\[[0-9a-f:.]+\])(?::\d{1,5})?"
    r"(?P<path>/[!-~]*)?(?:\?[!-~]*)?(?:#[!-~]*)?",
    re.IGNORECASE,
)
_CDATA: Final = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_DECLARATION: Final = re.compile(r"<!(?:--.*?-->|[^>]*>?)", re.DOTALL)
_TRACKING: Final = re.compile(r"[?&](?:utm_[a-z]+|ref|src|cmpid|guccounter)=[^&#]*", re.IGNORECASE)
_WORDS: Final = re.compile(r"[^\W_]+(?:[.,][0-9]+)*%?")
_OUTLET: Final = re.compile(r"(?P<story>.*\S)\s+[-–—|]\s+(?P<outlet>[^-–—|]{2,60})")


@dataclass(frozen=True, slots=True)
class Headline:
    """One story. All text is plain: no markup, no control characters.

    published: Unix seconds, when its outlet says it published. outlets: who told it, the
    first one first. url: http(s), None where the source gave none that can be trusted.
    """

    title: str
    summary: str | None
    outlets: tuple[str, ...]
    author: str | None
    url: str | None
    published: float

    def age(self, now: float) -> float:
        """Seconds since it was published; never negative (outlets' clocks differ)."""
        return max(0.0, now - self.published)


@dataclass(frozen=True, slots=True)
class Headlines:
    """One answer: each story once, newest first, with what is known about the answer.

    fetched: market time of the answer. total: what the source says it has. dropped: how many
    rows were withdrawn articles, had no title or repeated a story. problems: rows that could
    not be read, each naming its field.
    """

    query: str
    stories: tuple[Headline, ...]
    fetched: float
    total: int | None = None
    withdrawn: int = 0
    untitled: int = 0
    repeated: int = 0
    problems: tuple[str, ...] = ()

    @property
    def as_of(self) -> float | None:
        """When the newest story was published; None without one."""
        return self.stories[0].published if self.stories else None

    @property
    def is_a_day_late(self) -> bool:
        """True when even the newest story was a day old as it came: a free plan's delay."""
        return self.as_of is not None and self.fetched - self.as_of >= A_DAY_LATE

    def age(self, now: float) -> float | None:
        """Seconds since the newest story was published; None without one."""
        return None if self.as_of is None else max(0.0, now - self.as_of)


class _Text(HTMLParser):
    """Collects what a reader would see."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._hidden += tag in _SILENT
        if tag in _BREAKS:
            self.pieces.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT and self._hidden:
            self._hidden -= 1
        if tag in _BREAKS:
            self.pieces.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(data)


def plain(text: str, limit: int) -> str:
    """Feed text as plain text on one line, at most limit characters.

    Tags go with the content of scripts and styles, entities become characters, twice at most
    (feeds escape what was escaped); what then still looks like a tag goes too. Control and
    direction characters go: they can turn a line round.

    >>> plain("<b>Fed&nbsp;holds</b><script>alert(1)</script> &amp;lt;rates&amp;gt;", 80)
    'Fed holds'
    >>> plain("Yields < 4% &amp; falling", 80)
    'Yields < 4% & falling'
    """
    seen = text[: limit * 8]
    for _ in range(3):
        # The reader stumbles over declarations that are none.
        seen = before = _DECLARATION.sub(" ", _CDATA.sub(r"\1", seen))
        if "<" in seen or "&" in seen:
            reader = _Text()
            reader.feed(seen)
            reader.close()
            seen = "".join(reader.pieces)
        if seen == before:
            break
    if "&" in seen:
        seen = html.unescape(seen)
    seen = re.sub(r"<[a-zA-Z/!?][^>]*>?", " ", seen)
    kept = "".join(
        " " if character in "\t\n\r\v\f" or character.isspace() else character
        for character in seen
        if character.isspace() or unicodedata.category(character) not in _UNSEEN
    )
    line = " ".join(kept.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def link(text: object) -> str | None:
    """The address if it is http(s) with a host name, no user part and printable; else None.

    >>> link("https://example.org/a/1?x=2"), link("javascript:alert(1)")
    ('https://example.org/a/1?x=2', None)
    """
    if not isinstance(text, str) or len(text) > LONGEST_LINK:
        return None
    address = text.strip()
    return address if _LINK.fullmatch(address) else None


def host(address: str) -> str:
    """The host of an address that link() let pass, in lower case, without www."""
    found = _LINK.fullmatch(address)
    return found["host"].lower().removeprefix("www.") if found else ""


def same_address(address: str) -> str:
    """What two addresses of one page have in common: no scheme, www, tracking, fragment."""
    bare = _TRACKING.sub("", address.partition("#")[0])
    if "?" not in bare:
        bare = bare.replace("&", "?", 1)  # the parameter before it was a tracking one
    return bare.partition("://")[2].lower().removeprefix("www.").rstrip("/?&")


def same_story(title: str, outlets: Collection[str] = ()) -> str:
    """The title's words in lower case, without the outlet's name that aggregators append.

    outlets: names in lower case that may stand at the end. Figures stay, so that "falls 300"
    and "falls 400" are two stories.

    >>> same_story("Fed Holds Rates Steady - Example Wire", {"example wire"})
    'fed holds rates steady'
    """
    found = _OUTLET.fullmatch(title)
    if found is not None and found["outlet"].strip().casefold() in outlets:
        title = found["story"]
    return " ".join(_WORDS.findall(title.casefold()))


def merged(headlines: Iterable[Headline]) -> tuple[Headline, ...]:
    """Each story once, newest first; the earliest telling stays, the others lend their names.

    Two are one story when their addresses or their titles' words agree.
    """
    ordered = sorted(headlines, key=lambda headline: headline.published)
    outlets = {name.casefold() for headline in ordered for name in headline.outlets}
    stories: list[Headline] = []
    known: dict[str, int] = {}
    for headline in ordered:
        keys = [f"title {words}"] if (words := same_story(headline.title, outlets)) else []
        if headline.url is not None:
            keys.append(f"url {same_address(headline.url)}")
        at = next((known[key] for key in keys if key in known), None)
        if at is None:
            at = len(stories)
            stories.append(headline)
        else:
            names = dict.fromkeys((*stories[at].outlets, *headline.outlets))
            stories[at] = replace(stories[at], outlets=tuple(names))
        for key in keys:
            known.setdefault(key, at)
    return tuple(sorted(stories, key=lambda headline: -headline.published))


def matching(headlines: Sequence[Headline], text: str) -> tuple[Headline, ...]:
    """Those that have every word of the text in title, summary or outlet; all for no words."""
    words = text.casefold().split()
    return tuple(
        headline
        for headline in headlines
        if all(
            word in " ".join((headline.title, headline.summary or "", *headline.outlets)).casefold()
            for word in words
        )
    )
