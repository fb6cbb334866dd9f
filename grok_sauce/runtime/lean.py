"""Loading python-socketio without the clients and queues of others that it knows how to use."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

# python-socketio and python-engineio try these and do without: for their clients and for message
# queues between servers. We serve, with a manager of our own.
UNUSED: Final = ("aio_pika", "aiohttp", "kafka", "kombu", "redis", "requests", "tornado", "valkey")


def load_socketio() -> None:
    """Load the server side alone: what its clients want costs 12 MB and 0.1 s of the start.

    For the process that serves, and nobody else: its Socket.IO clients could not poll.
    """
    with without(UNUSED):
        importlib.import_module("socketio")


@contextmanager
def without(packages: Sequence[str]) -> Iterator[None]:
    """Inside, importing these finds nothing, as where they are not installed.

    Python's own way: None in sys.modules. Those that are loaded stay; afterwards all can be.
    """
    hidden = [name for name in packages if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
