"""The section `notices` of settings.json: what deserves a message, when, and to which target."""

from __future__ import annotations

import re
from dataclasses import field
from typing import Any, Final

from grok_sauce.errors import SettingsError
from grok_sauce.settings import readers as read
from grok_sauce.settings.readers import part, setting
from grok_sauce.values import dataclass

RULES: Final = ("orb", "level", "flip", "wall", "signal", "event", "source", "router")
KINDS: Final = (*RULES, "summary")  # what a target can be sent
TARGET: Final = re.compile(r"[a-z][a-z0-9_-]{0,19}")
MAX_TARGETS: Final = 12
OPENING: Final = "09:31"  # a summary before the open would tell of yesterday
LATEST: Final = "15:59"


def _target(value: Any, path: str) -> str:
    if not isinstance(value, str) or not TARGET.fullmatch(value):
        raise SettingsError(f"{path} must be the name of a target, not {read.shown(value)}", path)
    return value


def _pair(value: Any, path: str) -> str:
    target, _, kind = value.partition(":") if isinstance(value, str) else ("", "", "")
    if not TARGET.fullmatch(target) or kind not in KINDS:
        words = f"a target and one of {', '.join(KINDS)}, like email:orb"
        raise SettingsError(f"{path} must be {words}, not {read.shown(value)}", path)
    return f"{target}:{kind}"


def _each(one: read.Reader, limit: int) -> read.Reader:
    """A list of at most limit different values."""

    def reader(value: Any, path: str) -> tuple[str, ...]:
        if not isinstance(value, list) or len(value) > limit:
            raise SettingsError(f"{path} must be a list of at most {limit} entries", path)
        found = [one(item, f"{path}[{index}]") for index, item in enumerate(value)]
        return tuple(dict.fromkeys(found))

    return reader


def _in_session(value: Any, path: str) -> str:
    text = read.time_of_day(value, path)
    if not OPENING <= text <= LATEST:
        raise SettingsError(
            f"{path} must be a New York time from {OPENING} to {LATEST}, not {text}", path
        )
    return text


@dataclass(frozen=True, slots=True)
class Rules:
    """What is watched at all."""

    orb: bool = setting(True, read.flag)  # price out of the opening range
    level: bool = setting(True, read.flag)  # price across a wall
    flip: bool = setting(True, read.flag)  # price across zero gamma
    wall: bool = setting(True, read.flag)  # a wall at another strike
    signal: bool = setting(True, read.flag)  # the strategy signals
    event: bool = setting(True, read.flag)  # a release or speech in a few minutes
    source: bool = setting(True, read.flag)  # a source down, and back
    router: bool = setting(True, read.flag)  # alerts that need somebody


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours in which nothing makes itself heard; from and to are New York times."""

    enabled: bool = setting(False, read.flag)
    start: str = setting("20:00", read.time_of_day)
    end: str = setting("07:00", read.time_of_day)
    urgent: bool = setting(True, read.flag)  # these pass all the same


@dataclass(frozen=True, slots=True)
class Summary:
    """One message each trading day."""

    enabled: bool = setting(False, read.flag)
    time: str = setting("09:55", _in_session)  # in New York


@dataclass(frozen=True, slots=True)
class Notices:
    """Rules for notices. off names targets, skip what a target is not sent ("email:wall")."""

    rules: Rules = field(default_factory=Rules, metadata=part(Rules))
    event_minutes: int = setting(15, read.whole(1, 120))  # before an event
    event_impact: str = setting("high", read.choice("high", "medium"))  # and what is above
    band: float = setting(0.05, read.number(0.01, 1))  # percent past a level that count as across
    cooldown: int = setting(15, read.whole(1, 240))  # minutes between two of the same
    per_hour: int = setting(20, read.whole(1, 200))  # to one target; the rest is gathered
    digest: int = setting(30, read.whole(5, 240))  # minutes between two digests
    quiet: Quiet = field(default_factory=Quiet, metadata=part(Quiet))
    summary: Summary = field(default_factory=Summary, metadata=part(Summary))
    off: tuple[str, ...] = setting((), _each(_target, MAX_TARGETS))
    skip: tuple[str, ...] = setting((), _each(_pair, MAX_TARGETS * len(KINDS)))
