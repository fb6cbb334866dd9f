"""GET and POST against a loopback server that answers badly on purpose."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.errors import BadPayload, SourceError
from grok_sauce.http import USER_AGENT, Http, HttpStatus, Unreachable
from grok_sauce.runtime.clock import ManualClock, RealClock

Reply = Callable[[BaseHTTPRequestHandler], None]


class LoopbackSite:
    """Answers every request with what the test set; remembers what was asked."""

    def __init__(self) -> None:
        self.reply: Reply = text(200, b"{}")
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def handle_one(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                headers = {name.lower(): value for name, value in self.headers.items()}
                site.seen.append((self.command, self.path, headers, self.rfile.read(length)))
                site.reply(self)

            do_GET = do_POST = handle_one

            def log_message(self, format: str, *args: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def text(status: int, body: bytes, kind: str = "application/json", **headers: str) -> Reply:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return reply


@pytest.fixture
def site() -> Iterator[LoopbackSite]:
    made = LoopbackSite()
    yield made
    made.close()


@pytest.fixture
def http() -> Http:
    return Http(RealClock(), read=1.0)


def test_json_is_read_and_the_program_names_itself(site: LoopbackSite, http: Http) -> None:
    site.reply = text(200, b'{"data": [1, null]}')

    answer = http.get_json(site.url + "/a", {"symbol[]": ["SPY", "BRK/B"]}, {"X-A": "b"})

    assert answer == {"data": [1, None]}
    ((method, path, headers, _),) = site.seen
    assert (method, path) == ("GET", "/a?symbol%5B%5D=SPY&symbol%5B%5D=BRK%2FB")
    assert headers["user-agent"] == USER_AGENT
    assert headers["accept"] == "application/json"
    assert headers["x-a"] == "b"
    assert USER_AGENT.count("/") == 1


def test_a_body_is_sent_as_json(site: LoopbackSite, http: Http) -> None:
    http.post_json(site.url, {"a": "ü"})

    ((method, _, headers, body),) = site.seen
    assert method == "POST"
    assert headers["content-type"] == "application/json"
    assert json.loads(body) == {"a": "ü"}


def test_a_netrc_does_not_replace_the_authorization(
    site: LoopbackSite, http: Http, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))

    http.get_json(site.url, headers={"Authorization": "Bearer token"})

    assert site.seen[0][2]["authorization"] == "Bearer token"


def test_a_proxy_of_the_environment_is_not_used_for_this_machine(
    site: LoopbackSite, http: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")

    assert http.get_json(site.url) == {}


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 429, 500, 502])
def test_another_status_is_an_error_that_keeps_the_answer(
    site: LoopbackSite, http: Http, status: int
) -> None:
    site.reply = text(status, b'{"error": {"code": "x"}}', Location="http://127.0.0.1:9/elsewhere")

    with pytest.raises(HttpStatus) as caught:
        http.get_json(site.url + "/path", {"key": "SECRET"})

    assert caught.value.status == status
    assert caught.value.answer.json() == {"error": {"code": "x"}}
    assert str(status) in str(caught.value)
    assert "/path" in str(caught.value)
    assert "SECRET" not in str(caught.value)
    assert len(site.seen) == 1


def test_a_web_page_is_recognised(site: LoopbackSite, http: Http) -> None:
    site.reply = text(401, b"<html>401</html>", "text/html")

    with pytest.raises(HttpStatus, match="web page") as caught:
        http.get_json(site.url)

    assert caught.value.answer.is_html


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{", b'{"a": NaN}', b'{"a": Infinity}', b"[" * 100_000], ids=repr
)
def test_what_is_no_json_is_a_bad_payload(site: LoopbackSite, http: Http, body: bytes) -> None:
    site.reply = text(200, body)

    with pytest.raises(BadPayload):
        http.get_json(site.url)


def test_a_body_over_the_cap_is_refused_even_when_it_was_packed_small(
    site: LoopbackSite, http: Http
) -> None:
    packed = gzip.compress(b" " * 1_000_000)
    site.reply = text(200, packed, Content_Encoding="gzip")

    with pytest.raises(BadPayload, match="more than"):
        http.get(site.url, limit=10_000)

    assert len(packed) < 10_000


def test_nobody_listening_is_unreachable_and_the_key_stays_out_of_the_message(
    site: LoopbackSite, http: Http
) -> None:
    site.close()

    with pytest.raises(Unreachable, match="refused") as caught:
        http.get_json(site.url + "/x", {"apiKey": "SECRET"})

    assert "SECRET" not in str(caught.value)
    assert isinstance(caught.value, SourceError)


def test_a_server_that_hangs_is_left(site: LoopbackSite) -> None:
    go_on = threading.Event()
    site.reply = lambda handler: (go_on.wait(5), None)[1]

    with pytest.raises(Unreachable, match="in time"):
        Http(RealClock(), read=0.2).get_json(site.url)

    go_on.set()


def test_an_answer_in_drips_ends_at_the_whole_time(site: LoopbackSite) -> None:
    clock = ManualClock()

    def drips(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(3):
            clock.advance(30)
            handler.wfile.write(b" " * 70_000)

    site.reply = drips

    with pytest.raises(Unreachable, match="slowly"):
        Http(clock, whole=60.0).get(site.url)


def test_a_connection_cut_in_mid_answer_is_unreachable(site: LoopbackSite, http: Http) -> None:
    def cuts(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"{")

    site.reply = cuts

    with pytest.raises(Unreachable):
        http.get_json(site.url)


def test_an_unchanged_answer_is_no_error(site: LoopbackSite, http: Http) -> None:
    site.reply = text(304, b"", ETag='"1"')

    answer = http.get(site.url, headers={"If-None-Match": '"1"'})

    assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", '"1"')


@pytest.mark.parametrize("url", ["", "nonsense", "http://", "http://[::1", "ftp://127.0.0.1/x"])
def test_an_address_that_is_none_is_unreachable(http: Http, url: str) -> None:
    with pytest.raises(Unreachable):
        http.get(url)
