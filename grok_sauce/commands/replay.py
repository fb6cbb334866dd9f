"""The dashboard on a recording: no account, no outbound connection, the same numbers each time."""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from grok_sauce.errors import SettingsError
from grok_sauce.runtime import collector

NAME = "replay"
HELP = "the dashboard on a recording: the same file gives the same numbers"
EPILOG = """examples:
  python3 main.py replay monday.gsr --speed 10
  python3 main.py replay monday.gsr --speed max --outputs monday.jsonl

Every page has play, pause, speed and a place to go to. Nothing leaves this machine, signals are
worked out but told as of a REPLAY, and alerts go nowhere. With --outputs the command ends with
the file and has written each level, closed candle and signal in order, one JSON object a line:
two replays of one file write the same bytes.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which file, how fast, from where."""
    add = parser.add_argument
    add("file", type=Path, metavar="FILE", help="a recording of the record command")
    add("--speed", default="1", metavar="1..60|max", help="market seconds per second (1)")
    add("--from", dest="at", metavar="ISO", help="go there first, as fast as it goes; New York "
        "unless it names a zone")  # fmt: skip
    add("--paused", action="store_true", help="stand still until play is pressed")
    add("--outputs", type=Path, metavar="FILE", help="write what is compared, and end with the "
        "file")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """As the live command, on the file; its own folder is DATA/replay.

    Raises:
        SettingsError: an option cannot be used.
        BadPayload: the file is no recording that can be played.
    """
    collector.hold_off()
    from grok_sauce import machine
    from grok_sauce.desks.replay import read_rate
    from grok_sauce.replay_half import ReplayOptions

    if args.role != "all":
        raise SettingsError("a replay runs everything; leave --role out", "--role")
    if not args.file.is_file():
        raise SettingsError(f"there is no file {args.file}", "FILE")
    at = None if args.at is None else read_time(args.at)
    rate = read_rate(args.speed, "--speed")
    wanted = ReplayOptions(args.file, rate, at, args.paused, args.outputs)
    options = machine.options_from(args, demo=None)
    return machine.run(replace(options, data=args.data / "replay", replay=wanted))


def read_time(text: str) -> float:
    """A Unix time, or an ISO-8601 time that is New York's unless it names a zone.

    Raises:
        SettingsError: neither.

    >>> read_time("2026-12-16T14:32"), read_time("1797449520.5")
    (1797449520.0, 1797449520.5)
    """
    from grok_sauce.market import sessions

    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if math.isfinite(found):
        return found
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=sessions.NEW_YORK)
        return moment.timestamp()
    except (ValueError, OverflowError):
        raise SettingsError(
            f"--from must be a time like 2026-12-16T14:30, not {text!r}", "--from"
        ) from None
