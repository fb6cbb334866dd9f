"""A line in the terminal that says how far something is, drawn anew in place."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Final, TextIO

TERMINAL: Final = 1.0  # seconds between two lines on a terminal, where one replaces the other
FILE: Final = 30.0  # in a log, where each stays


class ProgressLine:
    """A worker: writes line() now and then, and once more at the end."""

    name = "progress"

    def __init__(self, line: Callable[[], str], stream: TextIO | None = None) -> None:
        self._line = line
        self._stream = stream or sys.stderr
        self._width = 0
        self._shown = ""

    def run(self, stop: threading.Event) -> None:
        """Write until stop is set."""
        is_terminal = self._stream.isatty()
        while not stop.wait(TERMINAL if is_terminal else FILE):
            self._show("\r" if is_terminal else "", "" if is_terminal else "\n")

    def last(self) -> None:
        """The last one, with a line of its own."""
        self._show("\r" if self._stream.isatty() else "", "\n")

    def _show(self, before: str, after: str) -> None:
        text = self._line()
        if text == self._shown and not before:
            return  # a log need not be told again that nothing moves
        self._shown = text
        self._stream.write(f"{before}{text:<{self._width}}{after}")
        self._stream.flush()
        self._width = len(text) if before else 0
