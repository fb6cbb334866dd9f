"""How the C library hands out memory to native threads."""

from __future__ import annotations

import sys
from typing import Final

M_ARENA_MAX: Final = -8  # of glibc's malloc.h
ARENAS: Final = 1


def few_arenas() -> bool:
    """Let native threads share one arena of glibc's malloc; False where there is no glibc.

    Each of the pool's twenty threads would have one of its own and keep what was freed in it:
    15 MB by the first page. Python's small objects do not come from there, so threads hardly
    wait for each other. Must run before the threads do. MALLOC_ARENA_MAX would do the same
    for a process that is started with it.
    """
    if sys.platform != "linux":
        return False
    import ctypes

    try:
        return bool(ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS))
    except (AttributeError, OSError):  # another C library
        return False
