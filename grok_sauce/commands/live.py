"""The dashboard: live when .env holds credentials, else the demo."""

from __future__ import annotations

import argparse

from grok_sauce.runtime import collector

NAME = "live"
HELP = "the dashboard: live when .env holds credentials, else the demo"
EPILOG = """examples:
  python3 main.py
  python3 main.py --port 5020 --data /tmp/second --settings /tmp/second.json
  python3 main.py --role router
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Only the common options."""


def run(args: argparse.Namespace) -> int:
    """Start, serve until Ctrl-C or SIGTERM, stop in order."""
    collector.hold_off()
    from grok_sauce import machine

    return machine.run(machine.options_from(args, demo=None))
