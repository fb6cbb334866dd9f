"""Chats and phones through Apprise, which is loaded when the first message goes out."""

from __future__ import annotations

import importlib
import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from grok_sauce.errors import SourceError, SourceRefused
from grok_sauce.publishers.notify_target import Letter, Undeliverable, shown
from grok_sauce.runtime import concurrency

CONNECT: Final = 5.0  # seconds
READ: Final = 10.0
TYPES: Final = {"info": "info", "warn": "warning", "urgent": "failure"}
# Desktop and log services of this machine, and mail, which has its own target with TLS checked.
LOCAL: Final = frozenset(
    {"dbus", "glib", "gnome", "kde", "macosx", "qt", "syslog", "windows", "mailto", "mailtos"}
)
_CODE: Final = re.compile(r"error=(\d{3})\b")
# The address or the token is wrong: as it is it never works.
_REFUSED: Final = frozenset({401, 403, 404, 410})
_NOT_THIS: Final = frozenset({400, 413, 422})
_SECRET: Final = re.compile(r"[A-Za-z0-9_.~:%+-]{4,}")


class ChatTarget:
    """One address that Apprise knows; url is a secret, label what pages call it."""

    def __init__(self, name: str, url: str, label: str | None = None) -> None:
        self.name = name
        self.label = label or name[:1].upper() + name[1:]
        self._url = url
        self._scheme = url.partition("://")[0].lower()
        self._secrets = frozenset(_secrets(url))
        self._plugin: Any = None

    @property
    def detail(self) -> str:
        """The kind of service; where it leads to is in `.env`."""
        return f"{self._scheme}:// of .env"

    def send(self, letter: Letter) -> str:
        """Hand a letter over; see Target."""
        plugin = self._plugin or self._open()
        with _overheard() as said:
            try:
                sent = plugin.notify(
                    title=letter.title,
                    body=letter.text,
                    notify_type=TYPES.get(letter.severity, "info"),
                    body_format="text",  # what a service would format is escaped by its plugin
                )
            except (TypeError, OSError) as problem:
                raise SourceError(self._shown(problem) or type(problem).__name__) from None
        if sent:
            return ""
        text = self._shown("; ".join(said)) or "the service did not take it"
        found = _CODE.search(" ".join(said))
        code = 0 if found is None else int(found[1])
        if code in _REFUSED:
            raise SourceRefused(text)
        raise Undeliverable(text) if code in _NOT_THIS else SourceError(text)

    def _open(self) -> Any:
        """The service's plugin.

        Raises:
            SourceRefused: Apprise does not know such an address, or it is a local one.
        """
        if self._scheme in LOCAL:
            raise SourceRefused(f"{self._scheme}:// is not for notices")
        apprise = concurrency.offload(_load)
        with _overheard() as said:
            plugin = apprise.Apprise.instantiate(self._url, suppress_exceptions=True)
        if plugin is None:
            why = self._shown("; ".join(said))
            raise SourceRefused(f"Apprise cannot use this address{f': {why}' if why else ''}")
        plugin.socket_connect_timeout, plugin.socket_read_timeout = CONNECT, READ
        plugin.redirects = False  # what an address answers must not lead elsewhere
        if "overflow=" not in self._url:  # a text message more is money, a chat's is not
            plugin.overflow_mode = "truncate" if self._scheme == "twilio" else "split"
        self._plugin = plugin
        return plugin

    def _shown(self, text: object) -> str:
        return shown(text, self._secrets)


def _load() -> Any:
    """Apprise with its services; 0.5 s and 18 MB, on a native thread."""
    apprise = importlib.import_module("apprise")
    manager = importlib.import_module("apprise.manager_plugins")
    manager.NotificationManager().load_modules()
    return apprise


def _secrets(url: str) -> Iterator[str]:
    """Every part of an address that may be one."""
    rest = url.partition("://")[2]
    yield rest
    for text in (rest, unquote(rest)):
        yield from _SECRET.findall(text)
        yield from filter(None, re.split(r"[/?&=@:]", text))
    query = urlsplit(f"x://{rest}").query
    if query:
        yield query


class _Ear(logging.Handler):
    """Keeps what one thread's call says of its failure."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread and len(self.lines) < 4:
            self.lines.append(record.getMessage())


@contextmanager
def _overheard() -> Iterator[list[str]]:
    """What Apprise logs meanwhile, instead of our log: its lines may hold the address."""
    logger = logging.getLogger("apprise")
    logger.propagate = False
    ear = _Ear()
    logger.addHandler(ear)
    try:
        yield ear.lines
    finally:
        logger.removeHandler(ear)
