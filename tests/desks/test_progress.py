"""A line in the terminal: drawn in place there, told once in a log."""

from __future__ import annotations

import io

from grok_sauce.desks.progress import ProgressLine


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_the_last_line_replaces_the_one_before_whole() -> None:
    words = iter(["replayed 10 of 20", "done"])
    out = Terminal()
    line = ProgressLine(lambda: next(words), out)

    line._show("\r", "")
    line.last()

    assert out.getvalue() == "\rreplayed 10 of 20\rdone             \n"


def test_in_a_log_nothing_is_said_twice() -> None:
    out = io.StringIO()
    line = ProgressLine(lambda: "paused", out)

    line.last()
    line.last()

    assert out.getvalue() == "paused\n"
