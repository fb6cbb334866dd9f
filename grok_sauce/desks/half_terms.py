"""What a market half is given: its files, and what the process says and does for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from grok_sauce import settings as knobs
from grok_sauce.values import dataclass


@dataclass(frozen=True, slots=True)
class Files:
    """Where this half keeps what it writes: data folder, settings, their versions, .env."""

    data: Path
    settings: Path
    keep: Path
    env: Path


@dataclass(frozen=True, slots=True)
class Process:
    """What the process says and does for this half.

    mode() is the header's chip, more_health() what it adds to the report, use_live() what
    happens when credentials were saved, as a sentence for the page.
    """

    mode: Callable[[], dict[str, Any]]
    more_health: Callable[[], dict[str, Any]]
    use_live: Callable[[], str]


def secrets_set(env_file: Path) -> dict[str, bool]:
    """Which secrets the user has set, never what they hold."""
    environ = knobs.load_environment(env_file)
    return {name: bool(environ.get(name)) for name in knobs.SECRETS}


def history_file(data: Path, demo: bool) -> Path:
    """Where minute bars are kept. A demo begins empty: another start is another market."""
    path = data / "history.db"
    if demo:
        for leftover in data.glob("history.db*"):
            leftover.unlink(missing_ok=True)
    return path
