"""The peers: packages that may be missing, and how the tastytrade SDK reads a frame."""

from __future__ import annotations

import importlib
import importlib.util
import json
from collections.abc import Callable
from typing import Any, Final

from grok_sauce.bench.frames import FIELDS

INSTALL: Final = "pip install -r requirements-bench.txt"


def missing(package: str) -> str:
    """Why a package cannot be compared with; empty when it is there."""
    if importlib.util.find_spec(package) is not None:
        return ""
    return f"{package} is not installed: {INSTALL}"


def sdk_reader() -> tuple[Callable[[str | bytes], None], dict[tuple[str, str], Any]]:
    """How the tastytrade SDK turns a frame into events, and the dictionary they end in.

    Less than its streamer does: its queues are left out.

    Raises:
        ImportError: it is not installed, or it asks for other fields than it used to.
    """
    module = importlib.import_module("tastytrade.dxfeed")
    classes = {kind: getattr(module, kind) for kind in FIELDS}
    for kind, fields in FIELDS.items():
        asked = [info.alias for info in classes[kind].model_fields.values()]
        if asked != fields:
            raise ImportError(f"this tastytrade SDK reads other fields of {kind}")
    last: dict[tuple[str, str], Any] = {}

    def read(frame: str | bytes) -> None:
        kind, flat = json.loads(frame)["data"]
        for event in classes[kind].from_stream(flat):
            last[kind, event.event_symbol] = event

    return read, last
