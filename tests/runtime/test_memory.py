"""Arenas of native threads, looked at from outside: what the C library says of itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOOK = """
import ctypes, re, threading
from grok_sauce.runtime.memory import few_arenas

if {few}:
    assert few_arenas()
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
ready, over = threading.Barrier(13), threading.Event()

def work():
    libc.malloc(100_000)
    ready.wait()
    over.wait()

for _ in range(12):
    threading.Thread(target=work, daemon=True).start()
ready.wait()
file = libc.fopen(b"/dev/stdout", b"w")
libc.malloc_info(0, ctypes.c_void_p(file))
libc.fclose(ctypes.c_void_p(file))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc is Linux's")
def test_native_threads_share_one_arena() -> None:
    many, few = (
        subprocess.run(
            [sys.executable, "-c", LOOK.format(few=few)],
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
            env={"PYTHONPATH": "."},
        ).stdout.count("<heap nr=")
        for few in (False, True)
    )

    assert many > 2
    assert few == 1
