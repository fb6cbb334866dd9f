"""Everything on the embedded market: no account, no outbound connection."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

from grok_sauce.errors import BadPayload, SettingsError
from grok_sauce.runtime import collector

if TYPE_CHECKING:
    from grok_sauce.machine import DemoOptions

FASTEST: Final = 3600.0  # an hour a second; faster, nothing could be seen
NAME = "demo"
HELP = "everything on the embedded market: no account, no outbound connection"
EPILOG = """examples:
  python3 main.py demo
  python3 main.py demo --seed 7 --start 2026-12-16T09:25 --speed 24
  python3 main.py demo --bars spy_1min.csv.gz
  python3 main.py demo --chain spx_quotedata.csv --start 2023-09-15T10:00
  python3 main.py demo --role feed --market http://127.0.0.1:7000

The market is open whenever you start it unless --start says otherwise. A recorded chain starts at
the file's own time, or in that day's session when it was written after the close.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What kind of market."""
    parser.add_argument("--seed", type=int, default=42, help="another seed, another market (42)")
    parser.add_argument(
        "--start", metavar="ISO", help="market time to start at, New York unless it names a zone"
    )
    parser.add_argument(
        "--speed",
        type=market_speed,
        default=1.0,
        metavar="X",
        help=f"market seconds per second (1; at most {FASTEST:g})",
    )
    parser.add_argument(
        "--bars", type=Path, metavar="FILE", help="replay recorded one-minute bars of SPY (CSV)"
    )
    parser.add_argument(
        "--chain",
        type=Path,
        metavar="FILE",
        help="list the options of a recorded Cboe chain (JSON or CSV), from the file's price on",
    )
    parser.add_argument(
        "--market",
        metavar="URL",
        help="use the market of a main.py simulate that runs already on this machine",
    )
    parser.add_argument(
        "--tick-log", type=Path, metavar="FILE", help="write each price with its wall time"
    )


def market_speed(text: str) -> float:
    """Market seconds per second, above 0."""
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed <= FASTEST:
        raise argparse.ArgumentTypeError(f"must be above 0 and at most {FASTEST:g}, not {text!r}")
    return speed


def check_chain(path: Path, bars: Path | None) -> None:
    """Refuse a chain that the market could not list, in this process, whose usage it is.

    Raises:
        SettingsError: naming the file, and the row and column where it is the content.
    """
    from grok_sauce.pollers.cboe import read_chain_file

    if bars is not None:
        raise SettingsError("give --bars or --chain, one of the two", "--chain")
    if not path.is_file():
        raise SettingsError(f"there is no file {path}", "--chain")
    try:
        read_chain_file(path)
    except BadPayload as problem:
        raise SettingsError(str(problem), "--chain") from None


def run(args: argparse.Namespace) -> int:
    """As the live command, on the embedded market whether credentials are there or not.

    Raises:
        SettingsError: an option names a time or a file that cannot be used.
    """
    collector.hold_off()
    from grok_sauce import machine

    return machine.run(machine.options_from(args, demo=options_of(args)))


def options_of(args: argparse.Namespace) -> DemoOptions:
    """The embedded market that was asked for.

    Raises:
        SettingsError: an option names a time or a file that cannot be used.
    """
    from grok_sauce import machine

    if args.start is not None:
        from grok_sauce.simulator.opening import read_start

        read_start(args.start)  # here and not in the market's process, whose usage is not ours
    if args.bars is not None and not args.bars.is_file():
        raise SettingsError(f"there is no file {args.bars}", "--bars")

    if args.chain is not None:
        check_chain(args.chain, args.bars)

    return machine.DemoOptions(
        seed=args.seed,
        start=args.start,
        speed=args.speed,
        bars=args.bars,
        chain=args.chain,
        tick_log=args.tick_log,
        market=args.market,
    )
