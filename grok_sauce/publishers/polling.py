"""What long-polling browsers post is checked before Engine.IO reads it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Any, Final

from engineio.payload import Payload

# CLOSE, PONG, MESSAGE: all that a browser posts (Engine.IO protocol 4).
_POSTED: Final = frozenset((1, 3, 4))

Answer = Callable[..., Any]


def guard_posts(engine: Any) -> None:
    """Refuse a wrong POST with 400 here; wraps handle_request of an engineio.Server.

    Engine.IO answers a post that is too long, or holds a packet it does not know, by closing
    the session and then waiting until somebody polls what is queued for it. Nobody does, so
    each such post would hold a thread for good.
    """
    handle = engine.handle_request

    def guarded(environ: dict[str, Any], start_response: Answer) -> Iterable[bytes]:
        if environ.get("REQUEST_METHOD") == "POST":
            body = _body(environ, int(engine.max_http_buffer_size))
            if body is None:
                start_response("400 BAD REQUEST", [("Content-Type", "text/plain")])
                return [b"not a post of ours"]
            environ["wsgi.input"] = io.BytesIO(body)
        answer: Iterable[bytes] = handle(environ, start_response)
        return answer

    engine.handle_request = guarded


def _body(environ: dict[str, Any], most: int) -> bytes | None:
    """The body when it is one Engine.IO understands and not longer than most bytes."""
    try:
        size = int(environ.get("CONTENT_LENGTH") or 0)
        if not 0 < size <= most:
            return None
        body: bytes = environ["wsgi.input"].read(size)
        packets = Payload(encoded_payload=body.decode()).packets
    except (ValueError, KeyError, IndexError, OSError):
        return None
    if all(packet.packet_type in _POSTED and not packet.binary for packet in packets):
        return body
    return None
