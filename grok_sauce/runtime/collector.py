"""How often Python looks for garbage cycles: rarely, because a feed makes none."""

from __future__ import annotations

import gc

# New containers before a look at the youngest ones (Python's own: 700). Each event leaves one
# short-lived tuple without a cycle; looking at them cost a third of the time of the state.
YOUNG = 50_000
MIDDLE, OLD = 20, 50


def hold_off() -> None:
    """Look for nothing until settle(): while modules load, everything that is made stays.

    The looks in between cost a tenth of a second of the start and find nothing.
    """
    gc.disable()


def settle() -> None:
    """Put what start-up made out of the collector's sight and let it look rarely from here on.

    Call it once, when the parts are joined: a full pass over all modules takes 20 ms of the
    loop each time, and would find a few hundred objects now.
    """
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
    gc.enable()
