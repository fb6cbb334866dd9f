"""The ways out of notices, built from `.env`; one that cannot work says why instead of going."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from grok_sauce.errors import SettingsError
from grok_sauce.publishers.notify_settings import MAIL, SMS, NotifySettings
from grok_sauce.publishers.notify_target import Target
from grok_sauce.values import dataclass

log = logging.getLogger(__name__)

HINTS = {
    MAIL: ("E-mail", "Set EMAIL_SENDER, EMAIL_PASSWORD and EMAIL_RECEIVER in .env."),
    "chat": ("Chat and phone", "Set NOTICE_TARGETS in .env: Telegram, Discord, ntfy and others."),
}


@dataclass(frozen=True, slots=True)
class Missing:
    """A way out that is not there: why, in words; broken says that somebody wanted it."""

    name: str
    label: str
    why: str
    broken: bool = False


def build(settings: NotifySettings) -> Iterator[Target | Missing]:
    """Mail first, then chats and phones in the user's order. Opens nothing."""
    if settings.has_mail:
        yield _mail(settings)
    else:
        yield Missing(MAIL, *HINTS[MAIL])
    try:
        urls = settings.urls()
    except SettingsError as problem:
        log.warning("notices: %s", problem)
        yield Missing("chat", HINTS["chat"][0], f"{problem}.", broken=True)
        return
    if not urls:
        yield Missing("chat", *HINTS["chat"])
        return
    from grok_sauce.publishers.notify_chat import ChatTarget

    for name, url in urls.items():
        yield ChatTarget(name, url, "SMS" if name == SMS else None)


def _mail(settings: NotifySettings) -> Target | Missing:
    from grok_sauce.publishers import notify_mail

    try:
        return notify_mail.build(settings)
    except SettingsError as problem:
        log.warning("notices: %s", problem)
        return Missing(MAIL, HINTS[MAIL][0], f"{problem}.", broken=True)
