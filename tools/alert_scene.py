"""A day's alerts for pictures: strategies, listeners that answer in different ways, alerts."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from grok_sauce.simulator.listener import Listener

# port -> what is wrong with who listens there
PORTS: Final[dict[int, dict[str, Any]]] = {
    8091: {},
    8092: {},
    8093: {"hang": "after"},
    8094: {},
    8095: {},
    8099: {"status": 400},
}
TREE: Final = (
    ("NQ trend 5 min", "NQ_Long_5min", (8091, 8092)),
    ("NQ trend 5 min", "NQ_Short_5min", (8094,)),
    ("MNQ 30 min", "MNQ_30minL", (8093,)),
    ("ES 15 min", "ES_Long_15", (8095,)),
    ("ES 15 min", "ES_Short_15", (8095,)),
    ("Swing", "GC_swing", (8099,)),
)
# Rounds of (ticker, action, position before, further fields); a hold window lies between two.
Alert = tuple[str, str, str, dict[str, Any]]
ROUNDS: Final[tuple[tuple[Alert, ...], ...]] = (
    (
        ("ES_Long_15", "buy", "flat", {"trade_id": "Open_Long_ID_640"}),
        ("NQ_Short_5min", "sell", "flat", {"trade_id": "Open_Short_ID_1011"}),
        ("NQ_Long_5min", "buy", "flat", {"trade_id": "Open_Long_ID_1839"}),
    ),
    (
        ("NQ_Short_5min", "buy", "short", {"trade_id": "Close_Short_ID_1011"}),
        ("ES_Long_15", "sell", "long", {"trade_id": "Close_Long_ID_640"}),
        ("NQ_Long_5min", "sell", "long", {"trade_id": "Close_Long_ID_1839"}),
    ),
    (
        ("NQ_Long_5min", "buy", "flat", {"trade_id": "Open_Long_ID_1840"}),
        ("NQ_Long_5min", "sell", "long", {"trade_id": "Close_Long_ID_1840"}),
        ("RTY_scalp", "buy", "flat", {"trade_id": "Open_Long_ID_55"}),
        ("GC_swing", "buy", "flat", {"trade_id": "Open_Long_ID_12"}),
    ),
    (
        ("NQ_Long_5min", "buy", "flat", {"trade_id": "Open_Long_ID_1841", "qty": 2}),
        ("ES_Short_15", "sell", "flat", {"trade_id": "Open_Short_ID_771"}),
        ("ES_Short_15", "sell", "flat", {"trade_id": "Open_Short_ID_771", "qty": 3}),
        ("ES_Long_15", "sell", "long", {"trade_id": "Close_Long_ID_641", "new_pos": "flat"}),
    ),
    (
        ("MNQ_30minL", "buy", "flat", {"trade_id": "Open_Long_ID_409", "qty": 2}),
        ("ES_Short_15", "buy", "short", {"trade_id": "Rev_ID_772", "qty": 3, "new_pos": "long"}),
    ),
)


@contextmanager
def scene(url: str, data: Path) -> Iterator[None]:
    """Fill the router of a demo whose data folder this is; the listeners stay meanwhile."""
    with ExitStack() as stack:
        for port, faults in PORTS.items():
            stack.enter_context(Listener(port, **faults))
        for strategy in dict.fromkeys(name for name, _, _ in TREE):
            _edit(url, op="add_strategy", name=strategy)
            _edit(url, op="set_strategy", name=strategy, mode="live")
        for strategy, ticker, ports in TREE:
            _edit(url, op="add_ticker", strategy=strategy, name=ticker)
            for port in ports:
                _edit(url, op="add_port", strategy=strategy, ticker=ticker, port=port)
        _edit(url, op="add_strategy", name="RTY scalps")
        _ask(url, "/api/alerts/dry", {"dry": False})
        token = (data / "webhook_token").read_text(encoding="ascii").strip()
        for alerts in ROUNDS:
            for ticker, action, before, more in alerts:
                body = {"ticker": ticker, "action": action, "current_position": before}
                body |= {"qty": 1, "price": 6001.25, "time": int(time.time() * 1000), **more}
                _ask(url, f"/webhook/{token}", body)
                time.sleep(0.2)
            time.sleep(2.5)
        time.sleep(6)  # until the one that does not answer was given up
        yield


def _edit(url: str, **op: Any) -> None:
    revision = _ask(url, "/api/routing")["revision"]
    _ask(url, "/api/routing/edit", {"revision": revision, **op})


def _ask(url: str, path: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refused:
        if refused.code == 422 and path.startswith("/webhook"):
            return json.load(refused)  # a ticker without a route is part of the picture
        raise
