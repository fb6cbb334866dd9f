"""The store in both async modes, and through the deaths of its process."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from grok_sauce.alerts import records
from grok_sauce.alerts.ledger import Ledger
from grok_sauce.alerts.steady import SteadyTime
from grok_sauce.runtime.clock import RealClock
from tests.alerts.ledger_kit import store_in

MODES = ("eventlet", "threading")
KILLS = 15

IN_BOTH = """
import sys
from grok_sauce.runtime import concurrency
concurrency.patch(sys.argv[2])
concurrency.check_patched()
import json, threading, time
from pathlib import Path
from grok_sauce.alerts.ledger import Ledger
from grok_sauce.alerts.store import StoreBusy
from grok_sauce.alerts.steady import SteadyTime
from grok_sauce.runtime.clock import RealClock
from tests.alerts.ledger_kit import a_new, store_in

store = store_in(Path(sys.argv[1]), wait_s=20.0)
store.open()
ledger = Ledger(store, SteadyTime(RealClock()))
stop = threading.Event()
committer = concurrency.spawn(store.run, stop)
beats = []
def beat():
    while not stop.wait(0.005):
        beats.append(time.monotonic())
beating = concurrency.spawn(beat)
states, problems = [], []
def post(n):
    states.append(ledger.receive(a_new(f"a{n}", exact_key="e:same")).state)
def fail(connection):
    raise KeyError("mine")
def broken():
    try:
        store.write(fail)
    except KeyError as problem:
        problems.append(str(problem))
before = store.facts().commits
posts = [concurrency.spawn(post, n) for n in range(100)] + [concurrency.spawn(broken)]
for one in posts:
    one.join()
shared = store.facts().commits - before
def stall(connection):  # on whatever thread the pool has
    import ctypes
    ctypes.CDLL(None).usleep(900_000)
def stalled():
    try:
        store.write(stall)
    except StoreBusy:
        pass
began = len(beats)
store.wait_s = 0.8
late = concurrency.spawn(stalled)
stop.wait(0.05)
try:
    ledger.receive(a_new("late", exact_key="e:late"))
    answer = "stored"
except StoreBusy as problem:
    answer = problem.undecided
store.wait_s = 20.0
again = ledger.receive(a_new("again", exact_key="e:late"))
late.join()
gaps = [b - a for a, b in zip(beats[began:], beats[began + 1:])]
ledger.security("203.0.113.9", "no token")
stop.set(); committer.join(5); beating.join(5)
after = ledger.receive(a_new("after"))
store.close()
print(json.dumps({"held": states.count("held"), "all": len(states), "problems": problems,
    "commits": shared, "answer": answer, "again": [again.state, again.first_id],
    "after": after.state, "worst_gap": max(gaps)}))
"""


@pytest.mark.parametrize("mode", MODES)
def test_writes_share_commits_stall_alone_and_outlive_the_committer(
    mode: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IN_BOTH, str(tmp_path), mode],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    got = json.loads(done.stdout)
    assert (got["held"], got["all"], got["problems"]) == (1, 100, ["'mine'"])
    assert got["commits"] <= 40
    assert got["answer"] is True  # busy, and it may still commit
    assert got["again"] == ["duplicate", "late"]
    assert got["after"] == "held"
    assert got["worst_gap"] < 0.7  # nobody else stood still for the 900 ms
    with sqlite3.connect(tmp_path / "alerts.db") as file:
        assert file.execute("SELECT address FROM security_log").fetchall() == [("203.0.113.9",)]


NO_ROOM = """
import sys
from grok_sauce.runtime import concurrency
concurrency.patch(sys.argv[2])
import json, resource, threading, time
from pathlib import Path
from grok_sauce.alerts.ledger import Ledger
from grok_sauce.alerts.store import StoreBusy
from grok_sauce.alerts.steady import SteadyTime
from grok_sauce.runtime.clock import RealClock
from tests.alerts.ledger_kit import a_new, store_in

store = store_in(Path(sys.argv[1]), wait_s=20.0)
store.open()
ledger = Ledger(store, SteadyTime(RealClock()))
stop = threading.Event()
committer = concurrency.spawn(store.run, stop)
def post(n):
    try:
        kept.append(ledger.receive(a_new(f"a{n}", body="x" * 2000)).id)
    except StoreBusy as problem:
        refused.append((f"a{n}", problem.undecided, store.facts().problem))
kept, refused = [], []
for n in range(20):
    post(n)
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
log = store.path.with_name("alerts.db-wal").stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (log + 40_000, hard))
posts = [concurrency.spawn(post, n) for n in range(20, 60)]
for one in posts:
    one.join()
broken = store.facts()
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
deadline = time.monotonic() + 20
while not store.facts().writable and time.monotonic() < deadline:
    stop.wait(0.05)
refused_then = list(refused)
post(100)
found = store.read(lambda c: [id for (id,) in c.execute("SELECT id FROM alert ORDER BY seq")])
sound = store.read(lambda c: c.execute("PRAGMA integrity_check").fetchone()[0])
stop.set(); committer.join(5); store.close()
print(json.dumps({"kept": kept, "refused": refused_then, "broken": broken.problem,
    "found": found, "sound": sound, "now": store.facts().set_aside}))
"""


@pytest.mark.parametrize("mode", MODES)
def test_when_the_system_lets_nothing_be_written_nothing_is_half_written(
    mode: str, tmp_path: Path
) -> None:
    """The system's own limit on the size of files, met in the middle of a commit."""
    done = subprocess.run(
        [sys.executable, "-c", NO_ROOM, str(tmp_path), mode],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    got = json.loads(done.stdout)
    assert got["kept"][-1] == "a100"  # it recovered alone
    assert got["refused"]
    assert got["sound"] == "ok"
    assert sorted(got["found"]) == sorted(got["kept"])
    assert {undecided for _, undecided, _ in got["refused"]} == {False}
    assert got["broken"].startswith("alerts cannot be stored: the disk")


CHILD = """
import sys
from grok_sauce.runtime import concurrency
concurrency.patch(sys.argv[2])
import itertools, os, threading
from pathlib import Path
from grok_sauce.alerts.ledger import Ledger
from grok_sauce.alerts.model import Outcome
from grok_sauce.alerts.steady import SteadyTime
from grok_sauce.runtime.clock import RealClock
from tests.alerts.ledger_kit import a_leg, released, store_in

store = store_in(Path(sys.argv[1]))
assert store.open() is None, "the file was damaged"
ledger = Ledger(store, SteadyTime(RealClock()))
work = ledger.open_work()
assert not [one for one in work.deliveries if one.state == "sending"]
stop = threading.Event()
concurrency.spawn(store.run, stop)
numbers = itertools.count()
def live():
    while True:
        id = f"{os.getpid()}-{next(numbers)}"
        (made,) = released(ledger, id, a_leg(id), exact_key=id)
        os.write(1, f"released {id}\\n".encode())
        ledger.move(made.id, "sending")
        os.write(1, f"sending {id}\\n".encode())
        ledger.move(made.id, "delivered", outcome=Outcome("delivered", 200, "", 1.0))
        os.write(1, f"delivered {id}\\n".encode())
threads = [concurrency.spawn(live) for _ in range(8)]
for one in threads:
    one.join()
"""
RANK = {"released": 0, "sending": 1, "delivered": 2}
# What a delivery may be in when so much was acknowledged: the next move may have committed too.
MAY_BE = {
    "released": {"waiting", "sending", "uncertain", "delivered"},
    "sending": {"sending", "uncertain", "delivered"},
    "delivered": {"delivered"},
}


@pytest.mark.parametrize("mode", MODES)
def test_no_acknowledged_write_is_lost_by_a_process_that_is_killed(
    mode: str, tmp_path: Path
) -> None:
    rng = random.Random(11)
    acknowledged: dict[str, str] = {}
    for _ in range(KILLS if mode == "eventlet" else 5):
        lines = killed_after(rng.randint(1, 250), tmp_path, mode)
        for line in lines:
            what, id = line.split()
            if RANK[what] >= RANK.get(acknowledged.get(id, ""), 0):
                acknowledged[id] = what

    store = store_in(tmp_path)
    assert store.open() is None
    (sound,) = store.read(lambda one: one.execute("PRAGMA integrity_check").fetchone())
    work = Ledger(store, SteadyTime(RealClock())).open_work()
    found = store.read(
        lambda one: dict(
            one.execute(
                "SELECT a.id, d.state FROM alert a JOIN delivery d ON d.alert_seq = a.seq"
            ).fetchall()
        )
    )
    unlike = store.read(
        lambda one: one.execute(
            "SELECT a.id FROM alert a JOIN delivery d ON d.alert_seq = a.seq"
            " WHERE (a.state = 'done') != (d.state = 'delivered')"
        ).fetchall()
    )
    events = store.read(lambda one: [records.events(one, held.seq) for held in work.held])
    store.close()

    assert sound == "ok"
    assert len(acknowledged) > 100
    wrong = {
        id: (what, found.get(id))
        for id, what in acknowledged.items()
        if found.get(id) not in MAY_BE[what]
    }
    assert not wrong
    assert unlike == []
    assert all(len(one) == 1 for one in events)
    assert list(tmp_path.glob("*damaged*")) == []


def killed_after(lines: int, folder: Path, mode: str) -> list[str]:
    """What a child acknowledged until it was killed, some time after so many lines."""
    child = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", CHILD, str(folder), mode],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    guard = threading.Timer(30, child.kill)
    guard.start()
    assert child.stdout is not None
    assert child.stderr is not None
    got = []
    try:
        for line in child.stdout:
            got.append(line)
            if len(got) == lines:
                child.send_signal(signal.SIGKILL)
        child.wait(10)
        assert len(got) >= lines, child.stderr.read()
    finally:
        guard.cancel()
        child.kill()
        child.wait(10)
        child.stdout.close()
        child.stderr.close()
    return [line for line in got if line.endswith("\n")]
