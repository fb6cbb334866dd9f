"""NewsAPI's answers as values: withdrawn articles out, text made plain, the same story once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from grok_sauce.errors import BadPayload
from grok_sauce.market.headlines import Headline, Headlines, host, link, merged, plain
from grok_sauce.pollers import fields

WHO: Final = "NewsAPI"
REMOVED: Final = "[Removed]"
TITLE, SUMMARY, NAME = 300, 600, 80  # characters kept
_AHEAD: Final = 86400.0  # seconds an outlet's clock may be ahead
_PROBLEMS: Final = 100  # rows told of


def parse_headlines(body: bytes, query: str, now: float) -> Headlines:
    """An answer of `/v2/everything` or `/v2/top-headlines`; now is its market time.

    A row that cannot be read is left out and told in problems, naming its field; when no
    row can be read, the first problem is raised. Withdrawn articles count as no row.

    Raises:
        BadPayload: no JSON, status is not "ok", articles is no list, no row can be read.
    """
    answer = fields.document(body, WHO)
    status = fields.member(answer, "status", "", WHO)
    if status == "error":
        raise BadPayload(f"{WHO}: {told(answer)[1]}")
    if status != "ok":
        raise fields.bad(WHO, "status", "'ok'", status)
    rows = fields.items(answer, "articles", WHO)
    total = answer.get("totalResults")
    found: list[Headline] = []
    problems: list[str] = []
    withdrawn = untitled = 0
    for index, row in enumerate(rows):
        where = f"articles[{index}]"
        try:
            if _is_removed(row, where):
                withdrawn += 1
                continue
            headline = _headline(row, where, now)
        except BadPayload as problem:
            problems.append(str(problem))
            continue
        if headline is None:
            untitled += 1
        else:
            found.append(headline)
    if problems and not found and not untitled:
        raise BadPayload(problems[0])
    stories = merged(found)
    return Headlines(
        query,
        stories,
        now,
        total if isinstance(total, int) and not isinstance(total, bool) and total >= 0 else None,
        withdrawn,
        untitled,
        len(found) - len(stories),
        tuple(problems[:_PROBLEMS]),
    )


def told(answer: object) -> tuple[str, str]:
    """Code and text of an error answer; ("", a text) for what is none."""
    code = answer.get("code") if isinstance(answer, Mapping) else None
    message = answer.get("message") if isinstance(answer, Mapping) else None
    said = plain(message, 200) if isinstance(message, str) else "an error without a message"
    return (plain(code, 40) if isinstance(code, str) else ""), said


def _is_removed(row: object, where: str) -> bool:
    """A placeholder for an article its publisher withdrew."""
    title, url = fields.member(row, "title", where, WHO), fields.member(row, "url", where, WHO)
    if isinstance(title, str) and title.strip() == REMOVED:
        return True
    try:
        return isinstance(url, str) and urlsplit(url).hostname == "removed.com"
    except ValueError:
        return False


def _headline(row: Mapping[str, Any], where: str, now: float) -> Headline | None:
    """One article; None when nothing is left of its title."""
    title = _text(row, "title", where, TITLE)
    published = fields.moment(row.get("publishedAt"), f"{where}.publishedAt", WHO)
    if published > now + _AHEAD:
        raise fields.bad(
            WHO, f"{where}.publishedAt", "a time that has come", row.get("publishedAt")
        )
    address = link(row.get("url"))
    source = row.get("source")
    if source is not None and not isinstance(source, Mapping):
        raise fields.bad(WHO, f"{where}.source", "an object", source)
    name = _text(source or {}, "name", f"{where}.source", NAME)
    if name is None and address is not None:
        name = host(address)
    if title is None:
        return None
    return Headline(
        title,
        _text(row, "description", where, SUMMARY),
        () if name is None else (name,),
        _text(row, "author", where, NAME),
        address,
        published,
    )


def _text(row: Mapping[str, Any], name: str, where: str, limit: int) -> str | None:
    """A text that may be null, made plain; None when nothing is left."""
    value = row.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise fields.bad(WHO, f"{where}.{name}", "a text or null", value)
    return plain(value, limit) or None
