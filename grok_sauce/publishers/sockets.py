"""Open browsers: who may connect, what they follow, and what each beat tells them."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import orjson
import socketio
from flask_socketio import SocketIO

from grok_sauce.publishers.broadcast import QUEUE, Client, Manager
from grok_sauce.publishers.followed import Followed, Watch, loading, nobody
from grok_sauce.publishers.frames import Message
from grok_sauce.publishers.limits import Bucket, SocketLimits, is_loopback
from grok_sauce.publishers.pages import PAGES, Page, Refusal, wanted
from grok_sauce.publishers.polling import guard_posts
from grok_sauce.publishers.snapshot import Snapshot, is_row, newest_first, ordered, room_of
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import Clock
from grok_sauce.update import Update

log = logging.getLogger(__name__)

# What an update of a topic is called in the browser.
EVENTS: Final[Mapping[str, str]] = {
    "indicator.rows": "update_indicator",
    "gex.levels": "update_gex",
    "chart.bar": "update_chart",
    "butterfly.mark": "update_butterfly",
    "profile.levels": "update_profile",
    "orb.breakout": "update_orb",
    "lt.levels": "update_lt",
    "news.headline": "update_news",
    "fred.release": "update_econ",
    "calendar.event": "update_events",
    "event.reaction": "update_reactions",
    "sentiment.index": "update_sentiment",
    "alert.state": "update_alerts",
    "strategy.state": "update_signals",
    "forex.trade": "update_forex",
    "service.health": "update_health",
    "notice": "notice",
}


_FLOOD: Final = 100  # events over the allowance, then the connection is ended
_LISTED: Final = 50  # connections named one by one in the status

MayConnect = Callable[[Mapping[str, Any]], str | None]
AddressOf = Callable[[Mapping[str, Any]], str]


class _Json:
    """What Socket.IO encodes answers with: NaN becomes null, as in every other message."""

    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY).decode()

    @staticmethod
    def loads(text: str | bytes, **_: Any) -> Any:
        return orjson.loads(text)


def _quiet(name: str) -> logging.Logger:
    """A logger for faults alone: at INFO each packet is a line, at WARNING each refusal."""
    logger = logging.getLogger(name)
    logger.setLevel(logging.ERROR)
    return logger


def _peer(environ: Mapping[str, Any]) -> str:
    return str(environ.get("REMOTE_ADDR") or "")


class Sockets:
    """The publisher for browsers. Comes after the snapshot in the list of publishers.

    may_connect(environ) returns why a connection is refused (answered with 401) or None;
    it is asked again at each subscription. address_of(environ) is the browser's address,
    with trusted proxies resolved; by default the peer's.

    watch(page, symbol, view) is called when somebody follows a view, unwatch when the last one
    left it; watch may raise SettingsError, whose words the browser gets.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        clock: Clock,
        limits: SocketLimits | None = None,
        may_connect: MayConnect = lambda environ: None,
        address_of: AddressOf = _peer,
        pages: Sequence[Page] = PAGES,
        watch: Watch = nobody,
        unwatch: Watch = nobody,
    ) -> None:
        self._snapshot = snapshot
        self._clock = clock
        self._limits = limits or SocketLimits()
        self._may_connect = may_connect
        self._address_of = address_of
        self._pages = {page.name: page for page in pages}
        self._by_topic = {page.topic: page for page in pages}
        self._whole: dict[str, tuple[int, Message]] = {}
        self._buckets: dict[str, Bucket] = {}
        self.refused = 0
        self.manager = Manager(clock.monotonic, self._limits.stuck)
        self._followed = Followed(self.manager.members, watch, unwatch)
        self.socketio = SocketIO()

    def attach(self, app: Any) -> SocketIO:
        """Put Socket.IO in front of a Flask app; call once, after patching."""
        limits = self._limits
        mode = concurrency.mode()
        self.socketio.init_app(
            app,
            async_mode=mode,
            client_manager=self.manager,
            cors_allowed_origins=None,  # same origin; [] would let every origin in
            async_handlers=False,  # subscribe and unsubscribe in the order they came
            max_http_buffer_size=limits.message,
            ping_interval=limits.ping_interval,
            ping_timeout=limits.ping_timeout,
            http_compression=False,
            json=_Json,
            logger=_quiet("grok_sauce.socketio"),
            engineio_logger=_quiet("grok_sauce.engineio"),
        )
        server = self.socketio.server
        server.on("subscribe", self._on_subscribe)
        server.on("unsubscribe", self._on_unsubscribe)
        server.on("*", self._on_unknown)
        engine = server.eio
        self.manager.attach(engine, mode)
        self._message = engine.handlers["message"]
        self._connect = engine.handlers["connect"]
        self._disconnect = engine.handlers["disconnect"]
        engine.on("message", self._on_message)
        engine.on("connect", self._on_connect)
        engine.on("disconnect", self._on_disconnect)
        guard_posts(engine)
        return self.socketio

    def close(self) -> None:
        """Stop Engine.IO's own helper; the web server ends the connections."""
        if self.socketio.server is not None:
            self.socketio.server.shutdown()

    # -- out -------------------------------------------------------------------------------

    def publish(self, updates: Sequence[Update]) -> None:
        """Tell each room with listeners what changed in this beat, in one message.

        The snapshot must have the updates already: sequence numbers are its own.
        """
        rooms: dict[str, list[Update]] = {}
        for update in updates:
            if update.topic in self._by_topic:
                rooms.setdefault(room_of(update.topic, update.key), []).append(update)
        for room, changes in rooms.items():
            if not self.manager.members(room):
                continue
            page = self._by_topic[changes[0].topic]
            key = changes[0].key
            if page.shape == "rows":
                message = self._changes(page, room, changes)
            else:
                message = self._whole_message(page, key)
            self.manager.broadcast(room, message, partial(self._whole_message, page, key))

    def _changes(self, page: Page, room: str, changes: Iterable[Update]) -> Message:
        newest = {change.key: change.payload for change in changes}
        state = self._head(self._snapshot.seq(room), full=False)
        rows = {key: value for key, value in newest.items() if is_row(key)}
        gone = [key for key, value in rows.items() if value is None]
        state[page.field] = [value for value in rows.values() if value is not None]
        state["removed"] = [*gone, *self._snapshot.left(page.topic)]
        for name in page.beside:
            state[name] = self._snapshot.get(page.topic, f"#{name}")
        for name in page.news:
            state[name] = newest.get(f"#{name}")
        return Message(EVENTS[page.topic], state)

    def _head(self, seq: int, full: bool) -> dict[str, Any]:
        wall = round(self._clock.real() * 1000)
        return {"epoch": self._snapshot.epoch, "seq": seq, "t": wall, "full": full}

    def _state(self, page: Page, key: str) -> dict[str, Any]:
        """The whole newest state of a room, as an acknowledgement carries it."""
        seq, values = self._snapshot.read(page.topic, key)
        state = self._head(seq, full=True)
        if page.newest_first:
            state[page.field] = newest_first(values)
        else:
            state[page.field] = ordered(values) if page.shape == "rows" else values.get(key)
        for name in (*page.beside, *page.news):
            state[name] = values.get(f"#{name}")
        return state | loading(values.get(key)) if page.view else state

    def _whole_message(self, page: Page, key: str) -> Message:
        """The same as an event; encoded once for each sequence number, whoever needs it."""
        room = room_of(page.topic, key)
        cached = self._whole.get(room)
        if cached is not None and cached[0] == self._snapshot.seq(room):
            return cached[1]
        state = self._state(page, key)
        if page.shape == "rows":
            state["removed"] = []
        message = Message(EVENTS[page.topic], state)
        self._whole[room] = (state["seq"], message)
        return message

    # -- in --------------------------------------------------------------------------------

    def _on_connect(self, session: str, environ: Mapping[str, Any]) -> Any:
        address = self._address_of(environ)
        why = self._may_connect(environ) or self._too_many(address)
        if why:
            self.refused += 1
            return why  # Engine.IO answers 401 with it
        self.manager.opened(session, address)
        self._buckets[session] = Bucket(self._limits.events, self._clock.monotonic())
        return self._connect(session, environ)

    def _too_many(self, address: str) -> str | None:
        clients = self.manager.clients
        if len(clients) >= self._limits.sockets:
            return f"{self._limits.sockets} connections are open, which is the limit"
        if is_loopback(address):
            return None
        same = sum(client.address == address for client in list(clients.values()))
        if same >= self._limits.per_address:
            return f"{same} connections from this address are open, which is the limit"
        return None

    def _on_disconnect(self, session: str, reason: Any = None) -> None:
        try:
            self._disconnect(session, reason)
        finally:
            self.manager.closed(session)
            self._buckets.pop(session, None)
            self._followed.left()

    def _on_message(self, session: str, data: Any) -> None:
        """Every message of a browser comes by here, before Socket.IO reads it."""
        bucket = self._buckets.get(session)
        engine_socket = self.socketio.server.eio.sockets.get(session)
        client = self.manager.clients.get(session)
        if bucket is None or engine_socket is None or client is None or client.dropped:
            return
        if not bucket.take(self._clock.monotonic()):
            if bucket.refused > _FLOOD:
                self.manager.drop(session, "it floods us with events")
            elif isinstance(data, str) and data[:1] == "2":
                self._refuse_politely(session, data)
            return
        if engine_socket.queue.qsize() > QUEUE:
            self.manager.drop(session, f"more than {QUEUE} packets wait for it")
            return
        if not _is_socketio(data):
            self.manager.drop(session, "it does not speak Socket.IO")
        else:
            self._message(session, data)
            if data[:1] == "1":  # the end of a Socket.IO session inside a connection
                self._followed.left()

    def _refuse_politely(self, session: str, data: str) -> None:
        """Answer an event over the allowance, if it wants an answer, without reading it."""
        asked = re.match(r"2(\d{1,9})\[", data)
        if asked:
            text = _Json.dumps([Refusal("too_many_requests", "slow down").answer()])
            self.socketio.server.eio.send(session, f"3{asked[1]}{text}")

    def _on_subscribe(self, sid: str, *args: Any) -> dict[str, Any]:
        try:
            session, client = self._client(sid)
            why = self._may_connect(self.socketio.server.environ[session])
            if why:
                raise Refusal("unauthorized", why)
            page, key = wanted(self._pages, args[0] if args else None)
            room = room_of(page.topic, key)
            if room not in client.rooms:
                if len(client.rooms) >= self._limits.rooms:
                    raise Refusal(
                        "too_many_rooms", f"a connection follows {self._limits.rooms} at most"
                    )
                self._followed.enter(page, room, partial(self._enter, sid, client, room, page))
            # Joined first, read then: nothing can be missed in between.
            return self._state(page, key)
        except Refusal as refusal:
            return refusal.answer()

    def _on_unsubscribe(self, sid: str, *args: Any) -> dict[str, Any]:
        try:
            _, client = self._client(sid)
            page, key = wanted(self._pages, args[0] if args else None)
        except Refusal as refusal:
            return refusal.answer()
        room = room_of(page.topic, key)
        client.rooms.pop(room, None)
        self.manager.leave_room(sid, "/", room)
        self._followed.left()
        return {"left": page.name}

    def _enter(self, sid: str, client: Client, room: str, page: Page) -> None:
        self.manager.enter_room(sid, "/", room)
        client.rooms[room] = page.name

    def _on_unknown(self, event: str, sid: str, *args: Any) -> dict[str, Any]:
        return Refusal("unknown_event", "only subscribe and unsubscribe are known").answer()

    def _client(self, sid: str) -> tuple[str, Client]:
        session = self.manager.eio_sid_from_sid(sid, "/")
        client = self.manager.clients.get(session or "")
        if client is None:
            raise Refusal("closed", "this connection is closing")
        return str(session), client

    # -- status ----------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """{sockets: {open, limit}, clients: [{page, from, sent, skipped}], ...} since the start.

        clients names at most 50, those that skipped most first; sent and skipped count
        messages of rooms of all connections, closed ones too; pages counts who follows
        what; from is "loopback" or the address; fast_lane counts the open connections on it.
        """
        manager = self.manager
        clients = list(manager.clients.values())
        pages = Counter(name for client in clients for name in set(client.rooms.values()))
        wires = [client.wire for client in clients]
        clients.sort(key=lambda client: client.skipped, reverse=True)
        return {
            "sockets": {"open": len(clients), "limit": self._limits.sockets},
            "clients": [
                {
                    "page": _main_page(client.rooms.values()),
                    "from": "loopback" if is_loopback(client.address) else client.address,
                    "sent": client.sent,
                    "skipped": client.skipped,
                }
                for client in clients[:_LISTED]
            ],
            "pages": dict(pages),
            "sent": manager.sent + sum(client.sent for client in clients),
            "skipped": manager.skipped + sum(client.skipped for client in clients),
            "dropped": manager.dropped,
            "refused": self.refused,
            "fast_lane": sum(1 for wire in wires if wire is not None and wire.direct is not None),
        }


def _main_page(pages: Iterable[str]) -> str | None:
    """What a browser shows: every page follows health for its header, so that says least."""
    named = sorted(set(pages), key=lambda name: (name == "health", name))
    return named[0] if named else None


def _is_socketio(data: Any) -> bool:
    """Is this a Socket.IO packet that a browser of ours may send? Others never reach a handler."""
    if not isinstance(data, str):
        return False
    try:
        packet = socketio.packet.Packet(encoded_packet=data)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        return False
    if packet.namespace not in (None, "/"):
        return False
    if packet.packet_type == socketio.packet.EVENT:
        return isinstance(packet.data, list) and isinstance(next(iter(packet.data), None), str)
    if packet.packet_type == socketio.packet.ACK:
        return isinstance(packet.data, list)
    return packet.packet_type in (socketio.packet.CONNECT, socketio.packet.DISCONNECT)
