"""The live strategy over bars of the past: trades on paper, and what they can and cannot show."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from grok_sauce.errors import SettingsError, StartupError, reason_of

if TYPE_CHECKING:
    from grok_sauce.settings.strategy import Strategy

NAME = "backtest"
HELP = "run the signal strategy over bars and levels of the past, on paper"
EPILOG = """examples:
  python3 main.py backtest --bars archive --symbol /NQ --levels levels.csv --lt lt.jsonl
  python3 main.py backtest --bars NQH7_1m.csv --levels levels.csv --set lt_missing=open \\
      --set target=30 --report report.html

--bars takes files of `bars export` (csv or e54), or a folder of them. docs/strategy.md shows
what belongs in the files of levels and LT levels; each line needs the time it was known from.
Settings are those of the section `strategy` of settings.json, changed by --set.
"""
STEPS: Final = 40  # characters of the progress bar


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is read, what is changed, what is written."""
    add = parser.add_argument
    add("--bars", type=Path, nargs="+", required=True, metavar="FILE",
        help="bars of 15 minutes or less, or folders of such files")  # fmt: skip
    add("--levels", type=Path, required=True, metavar="FILE",
        help="put wall and supports with known_at, CSV or JSON lines")  # fmt: skip
    add("--lt", type=Path, metavar="FILE", help="LT levels with known_at, CSV or JSON lines")
    add("--symbol", metavar="SYMBOL", help="SPY, /NQ (its front contract) or /NQZ6")
    add("--set", action="append", default=[], metavar="NAME=VALUE", dest="changes",
        help="change a setting of the strategy for this run; may be repeated")  # fmt: skip
    add("--json", action="store_true", help="print one JSON object")
    add("--report", type=Path, metavar="FILE.html", help="write a page with pictures")


def run(args: argparse.Namespace) -> int:
    """Run and print; 0 also when there was no trade.

    Raises:
        SettingsError: a file, an option or a setting that cannot be used, with its place.
        LookAhead: a file asks to use what was not known yet.
    """
    from grok_sauce.commands import backtest_report
    from grok_sauce.commands.backtest_bars import read_bars
    from grok_sauce.commands.backtest_files import read_levels, read_triggers
    from grok_sauce.strategies import backtest

    settings = changed(_settings(args.settings), args.changes)
    bars = read_bars(args.bars, args.symbol)
    levels = read_levels(args.levels)
    triggers = [] if args.lt is None else read_triggers(args.lt)
    told = progress(len(bars.bars))
    result = backtest.run(settings, bars.symbol, bars.bars, levels, triggers, told)
    told(len(bars.bars))
    inputs = backtest_report.Inputs(
        tuple(path.name for path in args.bars),
        args.levels.name,
        None if args.lt is None else args.lt.name,
        len(levels),
        len(triggers),
        dict(bars.left_out),
    )
    found = backtest_report.document(result, inputs)
    if args.report is not None:
        _write(args.report, found)
    if args.json:
        print(json.dumps(found, indent=2, allow_nan=False))
    else:
        print(backtest_report.render(found))
    return 0


def _settings(path: Path) -> Strategy:
    """The section `strategy` of a settings file; its defaults when there is no file."""
    from grok_sauce.settings import migrate, parse, validate

    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return validate({}).strategy
    except OSError as problem:
        raise SettingsError(f"{path} cannot be read: {reason_of(problem)}") from None
    document, _ = migrate(parse(data))
    return validate(document).strategy


def changed(settings: Strategy, changes: Sequence[str]) -> Strategy:
    """Settings with each NAME=VALUE put over them.

    Raises:
        SettingsError: no such setting, or a value out of its range.
    """
    from grok_sauce.settings.readers import section
    from grok_sauce.settings.strategy import Strategy

    document: dict[str, Any] = dataclasses.asdict(settings)
    for change in changes:
        name, equals, text = change.partition("=")
        if not equals:
            raise SettingsError(f"--set needs NAME=VALUE, such as target=30, not {change!r}")
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        document[name.strip().removeprefix("strategy.")] = value
    found: Strategy = section(Strategy)(document, "strategy")
    return found


def progress(total: int) -> Callable[[int], None]:
    """A function told how many are done: a bar on a terminal, else a line each quarter."""
    out = sys.stderr
    quarters: set[int] = set()

    def told(done: int) -> None:
        share = done / total if total else 1.0
        if out.isatty():
            full = int(share * STEPS)
            end = "\n" if done >= total else ""
            bar = "█" * full + "·" * (STEPS - full)
            out.write(f"\r{bar} {done:,} of {total:,} bars{end}")
            out.flush()
            return
        quarter = int(share * 4)
        if quarter and quarter not in quarters:
            quarters.add(quarter)
            out.write(f"{done:,} of {total:,} bars\n")

    return told


def _write(path: Path, found: dict[str, Any]) -> None:
    from grok_sauce.commands.backtest_report_html import page
    from grok_sauce.settings import write_whole

    try:
        write_whole(path, page(found).encode())
    except OSError as problem:
        raise StartupError(
            f"{path} cannot be written: {reason_of(problem)}; name another file with --report"
        ) from None
    print(f"report: {path}", file=sys.stderr)
