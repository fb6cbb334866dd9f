"""Bodies on disk: what a restart begins with, and files that are of no use."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grok_sauce.pollers.kept import BodyStore, Kept


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.binary(max_size=60), st.floats(0, 2e9))
def test_a_body_comes_back_as_it_was(tmp_path: Path, body: bytes, fetched: float) -> None:
    BodyStore(tmp_path, "NewsAPI").keep("headlines", body, fetched, query="a\nb")

    assert BodyStore(tmp_path, "NewsAPI").load("headlines") == Kept(
        body, fetched, {"query": "a\nb"}
    )


def test_nothing_kept_is_nothing(tmp_path: Path) -> None:
    assert BodyStore(tmp_path / "absent", "FRED").load("x") is None
    nowhere = BodyStore(None, "FRED")
    nowhere.keep("x", b"1", 0.0)
    assert nowhere.load("x") is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=80) | st.sampled_from([b"{}\nx", b"[]\n", b'{"fetched":"x","more":{}}\n'])
)
def test_a_file_of_no_use_is_no_body(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.kept").write_bytes(content)

    assert BodyStore(tmp_path, "FRED").load("x") is None


@pytest.mark.parametrize("name", ["../x", "a/b", "", "a.b", "x" * 41])
def test_a_name_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="cannot be a file's name"):
        BodyStore(tmp_path, "FRED").keep(name, b"", 0.0)


def test_a_disk_that_refuses_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    store = BodyStore(tmp_path / "file", "FRED")

    with caplog.at_level(logging.WARNING):
        store.keep("x", b"1", 0.0)
        store.keep("x", b"2", 0.0)

    assert [r.getMessage().split(":")[0] for r in caplog.records] == ["FRED"]
