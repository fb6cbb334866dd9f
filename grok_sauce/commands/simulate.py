"""Only the embedded market: dxLink, the broker's REST, Cboe and its controls, on one port."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from grok_sauce.errors import BadPayload, SettingsError
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import RealClock, SharedClock
from grok_sauce.simulator import faults, opening
from grok_sauce.simulator.desk import Desk
from grok_sauce.simulator.dxlink_server import Limits
from grok_sauce.simulator.faults import Faults
from grok_sauce.simulator.receiver import Receiver
from grok_sauce.simulator.server import Server
from grok_sauce.simulator.services import Services
from grok_sauce.simulator.ticker import TickLog
from grok_sauce.simulator.tokens import Tokens

if TYPE_CHECKING:
    from grok_sauce.market.chain import OptionChain

log = logging.getLogger(__name__)

NAME = "simulate"
HELP = "only the embedded market: dxLink, the broker's REST, Cboe, a listener for alerts, one port"
EPILOG = f"""examples:
  python3 main.py simulate --port 8765 --tick-log ticks.jsonl
  python3 main.py simulate --port 0 --seed 7 --start 2026-12-16T09:25 --fault nan=Quote

Without --port it listens on 8765. The first line of output is one JSON object with the addresses.
Client secret, refresh token, streamer token, TradingView's cookies and login and NewsAPI's key are
"demo", FRED's key is eight times "demo". The market is open whenever you start it unless --start
says otherwise.

faults (--fault NAME or NAME=VALUE, or POST /faults {{"NAME": VALUE}} while it runs):
{faults.describe()}
"""
DEFAULT_PORT = 8765


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number above 0, not {text!r}")
    return value


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"must be a whole number above 0, not {text!r}")
    return int(text)


def _fault(text: str) -> tuple[str, faults.Value]:
    name, equals, value = text.partition("=")
    try:
        return name, faults.checked(name, value if equals else True)
    except SettingsError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None


def _anchor(text: str) -> tuple[float, float]:
    try:
        market, real = (float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError("must be MARKET,REAL in Unix seconds") from None
    return market, real


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The market, its servers' limits, and what shall go wrong. --port 0 takes a free one."""
    add = parser.add_argument
    add("--seed", type=int, default=42, help="another seed, another market (42)")
    add("--start", metavar="ISO", help="market time to start at, New York unless it names a zone")
    add("--speed", type=_positive, default=1.0, metavar="X", help="market seconds per second (1)")
    add("--bars", type=Path, metavar="FILE", help="replay recorded one-minute bars (CSV, or gzip)")
    add(
        "--chain",
        type=Path,
        metavar="FILE",
        help="list the options of a recorded Cboe chain (JSON or CSV, or gzip), on its day",
    )
    add("--bars-symbol", default="SPY", metavar="SYMBOL", help="whose bars these are (SPY)")
    add("--anchor", type=_anchor, metavar="MARKET,REAL", help="share another process's time line")
    add("--tick-log", type=Path, metavar="FILE", help="write each price with its wall time")
    add(
        "--keepalive",
        type=_positive,
        default=60.0,
        metavar="SECONDS",
        help="silence after which a dxLink client is dropped (60)",
    )
    add(
        "--max-subscriptions",
        type=_count,
        default=Limits().subscriptions,
        metavar="N",
        help="entries of one dxLink connection (25000)",
    )
    add(
        "--token-life",
        type=_positive,
        default=900.0,
        metavar="SECONDS",
        help="life of an access token (900)",
    )
    add(
        "--level",
        choices=("api", "demo"),
        default="api",
        help="what the quote token says of itself: real time or delayed (api)",
    )
    add(
        "--no-sign-in",
        action="store_true",
        help="dxLink asks for no token, as dxFeed's public demonstration feed",
    )
    add(
        "--fault",
        type=_fault,
        action="append",
        default=[],
        metavar="NAME[=VALUE]",
        help="something to do wrong; the list is below",
    )
    add(
        "--receive-journal",
        type=Path,
        metavar="FILE",
        help="append every order that /receive acts upon to this file",
    )
    add("--exit-with-stdin", action="store_true", help="end when standard input closes")


def build(args: argparse.Namespace, stack: ExitStack) -> Server:
    """The market and its server from the options; it listens but does not answer yet.

    Raises:
        SettingsError: an option or a file is wrong.
        StartupError: the port cannot be had.
    """
    from grok_sauce.simulator.bars_file import read_bars
    from grok_sauce.simulator.market import World

    bars = read_bars(args.bars, args.bars_symbol) if args.bars else None
    chain = _read_chain(args.chain) if args.chain else None
    real = RealClock().real()
    if args.anchor:
        market, real = args.anchor
    elif args.start:
        market = opening.read_start(args.start)
    else:
        # A chain is mostly written after the close: its day's session is what it tells of.
        market = bars.start if bars else opening.opening(chain.as_of if chain else real)
    clock = SharedClock(market, real, args.speed)
    world = World(args.seed, clock.market(), bars, chain, level_at=market)
    world.option_seconds = max(
        1.0, args.speed
    )  # a fast market prices no more often than a slow one
    switches = Faults(dict(args.fault))
    services = Services(
        desk=Desk(world, clock),
        clock=clock,
        tokens=Tokens(clock, switches, args.token_life),
        faults=switches,
        limits=Limits(
            keepalive=args.keepalive,
            subscriptions=args.max_subscriptions,
            sign_in=not args.no_sign_in,
        ),
        level=args.level,
        about={**clock.anchor(), "seed": args.seed},
    )
    if args.receive_journal:
        services.receiver = Receiver(clock, journal=args.receive_journal)
        stack.callback(services.receiver.close)
    if args.tick_log:
        services.prices = _tick_log(args.tick_log, clock, stack).note
    port = DEFAULT_PORT if args.port is None else args.port
    return Server(services, args.host, port)


def _read_chain(path: Path) -> OptionChain:
    from grok_sauce.pollers.cboe import read_chain_file

    try:
        chain = read_chain_file(path)
    except BadPayload as problem:
        raise SettingsError(str(problem), "--chain") from None
    opening.check_day(chain.as_of, f"{path}: its time")
    return chain


def _tick_log(path: Path, clock: SharedClock, stack: ExitStack) -> TickLog:
    try:
        out = path.open("w", encoding="utf-8")
    except OSError as problem:
        raise SettingsError(f"cannot write {path}: {problem.strerror}", "--tick-log") from None
    return TickLog(stack.enter_context(out), clock)


def first_line(server: Server, args: argparse.Namespace) -> dict[str, Any]:
    """What whoever started this reads: addresses, time line, seed, process."""
    services = server.services
    anchor = {k: services.about[k] for k in ("anchor_market", "anchor_real", "speed")}
    moment = opening.iso(services.about["anchor_market"])
    return {
        "http": f"http://{services.address}",
        "dxlink": services.dxlink_url,
        "cboe": f"http://{services.address}",
        "newsapi": f"http://{services.address}",
        "forexfactory": f"http://{services.address}",
        "fred": f"http://{services.address}",
        "tradingview": f"http://{services.address}",
        "tradingview_socket": services.tradingview_url,
        "clock": f"http://{services.address}/clock",
        "listener": f"http://{services.listener}/receive",
        "seed": args.seed,
        "start": moment,
        "speed": args.speed,
        "anchor": anchor,
        "pid": os.getpid(),
    }


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM, Ctrl-C, or (--exit-with-stdin) the end of standard input.

    1 when the market itself failed: the parent starts another.
    """
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    with ExitStack() as stack:
        server = build(args, stack)
        for number in (signal.SIGTERM, signal.SIGINT):
            previous = signal.signal(number, end)
            stack.callback(signal.signal, number, previous)
        server.start()
        stack.callback(server.stop)
        if args.exit_with_stdin:
            concurrency.spawn(_wait_for_stdin, stop, name="simulator-stdin")
        print(json.dumps(first_line(server, args)), flush=True)
        while not (server.failed.is_set() or stop.wait(0.5)):
            pass  # a bounded wait lets signals in on every platform
        return 1 if server.failed.is_set() else 0


def _wait_for_stdin(stop: threading.Event) -> None:
    # Not through sys.stdin: a thread inside its buffer would make the interpreter's exit fail.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    stop.set()
