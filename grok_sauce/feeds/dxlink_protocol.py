"""The dxLink client without a socket or clock: frames in; texts, batches and events out."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final, Literal

import orjson

from grok_sauce.errors import BadPayload, SourceError, SourceRefused
from grok_sauce.feeds.candle_snapshots import CandleHistory, CandleSnapshots, SnapshotDone
from grok_sauce.feeds.dxlink_channel import Channel
from grok_sauce.feeds.dxlink_decode import is_flat
from grok_sauce.feeds.dxlink_messages import (
    KEEPALIVE,
    VERSION,
    DxLinkSettings,
    Output,
    Ready,
    Renewed,
    ServerError,
    SessionNotFound,
    TokenRejected,
    TooBig,
    auth,
    channel_request,
    feed_setup,
    printable,
    setup,
)
from grok_sauce.feeds.subscriptions import CANDLE, ChangeBudget, Key, Subscription
from grok_sauce.market.batches import FIELDS, Batch

log = logging.getLogger(__name__)

# Odd numbers are the client's. Candles get a channel of their own: their snapshots are
# long, and closing it costs no quote.
CHANNELS: Final[dict[int, tuple[str, ...]]] = {
    1: tuple(kind for kind in FIELDS if kind != CANDLE),
    3: (CANDLE,),
}
BAD_IN_A_ROW: Final = 20  # unreadable messages after which the connection is given up
QUIET_AFTER_LIMIT: Final = 10.0  # seconds without errors before all is sent again
LONGEST_PAUSE: Final = 4.0
HISTORIES_AT_ONCE: Final = 1  # candle snapshots on their way at a time

Phase = Literal["start", "setup", "auth", "channels", "streaming"]


class DxLinkProtocol:
    """One connection's conversation. Times: `at` is market time, `now` monotonic.

    feed_bytes() and tick() raise SourceError (TokenRejected, SessionNotFound among them) or
    SourceRefused when the connection must be given up; whatever else the server sends, they
    raise nothing.
    """

    def __init__(
        self,
        token: str,
        settings: DxLinkSettings,
        budget: ChangeBudget | None = None,
        history: CandleHistory | None = None,
        channels: Mapping[int, tuple[str, ...]] = CHANNELS,
    ) -> None:
        self._token = token
        self._settings = settings
        self._budget = budget or ChangeBudget()
        self._channels = {number: Channel(number, kinds) for number, kinds in channels.items()}
        self._snapshots = CandleSnapshots(history)
        self._keepalive = settings.keepalive
        self._pause = settings.pause
        self._deadline: float | None = None
        self._renewing = False
        self._heard = 0.0
        self._sent = 0.0
        self._next_send = 0.0
        self._quiet_until: float | None = None
        self._bad_row = 0
        self._said: set[str] = set()
        self.phase: Phase = "start"
        self.frames = 0
        self.bad = 0

    # ---- what the feed asks and tells -----------------------------------------------

    @property
    def subscriptions(self) -> int:
        """Entries the server was told of."""
        return sum(len(channel.held) for channel in self._channels.values())

    @property
    def pending(self) -> bool:
        """True while changes wait to be sent."""
        return any(channel.pending for channel in self._channels.values())

    @property
    def rejected_bars(self) -> int:
        """Candle rows that could not be bars."""
        return self._snapshots.rejected

    def quiet_for(self, now: float) -> float:
        """Seconds since the server last said anything."""
        return now - self._heard

    def start(self, now: float) -> Output:
        """The client speaks first."""
        out = Output()
        self.phase = "setup"
        self._heard = now
        self._deadline = now + self._settings.step
        self._send(out, now, setup(self._settings))
        return out

    def want(self, entries: Mapping[Key, Subscription]) -> None:
        """Hold these from now on, most important first; tick() sends the difference."""
        for channel in self._channels.values():
            channel.want(entries)

    def renew(self, token: str, now: float) -> Output:
        """Authorize again with a fresh token, while data flows."""
        out = Output()
        self._token = token
        if self.phase in ("channels", "streaming"):
            self._renewing = True
            self._deadline = now + self._settings.step
            self._send(out, now, auth(token))
        return out

    # ---- frames ---------------------------------------------------------------------

    def feed_bytes(self, frame: bytes | bytearray | str, at: float, now: float) -> Output:
        """Work in one message of the server."""
        out = Output()
        self._heard = now
        self.frames += 1
        try:
            data = frame.encode() if isinstance(frame, str) else frame
            self._message(data, out, at, now)
        except (BadPayload, UnicodeEncodeError, orjson.JSONDecodeError) as problem:
            self._count_bad(problem)
        else:
            self._bad_row = 0
        return out

    def _message(self, frame: bytes | bytearray, out: Output, at: float, now: float) -> None:
        message = orjson.loads(frame)
        if not isinstance(message, dict):
            raise BadPayload("dxLink: a message that is no object")
        kind, number = message.get("type"), message.get("channel")
        if not isinstance(kind, str) or type(number) is not int or number < 0:
            raise BadPayload("dxLink: a message without type or channel")
        if kind == "FEED_DATA":
            self._data(frame, message, number, out, at, now)
        elif kind == "ERROR":
            self._error(message, number, out, now)
        elif number == 0:
            self._connection(kind, message, out, now)
        else:
            self._channel(kind, message, number, out, now)

    def _data(
        self,
        frame: bytes | bytearray,
        message: dict[str, Any],
        number: int,
        out: Output,
        at: float,
        now: float,
    ) -> None:
        channel = self._channels.get(number)
        if channel is None or channel.state in ("closed", "requested"):
            self._say_once(f"data on channel {number}, which is not open")
            return
        data = message.get("data")
        plain = isinstance(data, list) and is_flat(frame, 1 + len(data) // 2)
        batches = channel.decoder.decode(data, at, plain)
        if channel.decoder.unknown:
            self._say_unknown(channel)
        for batch in batches:
            if batch.kind not in channel.kinds:
                self._say_once(f"{batch.kind} data on channel {number}")
            elif batch.kind == CANDLE:
                self._hand_over(out, *self._snapshots.take(batch, now))
            else:
                out.batches.append(batch)

    # ---- channel 0 ------------------------------------------------------------------

    def _connection(self, kind: str, message: dict[str, Any], out: Output, now: float) -> None:
        if kind == "KEEPALIVE":
            return
        if kind == "SETUP":
            asked = message.get("acceptKeepaliveTimeout")
            if isinstance(asked, (int, float)) and asked > 0:
                self._keepalive = min(self._settings.keepalive, max(1.0, asked / 2))
            if self.phase == "setup":
                self._deadline = now + self._settings.step
        elif kind == "AUTH_STATE":
            self._auth_state(message.get("state"), out, now)
        else:
            self._say_once(f"unknown message {printable(kind, 40)}")

    def _auth_state(self, state: object, out: Output, now: float) -> None:
        if state == "AUTHORIZED":
            if self._renewing:
                self._renewing = False
                self._deadline = None
                out.events.append(Renewed())
            elif self.phase in ("setup", "auth"):
                self.phase = "channels"
                self._deadline = None
                for channel in self._channels.values():
                    self._request(channel, out, now)
        elif state == "UNAUTHORIZED":
            if self.phase != "setup":
                raise TokenRejected("dxLink: the quote token was refused")
            if not self._token:
                raise TokenRejected("dxLink: the server wants a quote token and there is none")
            self.phase = "auth"
            self._deadline = now + self._settings.step
            self._send(out, now, auth(self._token))
        else:
            raise BadPayload("dxLink: AUTH_STATE without a known state")

    def _error(self, message: dict[str, Any], number: int, out: Output, now: float) -> None:
        error = printable(message.get("error"), 60)
        text = printable(message.get("message"), 200)
        words = f"{error} {text}".lower()
        if "session not found" in words:
            raise SessionNotFound("dxLink: session not found; trying again shortly")
        if "size" in words and "too big" in words:
            self._too_big(number, out, now)
        elif "rate" in words and "too high" in words:
            self._pause = min(LONGEST_PAUSE, self._pause * 2)
            self._hold_and_resend(now)
        elif error == "UNAUTHORIZED":
            raise TokenRejected(f"dxLink: not authorized: {text}")
        elif error == "TIMEOUT":
            raise SourceError(f"dxLink: the server gave up waiting: {text}")
        elif error == "UNSUPPORTED_PROTOCOL":
            raise SourceRefused(
                f"dxLink: the server does not speak protocol {VERSION}: {text}; "
                f"look for a newer version of this program"
            )
        out.events.append(ServerError(number, error, text))
        self._say_once(f"ERROR {error} on channel {number}: {text}")

    # ---- other channels -------------------------------------------------------------

    def _channel(
        self, kind: str, message: dict[str, Any], number: int, out: Output, now: float
    ) -> None:
        channel = self._channels.get(number)
        if channel is None:
            self._say_once(f"{printable(kind, 40)} on channel {number}, which is not ours")
        elif kind == "CHANNEL_OPENED":
            if channel.state == "requested":
                channel.enter("setup", now)
                self._send(out, now, feed_setup(number, channel.kinds, self._settings))
        elif kind == "CHANNEL_CLOSED":
            self._closed(channel, now)
        elif kind == "FEED_CONFIG":
            self._config(channel, message, out, now)
        else:
            self._say_once(f"unknown message {printable(kind, 40)}")

    def _request(self, channel: Channel, out: Output, now: float) -> None:
        channel.enter("requested", now)
        self._send(out, now, channel_request(channel.number))

    def _config(self, channel: Channel, message: dict[str, Any], out: Output, now: float) -> None:
        if channel.state == "setup":
            channel.enter("open", now)
            if self.phase == "channels" and all(
                other.state == "open" for other in self._channels.values()
            ):
                self.phase = "streaming"
                out.events.append(Ready())
        fields = message.get("eventFields")
        if isinstance(fields, dict):
            channel.decoder.configure(fields)
            if channel.decoder.unknown:
                self._say_unknown(channel)
        elif fields is not None:
            raise BadPayload("dxLink: FEED_CONFIG whose eventFields are no object")

    def _closed(self, channel: Channel, now: float) -> None:
        """The server closed a channel: open it again, and only it."""
        if channel.state == "closed":
            return
        channel.closed(now)
        if CANDLE in channel.kinds:
            self._snapshots.clear()
        log.warning("dxLink closed channel %d; opening it again", channel.number)

    # ---- time -----------------------------------------------------------------------

    def tick(self, at: float, now: float) -> Output:
        """Deadlines, keepalive, pauses and subscriptions; call at least four times a second."""
        out = Output()
        self._check_deadlines(now)
        self._hand_over(out, *self._snapshots.tick(at, now))
        for channel in self._channels.values():
            if channel.reopen_at is not None and now >= channel.reopen_at:
                self._request(channel, out, now)
        if self._quiet_until is not None and now >= self._quiet_until:
            self._quiet_until = None
        if self._quiet_until is None and now >= self._next_send:
            for channel in self._channels.values():
                if channel.state == "open" and self._send_changes(channel, out, at, now):
                    self._next_send = now + self._pause
        if now - self._sent >= self._keepalive:
            self._send(out, now, KEEPALIVE)
        return out

    def _check_deadlines(self, now: float) -> None:
        if self._deadline is not None and now >= self._deadline:
            what = "the renewed token" if self._renewing else self.phase.upper()
            raise SourceError(f"dxLink: no answer to {what} within {self._settings.step:g} s")
        for channel in self._channels.values():
            waits = channel.state in ("requested", "setup")
            if waits and now - channel.since >= self._settings.step:
                asked = "CHANNEL_REQUEST" if channel.state == "requested" else "FEED_SETUP"
                raise SourceError(
                    f"dxLink: no answer to {asked} of channel {channel.number} "
                    f"within {self._settings.step:g} s"
                )
        if now - self._heard >= self._settings.silence:
            raise SourceError(f"dxLink: silent for {self._settings.silence:g} s; link is dead")

    # ---- subscriptions --------------------------------------------------------------

    def _too_big(self, number: int, out: Output, now: float) -> None:
        channel = self._channels.get(number)
        if channel is not None and self._quiet_until is None:
            # The batch that did not fit was most likely the last one.
            held = len(channel.held)
            fits = max(1, held // 2, held - max(1, channel.last_add))
            out.events.append(TooBig(CANDLE in channel.kinds, fits))
        self._hold_and_resend(now)

    def _hold_and_resend(self, now: float) -> None:
        """Symbols of a rejected batch stay silent and are not named: ask for all again."""
        self._quiet_until = now + QUIET_AFTER_LIMIT
        for channel in self._channels.values():
            channel.resend()

    def _send_changes(self, channel: Channel, out: Output, at: float, now: float) -> bool:
        """One message of changes; True when there was something to send."""

        def start(entry: Subscription) -> int:
            wanted = int(at * 1000) if entry.from_time is None else entry.from_time
            return self._snapshots.expect(entry.symbol, wanted, now)

        most = min(self._settings.entries_per_message, self._budget.left(now))
        adds = most
        if CANDLE in channel.kinds:
            # A history is held until it is whole: all at once would need room for all.
            adds = max(0, HISTORIES_AT_ONCE - self._snapshots.in_progress(now))
        told = channel.next_changes(most, adds, self._settings.bytes_per_message, start)
        if told is None:
            return False
        text, changed = told
        self._budget.spend(now, len(changed.remove) + len(changed.add))
        self._send(out, now, text)
        for entry in changed.remove:
            if entry.kind == CANDLE:
                self._snapshots.forget(entry.symbol)
        return True

    # ---- small things ---------------------------------------------------------------

    def _send(self, out: Output, now: float, text: str) -> None:
        out.texts.append(text)
        self._sent = now

    @staticmethod
    def _hand_over(out: Output, ready: list[Batch], done: list[SnapshotDone]) -> None:
        out.batches += ready
        out.events += done

    def _count_bad(self, problem: Exception) -> None:
        self.bad += 1
        self._bad_row += 1
        level = logging.WARNING if self.bad == 1 else logging.DEBUG
        log.log(level, "dxLink sent something unreadable: %s", printable(str(problem), 200))
        if self._bad_row >= BAD_IN_A_ROW:
            raise SourceError(f"dxLink: {BAD_IN_A_ROW} unreadable messages in a row")

    def _say_unknown(self, channel: Channel) -> None:
        for kind in channel.decoder.unknown:
            self._say_once(f"events of unknown kind {printable(kind, 40)}")
        channel.decoder.unknown.clear()

    def _say_once(self, text: str) -> None:
        if text not in self._said and len(self._said) < 100:
            self._said.add(text)
            log.info("dxLink: %s", text)
