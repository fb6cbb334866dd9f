"""Volume by price: bins filled from bars, point of control, value area, high and low nodes."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from grok_sauce.values import dataclass

Floats = NDArray[np.float64]

VALUE_AREA: Final = 0.70  # share of the volume
PROMINENCE: Final = 0.10  # of the smoothed maximum; less is no node
KERNEL: Final = np.array([1.0, 2.0, 3.0, 2.0, 1.0]) / 9
ATR_SESSIONS: Final = 14
MOST_BINS: Final = 20_000  # in one profile: more is a wrong price
MOST_PARTS: Final = 4_000_000  # bars times the bins of each
NEAR: Final = 1e-6  # of a bin: prices are decimal, their quotients by a bin are not


@dataclass(frozen=True, slots=True)
class Node:
    """A place of much (HVN) or little (LVN) volume.

    price: the middle of its bin. volume: of that bin. prominence: how far the smoothed volume
    stands out of its surroundings, same unit. share: prominence over the smoothed maximum.
    """

    price: float
    volume: float
    prominence: float
    share: float


@dataclass(frozen=True, slots=True)
class VolumeProfile:
    """Volume by price, and what is read from it.

    bin and tick in points. lows: the lowest price of each bin; volumes: one each, in shares or
    contracts. A bin holds the prices low, low + tick, ... below low + bin: poc is the middle of
    them, val and vah are the lowest and highest price of the value area, so that with a bin of
    one tick each is a price that traded. area_share: what the value area holds of the whole.
    """

    bin: float
    tick: float
    lows: Floats
    volumes: Floats
    total: float
    poc: float
    vah: float
    val: float
    area_share: float
    hvn: tuple[Node, ...]
    lvn: tuple[Node, ...]


def average_true_range(highs: Floats, lows: Floats, closes: Floats) -> float | None:
    """Mean true range of the last 14 sessions, of fewer where there are fewer; None of none.

    One value a session, oldest first. The first session's range has no close before it.
    """
    if not len(highs):
        return None
    above, below = highs.copy(), lows.copy()
    above[1:] = np.maximum(above[1:], closes[:-1])
    below[1:] = np.minimum(below[1:], closes[:-1])
    return float(np.mean((above - below)[-ATR_SESSIONS:]))


def default_bin(tick: float, atr: float) -> float:
    """Width of a bin: a hundredth of the average range, in whole ticks, at least one.

    >>> default_bin(0.01, 5.12), default_bin(0.25, 61.0), default_bin(0.01, 0.9)
    (0.05, 0.5, 0.01)
    """
    return round(max(1, round(atr / 100 / tick)) * tick, 10)


def spread(
    lows: Floats, highs: Floats, volumes: Floats, bin: float, tick: float
) -> tuple[int, Floats]:
    """(index of the lowest bin, volume of it and each one above): index = floor(price / bin).

    A bar's volume is spread evenly over its prices low, low + tick, ... high, so over bins by
    how much of each the bar covers: from low to high + tick. Volumes must be above 0.

    Raises:
        ValueError: no bar, or prices so far apart that there would be over MOST_BINS bins.

    A bar from 100.00 to 100.25 puts half its volume on each of its two prices:

    >>> arrays = (np.array(values) for values in ([100.0], [100.25], [10.0]))
    >>> spread(*arrays, bin=0.25, tick=0.25)
    (400, array([5., 5.]))
    """
    if not len(lows):
        raise ValueError("no bar")
    start, end = _snap(lows / bin), _snap((highs + tick) / bin)
    first = np.floor(start).astype(np.int64)
    last = np.ceil(end).astype(np.int64) - 1
    base = int(first.min())
    size = int(last.max()) - base + 1
    counts = last - first + 1
    parts = int(counts.sum())
    if size > MOST_BINS or parts > MOST_PARTS:
        raise ValueError(f"prices from {lows.min():g} to {highs.max():g} fill {size} bins")
    rows = np.repeat(np.arange(len(lows)), counts)
    cells = first[rows] + np.arange(parts) - np.repeat(np.cumsum(counts) - counts, counts)
    covered = np.minimum(end[rows], cells + 1) - np.maximum(start[rows], cells)
    weights = covered * (volumes / (end - start))[rows]
    found = np.bincount(cells - base, weights, minlength=size)
    return base, found.astype(np.float64, copy=False)


def _snap(places: Floats) -> Floats:
    """Quotients that are whole but for the way decimals are kept, made whole."""
    whole = np.round(places)
    return np.where(np.abs(places - whole) < NEAR, whole, places)


def point_of_control(volumes: Floats) -> int:
    """Place of the largest volume; of several the one nearest the middle, then the lower.

    >>> point_of_control(np.array([9.0, 1.0, 9.0, 1.0, 1.0])), point_of_control(np.array([2.0] * 4))
    (2, 1)
    """
    tied = np.flatnonzero(volumes == volumes.max())
    middle = (len(volumes) - 1) / 2
    return int(min(tied, key=lambda place: (abs(place - middle), place)))


def value_area(volumes: Floats, poc: int, target: float = VALUE_AREA) -> tuple[int, int]:
    """(lowest, highest) place of the value area by the two-row rule of the CBOT Market Profile.

    From the POC on, the next two bins above are compared with the next two below and the larger
    pair is added (a tie: above), at an edge what is left of it, until the area has the target's
    share of the whole.
    """
    wanted = target * float(volumes.sum())
    low = high = poc
    held = float(volumes[poc])
    while held < wanted and (low > 0 or high < len(volumes) - 1):
        above = float(volumes[high + 1 : high + 3].sum()) if high < len(volumes) - 1 else -1.0
        below = float(volumes[max(0, low - 2) : low].sum()) if low > 0 else -1.0
        if above >= below:
            high = min(high + 2, len(volumes) - 1)
            held += above
        else:
            low = max(low - 2, 0)
            held += below
    return low, high


def smooth(volumes: Floats) -> Floats:
    """Volumes under a triangle of five bins, the edges repeated."""
    return np.convolve(np.pad(volumes, 2, mode="edge"), KERNEL, mode="valid")


def peaks(values: Floats, least: float) -> list[tuple[int, float]]:
    """(place, prominence) of local maxima whose prominence is at least `least`, ascending.

    A flat top is reported at its middle (the lower of two). The ends are no maxima. Prominence:
    the height above the higher of the lowest points on the way, to either side, to something
    higher or to the end.
    """
    found = []
    place, last = 1, len(values) - 1
    while place < last:
        if not values[place] > values[place - 1]:
            place += 1
            continue
        right = place
        while right < last and values[right + 1] == values[place]:
            right += 1
        if right < last and values[right + 1] < values[place]:
            height = values[place]
            higher = np.flatnonzero(values[:place] > height)
            before = values[higher[-1] + 1 if len(higher) else 0 : place].min()
            higher = np.flatnonzero(values[right + 1 :] > height)
            after = values[right + 1 : right + 1 + higher[0] if len(higher) else None].min()
            prominence = float(height - max(before, after))
            if prominence >= least:
                found.append(((place + right) // 2, prominence))
        place = right + 1
    return found


def nodes(volumes: Floats) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
    """(HVN, LVN) as (place, prominence) each, of the smoothed volumes.

    HVN: peaks with a prominence of 10 % of the smoothed maximum. LVN: the same upside down,
    between two HVN.
    """
    smoothed = smooth(volumes)
    least = PROMINENCE * float(smoothed.max())
    high = peaks(smoothed, least)
    if len(high) < 2:
        return high, []
    low = [found for found in peaks(-smoothed, least) if high[0][0] < found[0] < high[-1][0]]
    return high, low


def volume_profile(
    lows: Floats,
    highs: Floats,
    volumes: Floats,
    tick: float,
    bin: float,
    target: float = VALUE_AREA,
) -> VolumeProfile | None:
    """The profile of bars; None when nothing traded.

    lows, highs in points, volumes in shares or contracts, one each per bar; a bar whose volume
    is unknown (nan) or 0 counts for nothing. bin must be whole ticks.

    Raises:
        ValueError: prices too far apart for this bin.
    """
    traded = volumes > 0
    if not traded.any():
        return None
    base, found = spread(lows[traded], highs[traded], volumes[traded], bin, tick)
    poc = point_of_control(found)
    low, high = value_area(found, poc, target)
    hvn, lvn = nodes(found)
    peak = float(smooth(found).max())
    total = float(found.sum())

    def middle(place: int) -> float:
        return round((base + place) * bin + (bin - tick) / 2, 10)

    def node(place: int, prominence: float) -> Node:
        return Node(middle(place), float(found[place]), prominence, prominence / peak)

    return VolumeProfile(
        bin=bin,
        tick=tick,
        lows=np.round((base + np.arange(len(found))) * bin, 10),
        volumes=found,
        total=total,
        poc=middle(poc),
        vah=round((base + high + 1) * bin - tick, 10),
        val=round((base + low) * bin, 10),
        area_share=float(found[low : high + 1].sum()) / total,
        hvn=tuple(node(*each) for each in hvn),
        lvn=tuple(node(*each) for each in lvn),
    )
