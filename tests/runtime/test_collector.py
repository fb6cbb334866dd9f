"""Start-up is out of the collector's sight and it looks rarely, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import gc
from grok_sauce.runtime import collector
before = gc.get_count()
collector.settle()
print(gc.get_freeze_count() > 1000, gc.get_threshold()[0] >= 10_000, gc.isenabled())
class Knot: pass
for _ in range(200_000):
    knot = Knot(); knot.self = knot
print(gc.get_stats()[0]["collections"] > 0)
"""


def test_collector_is_settled_and_still_finds_cycles() -> None:
    out = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=60)

    assert out.stdout.split() == ["True", "True", "True", "True"], out.stderr
