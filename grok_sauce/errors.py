"""Errors raised on purpose. Two questions decide the class: can trying help, whose move is it?"""

from __future__ import annotations

import errno
import os


class GrokSauceError(Exception):
    """Base of every error this project raises on purpose."""


class SourceError(GrokSauceError):
    """A feed or poller failed; the supervisor tries again."""


class BadPayload(SourceError):
    """A source sent something that does not have the documented shape."""


class SourceRefused(GrokSauceError):
    """Login, entitlement or quota refused; trying again cannot help until somebody acts."""


class SettingsError(GrokSauceError):
    """A setting is wrong; the user edits a file or a field.

    field names the setting (an .env name or a settings.json path such as
    "indicators.positive[3]"), None when the file as a whole is meant.
    """

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class StartupError(GrokSauceError):
    """The process cannot start as asked: port in use, folder not writable, mode not patched."""


def reason_of(problem: OSError) -> str:
    """What the system says went wrong, in words; "" when it says nothing.

    >>> reason_of(ConnectionRefusedError(errno.ECONNREFUSED, "ECONNREFUSED"))
    'Connection refused'
    """
    text = problem.strerror or ""
    if problem.errno is not None and text == errno.errorcode.get(problem.errno):
        return os.strerror(problem.errno)  # eventlet's sockets give the bare name
    return text
