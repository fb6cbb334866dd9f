"""Make tests/recordings/session.gsr: half an hour of the simulated market, small and with a signal.

    .venv/bin/python tools/make_recording.py [FILE]

The table has QQQ alone and few of its options are followed, so that the file stays under half a
megabyte. The market is seeded, what arrives when is not: each run makes another file of the same
session. Afterwards the replay's outputs are looked at: a file without a signal is refused.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "tests" / "recordings" / "session.gsr"
LARGEST = 500_000  # bytes
SETTINGS = {
    "schema": 1,
    "indicators": {"positive": [], "neutral": ["QQQ"], "negative": []},
    "gex": {"symbols": ["QQQ"], "strikes_each_side": 20, "expiries": 2},
    # Any candle that crosses a level is a signal: the filters are tested elsewhere.
    "strategy": {
        "enabled": True,
        "max_risk": 1000,
        "max_lt_below": 50,
        "lt_missing": "open",
    },
}
MARKET = ("--seed", "12", "--start", "2026-12-16T10:26", "--speed", "30", "--minutes", "20.5")


def command(folder: Path, *words: str) -> None:
    """Run one of our commands on files of its own."""
    environ = {**os.environ, "CANDLE_SYMBOLS": "/NQ", "GEX_SYMBOL": "QQQ"}
    environ["GROK_SAUCE_ENV_FILE"] = str(folder / "env")
    files = ("--data", str(folder / "data"), "--settings", str(folder / "settings.json"))
    subprocess.run(
        [sys.executable, "-m", "grok_sauce.cli", *words, *files, "--port", "0"],
        cwd=ROOT,
        env=environ,
        check=True,
    )


def main() -> int:
    """Record, replay, look; 1 when the file is not fit to be shipped."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "settings.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
        made, outputs = folder / "session.gsr", folder / "outputs.jsonl"
        command(folder, "record", str(made), "--small", *MARKET)
        command(folder, "replay", str(made), "--speed", "max", "--outputs", str(outputs))
        topics = [json.loads(line)["topic"] for line in outputs.read_bytes().splitlines()]
        size = made.stat().st_size
        print(f"{size:,} bytes, {len(topics)} outputs, {topics.count('trade.signal')} signals")
        if size > LARGEST or "trade.signal" not in topics or "gex.levels" not in topics:
            print("not fit: too large, or without levels or a signal", file=sys.stderr)
            return 1
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(made.read_bytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
