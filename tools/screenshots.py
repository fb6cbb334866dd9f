"""Make the pictures of the README and the docs from the demo: python tools/screenshots.py.

Needs a Chromium on the path and the test tools (python3 main.py test installs them); pngquant,
where it is there, makes the files smaller. The demo runs with a fixed seed at a fixed market
time, so that pictures differ only where the pages do. For the pages with options another demo of
the same seed first runs through the session in minutes: its prices are the same at the same
market time, and what it kept of GEX becomes the heat map of the one that is photographed (a demo
begins with an empty history, and its speed does not change).
"""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools.alert_scene import scene  # noqa: E402 - only now is the project on the path

START = "2026-12-16T14:32:00"
SEED = "20"  # a day with rows of both colours and a few busy ones
MORNING = "2026-12-16T09:20:00"  # the chains are there when the session opens
SPEED = "60"  # of the morning: five hours in five minutes
KEPT = ("gex_minutes", "gex_strikes", "gex_payloads")  # tables of the morning
SYMBOL = "SPX"
# Saved when the live demo starts: marked live in the picture.
CANDIDATES = [
    {"symbol": SYMBOL, "expiry": "2026-12-18", "root": "SPXW", "center": 6000, "width": 25},
    {"symbol": SYMBOL, "expiry": "2026-12-16", "root": "SPXW", "center": 5985, "width": 10},
]
PLANNER = "/butterfly?symbol=SPX&expiry=2026-12-18&root=SPXW&center=6000&width=25&compare=50"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
Shot = tuple[str, str, int, int, str, str]  # name, page, width, height, theme, palette
SHOTS: list[Shot] = [
    ("indicator-dark", "/indicator", 1440, 900, "dark", "standard"),
    ("indicator-light", "/indicator", 1440, 900, "light", "standard"),
    ("indicator-cb", "/indicator", 1440, 900, "dark", "cb"),
    ("indicator-1280", "/indicator", 1280, 800, "dark", "standard"),
    ("indicator-phone", "/indicator", 390, 844, "dark", "standard"),
    ("indicator-phone-light", "/indicator", 390, 844, "light", "standard"),
    ("setup-dark", "/setup", 1440, 1330, "dark", "standard"),
    ("setup-light", "/setup", 1440, 1330, "light", "standard"),
    ("setup-phone", "/setup", 390, 844, "dark", "standard"),
    ("setup-first", "/setup?first=1", 1440, 700, "dark", "standard"),
    ("status-dark", "/status", 1440, 1016, "dark", "standard"),
    ("status-light", "/status", 1440, 1016, "light", "standard"),
    ("status-phone", "/status", 390, 844, "dark", "standard"),
    ("gex-dark", f"/gex/{SYMBOL}", 1440, 1300, "dark", "standard"),
    ("gex-light", f"/gex/{SYMBOL}", 1440, 1300, "light", "standard"),
    ("gex-cb", f"/gex/{SYMBOL}", 1440, 1300, "dark", "cb"),
    ("gex-phone", f"/gex/{SYMBOL}", 390, 844, "dark", "standard"),
    ("butterfly-dark", PLANNER, 1440, 1000, "dark", "standard"),
    ("butterfly-light", PLANNER, 1440, 1000, "light", "standard"),
    ("butterfly-phone", PLANNER, 390, 844, "dark", "standard"),
    ("chart-dark", "/chart/SPY", 1440, 1000, "dark", "standard"),
    ("chart-light", "/chart/SPY", 1440, 1000, "light", "standard"),
    ("chart-phone", "/chart/SPY", 390, 844, "dark", "standard"),
    ("news-dark", "/news", 1440, 900, "dark", "standard"),
    ("news-light", "/news", 1440, 900, "light", "standard"),
    ("news-phone", "/news", 390, 844, "dark", "standard"),
    ("calendar-dark", "/calendar", 1440, 960, "dark", "standard"),
    ("calendar-light", "/calendar", 1440, 960, "light", "standard"),
    ("calendar-phone", "/calendar", 390, 844, "dark", "standard"),
    ("signals-dark", "/signals", 1440, 900, "dark", "standard"),
    ("signals-light", "/signals", 1440, 900, "light", "standard"),
    ("signals-phone", "/signals", 390, 844, "dark", "standard"),
    ("alerts-dark", "/alerts", 1440, 900, "dark", "standard"),
    ("alerts-light", "/alerts", 1440, 900, "light", "standard"),
    ("alerts-phone", "/alerts", 390, 844, "dark", "standard"),
    ("strategies-dark", "/strategies", 1440, 900, "dark", "standard"),
    ("strategies-light", "/strategies", 1440, 900, "light", "standard"),
    ("strategies-phone", "/strategies", 390, 844, "dark", "standard"),
]
ROUTER = ("alerts", "strategies")  # pictures that need alerts
OPTIONS = ("gex", "butterfly")  # pictures that need a morning
SIGNALS = ("signals",)  # pictures that need a signal: an afternoon of another seed has one
SIGNAL_SEED, SIGNAL_START, SIGNAL_SPEED = "42", "2026-12-16T13:52:00", "30"
# Pages longer than a picture end below this part, so that no panel is cut in two.
ENDS = {f"/gex/{SYMBOL}": '[data-chart="volume"]'}


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def fetch(url: str) -> Any:
    """A JSON answer, None while there is none."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return json.load(answer)
    except OSError:
        return None


def wait_until_live(url: str) -> None:
    """Until every row that the feed offers has a price and its relative volume had time."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        rows = (fetch(url + "/api/indicator") or {}).get("rows", [])
        offered = [row for row in rows if row["status"] != "not_offered"]
        if offered and all(row["price"] is not None for row in offered):
            if sum(row["rvol"] is not None for row in offered) >= len(offered) - 2:
                return
        time.sleep(0.3)
    raise SystemExit("the demo did not become live within 60 s")


def market_time(url: str) -> float:
    """Market time of a demo in Unix seconds; 0 while it does not answer."""
    health = fetch(url + "/health")
    return 0.0 if health is None else float(health["clock"]["market_ms"]) / 1000


def moment(text: str) -> float:
    """A time of New York as Unix seconds."""
    zone = ZoneInfo("America/New_York")
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def wait_for_options(url: str) -> None:
    """Until every window of options has arrived whole: the last takes minutes (docs/feed.md)."""
    deadline = time.monotonic() + 400
    symbols = fetch(url + "/api/settings")["settings"]["gex"]["symbols"]
    while time.monotonic() < deadline:
        found = [(fetch(f"{url}/api/gex/{symbol}") or {}).get("status") for symbol in symbols]
        if all(each and each["loaded"] >= 0.99 * each["of"] > 0 for each in found):
            return
        time.sleep(2)
    raise SystemExit("the options of the demo did not arrive within 400 s")


def save_candidates(url: str) -> None:
    """Keep a few butterflies, as somebody at this machine would."""
    for candidate in CANDIDATES:
        request = urllib.request.Request(
            url + "/api/butterfly/candidates",
            json.dumps(candidate).encode(),
            {"Content-Type": "application/json"},
        )
        deadline = time.monotonic() + 60
        while True:  # refused until its legs are quoted
            try:
                urllib.request.urlopen(request, timeout=10).close()
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(1)


def run_morning(browser: Browser, folder: Path) -> Path:
    """Let the market run from before the open to START with the page open; the file it kept."""
    folder.mkdir()
    settings = folder / "settings.json"
    settings.write_text(json.dumps({"schema": 1, "gex": {"symbols": [SYMBOL]}}), "utf-8")
    with demo(folder, MORNING, SPEED) as url:
        deadline = time.monotonic() + 120
        while fetch(url + "/health") is None and time.monotonic() < deadline:
            time.sleep(0.5)
        page = browser.new_page(viewport={"width": 400, "height": 400})
        page.goto(f"{url}/gex/{SYMBOL}")
        last = moment(START) - 60
        while (now := market_time(url)) < last:
            if time.monotonic() > deadline + 3600:
                raise SystemExit("the morning does not end")
            print(f"\rmorning {datetime.fromtimestamp(now, ZoneInfo('America/New_York')):%H:%M}",
                  end="", flush=True)  # fmt: skip
            time.sleep(5 if last - now > 600 else 0.5)
        print()
        page.close()
    return folder / "demo" / "history.db"


def take_over(kept: Path, file: Path) -> None:
    """Give a running demo the minutes that another one kept of the same market."""
    connection = sqlite3.connect(file, timeout=30)
    connection.execute("ATTACH ? AS morning", (str(kept),))
    with connection:
        for table in KEPT:
            connection.execute(f"INSERT OR IGNORE INTO {table} SELECT * FROM morning.{table}")
    connection.close()


def wait_for_trade(url: str) -> None:
    """Until a signal's paper trade has ended."""
    deadline = time.monotonic() + 400
    while time.monotonic() < deadline:
        found = fetch(url + "/api/signals")
        if found and found["signals"]["sums"]["n"]:
            return
        time.sleep(1)
    raise SystemExit("the demo gave no signal within 400 s")


def shoot(browser: Browser, url: str, shot: Shot, out: Path) -> None:
    """One picture, after the page had a few beats to fill."""
    name, path, width, height, theme, palette = shot
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="light" if theme == "light" else "dark",
        device_scale_factor=1,
        has_touch=width < 600,
    )
    page: Page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    page.goto(url + path)
    page.evaluate("([t, p]) => { document.documentElement.dataset.theme = t;"
                  " document.documentElement.dataset.palette = p; }", [theme, palette])  # fmt: skip
    loading = page.get_by_text("not loaded yet").filter(visible=True)
    expect(loading).to_have_count(0, timeout=30_000)
    page.wait_for_timeout(2500)
    if path in ENDS and width > 600:
        find = "(part) => document.querySelector(part).getBoundingClientRect().bottom"
        end = 0
        while end != (end := round(page.evaluate(find, ENDS[path]))):  # rows come and go
            page.set_viewport_size({"width": width, "height": end + 12})
            page.wait_for_timeout(800)
    page.screenshot(path=str(out / f"{name}.png"))
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    print(f"{name}.png", "SCROLLS SIDEWAYS" if wide else "", *problems)
    context.close()
    if shutil.which("pngquant"):
        file = str(out / f"{name}.png")
        subprocess.run(["pngquant", "--force", "--skip-if-larger", "--output", file, file])


@contextmanager
def demo(folder: Path, start: str, speed: str = "1", seed: str = SEED) -> Iterator[str]:
    """A demo with data and settings in this folder that runs while it is used; its address."""
    port = free_port()
    command = [sys.executable, "-m", "grok_sauce.cli", "demo", "--start", start, "--seed", seed]
    command += ["--speed", speed, "--port", str(port), "--data", str(folder)]
    command += ["--settings", str(folder / "settings.json"), "--log-level", "ERROR"]
    running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait(timeout=20)


def shoot_signals(browser: Browser, folder: Path, shots: list[Shot], out: Path) -> None:
    """The pictures of signals, from a demo of their own."""
    folder.mkdir()
    text = json.dumps({"schema": 1, "gex": {"symbols": ["QQQ"]}})
    (folder / "settings.json").write_text(text, "utf-8")
    with demo(folder, SIGNAL_START, SIGNAL_SPEED, SIGNAL_SEED) as url:
        wait_for_trade(url)
        for shot in shots:
            shoot(browser, url, shot, out)


def main() -> int:
    """Start the demo, take the pictures that were asked for, end it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="pictures to take (all)")
    parser.add_argument("--morning", type=Path, metavar="FILE", help="keep what the morning left "
        "in this file, or take it from there when it exists")  # fmt: skip
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("no Chromium on the path (Debian: apt-get install chromium)")
    shots = [shot for shot in SHOTS if not args.names or shot[0] in args.names]
    has_options = any(shot[0].startswith(OPTIONS) for shot in shots)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        kept = args.morning if args.morning and args.morning.exists() else None
        if has_options and kept is None:
            kept = run_morning(browser, Path(folder) / "morning")
            if args.morning:
                kept = shutil.copy(kept, args.morning)
        of_signals = [shot for shot in shots if shot[0].startswith(SIGNALS)]
        if of_signals:
            shoot_signals(browser, Path(folder) / "signals", of_signals, args.out)
            shots = [shot for shot in shots if shot not in of_signals]
        if not shots:
            browser.close()
            return 0
        with demo(Path(folder), START) as url:
            wait_until_live(url)
            if has_options and kept is not None:
                save_candidates(url)
                wait_for_options(url)
                take_over(kept, Path(folder) / "demo" / "history.db")
            plain = [shot for shot in shots if not shot[0].startswith(ROUTER)]
            for shot in plain:
                shoot(browser, url, shot, args.out)
            if len(plain) < len(shots):
                with scene(url, Path(folder) / "demo"):
                    for shot in shots:
                        if shot not in plain:
                            shoot(browser, url, shot, args.out)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
