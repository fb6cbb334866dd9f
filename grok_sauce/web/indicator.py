"""The live table: a page complete without any socket, and the same rows as JSON."""

from __future__ import annotations

import flask

from grok_sauce.runtime.clock import as_datetime
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
        rows=snapshot.rows(),
        epoch=snapshot.epoch,
        seq=seq,
        reasons=dict(site.deps.reasons),
    )


def rows(site: Site) -> flask.Response:
    """GET /api/indicator: {epoch, seq, as_of, rows}; as_of is the newest row's."""
    snapshot = site.deps.snapshot
    seq = snapshot.seq(TOPIC)
    found = snapshot.rows()
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
