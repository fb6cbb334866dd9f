"""`token access|streamer` shows how long a token is good for and never the token."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from grok_sauce import cli

QUOTE = {"token": "QUOTE-VALUE", "dxlink-url": "wss://feed.example/realtime", "level": "api"}


class TokenSite:
    """Gives out one access and one quote token."""

    def __init__(self) -> None:
        self.quote: dict[str, Any] = QUOTE
        self.login: tuple[int, dict[str, Any]] = (
            200,
            {"access_token": "ACCESS-VALUE", "expires_in": 900},
        )
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.answer(*site.login)

            def do_GET(self) -> None:
                self.answer(200, {"data": site.quote})

            def answer(self, status: int, value: object) -> None:
                data = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def token_site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[TokenSite]:
    """A broker on loopback, named by the .env file of a fresh folder."""
    site = TokenSite()
    env = tmp_path / ".env"
    env.write_text(
        f"CLIENT_SECRET=secret-value\nREFRESH_TOKEN=refresh-value\nTASTY_API_BASE={site.url}\n"
    )
    monkeypatch.setenv("GROK_SAUCE_ENV_FILE", str(env))
    for name in ("CLIENT_ID", "CLIENT_SECRET", "REFRESH_TOKEN", "TASTY_API_BASE"):
        monkeypatch.delenv(name, raising=False)
    yield site
    site.close()


def run_token(kind: str, folder: Path) -> int:
    return cli.main(["token", kind, "--data", str(folder / "data")])


def test_an_access_token_is_shown_by_its_validity(
    token_site: TokenSite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run_token("access", tmp_path)

    shown = capsys.readouterr().out
    assert code == 0
    assert "access token" in shown
    assert "15 min 0 s" in shown or "14 min 5" in shown
    assert token_site.url in shown
    for secret in ("ACCESS-VALUE", "secret-value", "refresh-value"):
        assert secret not in shown


@pytest.mark.parametrize(
    ("level", "words"), [("api", "real-time quotes"), ("demo", "DELAYED quotes (level demo)")]
)
def test_a_streamer_token_is_shown_with_address_and_level(
    level: str,
    words: str,
    token_site: TokenSite,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    token_site.quote = {**QUOTE, "level": level}

    code = run_token("streamer", tmp_path)

    shown = capsys.readouterr().out
    assert code == 0
    assert "24 h 0 min" in shown or "23 h 59 min" in shown
    assert f"wss://feed.example/realtime, {words}" in shown
    assert "QUOTE-VALUE" not in shown


def test_a_refusal_is_one_clear_line_and_code_1(
    token_site: TokenSite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refusal = {"error_code": "invalid_grant", "error_description": "Grant revoked"}
    token_site.login = (400, refusal)

    code = run_token("access", tmp_path)

    said = capsys.readouterr()
    assert code == 1
    assert said.out == ""
    assert "Grant revoked" in said.err
    assert "my.tastytrade.com" in said.err
    assert "Traceback" not in said.err


def test_missing_credentials_are_named(
    token_site: TokenSite,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GROK_SAUCE_ENV_FILE", str(tmp_path / "none"))

    code = run_token("access", tmp_path)

    assert code == 1
    assert "CLIENT_SECRET and REFRESH_TOKEN missing in .env" in capsys.readouterr().err
