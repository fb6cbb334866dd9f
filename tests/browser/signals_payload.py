"""What the signal strategy answers, made by the real desk of a made-up afternoon."""

from __future__ import annotations

import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

from tests.desks.signal_kit import Kit, candle, lt_of, unix, wall


@lru_cache(maxsize=1)
def make_afternoon() -> dict[str, Any]:
    """{state, evaluations, trades}: a no-pair, a signal that won, a rejected cross, no cross."""
    with tempfile.TemporaryDirectory() as folder:
        kit = Kit(Path(folder), symbols=["/NQ", "/MNQ"])
        kit.triggers.sets += [lt_of("14:30"), lt_of("14:45")]
        kit.example()
        kit.minute("14:30", 21246, 21250, 21244, 21249)
        kit.minute("14:31", 21249, 21272, 21248, 21271.5)
        kit.close(candle("14:30", 21246, 21272, 21244, 21268))
        kit.levels.sets = [wall(21260.0, "14:40")]
        kit.close(candle("14:45", 21268, 21269, 21210, 21255))
        kit.clock.set_market(unix("15:02"))
        desk = kit.desk
        found = {
            "state": kit.state(),
            "evaluations": desk.report.evaluations("/NQ"),
            "trades": desk.report.trades("/NQ"),
        }
        assert kit.book is not None
        kit.book.close()
    return found
