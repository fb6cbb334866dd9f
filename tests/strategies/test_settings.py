"""Options of the strategy: what is out of range is refused by its name."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from grok_sauce.errors import SettingsError
from grok_sauce.settings import as_document, validate
from grok_sauce.settings.strategy import Strategy


def test_defaults_are_those_of_the_rules() -> None:
    found = Strategy()

    assert (found.target, found.stop_buffer, found.max_risk, found.max_lt_below) == (25, 10, 30, 3)
    assert (found.trail_trigger, found.trail_offset, found.cooldown) == (15, 10, 900)
    assert (found.lt_reference, found.lt_missing, found.score) == ("entry", "closed", "default")
    assert (found.session_start, found.session_end, found.last_minutes) == ("18:00", "16:00", 15)
    assert (found.enabled, found.one_position, found.flat_at_end) == (False, True, False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("target", 0), ("target", float("nan")), ("stop_buffer", -1), ("max_risk", True),
        ("max_lt_below", 51), ("lt_reference", "close"), ("lt_missing", None),
        ("trail_trigger", "15"), ("cooldown", -1), ("cooldown", 0.5), ("session_start", "24:00"),
        ("session_end", "18:00"), ("last_minutes", 241), ("limit_candles", 0),
        ("score", "best"), ("contract", "CL"), ("quantity", 0), ("commission", -0.01),
        ("slippage_ticks", 1.5), ("levels_max_age", 0), ("enabled", 1), ("bracket", "both"),
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_refused_however_it_comes(name: str, value: Any) -> None:
    with pytest.raises(SettingsError) as by_hand:
        dataclasses.replace(Strategy(), **{name: value})
    with pytest.raises(SettingsError) as by_file:
        validate({"strategy": {name: value}})

    assert by_hand.value.field == by_file.value.field == f"strategy.{name}"


def test_the_section_reads_back_as_it_was_written() -> None:
    changed = validate({"strategy": {"target": 40, "trailing": False, "contract": "ES"}})

    assert validate(as_document(changed)) == changed
    assert changed.strategy.target == 40.0
