"""Chats through Apprise: delivered, refused, hanging, sent elsewhere; addresses stay secret."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from grok_sauce.errors import SettingsError, SourceError, SourceRefused
from grok_sauce.publishers import notify_chat
from grok_sauce.publishers.notify_chat import ChatTarget
from grok_sauce.publishers.notify_settings import NotifySettings
from grok_sauce.publishers.notify_target import Letter, Undeliverable
from tests.publishers.notify_kit import webhook

LETTER = Letter("SPX above <call wall>", "line one\nline two", "urgent", "u1", 1797449527.0)
SECRET = "token-canary-4f2a"


def test_a_message_arrives_as_it_is() -> None:
    with webhook() as hook:
        assert ChatTarget("desk", f"json://127.0.0.1:{hook.port}/{SECRET}").send(LETTER) == ""

    posted = json.loads(hook.posts[0])
    assert posted["title"] == "SPX above <call wall>"
    assert posted["message"] == "line one\nline two"
    assert posted["type"] == "failure"


@pytest.mark.parametrize(
    "status, error",
    [(401, SourceRefused), (404, SourceRefused), (400, Undeliverable), (500, SourceError),
     (429, SourceError)],
)  # fmt: skip
def test_whose_move_it_is_follows_the_status(status: int, error: type[Exception]) -> None:
    with webhook() as hook:
        hook.answers = [status]
        with pytest.raises(error, match=str(status)) as problem:
            ChatTarget("desk", f"json://127.0.0.1:{hook.port}/{SECRET}").send(LETTER)

    assert SECRET not in str(problem.value)
    assert type(problem.value) is error


def test_a_redirect_is_not_followed() -> None:
    with webhook() as elsewhere, webhook() as hook:
        hook.answers = [307]
        hook.location = f"http://127.0.0.1:{elsewhere.port}/"
        with pytest.raises(SourceError):
            ChatTarget("desk", f"json://127.0.0.1:{hook.port}/").send(LETTER)

        assert elsewhere.posts == []


def test_a_chat_that_hangs_ends_with_the_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify_chat, "READ", 0.2)

    with webhook() as hook:
        hook.hangs = True
        with pytest.raises(SourceError):
            ChatTarget("desk", f"json://127.0.0.1:{hook.port}/").send(LETTER)


@pytest.mark.parametrize(
    "url",
    [f"nosuch://{SECRET}", f"tgram://{SECRET}", f"mailto://{SECRET}@example.net", "dbus://",
     f"discord://{SECRET}"],
)  # fmt: skip
def test_an_address_that_cannot_be_used_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(SourceRefused) as refused:
        ChatTarget("desk", url).send(LETTER)

    assert SECRET not in str(refused.value)


def test_the_library_is_loaded_with_the_first_message_only() -> None:
    program = (
        "import sys\n"
        "from grok_sauce.publishers.notify_chat import ChatTarget\n"
        "import grok_sauce.desks.notices\n"
        "target = ChatTarget('desk', 'json://127.0.0.1:9/')\n"
        "sys.exit('apprise' in sys.modules or bool(not target.detail))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parents[2], check=False, timeout=60
    )

    assert done.returncode == 0


@pytest.mark.parametrize(
    "text, found",
    [
        ("", {}),
        (
            "desk=json://h/a,b phone=tgram://1:2/3",
            {"desk": "json://h/a,b", "phone": "tgram://1:2/3"},
        ),
        ("desk=json://h/?x=1,phone=ntfys://t", {"desk": "json://h/?x=1", "phone": "ntfys://t"}),
    ],
)
def test_targets_are_names_with_addresses(text: str, found: dict[str, str]) -> None:
    assert NotifySettings(targets=text).urls() == found


@pytest.mark.parametrize(
    "text",
    [f"json://{SECRET}", f"Desk=json://{SECRET}", f"email=json://{SECRET}",
     f"a=json://h b=json://h a=json://{SECRET}", f"stray desk=json://{SECRET}",
     " ".join(f"t{i}=json://{SECRET}" for i in range(11))],
)  # fmt: skip
def test_names_that_cannot_be_are_refused_without_showing_an_address(text: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        NotifySettings(targets=text).urls()

    assert wrong.value.field == "NOTICE_TARGETS"
    assert SECRET not in str(wrong.value)


def test_four_twilio_lines_make_a_target_for_text_messages() -> None:
    settings = NotifySettings(
        twilio_sid="AC1", twilio_token="t/k", twilio_from="+15551234567", twilio_to="+15557654321"
    )

    assert settings.urls() == {"sms": "twilio://AC1:t%2Fk@%2B15551234567/%2B15557654321"}
    assert NotifySettings(twilio_sid="AC1").urls() == {}
