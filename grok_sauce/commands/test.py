"""Run the whole test suite with pytest."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

NAME = "test"
HELP = "install the test tools too, run the whole suite"
EPILOG = """examples:
  python3 main.py test
  python3 main.py test tests/feeds -k candle
"""
PASSES_ARGUMENTS = True  # all that is not ours goes to pytest
MOST = 4  # processes; each may start markets and a browser
ROOT = Path(__file__).resolve().parents[2]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Everything else on the line is pytest's."""
    parser.usage = "main.py test [pytest arguments]"


def run(args: argparse.Namespace) -> int:
    """pytest in a process of its own: the runner itself is never patched."""
    rest: list[str] = args.rest
    if not any(word.startswith("-m") for word in rest):
        rest = ["-m", "not slow", *rest]
        if all(word.startswith("--durations") for word in args.rest):
            # The whole suite, a file to one process: half of it waits for clocks and browsers.
            rest = ["-n", str(min(MOST, os.cpu_count() or 1)), "--dist", "loadfile", *rest]
    return subprocess.run([sys.executable, "-m", "pytest", *rest], cwd=ROOT, check=False).returncode
