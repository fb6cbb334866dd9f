"""Numbers read the same on the server and in the browser."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.web import format as text

ROOT = Path(__file__).parents[2]
VECTORS: dict[str, list[list[Any]]] = json.loads(
    (Path(__file__).parent / "format_vectors.json").read_text()
)
CASES = [(name, args, expected) for name, cases in VECTORS.items() for args, expected in cases]


@pytest.mark.parametrize(("name", "args", "expected"), CASES)
def test_python_writes_the_number_of_the_shared_vectors(
    name: str, args: list[Any], expected: str
) -> None:
    assert getattr(text, name)(*args) == expected


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_browser_script_writes_the_same_numbers() -> None:
    here = Path(__file__).parent
    script = (ROOT / "static/js/format.js").as_uri()

    done = subprocess.run(
        ["node", here / "format_vectors.mjs", script, here / "format_vectors.json"],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )

    assert json.loads(done.stdout) == {"ran": len(CASES), "wrong": []}


@given(st.floats(allow_nan=True, allow_infinity=True) | st.none())
def test_no_number_ever_becomes_nan_or_an_exception(value: float | None) -> None:
    written = [
        text.price(value),
        text.change(value),
        text.percent(value),
        text.volume(value),
        text.gex(value),
        text.age(value),
        text.countdown(value),
    ]

    assert not any("nan" in each.lower() or "inf" in each.lower() for each in written)
    if value is None or not math.isfinite(value) or abs(value) >= 1e15:
        assert set(written) == {text.DASH}


@given(st.floats(min_value=100_000, max_value=9e14))
def test_a_compact_volume_is_within_half_a_percent(value: float) -> None:
    units = {"K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}

    written = text.volume(value)

    assert written[-1] in units
    assert math.isclose(float(written[:-1]) * units[written[-1]], value, rel_tol=0.0051)
