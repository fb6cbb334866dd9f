"""One POST against listeners on loopback that answer as told, or do not."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from grok_sauce.alerts.model import Destination
from grok_sauce.alerts.targets import TargetGuard
from grok_sauce.alerts.transport import Transport, request_bytes, signature
from grok_sauce.errors import SettingsError
from grok_sauce.runtime.clock import RealClock

HEADERS = {"Idempotency-Key": "A1-localhost:9060-open", "webhook-id": "A1-localhost:9060-open"}
BODY = '{"ticker":"NQ","qty":1}'

Script = Callable[[socket.socket, bytes], None]


class Listener:
    """Accepts connections, reads a whole request, then does what script says."""

    def __init__(self, script: Script, family: Any = socket.AF_INET, port: int = 0) -> None:
        self._server = socket.create_server(
            ("127.0.0.1" if family == socket.AF_INET else "::1", port), family=family
        )
        self.port: int = self._server.getsockname()[1]
        self.requests: list[bytes] = []
        self._script = script
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._server.accept()
            except OSError:
                return
            with peer:
                data = b""
                while BODY.encode() not in data:
                    more = peer.recv(65536)
                    if not more:
                        break
                    data += more
                self.requests.append(data)
                with contextlib.suppress(OSError):  # the other side has gone
                    self._script(peer, data)

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)


@contextmanager
def listening(script: Script, **where: Any) -> Iterator[Listener]:
    listener = Listener(script, **where)
    try:
        yield listener
    finally:
        listener.close()


def says(text: str) -> Script:
    return lambda peer, _: peer.sendall(text.encode("latin-1"))


def status(line: str, *headers: str, body: str = "") -> Script:
    lines = [f"HTTP/1.1 {line}", *headers, f"Content-Length: {len(body)}", "", body]
    return says("\r\n".join(lines))


def to(port: int, **changes: Any) -> Destination:
    values: dict[str, Any] = {
        "id": f"localhost:{port}",
        "host": "localhost",
        "port": port,
        "path": "/receive",
        "name": "",
        "strategies": (),
        "mode": "live",
    }
    return Destination(**(values | changes))


def transport(**options: Any) -> Transport:
    return Transport(TargetGuard(set), RealClock(), **options)


def free_port(family: Any = socket.AF_INET) -> int:
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.bind(("127.0.0.1" if family == socket.AF_INET else "::1", 0))
        port: int = sock.getsockname()[1]
        return port


def test_the_request_is_the_one_that_listeners_know() -> None:
    with listening(status("200 OK", body='{"status":"ok"}')) as listener:
        outcome = transport().send(to(listener.port), BODY, HEADERS | {"X-Attempt": "2"})

    assert (outcome.kind, outcome.status, outcome.text) == ("delivered", 200, '{"status":"ok"}')
    head, _, body = listener.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /receive HTTP/1.1"
    assert f"Host: localhost:{listener.port}" in lines
    assert "Content-Type: application/json" in lines
    assert f"Content-Length: {len(BODY)}" in lines
    assert "Idempotency-Key: A1-localhost:9060-open" in lines
    assert "webhook-id: A1-localhost:9060-open" in lines
    assert "X-Attempt: 2" in lines
    assert any(line.startswith("webhook-timestamp: ") for line in lines)
    assert not any(line.startswith("webhook-signature") for line in lines)
    assert body.decode() == BODY


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        *[(f"{code} x", "delivered") for code in (200, 201, 202, 204, 299)],
        *[(f"{code} x", "refused") for code in (300, 301, 302, 307, 308, 400, 401, 404, 422)],
        *[(f"{code} x", "not_accepted") for code in (408, 425, 429, 503)],
        *[(f"{code} x", "ambiguous") for code in (500, 501, 502, 504, 599)],
    ],
)
def test_what_a_status_says_of_the_order(line: str, kind: str) -> None:
    with listening(status(line, "Location: http://127.0.0.1:1/")) as listener:
        outcome = transport().send(to(listener.port), BODY, HEADERS)

    assert (outcome.kind, outcome.status) == (kind, int(line[:3]))
    assert outcome.detail == f"answered {line[:3]}"
    assert len(listener.requests) == 1  # nothing is followed


def test_a_port_where_nobody_listens_was_not_sent_to() -> None:
    outcome = transport().send(to(free_port()), BODY, HEADERS)

    assert (outcome.kind, outcome.status) == ("not_sent", None)
    assert outcome.detail == "connection refused"


def test_a_listener_on_the_second_loopback_address_only_is_found() -> None:
    with listening(status("200 OK"), family=socket.AF_INET6) as listener:
        outcome = transport().send(to(listener.port), BODY, HEADERS)

    assert outcome.kind == "delivered"


def test_the_second_address_is_not_tried_after_the_first_was_connected() -> None:
    closes = listening(lambda peer, _: None)  # without a word
    with (
        closes as first,
        listening(status("200 OK"), family=socket.AF_INET6, port=first.port) as second,
    ):
        outcome = transport().send(to(first.port), BODY, HEADERS)

    assert outcome.kind == "ambiguous"
    assert second.requests == []


def test_a_listener_that_asks_for_its_host_is_satisfied() -> None:
    def picky(peer: socket.socket, data: bytes) -> None:
        host = f"Host: localhost:{listener.port}\r\n".encode()
        status("200 OK" if host in data else "400 Bad Request")(peer, data)

    with listening(picky) as listener:
        outcome = transport().send(to(listener.port), BODY, HEADERS)

    assert outcome.kind == "delivered"


def test_a_listener_that_never_answers_is_given_up_in_time() -> None:
    with listening(lambda peer, _: time.sleep(0.8)) as listener:
        began = time.monotonic()
        outcome = transport(total_s=0.3).send(to(listener.port), BODY, HEADERS)
        took = time.monotonic() - began

    assert outcome.kind == "ambiguous"
    assert outcome.detail == "no answer within 0.3 s"
    assert 0.25 < took < 0.7


def drips(text: str, pause: float) -> Script:
    def script(peer: socket.socket, data: bytes) -> None:
        for byte in text.encode():
            peer.sendall(bytes([byte]))
            time.sleep(pause)

    return script


def test_an_answer_that_drips_ends_at_the_limit() -> None:
    with listening(drips("HTTP/1.1 200 OK\r\n\r\n", 0.1)) as listener:
        began = time.monotonic()
        outcome = transport(total_s=0.4).send(to(listener.port), BODY, HEADERS)
        took = time.monotonic() - began

    assert outcome.kind == "ambiguous"
    assert took < 0.8


def test_an_answer_whose_status_is_known_counts_though_its_body_drips() -> None:
    def script(peer: socket.socket, data: bytes) -> None:
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n")
        drips("x" * 20, 0.1)(peer, data)

    with listening(script) as listener:
        began = time.monotonic()
        outcome = transport().send(to(listener.port), BODY, HEADERS)
        took = time.monotonic() - began

    assert outcome.kind == "delivered"
    assert 0 < len(outcome.text) < 20
    assert took < 1.5


def test_an_answer_without_length_that_stays_open_is_not_waited_for() -> None:
    def script(peer: socket.socket, data: bytes) -> None:
        peer.sendall(b"HTTP/1.1 200 OK\r\n\r\nfine")
        time.sleep(1.2)

    with listening(script) as listener:
        began = time.monotonic()
        outcome = transport().send(to(listener.port), BODY, HEADERS)
        took = time.monotonic() - began

    assert (outcome.kind, outcome.text) == ("delivered", "fine")
    assert took < 1.1


@pytest.mark.parametrize(
    "script",
    [
        lambda peer, _: None,
        lambda peer, _: peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"),
        says("this is no HTTP\r\n\r\n"),
        says("HTTP/1.1 abc\r\n\r\n"),
        says("HTTP/1.1 200 OK\r\nX: " + "y" * 70_000),
        says("HTTP/1.1 20"),
    ],
    ids=["closed", "reset", "no http", "no status", "endless header", "cut off"],
)
def test_what_goes_wrong_after_the_request_left_is_ambiguous(script: Script) -> None:
    with listening(script) as listener:
        outcome = transport(total_s=1.0).send(to(listener.port), BODY, HEADERS)

    assert (outcome.kind, outcome.status) == ("ambiguous", None)


def test_only_the_start_of_an_answer_is_read() -> None:
    with listening(status("200 OK", body="z" * 400_000)) as listener:
        outcome = transport().send(to(listener.port), BODY, HEADERS)

    assert outcome.kind == "delivered"
    assert outcome.text == "z" * 300


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), ("0", 0.0), ("-3", None), ("soon", None), ("1e9", None)]
)
def test_retry_after_is_read(header: str, seconds: float | None) -> None:
    with listening(status("503 Busy", f"Retry-After: {header}")) as listener:
        outcome = transport().send(to(listener.port), BODY, HEADERS)

    assert (outcome.kind, outcome.retry_after_s) == ("not_accepted", seconds)


def test_a_signature_is_that_of_standard_webhooks() -> None:
    # The example of the specification of Standard Webhooks, "Symmetric signature".
    key = base64.b64decode("C2FVsBQIhrscChlQIMV+b5sSYspob7oD")
    body = b'{"email":"test@example.com","username":"test_user"}'

    made = signature([key], "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1649367553, body)

    assert made == "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="


def test_every_key_of_a_target_signs_so_that_keys_can_be_changed() -> None:
    keys = [b"n" * 24, b"o" * 24]
    with listening(status("200 OK")) as listener:
        sender = transport(
            keys_of=lambda target: keys if target.endswith(str(listener.port)) else []
        )
        sender.send(to(listener.port), BODY, HEADERS)

    head = dict(
        line.split(": ", 1)
        for line in listener.requests[0].decode().split("\r\n\r\n")[0].split("\r\n")[1:]
    )
    signed = f"{head['webhook-id']}.{head['webhook-timestamp']}.{BODY}".encode()
    expected = [
        "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        for key in keys
    ]
    assert head["webhook-signature"].split(" ") == expected
    assert abs(int(head["webhook-timestamp"]) - time.time()) < 10


def test_an_address_the_guard_refuses_is_not_connected_to() -> None:
    with listening(status("200 OK")) as listener:
        own = Transport(TargetGuard(lambda: {listener.port}), RealClock())
        outcome = own.send(to(listener.port), BODY, HEADERS)

    assert outcome.kind == "not_sent"
    assert "port of this program" in outcome.detail
    assert listener.requests == []


def test_a_name_that_cannot_be_resolved_was_not_sent_to() -> None:
    class Nowhere:
        def addresses(self, host: str, port: int) -> list[Any]:
            raise OSError("no address is known for nt-box")

    outcome = Transport(Nowhere(), RealClock()).send(to(9060, host="nt-box"), BODY, HEADERS)

    assert (outcome.kind, outcome.detail) == ("not_sent", "no address is known for nt-box")


def test_a_connection_that_is_not_taken_up_in_time_was_not_sent_to() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]  # more than its backlog
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        outcome = transport(connect_s=0.2).send(to(port), BODY, HEADERS)
        for each in waiting:
            each.close()

    assert outcome.kind == "not_sent"


@pytest.mark.parametrize("bad", ["x\r\nEvil: 1", "x\ny", "ключ"])
def test_nothing_that_would_end_a_header_line_is_sent(bad: str) -> None:
    outcome = transport().send(to(free_port()), BODY, HEADERS | {"Idempotency-Key": bad})

    assert outcome.kind == "not_sent"
    with pytest.raises(ValueError):
        request_bytes(to(9060), b"", {"X": bad})


def test_a_guard_error_names_no_bytes_as_sent() -> None:
    class Refusing:
        def addresses(self, host: str, port: int) -> list[Any]:
            raise SettingsError("port: 5010 is a port of this program", "port")

    outcome = Transport(Refusing(), RealClock()).send(to(5010), BODY, HEADERS)

    assert outcome.kind == "not_sent"
