"""settings.json as typed values: what /setup changes, checked against its schema, told in words."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any, Final

from grok_sauce.errors import SettingsError
from grok_sauce.settings import readers as read
from grok_sauce.settings.forex import Forex
from grok_sauce.settings.forex import check as check_forex
from grok_sauce.settings.notices import Notices
from grok_sauce.settings.readers import part, setting
from grok_sauce.settings.strategy import Strategy
from grok_sauce.values import dataclass

SCHEMA: Final = 1
MAX_SYMBOLS: Final = 200  # in all groups together
GROUPS: Final = ("positive", "neutral", "negative")


@dataclass(frozen=True, slots=True)
class Indicators:
    """The lists of the live table, in the user's order. A group that is left out is empty."""

    positive: tuple[str, ...] = setting((), read.symbols(MAX_SYMBOLS))
    neutral: tuple[str, ...] = setting((), read.symbols(MAX_SYMBOLS))
    negative: tuple[str, ...] = setting((), read.symbols(MAX_SYMBOLS))

    def groups(self) -> dict[str, str]:
        """Symbol -> group, in order."""
        return {symbol: group for group in GROUPS for symbol in getattr(self, group)}


DEFAULT_INDICATORS: Final = Indicators(
    positive=("SPY", "XLF", "XLP", "QQQ", "BITO"),
    neutral=("XLU", "IYR", "TIP", "GLD", "TLT"),
    negative=("DXY", "VIX", "UUP"),
)


@dataclass(frozen=True, slots=True)
class News:
    """Headlines from NewsAPI."""

    enabled: bool = setting(True, read.flag)
    interval: int = setting(1200, read.whole(300, 86_400))  # seconds between two requests
    lexicon: str = setting("plain", read.choice("plain", "finance"))  # of the master sentiment


@dataclass(frozen=True, slots=True)
class Fred:
    """Actual values of US releases."""

    enabled: bool = setting(True, read.flag)
    interval: int = setting(600, read.whole(60, 86_400))  # seconds between two requests


@dataclass(frozen=True, slots=True)
class ForexFactory:
    """The calendar of the week: off by default, one file a day."""

    enabled: bool = setting(False, read.flag)
    time: str = setting("06:00", read.time_of_day)  # in zone
    zone: str = setting("America/Chicago", read.zone)
    refresh: bool = setting(False, read.flag)  # every 5 minutes besides


@dataclass(frozen=True, slots=True)
class TradingView:
    """An unofficial interface: off until somebody switches it on."""

    enabled: bool = setting(False, read.flag)


@dataclass(frozen=True, slots=True)
class Cboe:
    """Delayed chains."""

    enabled: bool = setting(True, read.flag)


@dataclass(frozen=True, slots=True)
class Sources:
    """Toggles and times of the sources."""

    news: News = field(default_factory=News, metadata=part(News))
    fred: Fred = field(default_factory=Fred, metadata=part(Fred))
    forex_factory: ForexFactory = field(default_factory=ForexFactory, metadata=part(ForexFactory))
    tradingview: TradingView = field(default_factory=TradingView, metadata=part(TradingView))
    cboe: Cboe = field(default_factory=Cboe, metadata=part(Cboe))


@dataclass(frozen=True, slots=True)
class Gex:
    """What of the option chains is subscribed."""

    symbols: tuple[str, ...] = setting(("SPX", "NDX", "SPY", "QQQ", "IWM", "DIA"), read.symbols(20))
    strikes_each_side: int = setting(60, read.whole(5, 100))
    expiries: int = setting(5, read.whole(1, 60))
    unit: str = setting("pct", read.choice("pct", "point"))


@dataclass(frozen=True, slots=True)
class Profile:
    """Volume by price. Futures count all their hours, whatever hours says."""

    hours: str = setting("regular", read.choice("regular", "extended"))  # of shares and ETFs
    value_area: int = setting(70, read.whole(50, 95))  # percent of the volume
    weeks: int = setting(2, read.whole(1, 8))  # finished weeks beside the one under way


@dataclass(frozen=True, slots=True)
class Orb:
    """Opening range breakout."""

    minutes: tuple[int, ...] = setting((5, 15, 30, 60), read.whole_numbers(1, 120, 6))
    mode: str = setting("close", read.choice("close", "touch"))  # what counts as a break
    rr_ratio: float = setting(2.0, read.number(0.1, 20))  # target in multiples of the risk
    buffer_ticks: int = setting(0, read.whole(0, 1000))  # beyond the range before it is a break
    futures: str = setting("pit", read.choice("pit", "electronic"))  # own opening, or 18:00
    opens: tuple[str, ...] = setting((), read.openings(40))  # own times, as "CL=09:00", New York


@dataclass(frozen=True, slots=True)
class Display:
    """How pages show what they show; no number depends on it."""

    time_zone: str = setting("new_york", read.choice("new_york", "local", "utc"))
    palette: str = setting("standard", read.choice("standard", "cb"))
    theme: str = setting("system", read.choice("system", "dark", "light"))
    flash: bool = setting(True, read.flag)
    keys: bool = setting(True, read.flag)  # single-key shortcuts


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole of settings.json."""

    schema: int = setting(SCHEMA, read.whole(SCHEMA, SCHEMA))
    indicators: Indicators = field(default=DEFAULT_INDICATORS, metadata=part(Indicators))
    sources: Sources = field(default_factory=Sources, metadata=part(Sources))
    gex: Gex = field(default_factory=Gex, metadata=part(Gex))
    profile: Profile = field(default_factory=Profile, metadata=part(Profile))
    orb: Orb = field(default_factory=Orb, metadata=part(Orb))
    notices: Notices = field(default_factory=Notices, metadata=part(Notices))
    strategy: Strategy = field(default_factory=Strategy, metadata=part(Strategy))
    forex: Forex = field(default_factory=Forex, metadata=part(Forex))
    display: Display = field(default_factory=Display, metadata=part(Display))


def validate(document: Any) -> Settings:
    """Settings out of any JSON value.

    A missing section or key takes its default (a missing list of `indicators` is empty);
    an unknown one is refused. Old forms are not read here: see migrate().

    Raises:
        SettingsError: with field = the path of what is wrong, such as "gex.symbols[2]".
    """
    schema = document.get("schema", SCHEMA) if isinstance(document, Mapping) else SCHEMA
    if isinstance(schema, int) and not isinstance(schema, bool) and schema > SCHEMA:
        raise SettingsError(
            f"settings are of schema {read.shown(schema)}, this version reads {SCHEMA}; "
            f"update the program or restore an earlier file",
            "schema",
        )
    settings: Settings = read.section(Settings)(document, "")
    seen: dict[str, str] = {}
    for group in GROUPS:
        for index, symbol in enumerate(getattr(settings.indicators, group)):
            path = f"indicators.{group}[{index}]"
            if symbol in seen:
                raise SettingsError(f"{path}: {symbol} is in {seen[symbol]} already", path)
            seen[symbol] = group
    if len(seen) > MAX_SYMBOLS:
        raise SettingsError(
            f"indicators name {len(seen)} symbols, at most {MAX_SYMBOLS} fit", "indicators"
        )
    check_forex(settings.forex)
    return settings


def as_document(settings: Settings) -> dict[str, Any]:
    """Settings as settings.json holds them; validate() gives the same back."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        return list(value) if isinstance(value, tuple) else value

    document: dict[str, Any] = plain(dataclasses.asdict(settings))
    return document


def merge(document: Mapping[str, Any], given: Any) -> Any:
    """A document with the keys given put over it, objects key by key, all else whole.

    >>> merge({"a": {"b": 1, "c": [1]}}, {"a": {"c": [2]}})
    {'a': {'b': 1, 'c': [2]}}
    """
    if not isinstance(given, Mapping):
        return given
    merged = dict(document)
    for key, value in given.items():
        before = document.get(key)
        merged[key] = merge(before, value) if isinstance(before, Mapping) else value
    return merged


def changes(old: Settings, new: Settings) -> list[str]:
    """What differs, one line a change, in the words of the setup page."""
    lines = _symbol_changes(old.indicators, new.indicators)
    before = dict(_leaves(as_document(old)))
    for path, value in _leaves(as_document(new)):
        if not path.startswith("indicators.") and before[path] != value:
            lines.append(f"{_label(path)} {_word(before[path])} → {_word(value)}")
    return lines


def _symbol_changes(old: Indicators, new: Indicators) -> list[str]:
    was, now = old.groups(), new.groups()
    lines = []
    for symbol, group in now.items():
        if symbol not in was:
            lines.append(f"{symbol} added to {group}")
        elif was[symbol] != group:
            lines.append(f"{symbol} moved from {was[symbol]} to {group}")
    lines.extend(
        f"{symbol} removed from {group}" for symbol, group in was.items() if symbol not in now
    )
    for group in GROUPS:
        stayed_was = [symbol for symbol in getattr(old, group) if now.get(symbol) == group]
        stayed_now = [symbol for symbol in getattr(new, group) if was.get(symbol) == group]
        if stayed_was != stayed_now:
            lines.append(f"order of {group} changed")
    return lines


def _leaves(document: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in document.items():
        where = f"{path}.{key}" if path else key
        if isinstance(value, Mapping):
            yield from _leaves(value, where)
        else:
            yield where, value


_NAMES: Final[Mapping[str, str]] = {
    "gex": "GEX",
    "orb": "ORB",
    "fred": "FRED",
    "news": "NewsAPI headlines",
    "forex_factory": "Forex Factory calendar",
    "tradingview": "TradingView prices",
    "cboe": "Cboe chains",
    "rr_ratio": "reward to risk",
    "forex": "EA",
    "fast_ema": "fast EMA",
    "slow_ema": "slow EMA",
    "rsi_period": "RSI period",
}


def _label(path: str) -> str:
    parts = [part for part in path.split(".") if part not in ("sources", "enabled")]
    text = " ".join(_NAMES.get(part, part.replace("_", " ")) for part in parts)
    return text[:1].upper() + text[1:]


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
