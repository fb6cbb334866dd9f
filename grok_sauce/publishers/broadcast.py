"""The fast lane: one frame for all browsers of a room, sent without waiting for any of them.

A browser that cannot take a frame gets no backlog. It is owed one newest whole state, made
when its turn comes, and everything that happens until then is part of that state.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any, Final

import socketio
from engineio import packet as engine_packet
from engineio.exceptions import SocketIsClosedError

from grok_sauce.publishers.frames import Message
from grok_sauce.publishers.wire import DONT_WAIT, Wire, install
from grok_sauce.runtime import concurrency

log = logging.getLogger(__name__)

# A browser that has not taken what is being written to it for so long is dropped (seconds).
STUCK: Final = 60.0
# Packets that are not states (answers, pings) waiting for one browser; more and it is dropped.
QUEUE: Final = 100
# The loop lets others run after so many browsers: about 3 ms.
BREATH: Final = 256

Whole = Callable[[], Message]


class Client:
    """One browser connection and what is owed to it.

    owed holds at most one waiting message per room, so it cannot grow. sent and skipped
    count states of rooms.
    """

    __slots__ = (
        "address",
        "dropped",
        "lock",
        "owed",
        "rooms",
        "sent",
        "session",
        "skipped",
        "wire",
    )

    def __init__(self, session: str, address: str) -> None:
        self.session = session
        self.address = address
        self.lock = threading.Lock()
        self.owed: dict[str, Owed] = {}
        self.rooms: dict[str, str] = {}  # room -> page
        self.sent = 0
        self.skipped = 0
        self.dropped = False
        self.wire: Wire | None = None


class Owed:
    """A state on its way through Engine.IO's queue, in the shape of one of its packets.

    It is turned into bytes when the connection is ready for it: as the change it was made
    for, or, when more has happened meanwhile, as the newest whole state.
    """

    __slots__ = ("client", "message", "room", "whole")

    packet_type = engine_packet.MESSAGE
    data = None
    binary = False

    def __init__(self, client: Client, room: str, message: Message, whole: Whole) -> None:
        self.client = client
        self.room = room
        self.message: Message | None = message  # None: whole, when its turn comes
        self.whole = whole

    def take(self) -> Message:
        """What to send now; from here on news needs a new Owed."""
        client = self.client
        with client.lock:
            if client.owed.get(self.room) is self:
                del client.owed[self.room]
            client.sent += 1
            message = self.message
        return self.whole() if message is None else message

    def encode(self, b64: bool = False) -> Any:
        """Called by Engine.IO: itself where a Wire takes it, else text (long polling: b64)."""
        return self if not b64 and self.client.wire is not None else self.take().text


class Manager(socketio.Manager):  # type: ignore[misc]
    """Socket.IO's client manager, with broadcast() for rooms that have a whole state.

    Under eventlet, call it on green threads only. Connections are known to it between
    opened() and closed().
    """

    def __init__(
        self,
        monotonic: Callable[[], float],
        stuck: float = STUCK,
        spawn: Callable[..., Any] = concurrency.spawn,
    ) -> None:
        super().__init__()
        self._spawn = spawn
        self._monotonic = monotonic
        self._stuck = stuck
        self._breathes = concurrency.mode() == "eventlet"
        self.clients: dict[str, Client] = {}
        self.fast = False
        self.sent = 0  # by connections that are closed by now
        self.skipped = 0
        self.dropped = 0

    # -- connections ---------------------------------------------------------------------

    def attach(self, engine: Any, mode: str) -> None:
        """Reach for the WebSockets of an engineio.Server; without them all goes the slow way."""
        problem = install(engine, mode, self._wired, self._unwired, self._monotonic)
        self.fast = problem is None
        if problem:
            log.warning("no fast lane, browsers are served the slower way: %s", problem)

    def opened(self, session: str, address: str) -> Client:
        """An Engine.IO connection was let in."""
        client = self.clients[session] = Client(session, address)
        return client

    def closed(self, session: str) -> None:
        """It is gone."""
        client = self.clients.pop(session, None)
        if client is not None:
            self.sent += client.sent
            self.skipped += client.skipped

    def drop(self, session: str, why: str) -> None:
        """End a connection that does harm, without waiting for it."""
        client = self.clients.get(session)
        if client is None or client.dropped:
            return
        client.dropped = True
        self.dropped += 1
        log.info("a browser connection was dropped: %s", why)
        if client.wire is not None:
            client.wire.abort()
            return
        engine_socket = self.server.eio.sockets.get(session)
        if engine_socket is not None:
            engine_socket.close(wait=False, abort=True)

    def _wired(self, session: str, wire: Wire) -> None:
        client = self.clients.get(session)
        if client is not None:
            client.wire = wire

    def _unwired(self, session: str, wire: Wire) -> None:
        client = self.clients.get(session)
        if client is not None and client.wire is wire:
            client.wire = None

    def disconnect(self, sid: str, namespace: str, **kwargs: Any) -> Any:
        """Socket.IO's end of a session: it has left all rooms."""
        client = self.clients.get(self.eio_sid_from_sid(sid, namespace) or "")
        if client is not None:
            client.rooms.clear()
        return super().disconnect(sid, namespace, **kwargs)

    # -- sending -------------------------------------------------------------------------

    def members(self, room: str) -> int:
        """How many follow a room."""
        return len(self.rooms.get("/", {}).get(room, ()))

    def broadcast(self, room: str, message: Message, whole: Whole) -> None:
        """Send a change to everybody in a room.

        whole() gives the newest whole state of the room; it is asked for those who could
        not take the change at once, when they can, and should be cached by its caller.
        """
        sockets = self.server.eio.sockets
        for count, (_, session) in enumerate(self.get_participants("/", room), 1):
            client = self.clients.get(session)
            engine_socket = sockets.get(session)
            if client is None or engine_socket is None:
                continue
            wire = self._free(client, engine_socket)
            if wire is not None and self._send_now(wire, message):
                client.sent += 1
            else:
                self._owe(client, engine_socket, room, message, whole)
            if self._breathes and not count % BREATH:
                concurrency.sleep(0)

    def emit(
        self,
        event: str,
        data: Any,
        namespace: str,
        room: Any = None,
        skip_sid: Any = None,
        callback: Any = None,
        to: Any = None,
        **kwargs: Any,
    ) -> None:
        """An event that is no state and must not be skipped; encoded and framed once for all.

        Callbacks and binary data go Socket.IO's own way. A browser with too much waiting
        is dropped rather than buffered for.
        """
        try:
            message = None if callback else Message(event, data, namespace)
        except TypeError:
            message = None  # binary: Socket.IO knows how
        if message is None:
            super().emit(event, data, namespace, room, skip_sid, callback, to, **kwargs)
            return
        skip = skip_sid if isinstance(skip_sid, list) else [skip_sid]
        for sid, session in self.get_participants(namespace, to or room):
            engine_socket = self.server.eio.sockets.get(session)
            if sid not in skip and engine_socket is not None:
                self._emit_to(session, engine_socket, message)

    def _emit_to(self, session: str, engine_socket: Any, message: Message) -> None:
        client = self.clients.get(session)
        wire = None if client is None else self._free(client, engine_socket)
        if wire is not None and self._send_now(wire, message):
            return
        if engine_socket.queue.qsize() > QUEUE:
            self.drop(session, f"more than {QUEUE} packets wait for it")
            return
        try:
            engine_socket.send(engine_packet.Packet(engine_packet.MESSAGE, message.text[1:]))
        except SocketIsClosedError:
            log.debug("emit to a connection that closes")

    def _free(self, client: Client, engine_socket: Any) -> Wire | None:
        """The wire when a frame may be written to it here and now, ahead of nothing else."""
        wire = client.wire
        if (
            wire is None
            or wire.direct is None
            or client.owed
            or wire.lock.locked()
            or not engine_socket.upgraded
            or engine_socket.closed
            or engine_socket.queue.qsize()
        ):
            return None
        return wire

    def _send_now(self, wire: Wire, message: Message) -> bool:
        """Hand the frame to the kernel; False when it takes nothing of it now.

        Of a frame it took in part, the rest follows by itself.
        """
        data = message.packed if wire.packs else message.plain
        try:
            taken: int = wire.direct(data, DONT_WAIT)  # type: ignore[misc]
        except BlockingIOError:
            return False
        except OSError:
            return True  # gone; the reader of this connection cleans up
        if taken < len(data):
            # Nothing may come between the two halves of a frame: the lock is held until
            # the rest is out, and what comes after waits behind it.
            wire.lock.acquire()
            self._spawn(self._finish, wire, data[taken:], name="finish-frame")
        return True

    def _finish(self, wire: Wire, rest: bytes) -> None:
        try:
            wire.write(rest)
        except OSError as gone:
            log.debug("a browser went away in the middle of a frame: %s", gone)
        finally:
            wire.lock.release()

    def _owe(
        self, client: Client, engine_socket: Any, room: str, message: Message, whole: Whole
    ) -> None:
        """The lane is busy or there is none: one waiting state goes into Engine.IO's queue."""
        with client.lock:
            waiting = client.owed.get(room)
            if waiting is not None:
                waiting.message = None  # more than one change behind: the whole state
                client.skipped += 1
            else:
                owed = client.owed[room] = Owed(client, room, message, whole)
        if waiting is not None:
            since = client.wire.since if client.wire is not None else None
            if since is not None and self._monotonic() - since > self._stuck:
                self.drop(client.session, f"it took nothing for {self._stuck:.0f} s")
            return
        try:
            engine_socket.send(owed)
        except SocketIsClosedError:
            client.owed.pop(room, None)
