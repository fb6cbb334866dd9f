"""Saved butterfly candidates: kept whole, never over a file that could not be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.errors import SettingsError
from grok_sauce.storage.butterflies import FIELDS, MOST, Butterflies, NoSuchCandidate


def candidate(**changes: Any) -> dict[str, Any]:
    values = {"symbol": "SPX", "expiry": "2026-12-18", "root": "SPXW", "settlement": "PM",
              "center": 6010.0, "width": 25.0, "width_high": 25.0, "side": "puts",
              "price": "mid", "quantity": 1, "fees": 1.72, "entry": 3.8, "multiplier": 100.0,
              "saved_at": "2026-12-16T19:05:00+00:00"}  # fmt: skip
    return values | changes


def test_candidates_outlive_a_restart_newest_first(tmp_path: Path) -> None:
    path = tmp_path / "data" / "butterflies.json"
    kept = Butterflies(path)
    first = kept.add(candidate())
    second = kept.add(candidate(center=6000.0))

    again = Butterflies(path).all()

    assert [each["id"] for each in again] == [second["id"], first["id"]]
    assert {name: again[1][name] for name in FIELDS} == candidate()
    assert again[1]["settled"] is None


def test_a_candidate_is_removed_by_its_id_and_an_unknown_id_is_told(tmp_path: Path) -> None:
    kept = Butterflies(tmp_path / "butterflies.json")
    number = kept.add(candidate())["id"]

    kept.remove(number)

    assert kept.all() == []
    with pytest.raises(NoSuchCandidate):
        kept.remove(number)


def test_what_a_candidate_settled_at_is_noted_once(tmp_path: Path) -> None:
    path = tmp_path / "butterflies.json"
    kept = Butterflies(path)
    number = kept.add(candidate())["id"]

    kept.settle(number, {"spot": 6004.0, "value": 19.0, "at": "2026-12-18T21:00:00+00:00"})
    kept.settle(number, {"spot": 1.0, "value": 0.0, "at": "2027-01-01T00:00:00+00:00"})

    assert Butterflies(path).all()[0]["settled"]["value"] == 19.0


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"schema": 2, "candidates": []}', '{"schema": 1, "candidates": [{"id": "x"}]}'],
    ids=["cut off", "a list", "a newer version", "a foreign candidate"],
)
def test_a_file_that_cannot_be_read_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "butterflies.json"
    path.write_text(text, "utf-8")

    kept = Butterflies(path)

    assert kept.all() == []
    assert kept.problem is not None
    with pytest.raises(SettingsError, match="not saved"):
        kept.add(candidate())
    assert path.read_text("utf-8") == text


def test_a_full_disk_keeps_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "butterflies.json"
    Butterflies(path).add(candidate())

    def full(path: Path, value: Any) -> None:
        raise OSError(28, "No space left on device")

    kept = Butterflies(path, write=full)

    with pytest.raises(SettingsError, match="No space left"):
        kept.add(candidate(center=6000.0))
    assert len(kept.all()) == 1


def test_only_so_many_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "butterflies.json"
    one = {"id": "a", "settled": None, **candidate()}
    many = [{**one, "id": str(number)} for number in range(MOST)]
    path.write_text(json.dumps({"schema": 1, "candidates": many}), "utf-8")

    with pytest.raises(SettingsError, match="delete one first"):
        Butterflies(path).add(candidate())
