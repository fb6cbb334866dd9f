"""Everything on the embedded market: no account, no outbound connection."""

from __future__ import annotations

import argparse
from pathlib import Path

NAME = "demo"
HELP = "everything on the embedded market: no account, no outbound connection"
EPILOG = """examples:
  python3 main.py demo
  python3 main.py demo --seed 7 --start 2026-12-16T09:25 --speed 24
  python3 main.py demo --bars spy_1min.csv.gz

The market is open whenever you start it unless --start says otherwise.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What kind of market."""
    parser.add_argument("--seed", type=int, default=42, help="another seed, another market (42)")
    parser.add_argument(
        "--start", metavar="ISO", help="market time to start at, New York unless it names a zone"
    )
    parser.add_argument(
        "--speed", type=float, default=1.0, metavar="X", help="market seconds per second (1)"
    )
    parser.add_argument(
        "--bars", type=Path, metavar="FILE", help="replay recorded one-minute bars of SPY (CSV)"
    )
    parser.add_argument(
        "--tick-log", type=Path, metavar="FILE", help="write each price with its wall time"
    )


def run(args: argparse.Namespace) -> int:
    """As the live command, on the embedded market whether credentials are there or not."""
    from grok_sauce import machine

    wanted = machine.DemoOptions(
        seed=args.seed,
        start=args.start,
        speed=args.speed,
        bars=args.bars,
        tick_log=args.tick_log,
    )
    return machine.run(machine.options_from(args, demo=wanted))
