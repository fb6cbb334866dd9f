"""The command line: common options, one module a command, exit codes 0 good, 1 failed, 2 usage."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from grok_sauce import __version__
from grok_sauce.commands import COMMANDS
from grok_sauce.errors import GrokSauceError, SettingsError

ROOT = Path(__file__).resolve().parent.parent
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
ROLES = ("all", "feed", "web", "router")


def port_number(text: str) -> int:
    """A TCP port; 0 lets the system choose."""
    try:
        port = int(text)
    except ValueError:
        port = -1
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, not {text!r}")
    return port


def common_options() -> argparse.ArgumentParser:
    """Options every command takes, before or after its name."""
    parser = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    group = parser.add_argument_group("common options")
    group.add_argument("--host", help="address to listen on (127.0.0.1)")
    group.add_argument(
        "--port",
        type=port_number,
        help="port to listen on (5010; the router alone: ROUTER_PORT, 5011; a feed: 5012)",
    )
    group.add_argument("--data", type=Path, metavar="DIR", help="data folder (./data)")
    group.add_argument(
        "--settings", type=Path, metavar="FILE", help="settings file (./settings.json)"
    )
    group.add_argument("--role", choices=ROLES, help="which part of the machine to run (all)")
    group.add_argument("--log-level", choices=LEVELS, type=str.upper, help="(INFO)")
    group.add_argument("--open", action="store_true", help="open the page in a browser")
    return parser


DEFAULTS = {
    "host": "127.0.0.1",
    "port": None,
    "data": ROOT / "data",
    "settings": ROOT / "settings.json",
    "role": "all",
    "log_level": "INFO",
    "open": False,
}


def load(name: str) -> ModuleType:
    """The module of a command."""
    return importlib.import_module(COMMANDS[name])


def build_parser(name: str) -> argparse.ArgumentParser:
    """The parser of one command, with its examples."""
    module = load(name)
    parser = argparse.ArgumentParser(
        prog="main.py" if name == "live" else f"main.py {name}",
        description=module.HELP,
        epilog=module.EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[common_options()],
        allow_abbrev=False,
    )
    module.add_arguments(parser)
    return parser


def overview() -> str:
    """What `main.py --help` prints."""
    lines = [
        f"Grok Sauce Streaming Machine {__version__}",
        "",
        "python3 main.py             the dashboard: live with credentials in .env, else the demo",
    ]
    for name in COMMANDS:
        if name != "live":
            first = load(name).HELP.strip().splitlines()[0]
            lines.append(f"python3 main.py {name:<12}{first}")
    lines += [
        "",
        "python3 main.py COMMAND --help shows the options of a command, with examples.",
        "",
    ]
    options = common_options().format_help().partition("common options:")[2]
    return "\n".join([*lines, "common options:" + options.rstrip("\n")])


def split(argv: Sequence[str]) -> tuple[str, list[str]]:
    """The command's name and the rest; options may stand before the name.

    >>> split(["--port", "5020", "demo", "--seed", "7"])
    ('demo', ['--port', '5020', '--seed', '7'])
    >>> split(["--open"])
    ('live', ['--open'])
    """
    takes_value = {"--host", "--port", "--data", "--settings", "--role", "--log-level"}
    skip = False
    for at, word in enumerate(argv):
        if skip:
            skip = False
        elif word in takes_value:
            skip = True
        elif not word.startswith("-"):
            return word, [*argv[:at], *argv[at + 1 :]]
    return "live", list(argv)


def set_up_logging(level: str) -> None:
    """One line an event on standard error; UTC would hide what the user's clock said."""
    logging.basicConfig(
        level=getattr(logging, level),
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
        datefmt="%H:%M:%S",
        stream=sys.stderr,
    )
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    logging.getLogger("urllib3").setLevel(logging.WARNING)


def main(argv: Sequence[str]) -> int:
    """Run a command and return its exit code."""
    name, rest = split(argv)
    if name == "live" and ("-h" in rest or "--help" in rest):
        print(overview())
        return 0
    if name in ("-V", "--version") or "--version" in rest:
        print(__version__)
        return 0
    if name not in COMMANDS:
        print(
            f"main.py: no command {name!r}; there are: "
            + ", ".join(known for known in COMMANDS if known != "live"),
            file=sys.stderr,
        )
        return 2
    module = load(name)
    parser = build_parser(name)
    if getattr(module, "PASSES_ARGUMENTS", False) and not {"-h", "--help"} & set(rest):
        args, args_rest = parser.parse_known_args(rest)
        args.rest = args_rest
    else:
        args = parser.parse_args(rest)
    for option, value in DEFAULTS.items():
        if not hasattr(args, option):
            setattr(args, option, value)
    set_up_logging(args.log_level)
    try:
        return int(module.run(args))
    except SettingsError as problem:
        known = problem.field is None or problem.field in str(problem)
        where = "" if known else f"{problem.field}: "
        print(f"Grok Sauce: {where}{problem}", file=sys.stderr)
        return 2
    except GrokSauceError as problem:
        print(f"Grok Sauce: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output went away (`main.py config export | head`).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
