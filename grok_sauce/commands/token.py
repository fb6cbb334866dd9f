"""Fetch a token and show how long it is good for, never the token itself."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

NAME = "token"
HELP = "fetch an access or streamer token and show its validity (never the token)"
EPILOG = """examples:
  python3 main.py token access
  python3 main.py token streamer --data /tmp/second
"""
ROOT = Path(__file__).resolve().parents[2]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which of the two."""
    parser.add_argument(
        "kind",
        choices=("access", "streamer"),
        help="access: for the broker's REST service; streamer: for the quote stream",
    )


def run(args: argparse.Namespace) -> int:
    """Log in with what .env holds; 0 when a token was given out.

    Raises:
        SettingsError: .env holds a value that cannot be used.
        SourceRefused: the broker refuses, with whose move it is.
        SourceError: the broker cannot be reached now.
    """
    from grok_sauce.clients.tastytrade import Tastytrade, TastytradeSettings
    from grok_sauce.feeds.dxlink_tokens import is_delayed
    from grok_sauce.http import Http
    from grok_sauce.runtime.clock import RealClock
    from grok_sauce.settings import load_environment, modernise, read_env

    env_file = Path(os.environ.get("GROK_SAUCE_ENV_FILE", ROOT / ".env"))
    environ, notes = modernise(load_environment(env_file))
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    settings = read_env(TastytradeSettings, environ)
    clock = RealClock()
    client = Tastytrade(settings, Http(clock), clock, args.data)
    if args.kind == "access":
        token = client.access_token()
        left = _span(token.expires_at, clock.real())
        print(f"access token from {settings.base_url}: good for {left}")
        return 0
    quotes = client.quote_token()
    level = "real-time quotes"
    if is_delayed(quotes):
        level = f"DELAYED quotes (level {quotes.level or 'not told'})"
    left = _span(quotes.expires_at, clock.real())
    print(f"streamer token from {settings.base_url}: good for {left}")
    print(f"stream: {quotes.url}, {level}")
    return 0


def _span(end: float, now: float) -> str:
    """Time left in words, and the end in UTC."""
    hours, seconds = divmod(max(0, round(end - now)), 3600)
    words = f"{hours} h {seconds // 60} min" if hours else f"{seconds // 60} min {seconds % 60} s"
    return f"{words}, until {datetime.fromtimestamp(end, UTC):%Y-%m-%d %H:%M:%S} UTC"
