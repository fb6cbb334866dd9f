"""The doctor: what works, what is missing, and the next step for each."""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from email.utils import parsedate_to_datetime
from pathlib import Path

from grok_sauce import bootstrap, settings
from grok_sauce.errors import GrokSauceError, SettingsError, SourceError, SourceRefused
from grok_sauce.http import Answer, Http, HttpStatus
from grok_sauce.machine import PORT, has_credentials
from grok_sauce.options import ROOT
from grok_sauce.runtime.clock import Clock, RealClock
from grok_sauce.values import dataclass

NAME = "check"
HELP = "what works and what is missing; exit 1 on any failure"
EPILOG = """examples:
  python3 main.py check
  python3 main.py check --symbols SPX,/ES,TLT --json
"""
SYMBOLS = "SPX,NDX,SPY,QQQ"
SKEW = 5.0  # seconds our clock may differ from the broker's
START_REDIS = (
    "start one (Debian: sudo apt install redis-server; elsewhere: "
    "docker run -p 127.0.0.1:6379:6379 redis), correct REDIS_URL, or take the line out of .env"
)
SPACE = 200_000_000  # bytes free for history and logs


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: ok is None when it could not be or need not be tested.

    counts, for programs: what a symbol delivered, see symbol_test.Delivered.
    """

    name: str
    ok: bool | None
    text: str
    cure: str = ""
    counts: Mapping[str, float | None] | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which symbols to try on the feed, and how to print."""
    parser.add_argument(
        "--symbols",
        metavar="A,B",
        default=SYMBOLS,
        help=f"try these on the live feed: quote and six options each ({SYMBOLS}; '' for none)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Run every check, print the lines, 1 when one failed."""
    clock = RealClock()
    logging.getLogger("grok_sauce.feeds").setLevel(logging.WARNING)  # the lines say what came
    env_file = Path(os.environ.get("GROK_SAUCE_ENV_FILE", ROOT / ".env"))
    findings = [python_version(), packages(), port_free(args.host, args.port)]
    findings += [data_folder(args.data), env_rights(env_file), settings_file(args.settings)]
    environ: Mapping[str, str] = {}
    try:
        found = settings.load_environment(env_file)
        environ = settings.modernise(found)[0]
        findings += old_names(found)
    except SettingsError as problem:
        findings.append(Finding("Environment file", False, str(problem)))
    findings.append(calendar(clock))
    findings.append(redis(environ, clock))
    findings += feed(environ)
    findings += broker(environ, clock, symbols_of(args.symbols))
    failed = any(finding.ok is False for finding in findings)
    if args.json:
        print(json.dumps({"ok": not failed, "checks": [asdict(f) for f in findings]}, indent=2))
    else:
        for finding in findings:
            print(line(finding))
    return 1 if failed else 0


def line(finding: Finding) -> str:
    """As a person reads it: mark, name, text, and the cure on its own line."""
    mark = {True: "ok  ", False: "FAIL", None: "-   "}[finding.ok]
    text = f"{mark} {finding.name}: {finding.text}"
    return f"{text}\n     → {finding.cure}" if finding.cure and finding.ok is False else text


def symbols_of(text: str | None) -> list[str]:
    """The symbols of the option, in their one spelling.

    Raises:
        SettingsError: one of them is not a symbol.
    """
    from grok_sauce.market.instruments import normalise

    return [normalise(part, "--symbols") for part in (text or "").split(",") if part.strip()]


def python_version() -> Finding:
    """The interpreter."""
    return Finding("Python", True, f"{platform.python_version()} ({sys.executable})")


def packages() -> Finding:
    """Everything in requirements.txt, in a fit version."""
    lacking = bootstrap.missing(bootstrap.Host(ROOT), for_tests=False)
    if lacking:
        return Finding("Packages", False, ", ".join(lacking), "start through: python3 main.py")
    return Finding("Packages", True, "all there")


def port_free(host: str, port: int | None) -> Finding:
    """Can we listen where the dashboard would?"""
    number = PORT if port is None else port
    try:
        with socket.create_server((host, number)):
            return Finding("Port", True, f"{host}:{number} is free")
    except OSError as problem:
        return Finding(
            "Port",
            False,
            f"{host}:{number}: {problem.strerror or problem}",
            "the dashboard may be running already; else give another --port",
        )


def data_folder(folder: Path) -> Finding:
    """Can files be made there, and is there room?"""
    probe = folder / f".check-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"x")
        probe.unlink()
        free = shutil.disk_usage(folder).free
    except OSError as problem:
        return Finding(
            "Data folder", False, f"{folder}: {problem.strerror or problem}", "give another --data"
        )
    if free < SPACE:
        return Finding("Data folder", False, f"{free / 1e6:.0f} MB free", "make room on the disk")
    return Finding("Data folder", True, f"{folder}, {free / 1e9:.1f} GB free")


def env_rights(path: Path) -> Finding:
    """Secrets must be readable by their owner alone."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return Finding("Environment file", None, f"no {path.name}; the demo needs none")
    except OSError as problem:
        return Finding("Environment file", False, f"{path.name}: {problem.strerror}")
    if os.name == "posix" and mode & 0o077:
        return Finding(
            "Environment file",
            False,
            f"{path.name} can be read by others",
            f"chmod 600 {path.name}",
        )
    return Finding("Environment file", True, f"{path.name} is yours alone")


def settings_file(path: Path) -> Finding:
    """Does settings.json hold settings?"""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Finding("Settings", None, f"no {path.name} yet; the first start writes it")
    except OSError as problem:
        return Finding("Settings", False, f"{path.name}: {problem.strerror}")
    try:
        document, _ = settings.migrate(settings.parse(data))
        chosen = settings.validate(document)
    except SettingsError as problem:
        where = f"{problem.field}: " if problem.field else ""
        return Finding("Settings", False, f"{path.name}: {where}{problem}", "mend it or delete it")
    count = sum(len(getattr(chosen.indicators, group)) for group in settings.GROUPS)
    return Finding("Settings", True, f"{path.name}, {count} symbols")


def old_names(environ: Mapping[str, str]) -> list[Finding]:
    """Names of earlier programs: each is answered."""
    _, notices = settings.modernise(environ)
    return [Finding("Old name", None, notice) for notice in notices]


def calendar(clock: Clock) -> Finding:
    """Is the exchange calendar loaded and does it cover today?"""
    from grok_sauce.health import PHASES
    from grok_sauce.market import sessions

    phase = sessions.phase("etf", clock.market())
    return Finding(
        "Market calendar", True, f"{PHASES[phase.state].lower()}, session {phase.session_date}"
    )


def redis(environ: Mapping[str, str], clock: Clock) -> Finding:
    """Is the server of REDIS_URL there? Asked with PING; nothing is needed without one."""
    from grok_sauce.redis_link import RedisSettings, connect

    try:
        chosen = settings.read_env(RedisSettings, environ)
        if chosen.url is None:
            return Finding("Redis", None, "REDIS_URL is not set; nothing needs it")
        link = connect(chosen, clock)
    except SettingsError as problem:
        return Finding("Redis", False, str(problem), "correct REDIS_URL in .env")
    except SourceRefused as problem:
        return Finding("Redis", False, str(problem), "run that command")
    try:
        about = link.about()
    except SourceError as problem:
        return Finding("Redis", False, str(problem), START_REDIS)
    finally:
        link.close()
    version = about.version or "not told"
    return Finding(
        "Redis", True, f"{link.place}, version {version}, answered in {about.answer_ms:.1f} ms"
    )


def broker(environ: Mapping[str, str], clock: Clock, symbols: list[str]) -> list[Finding]:
    """Sign-in, quote token and clock skew by read-only calls, then the symbols on the feed."""
    if not has_credentials(environ):
        cure = "set CLIENT_SECRET and REFRESH_TOKEN in .env, or use Setup, Credentials"
        return [Finding("tastytrade", None, f"no credentials; {cure}")]
    from grok_sauce.clients.tastytrade import Tastytrade, TastytradeSettings

    chosen = settings.read_env(TastytradeSettings, environ)
    http = Http(clock)
    client = Tastytrade(chosen, http, clock, None)
    found = [clock_skew(chosen.base_url, http, clock)]
    sign_in = attempt("Sign-in", lambda: f"token valid {left(client.access_token(), clock)}")
    found.append(sign_in)
    if sign_in.ok:
        token = attempt("Quote token", lambda: f"level {client.quote_token().level}")
        found.append(token)
        if token.ok and symbols:
            from grok_sauce.desks.symbol_test import live_symbols

            found += [
                Finding(f"Symbol {each.symbol}", each.ok, each.text, each.cure, each.counts)
                for each in live_symbols(client, symbols, clock)
            ]
    return found


def feed(environ: Mapping[str, str]) -> list[Finding]:
    """What FEED chooses, where it chooses anything but the account."""
    from grok_sauce.desks.price_source import DETAIL, is_public

    try:
        return [Finding("Feed", None, f"{DETAIL}; not tried here")] if is_public(environ) else []
    except SettingsError as problem:
        return [Finding("Feed", False, str(problem), "correct FEED in .env")]


def attempt(name: str, call: Callable[[], str]) -> Finding:
    """A call that either answers or says what is wrong."""
    try:
        return Finding(name, True, call())
    except GrokSauceError as problem:
        return Finding(name, False, str(problem))


def left(token: object, clock: Clock) -> str:
    """How long a token is still good."""
    seconds = max(0.0, float(getattr(token, "expires_at", 0.0)) - clock.real())
    return f"{seconds / 60:.0f} min"


def clock_skew(base_url: str, http: Http, clock: Clock) -> Finding:
    """Our clock against the broker's Date header; any answer has one."""
    answer: Answer
    try:
        answer = http.get(base_url)
    except HttpStatus as status:
        answer = status.answer
    except GrokSauceError as problem:
        return Finding("Broker", False, str(problem), "check the network and TASTY_API_BASE")
    try:
        theirs = parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return Finding("Clock", None, "the broker's answer carries no date")
    skew = clock.real() - theirs
    return Finding(
        "Clock",
        abs(skew) <= SKEW,
        f"{skew:+.0f} s against the broker",
        "let the system set its time",
    )
