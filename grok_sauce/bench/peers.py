"""The peers: packages that may be missing, and how the tastytrade SDK reads a frame."""

from __future__ import annotations

import importlib
import importlib.util
import json
import logging
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

    Its streamer reads the text, makes an object of every event and puts it into the queue of
    its kind; whoever uses it takes events from there one by one. The socket is left out.

    Raises:
        ImportError: it is not installed, or it works otherwise than it used to.
    """
    module = importlib.import_module("tastytrade.streamer")
    logging.getLogger("tastytrade").setLevel(logging.WARNING)  # it would log every frame
    classes = module.MAP_EVENTS
    for kind, fields in FIELDS.items():
        asked = [info.alias for info in classes[kind].model_fields.values()]
        if asked != fields:
            raise ImportError(f"this tastytrade SDK reads other fields of {kind}")
    streamer = module.DXLinkStreamer(None)
    try:
        place, channels, take = streamer._map_message, streamer._channels, streamer.get_event_nowait
    except AttributeError as problem:
        raise ImportError(f"this tastytrade SDK streams in another way: {problem}") from None
    last: dict[tuple[str, str], Any] = {}

    def read(frame: str | bytes) -> None:
        data = json.loads(frame)["data"]
        kind = data[0]
        place(data, channels[kind])
        own = classes[kind]
        while (event := take(own)) is not None:
            last[kind, event.event_symbol] = event

    return read, last
