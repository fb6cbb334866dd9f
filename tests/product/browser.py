"""A real Chromium on the product: what leaves the machine and what it complains of is kept."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Tab:
    """A page with its console errors and the hosts it asked."""

    def __init__(self, context: Any) -> None:
        self.page = context.new_page()
        self.errors: list[str] = []
        self.hosts: set[str] = set()
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.hosts.add(urlsplit(request.url).hostname))
        self.page.on("websocket", lambda socket: self.hosts.add(urlsplit(socket.url).hostname))

    def _console(self, line: Any) -> None:
        if line.type == "error":
            self.errors.append(line.text)

    def prices(self) -> dict[str, str]:
        """{symbol: text of its price cell}."""
        found: dict[str, str] = self.page.evaluate(
            "Object.fromEntries([...document.querySelectorAll('tbody tr[data-symbol]')]"
            ".map(tr => [tr.dataset.symbol, tr.querySelector('td.price').textContent.trim()]))"
        )
        return found

    def order(self) -> list[str]:
        """The symbols as the table shows them, top down."""
        found: list[str] = self.page.evaluate(
            "[...document.querySelectorAll('tbody tr[data-symbol]')].map(tr => tr.dataset.symbol)"
        )
        return found

    def heads(self) -> list[str]:
        """The columns from left to right."""
        found: list[str] = self.page.evaluate(
            "[...document.querySelectorAll('thead th[data-col]')].map(th => th.dataset.col)"
        )
        return found

    def width(self, column: str) -> float:
        """The drawn width of a column in pixels."""
        found: float = self.page.evaluate(
            'c => document.querySelector(`thead th[data-col="${c}"]`)'
            ".getBoundingClientRect().width",
            column,
        )
        return found

    def stale(self) -> int:
        """How many rows are drawn grey."""
        return int(self.page.locator("tbody tr.stale").count())


@contextmanager
def chromium(**options: Any) -> Iterator[Tab]:
    """A tab in a fresh browser; skips by name where there is no Chromium."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on the path (Debian: apt-get install chromium)")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            context = browser.new_context(
                viewport=options.pop("viewport", {"width": 1440, "height": 900}), **options
            )
            yield Tab(context)
        finally:
            browser.close()
