"""errors: what the system said, in words a person reads."""

from __future__ import annotations

import errno

import pytest

from grok_sauce.errors import reason_of


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (OSError(errno.ECONNREFUSED, "ECONNREFUSED"), "Connection refused"),
        (OSError(errno.ECONNREFUSED, "Connection refused"), "Connection refused"),
        (OSError(errno.EPERM, "certificate has expired"), "certificate has expired"),
        (OSError("no number"), ""),
    ],
)
def test_a_bare_error_name_becomes_words_and_words_stay(problem: OSError, words: str) -> None:
    assert reason_of(problem) == words
