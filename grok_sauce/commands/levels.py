"""GEX and all levels of a chain: of a Cboe file, of the running dashboard, or those kept."""

from __future__ import annotations

import argparse
import json
import math
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from grok_sauce.errors import BadPayload, SettingsError, SourceError, SourceRefused

if TYPE_CHECKING:
    from grok_sauce.market.chain import OptionChain

NAME = "levels"
HELP = "GEX, zero gamma, walls and max pain of a chain: of a Cboe file, or of the dashboard"
EPILOG = """examples:
  python3 main.py levels --cboe-file spx_quotedata.csv --as-of 2026-11-20T15:59
  python3 main.py levels SPX --unit point --json
  python3 main.py levels /NQ --export levels.csv --from 2026-11-16

With --cboe-file nothing is asked of the network: a delayed-quotes JSON or a quotedata.csv,
gzipped or not. Contracts that have settled at --as-of are left out. With SYMBOL the dashboard
that runs on --host and --port is asked. With --export the levels that were known of a future
are written as `backtest --levels` reads them, each with the time it was known.
"""
PORT: Final = 5010
UNITS: Final = ("pct", "point")
# Used when none is given, and said so. Parity of the quotes sets the forward where it can, so
# that the rate only discounts.
ASSUMED_RATE: Final = 0.04
ASSUMED_YIELD: Final = 0.0
_ANYWHERE: Final = frozenset({"0.0.0.0", "::", ""})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which chain, how it is looked at, how it is printed."""
    add = parser.add_argument
    add("symbol", nargs="?", metavar="SYMBOL", help="ask the running dashboard for this one; with "
        "--export a future (/NQ) or an underlying (QQQ)")  # fmt: skip
    add("--cboe-file", type=Path, metavar="FILE", help="a Cboe chain, JSON or CSV, or gzip of it")
    add("--as-of", metavar="ISO", help="look at the file at that time, New York unless it names "
        "a zone (the file's own time)")  # fmt: skip
    add("--rate", type=_fraction, metavar="R", help=f"interest rate ({ASSUMED_RATE}, assumed)")
    add("--dividend-yield", type=_fraction, metavar="Q", help="dividend yield where quotes give "
        f"no forward ({ASSUMED_YIELD}, assumed)")  # fmt: skip
    add("--gamma", choices=("file", "model", "feed"), default="model",
        help="of the file, re-computed from volatility (model), or of the feed")  # fmt: skip
    add("--unit", choices=UNITS, default="pct", help="$ per 1 %% move or $ per point (pct)")
    add("--json", action="store_true", help="print one JSON object")
    add("--export", type=Path, metavar="FILE", help="write kept levels for a backtest, CSV")
    add("--from", dest="first", metavar="DAY", help="with --export: first day, such as 2026-11-02")
    add("--to", dest="last", metavar="DAY", help="with --export: last day (New York, included)")
    add("--score", choices=("default", "legacy"), default="default",
        help="with --export: which strength chooses the supports (default)")  # fmt: skip
    add("--every-set", action="store_true", help="with --export: all that was known, not only "
        "what stood for a candle")  # fmt: skip


def _fraction(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not -0.5 <= value <= 0.5:
        raise argparse.ArgumentTypeError(
            f"must be a fraction a year such as 0.045 for 4.5 %, not {text!r}"
        )
    return value


def run(args: argparse.Namespace) -> int:
    """Print the levels; 1 when there are none to be had.

    Raises:
        SettingsError: options that do not go together, or a value that cannot be used.
        SourceError: the file holds no chain, or no dashboard answers.
    """
    if args.export is not None:
        return _export(args)
    if (args.cboe_file is None) == (args.symbol is None):
        raise SettingsError("give a SYMBOL or --cboe-file FILE, one of the two", "SYMBOL")
    document = _of_file(args) if args.cboe_file is not None else _of_dashboard(args)
    if args.json:
        print(json.dumps(document, indent=2, allow_nan=False))
    else:
        from grok_sauce.commands.levels_text import render

        print(render(document))
    status = document.get("status") or {}
    if status.get("state") in ("no_chain", "refused", "loading"):
        print(f"Grok Sauce: {status['text']}{_cure(args, status['state'])}", file=sys.stderr)
        return 1
    return 0


def _export(args: argparse.Namespace) -> int:
    from grok_sauce.commands.levels_export import export

    if args.symbol is None or args.cboe_file is not None:
        raise SettingsError("--export needs a SYMBOL such as /NQ, and no --cboe-file", "SYMBOL")
    print(
        export(
            args.data, args.symbol, args.export, args.score, args.first, args.last, args.every_set
        )
    )
    return 0


def _cure(args: argparse.Namespace, state: str) -> str:
    if state == "no_chain" and args.cboe_file is not None:
        return " Look at the file as of an earlier time with --as-of."
    return ""


# ---- a file -----------------------------------------------------------------------------


def _of_file(args: argparse.Namespace) -> dict[str, Any]:
    if args.gamma == "feed":
        raise SettingsError("--gamma feed needs the dashboard; a file has --gamma file", "--gamma")
    as_of = None if args.as_of is None else read_time(args.as_of)
    if not args.cboe_file.is_file():
        raise SettingsError(f"there is no file {args.cboe_file}", "--cboe-file")
    from grok_sauce.analytics import levels
    from grok_sauce.analytics.forward import Rates
    from grok_sauce.pollers.cboe import read_chain_file

    chain = read_chain_file(args.cboe_file, as_of)
    rate = ASSUMED_RATE if args.rate is None else args.rate
    dividends = ASSUMED_YIELD if args.dividend_yield is None else args.dividend_yield
    rates = Rates(rate, dividends, rate_source="assumed" if args.rate is None else "given")
    found = levels.report(
        chain, rates, gamma=args.gamma, oi_whole=_open_interest(chain), stale=math.inf
    )
    return levels.document(found, args.unit)


def _open_interest(chain: OptionChain) -> float:
    """A file holds the whole market: all its contracts that have not settled."""
    oi = chain.oi[chain.years() > 0]
    return float(oi[oi > 0].sum())


def read_time(text: str) -> float:
    """An ISO-8601 time as a Unix time; without a zone it is New York's clock.

    Raises:
        SettingsError: it is no such time.

    >>> read_time("2023-09-14T15:59"), read_time("2023-09-14T19:59Z")
    (1694721540.0, 1694721540.0)
    """
    from grok_sauce.market import sessions

    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=sessions.NEW_YORK)
        return moment.timestamp()
    except (ValueError, OverflowError):
        raise SettingsError(
            f"--as-of must be a time like 2026-11-20T15:59, not {text!r}", "--as-of"
        ) from None


# ---- the dashboard ----------------------------------------------------------------------


def _of_dashboard(args: argparse.Namespace) -> dict[str, Any]:
    for option in ("as_of", "rate", "dividend_yield"):
        if getattr(args, option) is not None:
            name = "--" + option.replace("_", "-")
            raise SettingsError(f"{name} goes with --cboe-file; the dashboard has its own", name)
    if args.gamma == "file":
        raise SettingsError("--gamma file needs --cboe-file FILE", "--gamma")
    from grok_sauce.http import Http, HttpStatus, Unreachable
    from grok_sauce.market.instruments import normalise
    from grok_sauce.runtime.clock import RealClock

    symbol = normalise(args.symbol, "SYMBOL")
    address = _address(args.host, args.port)
    asked = {"symbol": symbol, "unit": args.unit, "gamma": args.gamma}
    try:
        document = Http(RealClock()).get_json(f"{address}/api/gex", asked)
    except Unreachable:
        raise SourceError(
            f"no dashboard answers on {address}; start it with python3 main.py, or give a "
            "chain: --cboe-file FILE"
        ) from None
    except HttpStatus as refusal:
        raise _refused(refusal, symbol, address) from None
    if not isinstance(document, dict) or "zero_gamma" not in document:
        raise BadPayload(f"{address} is not a Grok Sauce dashboard with GEX; check --port")
    return document


def _address(host: str, port: int | None) -> str:
    host = "127.0.0.1" if host in _ANYWHERE else host
    return f"http://{f'[{host}]' if ':' in host else host}:{PORT if port is None else port}"


def _refused(refusal: Any, symbol: str, address: str) -> SourceError | SourceRefused:
    """What the dashboard says against it, in its own words where it has any."""
    if refusal.status in (401, 403):
        return SourceRefused(f"{address} asks for a login; open it in a browser, or ask it there")
    try:
        problem = refusal.answer.json()["error"]
        said = f"{problem['message']}" + (f" ({problem['field']})" if problem.get("field") else "")
    except (SourceError, KeyError, TypeError, AttributeError):
        return SourceError(
            f"{address} answers {refusal.status} to /api/gex; is it a Grok Sauce dashboard?"
        )
    return SourceError(f"{symbol}: {said}")
