"""The webhook layer: alone as WSGI, and on real sockets in both async modes."""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.alerts.intake import Answer, Post
from grok_sauce.web.visitors import networks
from grok_sauce.web.webhook import Sender, sender_of, webhook_layer

ROOT = Path(__file__).parents[2]
TOKEN = "canary-c3d8-" + "t" * 32
BODY = b'{"ticker": "NQ", "action": "buy"}'
HTTP_SECONDS = 10.0
Reply = tuple[str, dict[str, str], Any]


def page(environ: Mapping[str, Any], start: Callable[..., Any]) -> list[bytes]:
    start("200 OK", [])
    return [b"page"]


class Bench:
    """The layer over an intake that notes what it is given."""

    def __init__(self, answer: Answer | None = None, **options: Any) -> None:
        self.posts: list[Post] = []
        self.refused: list[tuple[str, str]] = []
        self.answer = answer or Answer(200, {"status": "success"})
        options.setdefault("intake", self.take)
        self.app = webhook_layer(
            page,
            options.pop("intake"),
            partial(sender_of, proxies=networks(["10.0.0.1"])),
            options.pop("elsewhere", None),
            refused=lambda address, what: self.refused.append((address, what)),
            **options,
        )

    def take(self, post: Post) -> Answer:
        self.posts.append(post)
        return self.answer

    def ask(self, path: str, body: bytes = BODY, method: str = "POST", **environ: Any) -> Reply:
        found: dict[str, Any] = {}

        def start(status: str, headers: list[tuple[str, str]]) -> None:
            found.update(status=status, headers=dict(headers))

        text = b"".join(
            self.app(
                {
                    **{"REQUEST_METHOD": method, "PATH_INFO": path, "REMOTE_ADDR": "1.2.3.4"},
                    **{"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))},
                    **environ,
                },
                start,
            )
        )
        is_json = text.startswith(b"{")
        return found["status"], found["headers"], json.loads(text) if is_json else text


def test_an_alert_reaches_the_intake_with_its_token_and_body() -> None:
    bench = Bench()

    status, _, document = bench.ask(f"/webhook/{TOKEN}", HTTP_X_ANY="seen", CONTENT_TYPE="a/b")

    [post] = bench.posts
    assert (status, document) == ("200 OK", {"status": "success"})
    assert (post.method, post.token, post.body) == ("POST", TOKEN, BODY)
    assert dict(post.headers) == {"x-any": "seen", "content-type": "a/b", "content-length": "33"}
    assert (post.headers["x-any"], post.headers.get("x-none", "")) == ("seen", "")
    assert "x-none" not in post.headers


@pytest.mark.parametrize("path", ["/webhook", "/webhook/"])
def test_without_a_token_in_the_path_there_is_none(path: str) -> None:
    bench = Bench()

    bench.ask(path)

    assert bench.posts[0].token is None


@pytest.mark.parametrize("path", ["/", "", "/webhooks", "/webhook-x/t", "/Webhook", "/api/webhook"])
def test_everything_else_is_passed_on(path: str) -> None:
    bench = Bench()

    assert bench.ask(path)[2] == b"page"
    assert bench.posts == []


def test_nothing_behind_the_layer_sees_a_path_with_more_than_a_token() -> None:
    bench = Bench()

    status, _, document = bench.ask(f"/webhook/{TOKEN}/more")

    assert status == "404 Not Found"
    assert TOKEN not in str(document)
    assert bench.posts == []


def test_every_answer_is_sealed() -> None:
    answer = Answer(503, {"status": "error", "message": "Größe"}, (("Retry-After", "5"),))

    status, headers, document = Bench(answer).ask("/webhook")

    assert status == "503 Service Unavailable"
    assert document == {"status": "error", "message": "Größe"}
    assert headers == {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Content-Length": headers["Content-Length"],
        "Retry-After": "5",
    }


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "OPTIONS"])
def test_other_methods_reach_the_intake_without_their_body(method: str) -> None:
    bench = Bench(Answer(405, {"status": "error"}, (("Allow", "POST"),)))

    status, headers, document = bench.ask("/webhook", method=method)

    assert (status, headers["Allow"]) == ("405 Method Not Allowed", "POST")
    assert bench.posts[0].body == b""
    assert document == (b"" if method == "HEAD" else {"status": "error"})


def test_a_process_without_an_alert_half_says_where_alerts_go() -> None:
    bench = Bench(intake=None, elsewhere="http://127.0.0.1:5011")

    status, _, document = bench.ask(f"/webhook/{TOKEN}")

    assert status == "404 Not Found"
    assert document["message"] == "No alerts are taken here; send to http://127.0.0.1:5011"
    assert bench.ask("/indicator")[2] == b"page"


@pytest.mark.parametrize(
    "body, environ, status, what",
    [
        (b"x" * 16_385, {}, "413 Request Entity Too Large", "body 413"),
        (b"", {"CONTENT_LENGTH": "9" * 30}, "413 Request Entity Too Large", "body 413"),
        (b"x", {"CONTENT_LENGTH": "-1"}, "400 Bad Request", "body 400"),
        (b"x", {"CONTENT_LENGTH": "²"}, "400 Bad Request", "body 400"),
        (b"x", {"CONTENT_LENGTH": "2"}, "400 Bad Request", "body 400"),
        (b"x", {"HTTP_TRANSFER_ENCODING": "chunked"}, "400 Bad Request", "body 400"),
        (b"x", {"HTTP_TRANSFER_ENCODING": "gzip"}, "400 Bad Request", "body 400"),
        (
            b"x",
            {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""},
            "411 Length Required",
            "body 411",
        ),
    ],
)
def test_a_body_that_is_not_taken_is_refused_and_told_of(
    body: bytes, environ: dict[str, str], status: str, what: str
) -> None:
    bench = Bench()

    assert bench.ask("/webhook", body, **environ)[0].split()[0] == status.split()[0]
    assert bench.refused == [("1.2.3.4", what)]
    assert bench.posts == []


def test_a_request_without_a_body_is_an_empty_one() -> None:
    bench = Bench()

    bench.ask("/webhook", b"", CONTENT_LENGTH="")

    assert bench.posts[0].body == b""


@pytest.mark.parametrize(
    "environ, sender",
    [
        ({"REMOTE_ADDR": "1.2.3.4"}, Sender("1.2.3.4", "1.2.3.4", False, False, False)),
        ({"REMOTE_ADDR": "127.0.0.1"}, Sender("127.0.0.1", "127.0.0.1", False, True, False)),
        ({"REMOTE_ADDR": "::1"}, Sender("::1", "::1", False, True, False)),
        ({"REMOTE_ADDR": "::ffff:127.0.0.1"}, Sender("127.0.0.1", "127.0.0.1", False, True, False)),
        (
            {"REMOTE_ADDR": "2001:db8::7"},
            Sender("2001:db8::7", "2001:db8::/64", False, False, False),
        ),
        # A tunnel that nobody listed: the whole internet behind one address.
        (
            {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "1.2.3.4"},
            Sender("127.0.0.1", "via 127.0.0.1", True, True, False),
        ),
        (
            {"REMOTE_ADDR": "9.9.9.9", "HTTP_VIA": "x"},
            Sender("9.9.9.9", "via 9.9.9.9", True, False, False),
        ),
        (
            {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "6.6.6.6, 1.2.3.4"},
            Sender("1.2.3.4", "1.2.3.4", True, False, True),
        ),
        (
            {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"},
            Sender("127.0.0.1", "127.0.0.1", True, False, True),
        ),
        ({"REMOTE_ADDR": ""}, Sender("", "unknown:", False, False, False)),
    ],
)
def test_a_sender_is_believed_as_far_as_its_proxy(environ: dict[str, str], sender: Sender) -> None:
    assert sender_of(environ, networks(["10.0.0.1"])) == sender


@given(st.text(max_size=30), st.binary(max_size=50), st.text(max_size=10))
def test_any_path_body_and_length_are_answered(path: str, body: bytes, length: str) -> None:
    status, _, _ = Bench().ask(f"/webhook/{path}", body, CONTENT_LENGTH=length)

    assert status[:3] in ("200", "400", "404", "413")


# On real sockets.


class Served:
    """A server in a process of its own."""

    def __init__(self, mode: str, log: Path) -> None:
        self.mode = mode.split()[0]
        self.log = log
        with log.open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "tests/web/webhook_server.py"), *mode.split()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def link(self) -> socket.socket:
        link = socket.create_connection(("127.0.0.1", self.port), timeout=HTTP_SECONDS)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return link

    def say(self, text: bytes, *more: bytes, pause: float = 0.0) -> list[tuple[int, Any]]:
        """Send parts with pauses; every answer until the server closes or is silent."""
        with self.link() as link:
            try:
                for part in (text, *more):
                    link.sendall(part)
                    time.sleep(pause)
            except OSError:
                pass  # the server has closed already; its answer is still there to read
            return list(answers(link))

    def post(self, body: bytes = BODY, token: str = TOKEN) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=HTTP_SECONDS)
        connection.request("POST", f"/webhook/{token}", body)
        answer = connection.getresponse()
        found = answer.status, json.loads(answer.read())
        connection.close()
        return found


def answers(link: socket.socket) -> Iterator[tuple[int, Any]]:
    """Answers on a connection, until it is closed."""
    stream = link.makefile("rb")
    try:
        while line := stream.readline():
            length = 0
            while (header := stream.readline()) not in (b"\r\n", b""):
                name, _, value = header.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            status = int(line.split()[1])
            text = stream.read(length)
            yield status, json.loads(text) if text.startswith(b"{") else text
    except OSError:
        return


@pytest.fixture(scope="module", params=["eventlet", "eventlet wsgi", "threading"])
def served(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[Served]:
    server = Served(request.param, tmp_path_factory.mktemp("webhook") / "log")
    yield server
    server.process.communicate(timeout=10)
    text = server.log.read_text()
    assert server.process.returncode == 0
    assert "Traceback" not in text
    assert "canary" not in text
    assert BODY.decode() not in text


def request(body: bytes = BODY, *headers: str, length: int | None = None) -> bytes:
    head = [f"POST /webhook/{TOKEN} HTTP/1.1", "Host: some-tunnel.example", *headers]
    if not any(header.lower().startswith("transfer-encoding") for header in headers):
        head.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join([*head, "", ""]).encode() + body


CLOSE = "Connection: close"
CHUNKED = "Transfer-Encoding: chunked"


def test_a_post_under_any_host_is_answered(served: Served) -> None:
    [(status, document)] = served.say(request(BODY, CLOSE))

    assert status == 200
    assert document == {
        "size": len(BODY),
        "sha": hashlib.sha256(BODY).hexdigest(),
        "token": TOKEN,
        "address": "127.0.0.1",
        "forwarded": False,
        "loopback": True,
    }


def test_a_body_in_many_parts_is_put_together(served: Served) -> None:
    body = bytes(range(256)) * 64  # 16 KiB
    text = request(body, CLOSE)

    [(status, document)] = served.say(*(text[at : at + 3000] for at in range(0, len(text), 3000)))

    assert (status, document["sha"]) == (200, hashlib.sha256(body).hexdigest())


def test_a_chunked_body_is_read(served: Served) -> None:
    text = request(b"5;ext=1\r\nHello\r\n1\r\n \r\n5\r\nworld\r\n0\r\nX: y\r\n\r\n", CLOSE, CHUNKED)

    [(status, document)] = served.say(*(text[at : at + 7] for at in range(0, len(text), 7)))

    assert (status, document["size"]) == (200, 11)
    assert document["sha"] == hashlib.sha256(b"Hello world").hexdigest()


@pytest.mark.parametrize(
    "body, status",
    [
        (b"4001\r\n" + b"x" * 100, 413),
        (b"2000\r\n" + b"x" * 8192 + b"\r\n2001\r\n", 413),
        (b"FFFFFFFFFFFF\r\n", 400),
        (b"-5\r\nHello\r\n", 400),
        (b"5\r\nHello!\r\n0\r\n\r\n", 400),
        (b"\r\n", 400),
        (b"1" * 5000, 400),
        (b"0\r\n" + b"a: b\r\n" * 50, 400),
    ],
)
def test_a_chunked_body_that_is_wrong_or_too_large_ends_the_connection(
    served: Served, body: bytes, status: int
) -> None:
    [(found, document)] = served.say(request(body, CHUNKED))

    assert (found, document["status"]) == (status, "error")


def test_the_next_request_on_a_connection_is_read_where_the_last_one_ended(served: Served) -> None:
    chunked = request(b"3\r\nabc\r\n0\r\n\r\n", CHUNKED)
    too_large = request(b"x" * 20_000)

    found = served.say(request(b"1") + chunked + too_large + request(b"12345", CLOSE))

    sizes = [(status, document.get("size")) for status, document in found]
    # The server of the threading mode ends each connection after its first answer.
    whole = [(200, 1), (200, 3), (413, None), (200, 5)]
    assert sizes == (whole if served.mode == "eventlet" else whole[:1])


@pytest.mark.parametrize("sent", [b"", b"{", BODY[:-1]])
def test_half_a_body_is_dropped_after_its_time(served: Served, sent: bytes) -> None:
    began = time.monotonic()

    [(status, document)] = served.say(request(sent, length=len(BODY)))

    assert (status, document["message"]) == (408, "The body did not arrive in time")
    assert 0.3 < time.monotonic() - began < 4


@pytest.mark.parametrize("headers", [[], [CHUNKED]])
def test_a_body_that_drips_is_dropped_after_its_time(served: Served, headers: list[str]) -> None:
    began = time.monotonic()

    found = served.say(request(b"", *headers, length=1000), *([b"1"] * 8), pause=0.1)

    assert [status for status, _ in found] == [408]
    assert time.monotonic() - began < 4


def test_who_leaves_in_the_middle_harms_nobody(served: Served) -> None:
    for text in (request(b"{", length=100), request(b"5\r\nHe", CHUNKED), b"POST /webhook/x HT"):
        with served.link() as link:
            link.sendall(text)

    assert served.post()[0] == 200


def test_a_body_that_is_too_large_is_told_so(served: Served) -> None:
    assert served.post(b"x" * 16_384)[0] == 200
    assert served.post(b"x" * 16_385) == (413, {"status": "error", "message": "Too large"})
    assert served.post(b"x" * 200_000)[0] == 413


def test_a_body_of_gigabytes_is_not_waited_for(served: Served) -> None:
    began = time.monotonic()

    [(status, _)] = served.say(request(b"x" * 1000, length=10_000_000_000))

    assert status == 413
    assert time.monotonic() - began < 4


def test_who_waits_for_leave_to_send_gets_it(served: Served) -> None:
    text = request(BODY, CLOSE, "Expect: 100-continue")
    head, body = text[: -len(BODY)], text[-len(BODY) :]

    with served.link() as link:
        link.sendall(head)
        assert link.recv(100).startswith(b"HTTP/1.1 100 Continue")
        link.sendall(body)
        [(status, document)] = [pair for pair in answers(link) if pair[0] != 100]

    assert (status, document["size"]) == (200, len(BODY))


def test_length_and_chunks_together_are_refused(served: Served) -> None:
    text = request(b"0\r\n\r\n", CHUNKED, "Content-Length: 5")

    [(status, _)] = served.say(text)

    assert status == 400


def test_slow_senders_do_not_hold_up_the_others(served: Served) -> None:
    slow = [served.link() for _ in range(20)]
    for link in slow:
        link.sendall(request(b"{", length=100))
    statuses: list[int] = []

    def post_some() -> None:
        statuses.extend(served.post()[0] for _ in range(5))

    began = time.monotonic()
    threads = [threading.Thread(target=post_some) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HTTP_SECONDS)
    took = time.monotonic() - began
    for link in slow:
        link.close()

    assert statuses == [200] * 40
    assert took < 4


def test_pages_behind_the_layer_work_as_before(served: Served) -> None:
    [(status, text)] = served.say(
        b"GET /indicator HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )

    assert (status, text) == (200, b"page")
