"""The live table: a page complete without any socket, and the same rows as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import flask

from grok_sauce.runtime.clock import as_datetime
from grok_sauce.web.indicator_side import side
from grok_sauce.web.site import Site, page, respond

TOPIC = "indicator.rows"


def show(site: Site) -> flask.Response:
    """GET /indicator."""
    snapshot = site.deps.snapshot
    # Read before the rows: rows newer than seq say are drawn twice, never missed.
    seq = snapshot.seq(TOPIC)
    return page(
        "indicator.html",
        "indicator",
        rows=aged(snapshot.rows(), site.deps.clock.market()),
        epoch=snapshot.epoch,
        seq=seq,
        reasons=dict(site.deps.reasons),
        side=side(site),
    )


def aged(rows: list[dict[str, Any]], now: float) -> list[dict[str, Any]]:
    """The rows with their ages at market time now: a silent symbol is not told again."""
    found = []
    for row in rows:
        as_of = row.get("as_of")
        if as_of is None:
            found.append(row)
        else:
            age = max(0.0, now - datetime.fromisoformat(as_of).timestamp())
            found.append({**row, "age": round(age, 3)})
    return found


def rows(site: Site) -> flask.Response:
    """GET /api/indicator: {epoch, seq, as_of, rows}; as_of is the newest row's."""
    snapshot = site.deps.snapshot
    seq = snapshot.seq(TOPIC)
    found = aged(snapshot.rows(), site.deps.clock.market())
    times = [row["as_of"] for row in found if row.get("as_of") is not None]
    return respond(
        {
            "epoch": snapshot.epoch,
            "seq": seq,
            "as_of": max(times, default=None),
            "at": as_datetime(site.deps.clock.real()).isoformat(timespec="milliseconds"),
            "rows": found,
        }
    )
