"""What is kept how long, and the copy of every night."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from grok_sauce.alerts import records, retention, upkeep
from grok_sauce.alerts.ledger import Ledger
from grok_sauce.alerts.model import Outcome
from grok_sauce.alerts.receiving import receive_all
from grok_sauce.alerts.steady import SteadyTime
from grok_sauce.alerts.store import Store
from grok_sauce.alerts.upkeep import Upkeep, last_night
from grok_sauce.errors import GrokSauceError
from grok_sauce.runtime.clock import ManualClock
from tests.alerts.ledger_kit import a_new, released, running, store_in

DAY = 86_400
OK = Outcome("delivered", 200, "", 1.0)


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[Store]:
    store = store_in(tmp_path, clock)
    store.open()
    yield store
    store.close()


@pytest.fixture
def ledger(store: Store, clock: ManualClock) -> Ledger:
    return Ledger(store, SteadyTime(clock))


@pytest.fixture
def keeper(store: Store, clock: ManualClock, tmp_path: Path) -> Upkeep:
    return Upkeep(store, SteadyTime(clock), tmp_path / "backups", beat=0.01)


def left(store: Store) -> list[str]:
    return [id for (id,) in store.read(lambda c: c.execute("SELECT id FROM alert").fetchall())]


def count(store: Store, table: str) -> int:
    return int(store.read(lambda c: c.execute(f"SELECT count(*) FROM {table}").fetchone()[0]))


def at(clock: ManualClock) -> int:
    return SteadyTime(clock).now_ms()


def test_each_kind_is_kept_as_long_as_it_matters(
    store: Store, ledger: Ledger, keeper: Upkeep, clock: ManualClock
) -> None:
    now = at(clock)
    (good,) = released(ledger, "delivered", now_ms=now)
    (bad,) = released(ledger, "refused", now_ms=now)
    (asked,) = released(ledger, "uncertain", now_ms=now)
    released(ledger, "on its way", now_ms=now)
    for one, to in ((good, "delivered"), (bad, "refused"), (asked, "uncertain")):
        ledger.move(one.id, "sending")
        ledger.move(one.id, to, outcome=OK)  # type: ignore[arg-type]
    ledger.receive(a_new("held", now))
    ledger.receive(a_new("unrouted", now, state="unrouted"))
    ledger.receive(a_new("invalid", now, state="invalid", alert=None))
    ledger.cancel([ledger.receive(a_new("cancelled", now)).seq], "operator")
    all_of_them = set(left(store))
    stop = threading.Event()

    clock.advance(14 * DAY - 60)
    young = keeper.sweep(stop)
    clock.advance(120)
    fortnight = keeper.sweep(stop)
    after_fortnight = set(left(store))
    clock.advance(16 * DAY)
    month = keeper.sweep(stop)

    assert (young, fortnight, month) == (0, 2, 4)
    assert all_of_them - after_fortnight == {"delivered", "cancelled"}
    assert set(left(store)) == {"on its way", "held"}
    assert count(store, "delivery") == 1
    assert count(store, "delivery_event") == 4  # held, released, waiting; held
    orphans = "SELECT count(*) FROM delivery_event WHERE alert_seq NOT IN (SELECT seq FROM alert)"
    assert store.read(lambda c: c.execute(orphans).fetchone()) == (0,)


def test_the_time_of_an_alert_counts_from_when_it_ended(
    store: Store, ledger: Ledger, keeper: Upkeep, clock: ManualClock
) -> None:
    (late,) = released(ledger, "late", now_ms=at(clock))
    ledger.move(late.id, "sending")
    ledger.move(late.id, "uncertain")
    clock.advance(10 * DAY)
    ledger.move(late.id, "delivered", who="jane")

    clock.advance(10 * DAY)
    early = keeper.sweep(threading.Event())
    clock.advance(5 * DAY)

    assert (early, keeper.sweep(threading.Event())) == (0, 1)


def test_how_long_is_a_setting(
    store: Store, ledger: Ledger, clock: ManualClock, tmp_path: Path
) -> None:
    now = at(clock)
    ledger.cancel([ledger.receive(a_new("cancelled", now)).seq], "operator")
    ledger.receive(a_new("invalid", now, state="invalid", alert=None))
    keep = retention.Keep(done=1, dead=3)
    keeper = Upkeep(store, SteadyTime(clock), tmp_path / "copies", keep=keep)

    clock.advance(2 * DAY)
    keeper.sweep(threading.Event())
    after_two = set(left(store))
    clock.advance(2 * DAY)
    keeper.sweep(threading.Event())

    assert after_two == {"invalid"}
    assert left(store) == []


def test_what_is_replayed_while_old_alerts_go_stays(store: Store, ledger: Ledger) -> None:
    got = ledger.receive(a_new("a1", state="unrouted"))
    old = store.read(lambda c: retention.old_alerts(c, 40 * DAY * 1000, 0))
    ledger.hold_again(got.seq, 5, "jane")

    gone = store.write(lambda c: retention.drop_alerts(c, old))

    assert (old, gone) == ([got.seq], 0)
    assert left(store) == ["a1"]


def test_many_old_alerts_go_in_small_steps_while_new_ones_come(
    tmp_path: Path, clock: ManualClock
) -> None:
    with running(store_in(tmp_path, clock, wait_s=20.0)) as store:
        ledger = Ledger(store, SteadyTime(clock))

        def fill(connection: sqlite3.Connection) -> None:
            for n in range(10 * retention.STEP + 1):
                new = a_new(f"old{n}", 0, state="unrouted", exact_key=f"e:{n}")
                receive_all(connection, [new])

        store.write(fill, 10)
        keeper = Upkeep(store, SteadyTime(clock), tmp_path / "backups")
        before = store.facts().commits
        sweeper = threading.Thread(target=keeper.sweep, args=(threading.Event(),))
        sweeper.start()
        new = 0
        while sweeper.is_alive():
            ledger.receive(a_new(f"new{new}", at(clock)))
            new += 1
        sweeper.join()

        assert len(left(store)) == new
        assert store.facts().commits - before >= 11
        assert new >= 3


def test_keys_and_logs_are_bounded(
    store: Store, ledger: Ledger, keeper: Upkeep, clock: ManualClock
) -> None:
    now = at(clock)
    ledger.receive(a_new("a1", now, exact_key="over", exact_until_ms=now + 1000))
    ledger.receive(a_new("a2", now, exact_key="counts", exact_until_ms=now + DAY * 1000))
    rows = [(0, "", str(n)) for n in range(retention.KEEP_SECURITY_ROWS + 700)]
    store.write(
        lambda c: c.executemany(
            "INSERT INTO security_log (wall_ms, address, what) VALUES (?, ?, ?)", rows
        ),
        10,
    )
    clock.advance(2)

    keeper.sweep(threading.Event())

    keys = store.read(lambda c: c.execute("SELECT key FROM seen").fetchall())
    oldest = store.read(lambda c: c.execute("SELECT what FROM security_log LIMIT 1").fetchone())
    assert keys == [("counts",)]
    assert count(store, "security_log") == retention.KEEP_SECURITY_ROWS
    assert oldest == ("700",)


def test_a_copy_is_whole_and_opens_as_a_store(
    store: Store, ledger: Ledger, keeper: Upkeep, tmp_path: Path, clock: ManualClock
) -> None:
    released(ledger, "a1")

    copy = keeper.backup()
    ledger.receive(a_new("a2"))

    assert copy.name == "alerts-20261216T193207Z.db"
    assert copy.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in copy.parent.iterdir()] == [copy.name]
    restored = tmp_path / "restored"
    restored.mkdir()
    copy.rename(restored / "alerts.db")
    other = store_in(restored, clock)
    assert other.open() is None
    work = Ledger(other, SteadyTime(clock)).open_work()
    other.close()
    assert [one.alert_id for one in work.deliveries] == ["a1"]
    assert work.held == []


def test_seven_copies_are_kept_and_strange_files_left_alone(
    keeper: Upkeep, tmp_path: Path, clock: ManualClock
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    (folder / "alerts-mine.db").write_text("mine")
    made = []
    for _ in range(9):
        made.append(keeper.backup().name)
        clock.advance(DAY)

    assert sorted(p.name for p in folder.iterdir()) == sorted([*made[2:], "alerts-mine.db"])


def test_a_copy_without_room_is_not_begun(
    keeper: Upkeep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "ROOM", 1 << 60)

    with pytest.raises(GrokSauceError, match="too little room"):
        keeper.backup()

    assert list((tmp_path / "backups").iterdir()) == []


def test_writes_go_on_while_a_copy_is_made(tmp_path: Path, clock: ManualClock) -> None:
    with running(store_in(tmp_path, clock, wait_s=20.0)) as store:
        ledger = Ledger(store, SteadyTime(clock))
        filler = [(0, "x" * 1000) for _ in range(20_000)]
        store.write(
            lambda c: c.executemany(
                "INSERT INTO audit (wall_ms, who, what) VALUES (?, '', ?)", filler
            ),
            20,
        )
        keeper = Upkeep(store, SteadyTime(clock), tmp_path / "backups")
        copier = threading.Thread(target=keeper.backup)
        copier.start()
        new = 0
        while copier.is_alive():
            ledger.receive(a_new(f"a{new}"))
            new += 1
        copier.join()

        assert keeper.last_backup is not None
        assert new >= 3


@pytest.mark.parametrize(
    "now, night",
    [
        ("2026-12-16T08:00:00", "2026-12-16T08:00:00"),
        ("2026-12-16T07:59:59", "2026-12-15T08:00:00"),
        ("2026-03-01T00:00:00", "2026-02-28T08:00:00"),
    ],
)
def test_the_last_night_is_the_newest_eight_oclock_utc(now: str, night: str) -> None:
    def ms(text: str) -> int:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)

    assert last_night(ms(now)) == ms(night)


def test_every_night_is_copied_once_and_old_alerts_go(
    store: Store, ledger: Ledger, keeper: Upkeep, tmp_path: Path, clock: ManualClock
) -> None:
    ledger.receive(a_new("old", 0, state="unrouted"))
    stop = threading.Event()
    worker = threading.Thread(target=keeper.run, args=(stop,))

    def copies(number: int) -> list[str]:
        deadline = time.monotonic() + 10
        while len(found := sorted(p.name for p in (tmp_path / "backups").glob("*.db"))) < number:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return found

    worker.start()
    first = copies(1)
    clock.advance(DAY / 4)  # 01:32 UTC: the same night's
    time.sleep(0.1)
    same = copies(1)
    clock.advance(DAY / 4 + 3600)  # 08:32 UTC
    second = copies(2)
    stop.set()
    worker.join(10)

    assert first == same == ["alerts-20261216T193207Z.db"]
    assert second == [*first, "alerts-20261217T083207Z.db"]
    assert left(store) == []
    assert store.read(records.counts) == ({}, {})


def test_looking_after_a_store_that_is_not_there_makes_no_file(
    tmp_path: Path, clock: ManualClock
) -> None:
    upkeep._checkpoint(tmp_path / "alerts.db")

    assert list(tmp_path.iterdir()) == []


UNDER_GREEN_THREADS = """
import sys
from grok_sauce.runtime import concurrency
concurrency.patch("eventlet")
import threading
from pathlib import Path
from grok_sauce.alerts.ledger import Ledger
from grok_sauce.alerts.steady import SteadyTime
from grok_sauce.alerts.upkeep import Upkeep
from grok_sauce.runtime.clock import RealClock
from tests.alerts.ledger_kit import a_new, store_in

folder = Path(sys.argv[1])
store, time, stop = store_in(folder, wait_s=20.0), SteadyTime(RealClock()), threading.Event()
store.open()
Ledger(store, time).receive(a_new("old", 0, state="unrouted"))
keeper = Upkeep(store, time, folder / "backups", beat=0.01)
workers = [concurrency.spawn(one.run, stop) for one in (store, keeper)]
while keeper.last_backup is None:
    assert all(one.is_alive() for one in workers)
    stop.wait(0.01)
stop.set()
for one in workers:
    one.join(10)
left = store.read(lambda c: c.execute("SELECT count(*) FROM alert").fetchone()[0])
store.close()
print(left, len(list((folder / "backups").glob("alerts-*.db"))))
"""


def test_green_threads_sweep_and_copy_as_well(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", UNDER_GREEN_THREADS, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "0 1"
