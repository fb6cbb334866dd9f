"""The live strategy joined: whom it listens to, where it keeps things, how it is switched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grok_sauce import settings as knobs
from grok_sauce.desks.signals import Doors, SignalDesk, SignalKeeping, Sources
from grok_sauce.desks.signals_book import Book
from grok_sauce.desks.signals_post import Door, HttpDoor, PostSettings, Reply, token_of
from grok_sauce.errors import SettingsError
from grok_sauce.questions import Unavailable
from grok_sauce.runtime.clock import ReplayClock

if TYPE_CHECKING:
    from grok_sauce.alerts.half import AlertHalf
    from grok_sauce.desks.signals_inputs import Candles, Levels, Triggers
    from grok_sauce.signal_part import Ground

FILE = "signals.db"


def join_signals(
    ground: Ground, candles: Candles, levels: Levels, triggers: Triggers
) -> SignalDesk:
    """The desk of this process.

    Raises:
        SettingsError: a variable of it is wrong.
    """
    environ = ground.environ
    desk = SignalDesk(
        Sources(candles, levels, triggers),
        Book(ground.data / FILE, ground.clock, ground.demo),
        Doors(ground.publish, ground.snapshot.get, lambda part: save(ground, part)),
        ground.clock,
        ground.chosen(),
        demo=ground.demo,
        refused=ground.refused,
        keep_days=knobs.read_env(SignalKeeping, environ).days,
    )
    desk.register(ground.controls, ground.questions)
    url = environ.get("ROUTER_URL")
    if url and (ground.demo or isinstance(ground.clock, ReplayClock)):
        # A router elsewhere is a real one: prices that are made up must not reach it.
        desk.sender.without_door = "signals of a demo or replay are not sent to ROUTER_URL"
    elif url:
        given = knobs.read_env(PostSettings, environ).token
        token = token_of(given, ground.data / "webhook_token")
        desk.sender.door = HttpDoor(url, ground.http, token)
    return desk


def save(ground: Ground, part: dict[str, Any]) -> None:
    """Put a part of the settings over what is in force.

    Raises:
        SettingsConflict: somebody saved in this moment.
        SettingsError: the settings cannot be read or written.
    """
    found = ground.questions.ask("settings.read")
    if isinstance(found, Unavailable):
        raise SettingsError(f"not saved: {found.reason}")
    ground.controls.do("settings.save", settings=part, revision=found["revision"])


def inner_door(alerts: AlertHalf) -> Door:
    """The router of this same process."""

    def send(body: dict[str, Any]) -> Reply:
        answer = alerts.own(body)
        return Reply(answer.status, answer.document)

    return send
