"""The project's own benchmarks: each compares us with a named peer in the same run."""

from __future__ import annotations

from typing import Final

# name -> module with HELP and measure(say) -> list[Comparison]
BENCHES: Final[dict[str, str]] = {
    "ingest": "grok_sauce.bench.ingest",
    "receive": "grok_sauce.bench.receive",
    "gex": "grok_sauce.bench.gex",
    "fanout": "grok_sauce.bench.fanout",
    "webhook": "grok_sauce.bench.webhook",
    "startup": "grok_sauce.bench.startup",
}
