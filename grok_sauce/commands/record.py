"""The dashboard, keeping in a file what every source says."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Final

from grok_sauce.commands import demo
from grok_sauce.errors import SettingsError
from grok_sauce.runtime import collector

NAME = "record"
HELP = "the dashboard, keeping in a file what every source says"
EPILOG = """examples:
  python3 main.py record
  python3 main.py record monday.gsr --minutes 390
  python3 main.py record demo.gsr --demo --seed 7 --start 2026-12-16T09:25 --speed 24 --minutes 10

Without credentials the embedded market is recorded. Without FILE it goes into the data folder
under recordings/, named by the time it began. The file holds no secrets. A file that was cut off,
by a kill or a full disk, can be replayed up to its last whole block, at most two seconds before.
"""
LONGEST: Final = 7 * 24 * 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to, for how long, and of which market."""
    add = parser.add_argument
    add("file", nargs="?", type=Path, metavar="FILE", help="(DATA/recordings/TIME.gsr)")
    add("--minutes", type=minutes, metavar="N", help="end after so many minutes of market time")
    add("--small", action="store_true", help="about half the size for several times the work")
    add("--demo", action="store_true", help="record the embedded market, credentials or not; the "
        "options of the demo below imply it")  # fmt: skip
    demo.add_arguments(parser)  # each of them implies --demo


def minutes(text: str) -> float:
    """Minutes of market time, above 0 and at most a week."""
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found <= LONGEST:
        raise argparse.ArgumentTypeError(f"must be above 0 and at most {LONGEST:g}, not {text!r}")
    return found


def run(args: argparse.Namespace) -> int:
    """As the live or demo command, with a recorder.

    Raises:
        SettingsError: the file is there already, or an option cannot be used.
    """
    collector.hold_off()
    from grok_sauce import machine
    from grok_sauce.desks.recording_run import RecordOptions

    if args.role != "all":
        raise SettingsError("a recording runs everything; leave --role out", "--role")
    if args.file is not None and args.file.exists():
        raise SettingsError(f"{args.file} is there already; name another file", "FILE")
    options = machine.options_from(args, demo=demo.options_of(args) if _of_demo(args) else None)
    return machine.run(replace(options, record=RecordOptions(args.file, args.minutes, args.small)))


def _of_demo(args: argparse.Namespace) -> bool:
    usual = (args.seed, args.speed) == (42, 1.0)
    named = (args.start, args.bars, args.chain, args.tick_log)
    return bool(args.demo) or not usual or named != (None,) * 4
