"""NOTICE_*, SMTP_*, EMAIL_* and TWILIO_*: which targets there are, all from `.env`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Final
from urllib.parse import quote

from grok_sauce.errors import SettingsError
from grok_sauce.settings import knob
from grok_sauce.settings.notices import MAX_TARGETS, TARGET
from grok_sauce.values import dataclass

BROWSER: Final = "browser"
MAIL: Final = "email"
SMS: Final = "sms"
TAKEN: Final = frozenset({BROWSER, MAIL, SMS})
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_NAMED: Final = re.compile(r"(?:^|[\s,]+)([A-Za-z][A-Za-z0-9_-]*)=(?=[A-Za-z][A-Za-z0-9+.-]*://)")
_ADDRESS: Final = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250})")


@dataclass(frozen=True, slots=True)
class NotifySettings:
    """Where notices may go. Everything here is known at the start and stays till the end."""

    ENV: ClassVar[dict[str, str]] = {
        "targets": "NOTICE_TARGETS",
        "in_demo": "NOTICE_IN_DEMO",
        "smtp_host": "SMTP_HOST",
        "smtp_port": "SMTP_PORT",
        "smtp_security": "SMTP_SECURITY",
        "smtp_user": "SMTP_USER",
        "smtp_timeout": "SMTP_TIMEOUT",
        "sender": "EMAIL_SENDER",
        "password": "EMAIL_PASSWORD",
        "receivers": "EMAIL_RECEIVER",
        "twilio_sid": "TWILIO_SID",
        "twilio_token": "TWILIO_AUTH_TOKEN",
        "twilio_from": "TWILIO_PHONE",
        "twilio_to": "YOUR_PHONE",
    }

    targets: str = knob("", secret=True)  # name=url, separated by blanks
    in_demo: bool = False  # send what a simulated market does, too
    smtp_host: str = "smtp.gmail.com"
    smtp_port: int = knob(587, low=1, high=65535)
    smtp_security: str = knob("starttls", choices=("starttls", "ssl", "none"))
    smtp_user: str = ""  # empty: the sender
    smtp_timeout: float = knob(10.0, low=1, high=60)  # seconds for each step
    sender: str = ""
    password: str = knob("", secret=True)
    receivers: tuple[str, ...] = ()
    twilio_sid: str = knob("", secret=True)
    twilio_token: str = knob("", secret=True)
    twilio_from: str = knob("", secret=True)
    twilio_to: str = knob("", secret=True)

    @property
    def has_mail(self) -> bool:
        """Is e-mail to be sent?"""
        return bool(self.sender and self.receivers)

    def check_mail(self) -> None:
        """Refuse what cannot work, or would tell the password to everybody on the way.

        Raises:
            SettingsError: naming the variable.
        """
        for name, address in (
            ("EMAIL_SENDER", self.sender),
            *(("EMAIL_RECEIVER", each) for each in self.receivers),
        ):
            if not _ADDRESS.fullmatch(address) or not address.isascii():
                raise SettingsError(f"{name} must be an address like me@example.org", name)
        if self.smtp_security == "none" and self.smtp_host not in LOOPBACK:
            raise SettingsError(
                "SMTP_SECURITY none is for a mail server on this machine alone; "
                "use starttls or ssl",
                "SMTP_SECURITY",
            )

    def urls(self) -> dict[str, str]:
        """Addresses of chats and phones by the name the user gave; both are secrets' keepers.

        Raises:
            SettingsError: a name is missing, taken or none. No message shows an address.
        """
        found = dict(self._named())
        if all((self.twilio_sid, self.twilio_token, self.twilio_from, self.twilio_to)):
            parts = (self.twilio_sid, self.twilio_token, self.twilio_from, self.twilio_to)
            sid, token, sender, to = (quote(part, safe="") for part in parts)
            found[SMS] = f"twilio://{sid}:{token}@{sender}/{to}"
        if len(found) + 2 > MAX_TARGETS:
            raise SettingsError(
                f"NOTICE_TARGETS names too many targets, {MAX_TARGETS - 2} fit", "NOTICE_TARGETS"
            )
        return found

    def _named(self) -> Iterator[tuple[str, str]]:
        text = self.targets.strip()
        starts = list(_NAMED.finditer(text))
        if text and (not starts or starts[0].start() != 0):
            raise SettingsError(
                "NOTICE_TARGETS must be name=address pairs, such as phone=ntfys://my-topic",
                "NOTICE_TARGETS",
            )
        if not starts:
            return
        seen = set(TAKEN)
        ends = [*(match.start() for match in starts[1:]), len(text)]
        for match, end in zip(starts, ends, strict=True):
            name, url = match[1], text[match.end() : end].strip(" \t,")
            if not TARGET.fullmatch(name) or name in seen:
                raise SettingsError(
                    f"NOTICE_TARGETS: {name[:20]} cannot be a target's name: 1 to 20 small "
                    f"letters, digits, - or _, each once, and not {', '.join(sorted(TAKEN))}",
                    "NOTICE_TARGETS",
                )
            seen.add(name)
            yield name, url
