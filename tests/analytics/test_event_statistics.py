"""What releases did before, against numpy; signs of growth and surprises by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.analytics.event_reaction import HORIZONS
from grok_sauce.analytics.event_statistics import Past, growth, scaled, statistics

percents = st.none() | st.floats(-5, 5).map(lambda value: round(value, 4))
releases = st.lists(
    st.builds(
        Past,
        clustered=st.booleans(),
        surprise=st.none() | st.sampled_from([-0.2, 0.0, 0.1]),
        regime=st.sampled_from([None, "positive", "negative"]),
        percents=st.fixed_dictionaries(dict.fromkeys(HORIZONS, percents)),
    ),
    max_size=30,
)


@given(releases, st.booleans())
def test_numpy_finds_the_same(past: list[Past], together: bool) -> None:
    found = statistics(past, together)

    table = np.array(
        [[np.nan if p.percents[h] is None else p.percents[h] for h in HORIZONS] for p in past],
        dtype=float,
    ).reshape(len(past), len(HORIZONS))
    alone = np.array([together or not p.clustered for p in past], dtype=bool)
    there = alone & ~np.isnan(table).all(axis=1)
    assert (found["of"], found["n"]) == (len(past), there.sum())
    assert found["clustered"] == (~alone).sum()
    for place, horizon in enumerate(HORIZONS):
        column = table[there, place]
        column = column[~np.isnan(column)]
        one = found["by"][str(horizon)]
        assert (one["n"], one["up"]) == (len(column), (column > 0).sum())
        expected = {
            "mean": np.mean,
            "mean_abs": lambda c: np.mean(np.abs(c)),
            "median_abs": lambda c: np.median(np.abs(c)),
        }
        for name, work in expected.items():
            assert one[name] == (pytest.approx(work(column), abs=2e-6) if len(column) else None)
        for name, sign in (("above", 1), ("in_line", 0), ("below", -1)):
            mine = [
                p.percents[horizon]
                for p, kept in zip(past, there, strict=True)
                if kept and p.surprise is not None and np.sign(p.surprise) == sign
            ]
            known = [value for value in mine if value is not None]
            group = found["groups"][name]
            assert group["n"] == len(mine)
            assert group["by"][str(horizon)] == {
                "n": len(known),
                "mean": pytest.approx(np.mean(known), abs=2e-6) if known else None,
            }


def test_z_is_in_sample_deviations_of_past_surprises_and_needs_eight() -> None:
    # The reference's example: 0.4 against 0.3 with a deviation of 0.10 is +1.00.
    past = [0.1 * (7 / 8) ** 0.5 * sign for sign in (1, -1) * 4]

    assert scaled(0.1, past).z == 1.0
    assert scaled(0.1, past).sd == 0.1
    assert scaled(0.1, past[:7]) == scaled(None, past[:7])
    assert (scaled(0.1, past[:7]).z, scaled(0.1, past[:7]).n) == (None, 7)


def test_claims_above_expectation_are_bad_for_growth_and_z_keeps_the_raw_sign() -> None:
    # The reference's example: 231k against 220k with a deviation of 12k is +.9167 raw.
    past = [12_000 * (7 / 8) ** 0.5 * sign for sign in (1, -1) * 4]

    found = scaled(231_000.0 - 220_000.0, past)

    assert found.z == 0.9167
    assert growth("Unemployment Claims", "USD") == -1


def test_surprises_that_never_differed_measure_nothing() -> None:
    assert scaled(0.1, [0.0] * 20).z is None
    assert scaled(0.1, [0.3] * 20).sd is None


@pytest.mark.parametrize(
    "title, currency, sign",
    [
        ("Non-Farm Employment Change", "USD", 1),
        ("Unemployment Rate", "USD", -1),
        ("Unemployment Rate", "CAD", None),
        ("FOMC Member Cook Speaks", "USD", None),
        ("ISM Services PMI", "USD", None),
    ],
)
def test_growth_is_known_for_what_is_followed_alone(
    title: str, currency: str, sign: int | None
) -> None:
    assert growth(title, currency) == sign
