"""A browser on one address with two web roles behind it: one is killed, then the feed is."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.product.browser import Open
from tests.product.harness import until
from tests.product.roles_demo import Roles

CONNECTION = "document.documentElement.dataset.connection"
CHIP = "document.querySelector('.chip[data-mode]').dataset.mode"


class Address:
    """What a load balancer is to a browser: one port, and connections that go wherever it says."""

    def __init__(self, to: int) -> None:
        self.to = to
        self._sock = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._sock.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._sock.accept()
                far = socket.create_connection(("127.0.0.1", self.to), timeout=5)
            except ConnectionRefusedError:
                near.close()
                continue
            except OSError:
                return
            far.settimeout(None)
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        for sock in (one, other):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._sock.close()


@pytest.fixture
def roles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Roles]:
    found = Roles(tmp_path_factory.mktemp("roles"))
    yield found
    found.close()


@pytest.mark.browser
@pytest.mark.timeout(300)
def test_a_page_outlives_its_web_role_and_greys_with_its_feed(roles: Roles, open_tab: Open) -> None:
    roles.whole()
    address = Address(roles.running["web1"].port)
    with open_tab() as tab:
        tab.page.goto(f"http://127.0.0.1:{address.port}/indicator")
        until(lambda: tab.page.evaluate(CONNECTION) == "live", 30, "the live connection")

        address.to = roles.running["web2"].port
        roles.kill("web1")
        until(lambda: tab.page.evaluate(CONNECTION) != "live", 15, "the lost connection")
        until(lambda: tab.page.evaluate(CONNECTION) == "live", 40, "the other web role")
        before = tab.prices()
        until(lambda: tab.prices() != before, 30, "prices that move")

        feed = roles.running["feed"]
        feed.process.send_signal(signal.SIGSTOP)
        until(lambda: tab.page.evaluate(CHIP) == "NO FEED", 20, "the chip")
        until(lambda: tab.page.evaluate(CONNECTION) == "lost", 5, "grey numbers")
        until(lambda: tab.stale() >= len(before) - 1, 5, "grey rows")
        banner = tab.page.locator('[data-banner="feed"]').inner_text()
        feed.process.send_signal(signal.SIGCONT)
        until(lambda: tab.page.evaluate(CHIP) == "DEMO", 60, "the chip of the feed")
        until(lambda: tab.page.evaluate(CONNECTION) == "live", 10, "numbers that are not grey")
        until(lambda: tab.stale() == 0, 30, "live rows")

        assert "said nothing" in banner
        assert tab.hosts == {"127.0.0.1"}
    address.close()
