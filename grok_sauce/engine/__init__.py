"""The one writer of the market state."""

from __future__ import annotations

from grok_sauce.engine.core import Engine

__all__ = ["Engine"]
