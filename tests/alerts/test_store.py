"""The committer: shared commits, lone failures, stalls, no room, no rights, damage, one owner."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grok_sauce.alerts import store as store_module
from grok_sauce.alerts.store import Store, StoreBusy
from grok_sauce.errors import StartupError
from tests.alerts.ledger_kit import running, store_in

Job = Callable[[sqlite3.Connection], int]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with running(store_in(tmp_path)) as store:
        yield store


def note(text: str) -> Job:
    """A write that can be counted and read back."""
    sql = "INSERT INTO audit (wall_ms, who, what) VALUES (0, '', ?)"
    return lambda connection: int(connection.execute(sql, (text,)).lastrowid or 0)


def notes(store: Store) -> list[str]:
    read = store.read(lambda one: one.execute("SELECT what FROM audit ORDER BY id").fetchall())
    return [what for (what,) in read]


def eventually(true: Callable[[], bool], within: float = 10.0) -> None:
    deadline = time.monotonic() + within
    while not true():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.01)


def at_once(calls: list[Callable[[], object]]) -> list[object]:
    """Make all calls on threads of their own; what they returned or raised."""
    answers: list[object] = [None] * len(calls)
    gate = threading.Barrier(len(calls))

    def go(place: int) -> None:
        gate.wait()
        try:
            answers[place] = calls[place]()
        except Exception as problem:  # noqa: BLE001 - what it raised is the answer
            answers[place] = problem

    threads = [threading.Thread(target=go, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_a_write_that_returned_is_in_the_file_and_in_every_later_read(store: Store) -> None:
    id = store.write(note("first"))

    assert id == 1
    assert notes(store) == ["first"]
    with sqlite3.connect(store.path) as other:
        assert other.execute("SELECT what FROM audit").fetchall() == [("first",)]


def test_the_file_is_opened_to_survive_a_power_cut(store: Store) -> None:
    asked = ("journal_mode", "synchronous", "busy_timeout")

    found = store.write(lambda c: [c.execute(f"PRAGMA {name}").fetchone()[0] for name in asked])

    assert found == ["wal", 2, 500]  # 2: FULL


class Held:
    """A write that keeps the committer busy until let_go()."""

    def __init__(self, store: Store) -> None:
        self._entered, self._go = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=store.write, args=(self._job, 30))
        self._thread.start()
        assert self._entered.wait(10)

    def _job(self, connection: sqlite3.Connection) -> int:
        self._entered.set()
        self._go.wait(20)
        return 0

    def let_go(self) -> None:
        self._go.set()
        self._thread.join()


def test_a_hundred_writes_at_once_share_one_commit(store: Store) -> None:
    held = Held(store)
    calls = [lambda n=n: store.write(note(f"n{n}"), 20) for n in range(100)]
    answers: list[object] = []
    asking = threading.Thread(target=lambda: answers.extend(at_once(calls)))
    asking.start()
    eventually(lambda: store.facts().waiting == 100)

    held.let_go()
    asking.join()

    assert sorted(a for a in answers if isinstance(a, int)) == list(range(1, 101))
    assert (store.facts().writes, store.facts().commits) == (101, 2)


def test_a_write_that_fails_fails_alone_and_leaves_nothing(store: Store) -> None:
    def bad(connection: sqlite3.Connection) -> int:
        note("half of it")(connection)
        raise ValueError("no")

    def worse(connection: sqlite3.Connection) -> int:
        connection.execute("INSERT INTO nowhere VALUES (1)")
        return 0

    good = [note(f"n{n}") for n in range(20)]
    jobs: list[Job] = [*good[:10], bad, worse, *good[10:]]
    held = Held(store)
    answers: list[object] = []
    calls = [lambda job=job: store.write(job, 20) for job in jobs]
    asking = threading.Thread(target=lambda: answers.extend(at_once(calls)))
    asking.start()
    eventually(lambda: store.facts().waiting == len(jobs))

    held.let_go()
    asking.join()

    assert isinstance(answers[10], ValueError)
    assert isinstance(answers[11], sqlite3.OperationalError)
    assert sorted(notes(store)) == sorted(f"n{n}" for n in range(20))
    assert store.facts().problem is None
    assert store.facts().commits == 2


def test_a_stalled_store_answers_busy_and_the_row_commits_all_the_same(store: Store) -> None:
    other = sqlite3.connect(store.path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")  # as a person's database browser may
    began = time.monotonic()

    with pytest.raises(StoreBusy, match="another program holds the file") as busy:
        store.write(note("late"))
    took = time.monotonic() - began
    other.execute("ROLLBACK")

    assert took >= 0.75
    assert busy.value.undecided
    eventually(lambda: notes(store) == ["late"])
    eventually(lambda: store.facts().problem is None)


def test_a_write_that_nobody_began_is_taken_back_when_asked(store: Store) -> None:
    held = Held(store)
    with pytest.raises(StoreBusy) as busy:
        store.write(note("never"), 0.1, withdraw=True)
    held.let_go()
    store.write(note("then"), 10)

    assert not busy.value.undecided
    assert notes(store) == ["then"]


def test_more_than_can_wait_is_refused_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "QUEUE", 3)
    held = Held(store)
    for n in range(3):
        store.later(note(f"n{n}"))

    with pytest.raises(StoreBusy, match="too much waits") as busy:
        store.write(note("n3"))
    held.let_go()
    eventually(lambda: notes(store) == ["n0", "n1", "n2"])

    assert not busy.value.undecided


def test_a_full_disk_refuses_at_once_says_so_and_recovers_alone(tmp_path: Path) -> None:
    with running(store_in(tmp_path)) as store:
        store.write(note("before"))
        pages = store.read(lambda c: int(c.execute("PRAGMA page_count").fetchone()[0]))
        store.page_limit = pages
        big = "x" * 20_000
        with pytest.raises(StoreBusy, match="disk is full") as busy:
            store.write(lambda c: (note("half")(c), note(big)(c))[0])
        full = store.facts()
        store.page_limit = None
        eventually(lambda: store.facts().writable)
        store.write(note(big))

        assert not busy.value.undecided
        assert full.problem == "alerts cannot be stored: the disk is full"
        assert not full.writable
        assert notes(store) == ["before", big]
        assert store.facts().problem is None
        (sound,) = store.read(lambda c: c.execute("PRAGMA integrity_check").fetchone())
        assert sound == "ok"


def test_a_damaged_file_is_put_aside_and_a_new_one_begun(tmp_path: Path) -> None:
    with running(store_in(tmp_path)) as store:
        for n in range(200):
            store.later(note(f"{n}" * 50))
        store.write(note("last"))
    raw = bytearray(store.path.read_bytes())
    raw[4096:] = b"\xa5" * (len(raw) - 4096)
    store.path.write_bytes(raw)

    with running(again := store_in(tmp_path)):
        aside = again.facts().set_aside
        again.write(note("new"))

        assert aside is not None
        assert aside.read_bytes() == bytes(raw)
        assert notes(again) == ["new"]


def test_a_second_process_is_refused_and_may_come_when_the_first_is_gone(store: Store) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from grok_sauce.alerts.store import Store\n"
        "from grok_sauce.alerts.steady import SteadyTime\n"
        "from grok_sauce.runtime.clock import RealClock\n"
        "Store(Path(sys.argv[1]), SteadyTime(RealClock())).open()\n"
    )

    second = subprocess.run(
        [sys.executable, "-c", code, str(store.path)], capture_output=True, text=True, timeout=30
    )
    store.close()
    third = subprocess.run(
        [sys.executable, "-c", code, str(store.path)], capture_output=True, text=True, timeout=30
    )

    last = second.stderr.strip().splitlines()[-1]
    assert "StartupError: another process owns" in last
    assert str(store.path) in last
    assert third.returncode == 0, third.stderr


def test_a_file_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    with running(store_in(tmp_path)) as store:
        store.write(lambda c: c.execute("PRAGMA user_version").fetchone())
    with sqlite3.connect(store.path) as other:
        other.execute("PRAGMA user_version=99")

    newer = store_in(tmp_path)
    with pytest.raises(StartupError, match="schema 99"):
        newer.open()

    assert sorted(p.name for p in tmp_path.iterdir() if "damaged" in p.name) == []
    (version,) = sqlite3.connect(store.path).execute("PRAGMA user_version").fetchone()
    assert version == 99


def test_without_a_committer_whoever_writes_commits(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.open()

    ids = [store.write(note("one")), store.write(note("two"))]
    store.later(note("three"))
    store.close()

    assert ids == [1, 2]
    assert not store.path.with_name("alerts.db-wal").exists()
    with sqlite3.connect(store.path) as other:
        assert other.execute("SELECT count(*) FROM audit").fetchone() == (3,)


def test_what_waits_when_it_is_told_to_stop_is_finished_and_then_it_is_closed(
    tmp_path: Path,
) -> None:
    with running(store_in(tmp_path)) as store:
        answers = at_once([lambda n=n: store.write(note(f"n{n}"), 5) for n in range(30)])

    assert all(isinstance(answer, int) for answer in answers)
    for call in (lambda: store.write(note("after")), lambda: store.read(lambda c: 0)):
        with pytest.raises(StoreBusy, match="closed"):
            call()
    assert store.later(note("after")).over
    with sqlite3.connect(store.path) as other:
        assert other.execute("SELECT count(*) FROM audit").fetchone() == (30,)


def test_the_slowest_hundredth_is_told(store: Store) -> None:
    nothing = store.facts().latency_p99_ms
    for _ in range(50):
        store.write(note("quick"))
    store.write(lambda c: time.sleep(0.2), 5)

    p99 = store.facts().latency_p99_ms

    assert nothing is None
    assert p99 is not None
    assert p99 >= 195


def test_reads_go_on_while_a_write_takes_long(store: Store) -> None:
    store.write(note("seen"))
    held = Held(store)
    found = notes(store)
    held.let_go()

    assert found == ["seen"]


def test_a_read_cannot_write_and_a_failed_one_spoils_nothing(store: Store) -> None:
    with pytest.raises(StoreBusy, match="cannot be read"):
        store.read(note("sneaked in"))
    with pytest.raises(KeyError):
        store.read(lambda c: {}["nothing"])

    assert notes(store) == []


READ_ONLY = """
import fcntl, os, sys, threading, time  # before there are no rights to read them
from pathlib import Path
from grok_sauce.alerts import store as store_module
from grok_sauce.alerts.store import Store, StoreBusy
from grok_sauce.alerts.steady import SteadyTime
from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import RealClock
folder = Path(sys.argv[1])
if os.geteuid() == 0:
    os.setgid(65534), os.setuid(65534)
store = Store(folder / "alerts.db", SteadyTime(RealClock()))
print(store.open(), store.facts().writable, store.facts().problem, sep="|")
stop = threading.Event()
worker = concurrency.spawn(store.run, stop)
job = lambda c: c.execute("INSERT INTO audit (wall_ms, who, what) VALUES (0, '', 'x')").lastrowid
try:
    store.write(job)
except StoreBusy as problem:
    print("busy", problem.undecided)
folder.chmod(0o700)
deadline = time.monotonic() + 10
while not store.facts().writable and time.monotonic() < deadline:
    time.sleep(0.05)
print(store.write(job), store.facts().problem)
stop.set(); worker.join(5); store.close()
"""


def test_a_folder_that_cannot_be_written_refuses_writes_and_recovers_alone() -> None:
    """As an ordinary user: rights do not bind root."""
    folder = Path(tempfile.mkdtemp(prefix="grok-sauce-read-only-"))
    try:
        if os.geteuid() == 0:
            os.chown(folder, 65534, 65534)
        folder.chmod(0o500)
        done = subprocess.run(
            [sys.executable, "-c", READ_ONLY, str(folder)],
            capture_output=True,
            text=True,
            timeout=30,
        )
    finally:
        folder.chmod(0o700)
        shutil.rmtree(folder)

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "None|False|alerts cannot be stored: the file or its folder cannot be written",
        "busy False",
        "1 None",
    ]


def test_an_idle_store_finds_out_by_itself_that_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "IDLE_BEATS", 1)
    with running(store_in(tmp_path)) as store:
        eventually(lambda: store.facts().commits > 2)
        log = store.path.with_name("alerts.db-wal")

        grown = log.stat().st_size

        assert grown > 0  # it really wrote
        assert notes(store) == []
        assert store.facts().writable
