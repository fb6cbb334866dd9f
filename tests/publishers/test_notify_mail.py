"""E-mail: over TLS to a real server, refused, hanging, garbled; headers that hold."""

from __future__ import annotations

import email
import email.policy
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.errors import SettingsError, SourceError, SourceRefused
from grok_sauce.publishers.notify_mail import MailTarget, build
from grok_sauce.publishers.notify_settings import NotifySettings
from grok_sauce.publishers.notify_target import Letter, Undeliverable
from tests.publishers.notify_kit import script, talker

LETTER = Letter("SPX below zero gamma", "SPX 5,985.00 − below.", "warn", "abc123", 1797449527.0)
PASSWORD = "canary-pass-4f2a"
BASE = NotifySettings(
    smtp_host="127.0.0.1",
    smtp_security="none",
    sender="desk@example.net",
    receivers=("me@example.net", "you@example.net"),
    smtp_timeout=2.0,
)


class Post:
    """Keeps mails; refuses receivers that begin with "no"."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.secure: list[bool] = []
        self.reply = "250 OK"

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if address.startswith("no"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails.append((email.message_from_bytes(envelope.content, policy=email.policy.default),
                           envelope))  # fmt: skip
        self.secure.append(session.ssl is not None)
        return self.reply


def free_port() -> int:
    """A port that nobody has; the server's library cannot choose one itself."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def sign_in(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=data.password == PASSWORD.encode(), handled=False)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def secure_port(post: Post, authority: trustme.CA) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server = Controller(
        post, hostname="127.0.0.1", port=free_port(), tls_context=context, require_starttls=True,
        authenticator=sign_in, auth_required=True,
    )  # fmt: skip
    server.start()
    yield server.server.sockets[0].getsockname()[1]
    server.stop()


@pytest.fixture
def plain_port(post: Post) -> Iterator[int]:
    server = Controller(post, hostname="127.0.0.1", port=free_port())
    server.start()
    yield server.server.sockets[0].getsockname()[1]
    server.stop()


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def test_a_mail_goes_out_over_starttls_after_signing_in(
    post: Post, secure_port: int, authority: trustme.CA
) -> None:
    settings = replace(BASE, smtp_security="starttls", smtp_port=secure_port, password=PASSWORD)

    remark = MailTarget(settings, trusting(authority)).send(LETTER)

    ((mail, envelope),) = post.mails
    assert remark == ""
    assert post.secure == [True]
    assert envelope.rcpt_tos == ["me@example.net", "you@example.net"]
    assert mail["Subject"] == "SPX below zero gamma"
    assert mail["Message-ID"] == "<abc123@example.net>"
    assert mail["Date"].datetime.timestamp() == LETTER.at
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().splitlines()[0] == "SPX 5,985.00 − below."


def test_a_certificate_that_nobody_vouches_for_gets_no_password(
    post: Post, secure_port: int
) -> None:
    settings = replace(BASE, smtp_security="starttls", smtp_port=secure_port, password=PASSWORD)

    with pytest.raises(SourceRefused, match="certificate is not trusted"):
        MailTarget(settings).send(LETTER)

    assert post.mails == []


def test_a_server_without_starttls_gets_nothing(post: Post, plain_port: int) -> None:
    settings = replace(BASE, smtp_security="starttls", smtp_port=plain_port, password=PASSWORD)

    with pytest.raises(SourceRefused, match="no STARTTLS"):
        MailTarget(settings).send(LETTER)

    assert post.mails == []


def test_a_wrong_password_is_the_user_s_move_and_is_not_shown(
    secure_port: int, authority: trustme.CA
) -> None:
    settings = replace(BASE, smtp_security="starttls", smtp_port=secure_port, password="wrong-7788")

    with pytest.raises(SourceRefused, match="sign-in was refused") as refused:
        MailTarget(settings, trusting(authority)).send(LETTER)

    assert "wrong-7788" not in str(refused.value)


def test_receivers_that_are_refused_are_counted(post: Post, plain_port: int) -> None:
    some = replace(BASE, smtp_port=plain_port, receivers=("no@example.net", "me@example.net"))
    none = replace(BASE, smtp_port=plain_port, receivers=("no@example.net",))

    assert MailTarget(some).send(LETTER) == "1 of 2 receivers were refused"
    with pytest.raises(Undeliverable, match=r"no receiver was taken \(550 no such user"):
        MailTarget(none).send(LETTER)


@pytest.mark.parametrize(
    "reply, error", [("554 spam", Undeliverable), ("451 try later", SourceError)]
)
def test_five_hundred_is_for_good_and_four_hundred_for_now(
    post: Post, plain_port: int, reply: str, error: type[Exception]
) -> None:
    post.reply = reply

    with pytest.raises(error, match=reply.split()[1]):
        MailTarget(replace(BASE, smtp_port=plain_port)).send(LETTER)


@pytest.mark.parametrize(
    "answers",
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n",),
        (b"\x00\xff\xfe garbage\r\n",),
        (b"",),
        (b"220 hello\r\n", b"x" * 20_000 + b"\r\n"),
        (b"421 too busy\r\n",),
        (b"220 hi\r\n", b"250 ok\r\n", b"250 ok\r\n"),
    ],
    ids=["web", "bytes", "silence", "endless", "busy", "cut"],
)
def test_a_server_that_is_none_is_tried_again(answers: tuple[bytes, ...]) -> None:
    with talker(script(*answers)) as port, pytest.raises(SourceError):
        MailTarget(replace(BASE, smtp_port=port)).send(LETTER)


def test_a_server_that_hangs_ends_with_the_time_limit() -> None:
    release = threading.Event()

    with talker(lambda connection: bool(release.wait(10)) and None) as port:
        with pytest.raises(SourceError, match=r"did not answer in time"):
            MailTarget(replace(BASE, smtp_port=port, smtp_timeout=0.2)).send(LETTER)
        release.set()


def test_nobody_there_is_tried_again() -> None:
    with talker(script(b"")) as port:
        pass

    with pytest.raises(SourceError, match="not reached: Connection refused"):
        MailTarget(replace(BASE, smtp_port=port)).send(LETTER)


@given(st.text(max_size=400), st.text(max_size=400))
def test_no_title_or_text_makes_a_header_of_its_own(title: str, text: str) -> None:
    letter = replace(LETTER, title=f"{title}\r\nBcc: x@evil.example\n\nbody", text=text)

    mail = MailTarget(BASE).message(letter)
    read = email.message_from_bytes(bytes(mail), policy=email.policy.default)

    assert sorted(read.keys()) == sorted(set(read.keys()))
    assert "Bcc" not in read
    assert read["To"] == "me@example.net, you@example.net"
    assert len(read["Subject"]) <= 150


@pytest.mark.parametrize(
    "values, field",
    [
        ({"sender": "desk"}, "EMAIL_SENDER"),
        ({"sender": "a@b.c\r\nBcc: x@y.z"}, "EMAIL_SENDER"),
        ({"receivers": ("me@example.net", "a b@c.d")}, "EMAIL_RECEIVER"),
        ({"smtp_host": "mail.example.org"}, "SMTP_SECURITY"),
    ],
    ids=lambda values: next(iter(values)) if isinstance(values, dict) else values,
)
def test_settings_that_cannot_work_name_their_variable(values: Any, field: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        build(replace(BASE, **values))

    assert wrong.value.field == field
