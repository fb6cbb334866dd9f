"""What tests of store and ledger share: a store in a folder, alerts and plans to fill it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from grok_sauce.alerts.ledger import Ledger, NewAlert, Planned, PlannedLeg
from grok_sauce.alerts.model import Alert, Delivery, Destination, Leg, ReleaseOptions
from grok_sauce.alerts.steady import SteadyTime
from grok_sauce.alerts.store import Store
from grok_sauce.runtime.clock import Clock, RealClock


@contextmanager
def running(store: Store) -> Iterator[Store]:
    """The store with its committer on a thread; both are ended."""
    stop = threading.Event()
    store.open()
    committer = threading.Thread(target=store.run, args=(stop,), daemon=True)
    committer.start()
    try:
        yield store
    finally:
        stop.set()
        committer.join(10)
        store.close()
        assert not committer.is_alive()


def store_in(folder: Path, clock: Clock | None = None, **options: Any) -> Store:
    return Store(folder / "alerts.db", SteadyTime(clock or RealClock()), **options)


def an_alert(ticker: str = "NQ", **changes: Any) -> Alert:
    values: dict[str, Any] = {
        "action": "buy",
        "current_position": "flat",
        "new_pos": "long",
        "qty": 1,
        "price": 5.0,
        "prev_qty": None,
        "new_qty": None,
        "trade_id": None,
        "trade_number": None,
        "time_ms": None,
    }
    return Alert(ticker=ticker, **(values | changes))


def a_new(id: str, now_ms: int = 1_000_000, **changes: Any) -> NewAlert:
    """A held alert received at now_ms under no key."""
    values: dict[str, Any] = {
        "id": id,
        "state": "held",
        "reason": None,
        "alert": an_alert(),
        "mapped": "open long",
        "body": '{"ticker":"NQ"}',
        "source": "127.0.0.1",
        "token_id": None,
        "received_ms": now_ms,
        "wall_ms": now_ms,
        "exact_key": None,
        "exact_until_ms": now_ms + 120_000,
        "semantic_key": None,
        "semantic_until_ms": now_ms + 300_000,
        "group": "NQ",
        "release_ms": now_ms + 2000,
        "options": ReleaseOptions(),
        "strategies": ("Momentum",),
        "test": False,
        "gap_policy": "warn",
    }
    return NewAlert(**(values | changes))


def a_target(port: int = 9060, **changes: Any) -> Destination:
    values: dict[str, Any] = {
        "id": f"localhost:{port}",
        "host": "localhost",
        "port": port,
        "path": "/receive",
        "name": "",
        "strategies": ("Momentum",),
        "mode": "live",
    }
    return Destination(**(values | changes))


def a_leg(id: str, port: int = 9060, kind: Any = "open", **changes: Any) -> PlannedLeg:
    target = a_target(port, idempotent=changes.pop("idempotent", False))
    values: dict[str, Any] = {
        "destination": target,
        "leg": Leg(kind, "long", 1),
        "state": "waiting",
        "reason": None,
        "body": "{}",
        "key": f"{id}-{target.id}-{kind}",
        "expires_ms": 1_060_000,
        "gap_ms": 250,
        "after_close": False,
        "dry": False,
        "policy": "hold",
    }
    return PlannedLeg(**(values | changes))


def released(ledger: Ledger, id: str, *legs: PlannedLeg, **changes: Any) -> list[Delivery]:
    """Receive an alert and release it to these legs; its deliveries."""
    got = ledger.receive(a_new(id, **changes))
    return ledger.release([Planned(got.seq, legs or (a_leg(id),))])
