"""storage.files: whole or not at all, versions kept, private from the first byte."""

from __future__ import annotations

import json
import os
import stat
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_sauce.storage import files

posix = pytest.mark.skipif(sys.platform == "win32", reason="rights are a POSIX thing")


def test_a_written_value_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "settings.json"

    files.write_json(path, {"symbols": ["SPY", "/ES"], "name": "Größe"})

    assert files.read_json(path) == {"symbols": ["SPY", "/ES"], "name": "Größe"}
    assert path.read_bytes().endswith(b"\n")


def test_a_missing_file_reads_as_none(tmp_path: Path) -> None:
    assert files.read_json(tmp_path / "nothing.json") is None


def test_a_broken_file_says_so_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(b'{"schema": 1, ')

    with pytest.raises(files.BrokenFile, match=r"settings\.json is not JSON"):
        files.read_json(path)

    assert path.read_bytes() == b'{"schema": 1, '


def test_a_byte_order_mark_of_a_windows_editor_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}')

    assert files.read_json(path) == {"a": 1}


def test_the_last_versions_are_kept_newest_first_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"

    for number in range(7):
        files.write_json(path, {"n": number}, keep=3)

    assert files.read_json(path) == {"n": 6}
    assert [files.read_json(old)["n"] for old in files.versions(path)] == [5, 4, 3]


def test_keeping_fewer_versions_than_before_removes_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    for number in range(6):
        files.write_json(path, number, keep=4)

    files.write_json(path, 99, keep=2)

    assert [files.read_json(old) for old in files.versions(path)] == [5, 4]


def test_writing_the_same_content_again_pushes_no_version_out(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    files.write_json(path, 1)
    files.write_json(path, 2)

    for _ in range(10):
        files.write_json(path, 2)

    assert [files.read_json(old) for old in files.versions(path)] == [1]


def test_the_last_good_version_is_found_behind_a_broken_one(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    for number in range(3):
        files.write_json(path, number)
    path.with_name("settings.json.1").write_bytes(b"\x00\x00")

    value, where = files.read_last_good(path)

    assert value == 0
    assert where == path.with_name("settings.json.2")


def test_without_any_version_there_is_no_last_good_one(tmp_path: Path) -> None:
    assert files.read_last_good(tmp_path / "settings.json") == (None, None)


def test_nan_is_refused_and_the_old_content_stays(tmp_path: Path) -> None:
    path = tmp_path / "value.json"
    files.write_json(path, {"price": 1.5})

    with pytest.raises(ValueError, match="JSON compliant"):
        files.write_json(path, {"price": float("nan")})

    assert files.read_json(path) == {"price": 1.5}


@posix
def test_a_private_file_is_never_readable_by_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    replace = os.replace

    def look_then_replace(source: Path, target: Path) -> None:
        seen.append(stat.S_IMODE(os.stat(source).st_mode))
        replace(source, target)

    monkeypatch.setattr(files.os, "replace", look_then_replace)
    path = tmp_path / "token.json"
    path.write_bytes(b"old, and open to all")
    path.chmod(0o644)

    files.write_private(path, b"secret")

    assert seen == [0o600]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes() == b"secret"


@posix
def test_versions_of_a_private_file_are_private_too(tmp_path: Path) -> None:
    path = tmp_path / "token.json"

    files.write_json(path, 1, private=True)
    files.write_json(path, 2, private=True)

    assert [stat.S_IMODE(old.stat().st_mode) for old in files.versions(path)] == [0o600]


def test_a_failure_in_the_middle_leaves_the_old_content_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "settings.json"
    files.write_json(path, {"good": True})

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        files.write_private(path, b"half")

    assert json.loads(path.read_text()) == {"good": True}
    assert [entry.name for entry in tmp_path.iterdir()] == ["settings.json"]


@posix
def test_a_symbolic_link_is_written_through_not_replaced(tmp_path: Path) -> None:
    real = tmp_path / "elsewhere" / "settings.json"
    real.parent.mkdir()
    real.write_text("1\n")
    link = tmp_path / "settings.json"
    link.symlink_to(real)

    files.write_private(link, b"2\n")

    assert link.is_symlink()
    assert real.read_bytes() == b"2\n"


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abcé", max_size=4), inner),
    max_leaves=10,
)


@settings(max_examples=40, deadline=None)
@given(value=json_values)
def test_any_json_value_survives_the_round_trip(
    value: object, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("json") / "value.json"

    files.write_json(path, value)

    assert files.read_json(path) == value


def test_of_many_who_make_a_secret_at_once_all_read_the_same_one(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    found: list[bytes] = []

    def make(number: int) -> None:
        files.make_private(path, f"{number}\n".encode())
        found.append(path.read_bytes())

    threads = [threading.Thread(target=make, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 20
    assert len(set(found)) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret.key"]
