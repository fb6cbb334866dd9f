"""Settings from the command line: export without secrets, import with a look first, check."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from grok_sauce.alerts.settings import AlertSettings
from grok_sauce.commands import config_routing
from grok_sauce.errors import SettingsError
from grok_sauce.settings import (
    SECRETS,
    ProcessSettings,
    SettingsStore,
    as_document,
    load_environment,
    migrate,
    modernise,
    parse,
    read_env,
    validate,
)

ENV_FILE = Path(__file__).resolve().parents[2] / ".env"
PORT = 5010  # where the pages are without --port; nothing may be sent there
NAME = "config"
HELP = "settings: export without secrets, import a file or an old config.json, check"
EPILOG = """examples:
  python3 main.py config export > settings-backup.json
  python3 main.py config import settings-backup.json --dry-run
an alert server's config.json holds strategies and ports: it is imported into data/routing.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to do with which file."""
    parser.add_argument("action", choices=("export", "import", "check"))
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="what to import")
    parser.add_argument("--dry-run", action="store_true", help="say what would change, no more")
    parser.add_argument(
        "--env", type=Path, metavar="FILE", help="file with secrets and addresses (./.env)"
    )


def run(args: argparse.Namespace) -> int:
    """0 good; 2 with the reason when settings or the file are wrong."""
    if args.action == "import" and args.file is None:
        print("config import needs a FILE", file=sys.stderr)
        return 2
    if args.action != "import" and args.file is not None:
        print(f"config {args.action} takes no FILE; --settings names another one", file=sys.stderr)
        return 2
    try:
        if args.action == "export":
            return _export(args.settings)
        if args.action == "import":
            document = _read(args.file)
            if config_routing.is_tree(document):
                return _import_tree(document, args)
            return _import(args.settings, args.data, document, args.dry_run)
        return _check(args.settings, args.env)
    except SettingsError as problem:
        print(problem, file=sys.stderr)
        return 2


def _export(path: Path) -> int:
    """settings.json, checked and in today's form, on standard output. Nothing is written."""
    document = as_document(validate(migrate(_read(path))[0]))
    print(json.dumps(document, indent=2))
    return 0


def _import_tree(document: Any, args: argparse.Namespace) -> int:
    """Strategies, tickers and ports: they are the router's, settings stay as they are."""
    environ, notices = modernise(load_environment(_env_file(args.env)))
    settings = read_env(AlertSettings, environ)
    own_port = args.port if args.port is not None else PORT
    changes = config_routing.import_tree(document, args.data, settings, own_port, args.dry_run)
    _say(notices, changes, args.dry_run)
    return 0


def _import(path: Path, data: Path, document: Any, dry_run: bool) -> int:
    if dry_run and not path.exists():
        migrated, notices = migrate(document)
        validate(migrated)
        _say(notices, [f"{path.name} would be made with these settings"], dry_run)
        return 0
    store = SettingsStore(path, keep=data / "settings")
    store.load()
    if store.problem is not None:
        print(store.problem, file=sys.stderr)
    answer = store.import_document(document, dry_run)
    _say(answer["notices"], answer["changes"], dry_run)
    return 0


def _check(path: Path, env: Path | None) -> int:
    """Every problem at once: one correction a run would be tedious."""
    problems: list[str] = []
    notices: list[str] = []
    try:
        document, notices = migrate(_read(path))
        settings = validate(document)
        print(f"{path}: good, {len(settings.indicators.groups())} symbols")
    except SettingsError as problem:
        problems.append(f"{path}: {problem}")
    env = _env_file(env)
    try:
        environ, old = modernise(load_environment(env))
        notices += old
        for cls in _knobs():
            try:
                read_env(cls, environ)
            except SettingsError as problem:
                problems.append(f".env: {problem}")
        present = [name for name in SECRETS if environ.get(name)]
        print(f"{env}: {'secrets set: ' + ', '.join(present) if present else 'no secrets set'}")
        if env.is_file() and env.stat().st_mode & 0o077 and sys.platform != "win32":
            notices.append(f"{env} can be read by others; run: chmod 600 {env}")
    except SettingsError as problem:
        problems.append(str(problem))
    for notice in notices:
        print(f"note: {notice}")
    for text in problems:
        print(text, file=sys.stderr)
    return 2 if problems else 0


def _env_file(given: Path | None) -> Path:
    return given if given is not None else Path(os.environ.get("GROK_SAUCE_ENV_FILE", ENV_FILE))


def _knobs() -> list[Any]:
    """The settings dataclasses that read the environment."""
    from grok_sauce.alerts.settings import AlertSettings
    from grok_sauce.clients.dxfeed_demo import DxfeedDemoSettings
    from grok_sauce.clients.tastytrade_tokens import TastytradeSettings
    from grok_sauce.clients.tradingview import TradingViewAccount
    from grok_sauce.desks.candles import CandleSettings
    from grok_sauce.desks.gex import GexSettings
    from grok_sauce.desks.gex_signal import SignalSettings
    from grok_sauce.desks.price_source import FeedSettings
    from grok_sauce.desks.reactions import ReactionSettings
    from grok_sauce.desks.redis import ChannelSettings
    from grok_sauce.desks.signals import SignalKeeping
    from grok_sauce.desks.signals_post import PostSettings
    from grok_sauce.feeds.dxlink_messages import DxLinkSettings
    from grok_sauce.feeds.tradingview_messages import TradingViewSettings
    from grok_sauce.pollers.calendar import CalendarSettings
    from grok_sauce.pollers.cboe_fetch import CboeSettings
    from grok_sauce.pollers.fred_fetch import FredSettings
    from grok_sauce.pollers.news_fetch import NewsSettings
    from grok_sauce.publishers.history import HistorySettings
    from grok_sauce.publishers.notify_settings import NotifySettings
    from grok_sauce.redis_link import RedisSettings
    from grok_sauce.roles.wire import RoleSettings
    from grok_sauce.web.settings import WebSettings

    return [
        ProcessSettings,
        TastytradeSettings,
        DxLinkSettings,
        FeedSettings,
        DxfeedDemoSettings,
        CboeSettings,
        NewsSettings,
        FredSettings,
        CalendarSettings,
        TradingViewAccount,
        TradingViewSettings,
        GexSettings,
        HistorySettings,
        ReactionSettings,
        NotifySettings,
        SignalSettings,
        CandleSettings,
        SignalKeeping,
        PostSettings,
        RedisSettings,
        ChannelSettings,
        RoleSettings,
        AlertSettings,
        WebSettings,
    ]


def _read(path: Path) -> Any:
    try:
        return parse(path.read_bytes())
    except FileNotFoundError:
        raise SettingsError(f"{path} is not there") from None
    except OSError as problem:
        raise SettingsError(f"{path} cannot be read: {problem.strerror or problem}") from None
    except SettingsError as problem:
        raise SettingsError(f"{path}: {problem}", problem.field) from None


def _say(notices: list[str], changes: list[str], dry_run: bool) -> None:
    for notice in notices:
        print(f"note: {notice}")
    for line in changes:
        print(line)
    if not changes:
        print("nothing to change")
    elif dry_run:
        print("dry run: nothing was written")
