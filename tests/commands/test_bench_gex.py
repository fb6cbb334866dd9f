"""The benchmark of GEX works out the right levels and says what it could not compare with."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from grok_sauce.analytics import black_scholes
from grok_sauce.bench import gex
from grok_sauce.bench.peers import missing
from tools import plugs

ROOT = Path(__file__).parents[2]
LOOPS = {
    "pandas": (gex.pandas_apply, ("pandas", "scipy")),
    "vollib": (gex.vollib_loop, ("vollib",)),
}
THERE = [name for name, (_, packages) in LOOPS.items() if not any(map(missing, packages))]


def test_the_chain_has_the_contracts_that_were_asked_for() -> None:
    chain = gex.compose(20_000)

    assert len(chain.strike) == 20_000
    assert len(np.unique(chain.years)) == 50
    assert np.count_nonzero(chain.oi) > 0.85 * 20_000


def test_levels_are_those_of_a_plain_calculation() -> None:
    chain = gex.compose(800)
    spots = gex.grid(chain.spot, 60)

    found = gex.levels(chain, spots)

    weight = np.where(chain.is_call, chain.oi, -chain.oi) * 100

    def net(spot: float) -> np.ndarray:
        gamma = black_scholes.gamma(spot, chain.strike, chain.years, chain.vol, gex.RATE)
        return weight * gamma * spot * spot * 0.01

    expected = np.array([net(spot).sum() for spot in spots.tolist()])
    assert found.profile == pytest.approx(expected, abs=1e-12 * np.abs(expected).max())
    for place, strike in enumerate(found.strikes.tolist()):
        here = net(chain.spot)[chain.strike == strike]
        assert found.call[place] == pytest.approx(here[here > 0].sum(), rel=1e-9)
        assert found.put[place] == pytest.approx(-here[here < 0].sum(), rel=1e-9)
    around = [net(found.zero_gamma + away).sum() for away in (-0.01, 0.01)]
    assert around[0] * around[1] < 0
    assert found.call_wall == found.strikes[found.call.argmax()]
    assert found.put_wall == found.strikes[found.put.argmax()]
    pain = [
        (chain.oi * np.where(chain.is_call, at - chain.strike, chain.strike - at).clip(0)).sum()
        for at in found.strikes.tolist()
    ]
    assert found.max_pain == found.strikes[int(np.argmin(pain))]


def test_vollib_is_there_to_compare_with() -> None:
    assert "vollib" in THERE


@pytest.mark.parametrize("name", THERE)
def test_the_loops_work_out_the_same_curve(name: str) -> None:
    chain = gex.compose(400).first(60)
    spots = gex.grid(chain.spot, 60)[::30]

    curve = LOOPS[name][0](chain, spots)

    ours = gex.levels(chain, gex.grid(chain.spot, 60)).profile[::30]
    assert curve == pytest.approx(ours, rel=1e-9, abs=1e-9 * float(np.abs(ours).max()))


def test_there_is_a_figure_for_each_side_that_is_there() -> None:
    alone, pandas, vollib = gex.measure(lambda text: None, contracts=400, spots=12, repeats=1)

    assert alone.ours == pandas.ours == vollib.ours > 0
    assert alone.theirs > 0
    assert alone.bar is not None
    assert (alone.bar.kind, alone.bar.value) == ("of peer", 4.5)
    assert pandas.bar is not None
    assert (pandas.bar.kind, pandas.bar.value) == ("faster", 10_000)
    assert vollib.theirs > alone.theirs
    for loop in (pandas, vollib):
        assert (loop.theirs is None) is bool(loop.why)


def test_a_sample_is_scaled_to_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gex, "_median", lambda run, repeats: (run(), 1.0)[1])
    monkeypatch.setattr(gex, "missing", lambda package: "")
    timed: list[int] = []

    def loop(chain: gex.Columns, spots: np.ndarray) -> np.ndarray:
        timed.append(len(chain.strike) * len(spots))
        return spots

    monkeypatch.setattr(gex, "pandas_apply", loop)
    monkeypatch.setattr(gex, "vollib_loop", loop)

    _, pandas, _ = gex.measure(lambda text: None, contracts=800, spots=60, repeats=1)

    assert timed == [300 * 3] * 2
    assert pandas.theirs == pytest.approx(800 * 60 / 900)


def test_a_missing_peer_is_named_and_fails_what_requires_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gex, "missing", lambda package: f"{package} is not installed")

    alone, pandas, vollib = gex.measure(lambda text: None, contracts=40, spots=12, repeats=1)

    assert alone.measured
    assert not pandas.passes
    assert pandas.why == "pandas is not installed"
    assert vollib.why == "vollib is not installed"


def test_the_peers_are_in_the_file_that_brings_them() -> None:
    wanted = (ROOT / "requirements-bench.txt").read_text(encoding="utf-8")

    assert all(f"\n{name}>=" in wanted for name in ("pandas", "scipy", "vollib"))


def test_other_benchmarks_see_the_same_levels() -> None:
    chain = gex.compose(400)
    spots = gex.grid(chain.spot, 60)

    got = plugs.gex(
        chain.strike, chain.years, chain.vol, chain.oi, chain.is_call, chain.spot, spots
    )

    found = gex.levels(chain, spots)
    assert got["profile"].tolist() == found.profile.tolist()
    assert got["zero_gamma"] == found.zero_gamma
    assert (got["call_wall"], got["put_wall"]) == (found.call_wall, found.put_wall)
    assert got["max_pain"] == found.max_pain
    assert math.isfinite(got["zero_gamma"])
