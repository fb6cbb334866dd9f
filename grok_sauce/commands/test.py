"""Run the whole test suite with pytest."""

from __future__ import annotations

import argparse
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
ROOT = Path(__file__).resolve().parents[2]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Everything else on the line is pytest's."""
    parser.usage = "main.py test [pytest arguments]"


def run(args: argparse.Namespace) -> int:
    """pytest in a process of its own: the runner itself is never patched."""
    rest: list[str] = args.rest
    if not any(word.startswith("-m") for word in rest):
        rest = ["-m", "not slow", *rest]
    return subprocess.run([sys.executable, "-m", "pytest", *rest], cwd=ROOT, check=False).returncode
