"""Faults by switch: what the embedded market can do wrong on purpose, one table."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from grok_sauce.errors import SettingsError
from grok_sauce.values import dataclass

Value = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Fault:
    """One switch. off is its resting value, on what plain `true` means; choices limit a text.

    once: the switch acts when it is set and falls back to off by itself.
    """

    help: str
    off: Value
    on: Value
    choices: tuple[str, ...] | None = None
    once: bool = False


FAULTS: Final[dict[str, Fault]] = {
    "latency": Fault("seconds added to every answer and every frame", 0.0, 1.0),
    "cut": Fault("drop every WebSocket now, without a goodbye", False, True, once=True),
    "cut_after": Fault("drop each WebSocket so many seconds after it opened", 0.0, 5.0),
    "half_open": Fault(
        "keep sockets open and say nothing: 'stream' falls silent after the upgrade and in the "
        "middle of streaming, 'connect' does not even answer an upgrade",
        "",
        "stream",
        ("stream", "connect"),
    ),
    "refuse": Fault(
        "stop listening for so many seconds (open sockets live on)", 0.0, 3.0, None, True
    ),
    "slow": Fault("let frames trickle at so many bytes a second", 0, 200),
    "garbage": Fault(
        "after data, at most once a second, send rubbish: 'json' is not JSON, 'types' has members "
        "of the wrong type, 'truncated' is a COMPACT run cut inside a record",
        "",
        "json",
        ("json", "types", "truncated"),
    ),
    "nan": Fault('send "NaN" for every price and size of one event type, or of "all"', "", "all"),
    "wrong_order": Fault(
        "'data_first' sends data before the FEED_CONFIG that describes it, 'auth_state_late' "
        "waits 3 s between SETUP and AUTH_STATE",
        "",
        "data_first",
        ("data_first", "auth_state_late"),
    ),
    "early_auth_refusal": Fault(
        "AUTH_STATE comes 0.25 s after SETUP; an AUTH before it gets 'Session not found: api'",
        False,
        True,
    ),
    "reject_token": Fault("refuse every streamer token", False, True),
    "token_expiry": Fault("access and streamer tokens live only so many seconds", 0.0, 5.0),
    "full_midway": Fault(
        "switch COMPACT channels to FULL in the middle: 'announced' by a FEED_CONFIG, or 'silent'",
        "",
        "announced",
        ("announced", "silent"),
    ),
    "drop_column": Fault(
        "leave out this column ('dayVolume' or 'Trade.dayVolume')", "", "dayVolume"
    ),
    "subscription_rate": Fault(
        "refuse every FEED_SUBSCRIPTION that adds: 'Your subscription rate is too high'",
        False,
        True,
    ),
    "http_429": Fault("answer 429 to so many API requests (true: until switched off)", 0, -1),
    "http_5xx": Fault("answer with this status and an HTML body", 0, 502),
    "http_hang": Fault("take API requests and never answer", False, True),
    "newsapi": Fault(
        "NewsAPI alone: refuse the 'key' or call it 'disabled', say that the 'quota' is used, "
        "answer with a page ('html'), with titles that are null ('nulls') or times that are "
        "numbers ('types')",
        "",
        "quota",
        ("key", "disabled", "quota", "html", "nulls", "types"),
    ),
    "forexfactory": Fault(
        "ForexFactory alone: '429', a page with status 200 ('html'), last week's file "
        "('old_week'), every fifth event without a date ('undated')",
        "",
        "429",
        ("429", "html", "old_week", "undated"),
    ),
    "fred": Fault(
        "FRED alone: refuse the 'key', '429', the newest value missing ('dots') or no number "
        "('values'), everything two months 'late'",
        "",
        "429",
        ("key", "429", "dots", "values", "late"),
    ),
    "tradingview": Fault(
        "TradingView alone: prices come 'delayed', the login wants a 'captcha', the 'study' needs "
        "rights, there are too many 'studies', the 'series' fails, a chart ends with a 'critical' "
        "error, the connection with a 'protocol' error",
        "",
        "delayed",
        ("delayed", "captcha", "study", "studies", "series", "critical", "protocol"),
    ),
}


def describe(table: Mapping[str, Fault] = FAULTS) -> str:
    """The table as text for --help, one switch a line."""
    width = max(map(len, table))
    return "\n".join(f"  {name:<{width}}  {fault.help}" for name, fault in table.items())


def checked(name: str, value: Any, table: Mapping[str, Fault] = FAULTS) -> Value:
    """The value as the switch wants it; true and false stand for on and off.

    Raises:
        SettingsError: no such switch, or a value it does not take.

    >>> checked("latency", "0.5"), checked("cut", True), checked("half_open", True)
    (0.5, True, 'stream')
    """
    fault = table.get(name)
    if fault is None:
        raise SettingsError(f"no fault named {name!r}; there are {', '.join(table)}", field=name)
    if isinstance(value, str) and value.lower() in ("true", "on", "false", "off", ""):
        value = value.lower() in ("true", "on")
    if isinstance(value, bool) or value is None:
        return fault.on if value else fault.off
    if isinstance(fault.off, bool):
        raise SettingsError(f"{name} is on or off, not {value!r}", field=name)
    if isinstance(fault.off, str):
        if not isinstance(value, str) or (fault.choices and value not in fault.choices):
            wanted = " or ".join(fault.choices) if fault.choices else "a text"
            raise SettingsError(f"{name} must be {wanted}, not {value!r}", field=name)
        return value
    kind = type(fault.off)
    try:
        number = kind(value)
    except (TypeError, ValueError, OverflowError):
        raise SettingsError(f"{name} must be a number, not {value!r}", field=name) from None
    if not (number >= 0 or number == fault.on) or number == float("inf"):
        raise SettingsError(f"{name} must be 0 or more, not {value!r}", field=name)
    return number


class Faults:
    """The switches of one simulator; any thread may read and set them. table: which there are."""

    def __init__(
        self, values: Mapping[str, Any] | None = None, table: Mapping[str, Fault] = FAULTS
    ) -> None:
        self.table = table
        self._lock = threading.Lock()
        self._values: dict[str, Value] = {name: fault.off for name, fault in table.items()}
        self._listeners: list[Callable[[str, Value], None]] = []
        self.update(values or {})

    def listen(self, listener: Callable[[str, Value], None]) -> None:
        """Have listener(name, value) called for each switch that is set from now on."""
        self._listeners.append(listener)

    def update(self, values: Mapping[str, Any]) -> None:
        """Set several switches, or none when one value is wrong.

        Raises:
            SettingsError: as checked().
        """
        clean = {name: checked(name, value, self.table) for name, value in values.items()}
        with self._lock:
            self._values.update({n: v for n, v in clean.items() if not self.table[n].once})
        for name, value in clean.items():
            for listener in self._listeners:
                listener(name, value)

    def snapshot(self) -> dict[str, Value]:
        """All switches with their present values."""
        with self._lock:
            return dict(self._values)

    def flag(self, name: str) -> bool:
        """Whether a switch is off its resting value."""
        return self._values[name] != self.table[name].off

    def number(self, name: str) -> float:
        """The value of a numeric switch."""
        return float(self._values[name])

    def text(self, name: str) -> str:
        """The value of a text switch; "" is off."""
        return str(self._values[name])

    def take(self, name: str) -> bool:
        """Use up one of a counted switch; False when none is left. Below 0 it never ends."""
        with self._lock:
            left = self._values[name]
            if not left:
                return False
            if isinstance(left, int) and left > 0:
                self._values[name] = left - 1
            return True
