"""What the command line asks of the machine: where, on which files, on which market."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from grok_sauce.errors import SettingsError
from grok_sauce.values import dataclass

if TYPE_CHECKING:
    from grok_sauce.desks.recording_run import RecordOptions
    from grok_sauce.replay_half import ReplayOptions

ROOT: Final = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What kind of embedded market."""

    seed: int = 42
    start: str | None = None
    speed: float = 1.0
    bars: Path | None = None
    tick_log: Path | None = None
    chain: Path | None = None
    market: str | None = None  # address of one that runs already

    def arguments(self) -> list[str]:
        """The same as options of the simulate command."""
        found = ["--seed", str(self.seed), "--speed", repr(self.speed)]
        if self.start is not None:
            found += ["--start", self.start]
        if self.bars is not None:
            found += ["--bars", str(self.bars.resolve())]
        if self.chain is not None:
            found += ["--chain", str(self.chain.resolve())]
        if self.tick_log is not None:
            found += ["--tick-log", str(self.tick_log.resolve())]
        return found


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asked for. demo is None for live-if-possible, port for the usual."""

    host: str
    port: int | None
    data: Path
    settings: Path
    env_file: Path
    demo: DemoOptions | None
    open_page: bool
    role: str = "all"
    record: RecordOptions | None = None
    replay: ReplayOptions | None = None


def options_from(args: argparse.Namespace, demo: DemoOptions | None) -> Options:
    """Options of the live and demo commands.

    Raises:
        SettingsError: a demo of a role that has no market to simulate.
    """
    if demo is not None and args.role not in ("all", "feed"):
        raise SettingsError(
            f"--role {args.role} has no market to simulate; leave demo out, or --role", "--role"
        )
    return Options(
        host=args.host,
        port=args.port,
        data=args.data,
        settings=args.settings,
        env_file=Path(os.environ.get("GROK_SAUCE_ENV_FILE", ROOT / ".env")),
        demo=demo,
        open_page=args.open,
        role=args.role,
    )
