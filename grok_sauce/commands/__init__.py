"""The commands, one module each: NAME, HELP, EPILOG, add_arguments(parser), run(args)."""

from __future__ import annotations

from typing import Final

# name -> module, in the order --help shows them. Read only when called for, so that one
# command does not pay for the imports of the others.
COMMANDS: Final[dict[str, str]] = {
    "live": "grok_sauce.commands.live",
    "demo": "grok_sauce.commands.demo",
    "record": "grok_sauce.commands.record",
    "replay": "grok_sauce.commands.replay",
    "test": "grok_sauce.commands.test",
    "check": "grok_sauce.commands.check",
    "token": "grok_sauce.commands.token",
    "simulate": "grok_sauce.commands.simulate",
    "levels": "grok_sauce.commands.levels",
    "bars": "grok_sauce.commands.bars",
    "backtest": "grok_sauce.commands.backtest",
    "config": "grok_sauce.commands.config",
    "bench": "grok_sauce.commands.bench",
}
