"""Rules with a memory that answer with a Signal, and their trades on paper."""

from __future__ import annotations

from typing import Final

from grok_sauce.strategies.gex_recoil import GexRecoil

STRATEGIES: Final[dict[str, type[GexRecoil]]] = {GexRecoil.name: GexRecoil}
