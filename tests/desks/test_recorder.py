"""The recorder keeps everything, bounded, and its disk is nobody else's trouble."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.desks import recorder as recorder_module
from grok_sauce.desks.recorder import Recorder
from grok_sauce.errors import GrokSauceError
from grok_sauce.feeds.recording import Recording
from grok_sauce.market.batches import Batch
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.settings import Settings, SettingsStore

Run = Callable[[Recorder], threading.Event]


def quotes(clock: ManualClock, count: int = 1) -> Batch:
    return Batch("Quote", ["SPY"] * count, ([600.0] * count, [601.0] * count), clock.market())


def wait_for(look: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + 10
    while not look():
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.01)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """run(recorder): its worker on a thread; the event ends it. Looks follow quickly."""
    monkeypatch.setattr(recorder_module, "LOOK", 0.005)
    monkeypatch.setattr(recorder_module, "FLUSH", 0.01)
    running: list[tuple[threading.Event, threading.Thread]] = []

    def start(recorder: Recorder) -> threading.Event:
        stop = threading.Event()
        thread = threading.Thread(target=recorder.run, args=(stop,))
        thread.start()
        running.append((stop, thread))
        return stop

    yield start
    for stop, thread in running:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.gsr"


def test_everything_heard_is_in_the_file_in_order_with_its_time(
    path: Path, clock: ManualClock, run: Run
) -> None:
    recorder = Recorder(path, clock, {"GEX_RATE": "0.03", "CLIENT_SECRET": "s3cret"})
    began = clock.market()
    for _ in range(50):
        clock.advance(0.5)
        recorder.hear(quotes(clock, 2))
    stop = run(recorder)
    wait_for(lambda: recorder.status.events >= 100, "the events")
    stop.set()
    wait_for(lambda: recorder.done.is_set(), "the end")

    found = Recording(path)
    entries = list(found.entries())

    assert [entry.seq for entry in entries] == list(range(1, 51))
    assert [entry.at for entry in entries] == [began + 0.5 * (n + 1) for n in range(50)]
    assert found.problem is None
    assert found.header["zero"] == began
    assert found.header["knobs"] == {"GEX_RATE": "0.03"}
    assert b"s3cret" not in path.read_bytes()


def test_a_clock_that_goes_back_does_not_turn_the_order_round(
    path: Path, clock: ManualClock, run: Run
) -> None:
    recorder = Recorder(path, clock, {})
    recorder.hear(quotes(clock))
    clock.set_market(clock.market() - 30)
    recorder.hear(quotes(clock))
    run(recorder).set()
    wait_for(lambda: recorder.done.is_set(), "the end")

    times = [entry.at for entry in Recording(path).entries()]

    assert times == sorted(times)


def test_settings_stand_in_the_header_and_where_they_changed(
    path: Path, tmp_path: Path, clock: ManualClock, run: Run
) -> None:
    told: list[Settings] = []
    store = SettingsStore(
        tmp_path / "settings.json", tmp_path, changed=lambda old, new: told.append(new)
    )
    store.load()
    recorder = Recorder(path, clock, {})
    recorder.join(store)
    store.save({"gex": {"expiries": 2}}, store.revision)
    run(recorder).set()
    wait_for(lambda: recorder.done.is_set(), "the end")

    found = Recording(path)
    (entry,) = found.entries()

    assert found.header["settings"]["gex"]["expiries"] == 5
    assert entry.batch.kind == "Settings"
    assert entry.batch.columns[0][0]["gex"]["expiries"] == 2
    assert told[0].gex.expiries == 2


def test_what_waits_is_bounded_and_what_is_missing_is_counted_where_it_is_missing(
    path: Path, clock: ManualClock, run: Run
) -> None:
    recorder = Recorder(path, clock, {}, limit=100)
    for _ in range(30):
        recorder.hear(quotes(clock, 10))  # nobody writes
    assert recorder.depth <= 100
    assert recorder.dropped == 200
    stop = run(recorder)
    wait_for(lambda: recorder.depth == 0, "the disk")
    recorder.hear(quotes(clock, 1))
    stop.set()
    wait_for(lambda: recorder.done.is_set(), "the end")

    batches = [entry.batch for entry in Recording(path).entries()]

    assert [batch.kind for batch in batches] == ["Quote"] * 10 + ["Gap", "Quote"]
    assert batches[10].columns[0][0] == 200


def test_a_full_disk_ends_the_recording_with_a_line_and_what_is_there_can_be_played(
    path: Path,
    clock: ManualClock,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    recorder = Recorder(path, clock, {})
    run(recorder)
    recorder.hear(quotes(clock))
    wait_for(lambda: recorder.writer is not None and recorder.writer.entries == 1, "one entry")
    wait_for(lambda: recorder.writer is not None and not recorder.writer._lines, "its block")
    assert recorder.writer is not None

    class Full:
        closed = False

        def __init__(self, inner: Any) -> None:
            self._inner = inner

        def write(self, data: bytes) -> int:
            self._inner.write(data[: len(data) // 2])  # half of it fits
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def flush(self) -> None:
            self._inner.flush()

        def close(self) -> None:
            self._inner.close()

    monkeypatch.setattr(recorder.writer, "_file", Full(recorder.writer._file))
    recorder.hear(quotes(clock))
    wait_for(lambda: recorder.problem is not None, "the refusal")
    recorder.hear(quotes(clock))

    assert "No space left on device" in (recorder.problem or "")
    assert recorder.status.state == "backoff"
    assert "the dashboard goes on" in caplog.text
    assert recorder.depth == 0
    assert "recording stopped" in recorder.line()
    found = Recording(path)
    assert len(list(found.entries())) == 1
    assert "cut off: 1 whole blocks" in (found.problem or "")


def test_a_folder_that_cannot_be_written_is_said_at_once(
    tmp_path: Path, clock: ManualClock, run: Run
) -> None:
    (tmp_path / "file").write_text("")
    recorder = Recorder(tmp_path / "file" / "a.gsr", clock, {})

    run(recorder)

    wait_for(lambda: recorder.done.is_set(), "the end")
    assert "cannot be written" in (recorder.problem or "")


def test_the_minutes_are_of_the_market(path: Path, clock: ManualClock, run: Run) -> None:
    recorder = Recorder(path, clock, {}, minutes=2)
    recorder.hear(quotes(clock))
    run(recorder)
    assert not recorder.done.wait(0.05)

    clock.advance(121)

    assert recorder.done.wait(10)
    assert Recording(path).problem is None


def test_a_recording_is_not_begun_again(path: Path, clock: ManualClock, run: Run) -> None:
    recorder = Recorder(path, clock, {})
    run(recorder).set()
    wait_for(lambda: recorder.done.is_set(), "the end")

    with pytest.raises(GrokSauceError, match="not begun again"):
        recorder.run(threading.Event())


def test_memory_stays_flat_while_much_is_recorded(path: Path, clock: ManualClock, run: Run) -> None:
    import tracemalloc

    recorder = Recorder(path, clock, {}, limit=20_000)
    stop = run(recorder)
    tracemalloc.start()
    try:
        for _ in range(60):
            recorder.hear(quotes(clock, 2_000))
            wait_for(lambda: recorder.depth < 10_000, "the disk")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    stop.set()
    wait_for(lambda: recorder.done.is_set(), "the end")

    assert recorder.dropped == 0
    assert sum(len(e.batch.symbols) for e in Recording(path).entries()) == 120_000
    assert peak < 12_000_000  # ten thousand events waiting, and a block; all of it would be more
