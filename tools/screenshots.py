"""Make the pictures of the README and the docs from the demo: python tools/screenshots.py.

Needs a Chromium on the path and the test tools (python3 main.py test installs them). The
demo runs with a fixed seed at a fixed market time, so that pictures differ only where the
pages do.
"""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
START = "2026-12-16T14:32:00"
SEED = "20"  # a day with rows of both colours and a few busy ones
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# name, page, width, height, theme, palette
SHOTS = [
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
]


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


def shoot(browser: Browser, url: str, shot: tuple[str, str, int, int, str, str], out: Path) -> None:
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
    page.wait_for_timeout(2500)
    page.screenshot(path=str(out / f"{name}.png"))
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    print(f"{name}.png", "SCROLLS SIDEWAYS" if wide else "", *problems)
    context.close()


def main() -> int:
    """Start the demo, take the pictures that were asked for, end it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="pictures to take (all)")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("no Chromium on the path (Debian: apt-get install chromium)")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "grok_sauce.cli", "demo", "--start", START, "--seed", SEED]
        command += ["--port", str(port), "--data", folder]
        command += ["--settings", f"{folder}/settings.json", "--log-level", "ERROR"]
        demo = subprocess.Popen(command, cwd=ROOT)
        try:
            wait_until_live(url)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
                for shot in SHOTS:
                    if not args.names or shot[0] in args.names:
                        shoot(browser, url, shot, args.out)
                browser.close()
        finally:
            demo.terminate()
            demo.wait(timeout=10)
    return 0


if __name__ == "__main__":
    sys.exit(main())
