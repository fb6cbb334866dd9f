"""E-mail: plain text over SMTP with TLS; the password is never sent in the clear."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from grok_sauce.errors import SourceError, SourceRefused, reason_of
from grok_sauce.publishers.notify_settings import LOOPBACK, MAIL, NotifySettings
from grok_sauce.publishers.notify_target import Letter, Undeliverable, shown
from grok_sauce.runtime.clock import as_datetime

TITLE: Final = 150  # characters of a subject
PREFIX: Final = {"info": "", "warn": "", "urgent": "Urgent: "}


class MailTarget:
    """One sender, one server, all receivers in one message.

    context is for tests; by default certificates are checked against the system's roots.
    """

    name = MAIL
    label = "E-mail"

    def __init__(self, settings: NotifySettings, context: ssl.SSLContext | None = None) -> None:
        self._settings = settings
        self._context = context
        self._secrets = tuple(filter(None, (settings.password, settings.smtp_user)))

    @property
    def detail(self) -> str:
        """To whom, through which server."""
        given = self._settings
        first, *others = given.receivers
        more = f" and {len(others)} more" if others else ""
        return f"{first}{more} through {given.smtp_host}:{given.smtp_port}"

    def send(self, letter: Letter) -> str:
        """Hand a letter over; see Target."""
        message = self.message(letter)
        try:
            with self._session() as session:
                refused = session.send_message(
                    message, self._settings.sender, self._settings.receivers
                )
        except smtplib.SMTPException as problem:
            raise self._problem(problem) from None
        except ssl.SSLError as problem:
            text = self._shown(problem.reason or problem)
            if isinstance(problem, ssl.SSLCertVerificationError):
                raise SourceRefused(f"the server's certificate is not trusted: {text}") from None
            raise SourceError(f"no TLS with the server: {text}") from None
        except TimeoutError:
            raise SourceError("the server did not answer in time") from None
        except OSError as problem:
            why = reason_of(problem) or self._shown(problem)
            raise SourceError(f"the server is not reached: {why}") from None
        except ValueError as problem:  # an answer that is no SMTP
            raise SourceError(f"the server does not speak SMTP: {self._shown(problem)}") from None
        if refused:
            return f"{len(refused)} of {len(self._settings.receivers)} receivers were refused"
        return ""

    def message(self, letter: Letter) -> EmailMessage:
        """A letter as it goes out: plain text, headers without line breaks."""
        given = self._settings
        title = " ".join((PREFIX.get(letter.severity, "") + letter.title).split())
        message = EmailMessage(policy=SMTP)
        message["Subject"] = title if len(title) <= TITLE else title[: TITLE - 1] + "…"
        message["From"] = f"Grok Sauce <{given.sender}>"
        message["To"] = ", ".join(given.receivers)
        message["Date"] = format_datetime(as_datetime(letter.at))
        # The same at every attempt: a mail that came twice is seen to be one.
        message["Message-ID"] = f"<{letter.uid}@{given.sender.partition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        if letter.severity == "urgent":
            message["Importance"] = "high"
        message.set_content(f"{letter.text}\n\n--\nGrok Sauce. Not advice.\n")
        return message

    def _session(self) -> smtplib.SMTP:
        """A signed-in session.

        Raises:
            SourceRefused: TLS is wanted and not offered.
            smtplib.SMTPException, OSError: as they come.
        """
        given = self._settings
        context = self._context or ssl.create_default_context()
        session: smtplib.SMTP
        if given.smtp_security == "ssl":
            session = smtplib.SMTP_SSL(
                given.smtp_host, given.smtp_port, timeout=given.smtp_timeout, context=context
            )
        else:
            session = smtplib.SMTP(given.smtp_host, given.smtp_port, timeout=given.smtp_timeout)
        try:
            session.ehlo_or_helo_if_needed()
            if given.smtp_security == "starttls":
                if not session.has_extn("starttls"):
                    raise SourceRefused("the server offers no STARTTLS; nothing was sent")
                session.starttls(context=context)
            elif given.smtp_security == "none" and given.smtp_host not in LOOPBACK:
                raise SourceRefused("a server elsewhere needs TLS; nothing was sent")
            if given.password:
                session.login(given.smtp_user or given.sender, given.password)
        except BaseException:
            session.close()
            raise
        return session

    def _problem(self, problem: smtplib.SMTPException) -> Exception:
        """Whose move it is after an answer of the server."""
        if isinstance(problem, smtplib.SMTPAuthenticationError):
            text = self._shown(_words(problem.smtp_error))
            return SourceRefused(f"sign-in was refused ({problem.smtp_code} {text})")
        if isinstance(problem, smtplib.SMTPNotSupportedError):
            return SourceRefused(self._shown(problem))
        if isinstance(problem, smtplib.SMTPRecipientsRefused):
            code, words = next(iter(problem.recipients.values()))
            return _by_code(code, f"no receiver was taken ({code} {self._shown(_words(words))})")
        if isinstance(problem, smtplib.SMTPResponseException):
            text = self._shown(_words(problem.smtp_error))
            said = f"the server said {problem.smtp_code} {text}"
            if isinstance(problem, (smtplib.SMTPDataError, smtplib.SMTPSenderRefused)):
                return _by_code(problem.smtp_code, said)
            return SourceError(said)  # it was not about this letter
        if "timed out" in str(problem):
            return SourceError("the server did not answer in time")
        return SourceError(self._shown(problem) or type(problem).__name__)

    def _shown(self, text: object) -> str:
        return shown(text, self._secrets)


def _by_code(code: int, text: str) -> Exception:
    return Undeliverable(text) if 500 <= code < 600 else SourceError(text)


def _words(answer: bytes | str) -> str:
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer


def build(settings: NotifySettings) -> MailTarget:
    """The target of these settings.

    Raises:
        SettingsError: they cannot work.
    """
    settings.check_mail()
    return MailTarget(settings)
