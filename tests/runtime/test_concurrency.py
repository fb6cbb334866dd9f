"""Both async modes, each in a process of its own: the test runner is never patched."""

from __future__ import annotations

import subprocess
import sys

import pytest

MODES = ("eventlet", "threading")


def in_mode(mode: str, body: str) -> str:
    """Run body after patch(mode) in a fresh interpreter; its standard output."""
    code = (
        "from grok_sauce.runtime import concurrency\n"
        f"concurrency.patch({mode!r})\nconcurrency.check_patched()\n{body}"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("mode", MODES)
def test_offload_and_submit_leave_the_caller_free(mode: str) -> None:
    out = in_mode(
        mode,
        """
import queue, threading, time
answers = queue.Queue()
beats = []
stop = threading.Event()
def beat():
    while not stop.wait(0.005):
        beats.append(time.monotonic())
concurrency.spawn(beat)
def slow(n):
    import hashlib
    hashlib.pbkdf2_hmac("sha256", b"x", b"y", 400_000)
    return n * 2
concurrency.submit(slow, 21, done=answers.put, failed=answers.put)
concurrency.submit(lambda: 1 / 0, done=answers.put, failed=lambda e: answers.put(type(e).__name__))
got = {str(answers.get(timeout=30)), str(answers.get(timeout=30))}
stop.set()
gaps = [b - a for a, b in zip(beats, beats[1:])]
print(sorted(got), max(gaps) < 0.1, concurrency.offload(lambda a, b=0: a + b, 1, b=2))
""",
    )

    assert out == "['42', 'ZeroDivisionError'] True 3"


@pytest.mark.parametrize("mode", MODES)
def test_server_answers_ends_half_requests_and_closes(mode: str) -> None:
    out = in_mode(
        mode,
        """
import http.client, socket, threading, time
def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
sock = concurrency.listen("127.0.0.1", 0)
port = sock.getsockname()[1]
server = concurrency.Server(sock, app, socket_timeout=0.5)
concurrency.spawn(server.serve)
half = socket.create_connection(("127.0.0.1", port)); half.sendall(b"GET / HTTP/1.1\\r\\nHos")
half.settimeout(10)
connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
connection.request("GET", "/")
print(connection.getresponse().read().decode(), half.recv(100).partition(b"\\r\\n")[0][:12])
""",
    )

    assert out.startswith("ok b'")


def test_unpatched_eventlet_is_refused_by_name() -> None:
    code = (
        "from grok_sauce.runtime import concurrency\nimport os\n"
        "os.environ['EVENTLET_NO_GREENDNS'] = 'yes'\n"
        "concurrency._runtime.mode = 'eventlet'\n"
        "import warnings; warnings.simplefilter('ignore')\n"
        "try:\n    concurrency.check_patched()\nexcept Exception as e:\n    print(e)"
    )

    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert "socket is not patched" in out.stdout, out.stderr


def test_names_are_looked_up_beside_the_loop() -> None:
    out = in_mode(
        "eventlet",
        """
import socket
print(socket.getaddrinfo("localhost", 80)[0][4][1], socket.getaddrinfo("127.0.0.1", 81)[0][4][1])
""",
    )

    assert out == "80 81"


def test_unknown_mode_and_port_in_use_are_clear_errors() -> None:
    out = in_mode(
        "threading",
        """
from grok_sauce.errors import StartupError
for call in (lambda: concurrency.patch("asyncio"), lambda: concurrency.patch("eventlet")):
    try:
        call()
    except StartupError as problem:
        print(problem)
taken = concurrency.listen("127.0.0.1", 0)
try:
    concurrency.listen("127.0.0.1", taken.getsockname()[1])
except StartupError as problem:
    print("--port" in str(problem))
""",
    )

    assert "must be one of eventlet, threading" in out
    assert "cannot become eventlet" in out
    assert out.endswith("True")
