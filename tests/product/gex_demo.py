"""A demo with chosen options, and what it says of gamma exposure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.product.harness import Product

SESSION = "2026-12-16T10:30"
TABLE = ("SPX", "SPY", "QQQ", "GLD", "XLF", "VIX", "DXY")


def gex_demo(
    folder: Path,
    *arguments: str,
    symbols: Sequence[str] = ("SPX",),
    strikes: int = 60,
    table: Sequence[str] = TABLE,
) -> Product:
    """A demo that follows the options of these symbols and no others.

    The feed takes 10,000 subscriptions a minute, so a test that follows little waits little.
    """
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "schema": 1,
        "indicators": {"positive": [], "neutral": list(table), "negative": []},
        "gex": {"symbols": list(symbols), "strikes_each_side": strikes},
    }
    (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    return Product(folder, "demo", *arguments).wait()


def report(product: Product, symbol: str = "SPX", **query: str) -> dict[str, Any]:
    """The newest report, {} while there is none."""
    status, body = product.get(f"/api/gex/{symbol}?{urlencode(query)}", timeout=30)
    found: dict[str, Any] = json.loads(body) if status == 200 else {}
    return found


def whole(product: Product, symbol: str = "SPX", **query: str) -> dict[str, Any] | None:
    """A report for which all that is followed has arrived."""
    found = report(product, symbol, **query)
    status = found.get("status")
    return found if status and status["loaded"] == status["of"] > 0 else None
