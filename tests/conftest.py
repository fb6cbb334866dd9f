"""Shared by all tests: loopback only, a clock set by hand, and no skip that nobody listed."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from pytest_socket import socket_allow_hosts

from grok_sauce.runtime.clock import ManualClock

if TYPE_CHECKING:
    from grok_sauce.market.chain import OptionChain

# Wednesday 2026-12-16, 14:32:07 New York.
NOW = 1797449527.0
# Skips a CI run may have: "test id prefix<TAB>why". Anything else skipped fails the run.
LISTED = Path(__file__).parent / "listed_skips.txt"

# No test fails for being slow on a busy machine.
hypothesis.settings.register_profile("steady", deadline=None)
hypothesis.settings.load_profile("steady")

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_runtest_setup(item: pytest.Item) -> None:
    socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


@pytest.fixture(autouse=True)
def feed_log_level() -> Iterator[None]:
    """`check` silences the feed in its own process; tests after it look for those lines."""
    yield
    logging.getLogger("grok_sauce.feeds").setLevel(logging.NOTSET)


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands at Wednesday 2026-12-16, 14:32:07 New York."""
    return ManualClock(market=NOW, real=NOW)


@pytest.fixture
def chain_of() -> Callable[..., OptionChain]:
    """chain_of(rows, spot=6000.0, as_of=...): a chain of these contracts, see option_chains.py."""
    from tests import option_chains

    return option_chains.chain_of


@pytest.fixture
def toy_chain() -> OptionChain:
    """The chain of the worked examples: spot 6000, T 5/365, r 4.5 %, q 1.2 %, five strikes."""
    from tests import option_chains

    return option_chains.toy_chain()


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of real recordings; tests that need it skip by name where it is absent."""
    folder = os.environ.get("GROK_SAUCE_RECORDINGS")
    if not folder or not Path(folder).is_dir():
        pytest.skip("recordings are not part of the repository (GROK_SAUCE_RECORDINGS)")
    return Path(folder)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One headless Chromium for all page tests: Playwright runs once in a process."""
    sync_api = pytest.importorskip("playwright.sync_api")
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_api.sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_FLAGS)
        except sync_api.Error as problem:
            pytest.skip(f"no Chromium: {problem.message.splitlines()[0]}")
        yield browser
        browser.close()


def listed_skips() -> list[str]:
    lines = LISTED.read_text(encoding="utf-8").splitlines()
    return [line.split("\t")[0] for line in lines if line.strip() and not line.startswith("#")]


def unlisted(skipped: list[pytest.TestReport]) -> list[str]:
    """Skips that nobody listed; tests on recordings may skip where there are none."""
    allowed = listed_skips()
    without = not os.environ.get("GROK_SAUCE_RECORDINGS")
    return [
        report.nodeid
        for report in skipped
        if not (without and "recorded" in report.keywords)
        and not any(report.nodeid.startswith(prefix) for prefix in allowed)
    ]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("CI") or reporter is None:
        return
    if unlisted(reporter.stats.get("skipped", [])) and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not os.environ.get("CI"):
        return
    for report in terminalreporter.stats.get("skipped", []):
        terminalreporter.write_line(f"skipped: {report.nodeid}")
    for nodeid in unlisted(terminalreporter.stats.get("skipped", [])):
        terminalreporter.write_line(f"FAIL skipped and not listed in {LISTED.name}: {nodeid}")
