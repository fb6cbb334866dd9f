"""The project's own benchmarks: CPU beside that of a named peer, in the same run."""

from __future__ import annotations

import argparse
import importlib
from typing import Any

from grok_sauce.bench import BENCHES
from grok_sauce.bench.report import Comparison

NAME = "bench"
HELP = "the project's own benchmarks, as ratios to a named baseline in the same run"
EPILOG = """examples:
  python3 main.py bench
  python3 main.py bench fanout --require

Figures are costs, so less is better; medians. Compare sides of one run, never two runs.
Peers come with: pip install -r requirements-bench.txt
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which, and how strictly."""
    parser.add_argument("name", nargs="?", choices=[*BENCHES], metavar="NAME",
                        help=f"one of {', '.join(BENCHES)} (all)")  # fmt: skip
    parser.add_argument(
        "--require",
        action="store_true",
        help="exit 1 when a baseline is missing or a bar is missed",
    )


def run(args: argparse.Namespace) -> int:
    """Measure and print; 1 when something was required and is not there."""
    found: list[Comparison] = []
    for name in [args.name] if args.name else BENCHES:
        module: Any = importlib.import_module(BENCHES[name])
        print(f"{name}: {module.HELP}", flush=True)
        for comparison in module.measure(lambda text: print(f"  {text}", flush=True)):
            print(f"  {comparison.line()}", flush=True)
            found.append(comparison)
    failing = [comparison for comparison in found if not comparison.passes]
    if args.require:
        for comparison in failing:
            reason = "bar missed" if comparison.measured else "baseline missing"
            print(f"FAIL {comparison.what}, {comparison.peer or comparison.unit}: {reason}")
    return 1 if args.require and failing else 0
