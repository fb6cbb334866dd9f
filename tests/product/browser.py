"""A real Chromium on the product: what leaves the machine and what it complains of is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from urllib.parse import urlsplit


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


Open = Callable[..., AbstractContextManager[Tab]]


def opener(browser: Any) -> Open:
    """open_tab(**options of a Playwright context): a tab in a fresh context of the browser."""

    @contextmanager
    def open_tab(**options: Any) -> Iterator[Tab]:
        size = options.pop("viewport", {"width": 1440, "height": 900})
        context = browser.new_context(viewport=size, **options)
        try:
            yield Tab(context)
        finally:
            context.close()

    return open_tab
