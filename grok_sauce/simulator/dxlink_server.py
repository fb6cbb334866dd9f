"""The dxLink server's side of one connection: text in, texts out, no socket and no thread."""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from grok_sauce.runtime.clock import Clock
from grok_sauce.simulator.desk import Desk, Key
from grok_sauce.simulator.dxlink_channel import Channel, PriceNote, Setup, Subscription, message
from grok_sauce.simulator.dxlink_events import EVENT_FIELDS
from grok_sauce.simulator.dxlink_messages import (
    Refused,
    entries,
    entry,
    error_text,
    is_number,
    need,
    parsed,
)
from grok_sauce.simulator.faults import Faults
from grok_sauce.simulator.tokens import Tokens

log = logging.getLogger(__name__)

VERSION: Final = "1.0-1.2.3-20240912-171526"
_SERVED: Final = re.compile(r"[01](\.\d+)*(-.*)?", re.DOTALL)  # protocol versions
_CONTRACTS: Final = ("AUTO", "TICKER", "HISTORY", "STREAM")
_FORMATS: Final = ("COMPACT", "FULL")
_LATE_AUTH_STATE: Final = 3.0  # seconds, fault wrong_order
_EARLY_AUTH: Final = 0.25  # seconds, fault early_auth_refusal
_MINUTE: Final = 60.0

UNAUTHORIZED_CLOSE: Final = 4401


@dataclass(frozen=True, slots=True)
class Limits:
    """What one connection may do; keepalive in seconds, the rest in entries.

    sign_in False: every connection is AUTHORIZED straight after SETUP, as on a public server.
    """

    keepalive: float = 60.0
    subscriptions: int = 25_000  # symbol x event type
    candles: int = 100
    changes: int = 10_000  # added and removed entries in any 60 seconds
    sign_in: bool = True


class DxLinkSession:
    """Protocol state of one connection.

    receive(), pump() and tick() return the texts to send, in order, and must not run at the
    same time; note() may be called by any thread. closing is set when the server
    wants to end the connection: (close code, reason).
    """

    def __init__(
        self,
        desk: Desk,
        tokens: Tokens,
        faults: Faults,
        clock: Clock,
        limits: Limits = Limits(),
        prices: PriceNote = lambda symbol, price: None,
    ) -> None:
        self.closing: tuple[int, str] | None = None
        self._desk = desk
        self._tokens = tokens
        self._faults = faults
        self._clock = clock
        self._limits = limits
        self._prices = prices
        self._channels: dict[int, Channel] = {}
        self._noted: deque[frozenset[Key]] = deque()
        self._changes: deque[tuple[float, int]] = deque()
        self._later: list[tuple[float, str]] = []  # due (monotonic), text
        self._set_up = False
        self._authorized = not limits.sign_in
        self._auth_state_at = 0.0  # when an AUTH stops being early
        self._unknown: set[str] = set()
        self._patience = limits.keepalive  # silence of the client that is borne
        self._interval = limits.keepalive / 2  # silence of ours that is allowed
        self._heard = self._spoke = clock.monotonic()
        self._next_rubbish = 0.0

    @property
    def busy(self) -> bool:
        """Whether pump() has snapshots to send."""
        return self.closing is None and any(c.busy for c in self._channels.values())

    # --- driven from outside -------------------------------------------------------------

    def receive(self, text: str) -> list[str]:
        """Answer one message of the client; call pump() while busy afterwards."""
        self._heard = self._clock.monotonic()
        channel = 0
        try:
            frame = parsed(text)
            channel = frame["channel"]
            return self._said(self._answer(frame["type"], channel, frame))
        except Refused as refusal:
            return self._said([error_text(channel, refusal.error, str(refusal))])

    def pump(self) -> list[str]:
        """The next slice of snapshots."""
        now = self._clock.monotonic()
        for channel in self._channels.values():
            if channel.busy:
                return self._said(channel.snapshots(now))
        return []

    def note(self, changed: frozenset[Key]) -> None:
        """Tell what moved in the market; safe from any thread, costs nothing."""
        if changed:
            self._noted.append(changed)

    def tick(self, room: bool = True) -> list[str]:
        """What time brings: data whose period is over, KEEPALIVE, or the end of patience.

        room is False while the client has not taken what was sent: data then wait
        and are conflated further.
        """
        now = self._clock.monotonic()
        texts = [text for at, text in self._later if at <= now]
        self._later = [(at, text) for at, text in self._later if at > now]
        while self._noted:
            changed = self._noted.popleft()
            for channel in self._channels.values():
                channel.note(changed)
        if room:
            for channel in self._channels.values():
                texts += channel.due(now)
            if texts and self._channels:
                texts += self._rubbish(now)
        if now - self._heard >= self._patience:
            return self._said([*texts, *self._out_of_patience()])
        if not texts and self._set_up and now - self._spoke >= self._interval:
            texts = [message("KEEPALIVE", 0)]
        return self._said(texts)

    def closed(self) -> None:
        """The connection is gone: stop watching."""
        for channel in self._channels.values():
            channel.clear()
        self._channels.clear()

    # --- channel 0 -----------------------------------------------------------------------

    def _answer(self, kind: str, channel: int, frame: dict[str, Any]) -> list[str]:
        answer = _ANSWERS.get(kind)
        if answer is None:
            if kind not in self._unknown and len(self._unknown) < 100:
                self._unknown.add(kind)
                log.info("dxLink: message type %.40r is not known, ignored", kind)
            return []
        connection, handler = answer
        need(connection == (channel == 0), f"{kind} does not belong on channel {channel}")
        if not self._set_up and kind not in ("SETUP", "KEEPALIVE"):
            raise Refused("BAD_ACTION", f"{kind} before SETUP")
        if not connection and not self._authorized:
            raise Refused("UNAUTHORIZED", f"{kind} before AUTHORIZED")
        return handler(self, channel, frame)

    def _setup(self, _: int, frame: dict[str, Any]) -> list[str]:
        version = frame.get("version")
        need(isinstance(version, str), "SETUP needs a version")
        promise, accept = (frame.get(k, 60) for k in ("keepaliveTimeout", "acceptKeepaliveTimeout"))
        need(is_number(promise) and is_number(accept), "keepalive timeouts are numbers")
        if not _SERVED.fullmatch(str(version)):
            self.closing = (1000, "Bye")
            text = f"version {version!s:.40} is not served; this is {VERSION}"
            return [error_text(0, "UNSUPPORTED_PROTOCOL", text)]
        longest = self._limits.keepalive
        self._patience = min(promise or longest, longest)
        ours = min(accept or longest, longest)
        self._interval = ours / 2
        self._set_up = True
        mine = message(
            "SETUP",
            0,
            version=VERSION,
            keepaliveTimeout=max(1, int(ours)),  # one client divides it without a check
            acceptKeepaliveTimeout=max(1, int(self._patience)),
        )
        delay = _LATE_AUTH_STATE if self._faults.text("wrong_order") == "auth_state_late" else 0.0
        if self._faults.flag("early_auth_refusal"):
            delay = max(delay, _EARLY_AUTH)
        if delay and not self._authorized:
            self._auth_state_at = self._clock.monotonic() + delay
            self._later.append((self._auth_state_at, self._auth_state()))
            return [mine]
        return [mine, self._auth_state()]

    def _auth_state(self) -> str:
        if self._authorized:
            return message("AUTH_STATE", 0, state="AUTHORIZED", userId="u-demo")
        return message("AUTH_STATE", 0, state="UNAUTHORIZED")

    def _auth(self, _: int, frame: dict[str, Any]) -> list[str]:
        token = frame.get("token")
        need(isinstance(token, str), "AUTH needs a token")
        early = self._clock.monotonic() < self._auth_state_at
        if early and self._faults.flag("early_auth_refusal"):
            text = "com.dxfeed.mdd.dxlink.auth.AuthException: Session not found: api"
            return [error_text(0, "UNAUTHORIZED", text)]
        self._later.clear()
        self._authorized = self._tokens.streamer_is_good(str(token))
        if self._authorized:
            return [self._auth_state()]
        self.closing = (UNAUTHORIZED_CLOSE, "Unauthorized")
        return [self._auth_state(), error_text(0, "UNAUTHORIZED", "the token was not accepted")]

    def _keepalive(self, _: int, frame: dict[str, Any]) -> list[str]:
        return []  # hearing it was enough; answering each would be an endless loop

    def _out_of_patience(self) -> list[str]:
        self.closing = (1000, "Bye")
        if self._set_up:
            return []  # as the live service does it: no ERROR before the close
        return [error_text(0, "TIMEOUT", "no SETUP came")]

    # --- other channels ------------------------------------------------------------------

    def _open(self, number: int) -> Channel:
        channel = self._channels.get(number)
        if channel is None:
            raise Refused("BAD_ACTION", f"channel {number} is not open")
        return channel

    def _channel_request(self, number: int, frame: dict[str, Any]) -> list[str]:
        service, parameters = frame.get("service"), frame.get("parameters", {})
        need(isinstance(service, str), "CHANNEL_REQUEST needs a service")
        need(isinstance(parameters, dict), "parameters must be an object")
        if number in self._channels:
            raise Refused("BAD_ACTION", f"channel {number} is open already")
        if service != "FEED":
            raise Refused("BAD_ACTION", f"service {service!s:.40} is not offered")
        contract = parameters.get("contract")
        if contract not in _CONTRACTS:
            raise Refused("BAD_ACTION", f"contract must be one of {', '.join(_CONTRACTS)}")
        self._channels[number] = Channel(number, contract, self._desk, self._faults, self._prices)
        answer = {"contract": contract, "subFormat": "LIST"}
        return [message("CHANNEL_OPENED", number, service="FEED", parameters=answer)]

    def _channel_cancel(self, number: int, _: dict[str, Any]) -> list[str]:
        self._open(number).clear()
        del self._channels[number]
        return [message("CHANNEL_CLOSED", number)]

    def _feed_setup(self, number: int, frame: dict[str, Any]) -> list[str]:
        channel = self._open(number)
        period, form = frame.get("acceptAggregationPeriod"), frame.get("acceptDataFormat")
        fields = frame.get("acceptEventFields") or {}
        need(period is None or is_number(period), "acceptAggregationPeriod is a number")
        need(form is None or form in _FORMATS, "acceptDataFormat is COMPACT or FULL")
        need(isinstance(fields, dict), "acceptEventFields is an object of lists")
        for kind, names in fields.items():
            named = isinstance(names, list) and all(isinstance(name, str) for name in names)
            need(named, f"acceptEventFields.{kind:.40} is a list of names")
        served = {kind: tuple(names) for kind, names in fields.items() if kind in EVENT_FIELDS}
        return channel.configure(Setup(period, form, served))

    def _feed_subscription(self, number: int, frame: dict[str, Any]) -> list[str]:
        channel = self._open(number)
        reset = frame.get("reset", False)
        need(isinstance(reset, bool), "reset is true or false")
        removed = [entry(item)[0] for item in entries(frame, "remove")]
        added = dict(entry(item) for item in entries(frame, "add"))
        self._check_limits(channel, added, removed, reset)
        if reset:
            channel.clear()
        for key in removed:
            channel.remove(key)
        for key, wanted in added.items():
            channel.add(key, wanted)
        return channel.announce(dict.fromkeys(kind for kind, _ in added if kind in EVENT_FIELDS))

    def _check_limits(
        self, channel: Channel, added: dict[Key, Subscription], removed: list[Key], reset: bool
    ) -> None:
        """Refuse a whole batch that would break a limit.

        Raises:
            Refused: in the words of the live service.
        """
        now = self._clock.monotonic()
        while self._changes and now - self._changes[0][0] >= _MINUTE:
            self._changes.popleft()
        count = len(added) + len(removed)
        recent = sum(number for _, number in self._changes)
        over = recent + count > self._limits.changes
        if over or (added and self._faults.flag("subscription_rate")):
            raise Refused("BAD_ACTION", "Your subscription rate is too high")
        kept = set() if reset else channel.subscriptions.keys() - set(removed)
        here = kept | added.keys()
        others = [other for other in self._channels.values() if other is not channel]
        total = len(here) + sum(len(other.subscriptions) for other in others)
        candles = sum(kind == "Candle" for kind, _ in here) + sum(o.candles for o in others)
        if total > self._limits.subscriptions or candles > self._limits.candles:
            raise Refused("BAD_ACTION", "Your subscription size is too big")
        self._changes.append((now, count))

    # --- small things --------------------------------------------------------------------

    def _said(self, texts: list[str]) -> list[str]:
        if texts:
            self._spoke = self._clock.monotonic()
        return texts

    def _rubbish(self, now: float) -> list[str]:
        """What the fault `garbage` adds behind data."""
        kind = self._faults.text("garbage")
        if not kind or now < self._next_rubbish:
            return []
        self._next_rubbish = now + 1.0
        number = next(iter(self._channels))
        return [_RUBBISH[kind].replace("CHANNEL", str(number))]


_RUBBISH: Final = {
    "json": '{"type":"FEED_DATA","channel":CHANNEL,"data":["Quote",["SPY",',
    "types": '{"type":"FEED_DATA","channel":"one","data":{"Quote":7}}',
    "truncated": '{"type":"FEED_DATA","channel":CHANNEL,"data":["Quote",["SPY"]]}',
}

_Handler = Callable[[DxLinkSession, int, dict[str, Any]], list[str]]

# type -> (belongs on channel 0, who answers)
_ANSWERS: Final[dict[str, tuple[bool, _Handler]]] = {
    "SETUP": (True, DxLinkSession._setup),
    "AUTH": (True, DxLinkSession._auth),
    "KEEPALIVE": (True, DxLinkSession._keepalive),
    "CHANNEL_REQUEST": (False, DxLinkSession._channel_request),
    "CHANNEL_CANCEL": (False, DxLinkSession._channel_cancel),
    "FEED_SETUP": (False, DxLinkSession._feed_setup),
    "FEED_SUBSCRIPTION": (False, DxLinkSession._feed_subscription),
}
