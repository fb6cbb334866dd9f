"""A release in the demo at speed: counted down to, told of, measured and marked, over an outage."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from tests.product.browser import Open
from tests.product.harness import Product, free_port, until
from tests.publishers.notify_kit import webhook

# Alone on a quiet machine: its twenty market minutes a minute leave little room.
pytestmark = [pytest.mark.timeout(460), pytest.mark.slow, pytest.mark.endurance]

START = "2026-12-16T13:57:00"  # Wednesday, three minutes before the Fed's rate
RELEASE_MS = 1_797_447_600_000  # 14:00 New York
RATE = "2026-12-13.USD.federal-funds-rate.1"
HORIZONS = ("1", "5", "15", "30", "60")


class Mailbox:
    """Takes every mail."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"


@contextmanager
def post_office() -> Iterator[tuple[Mailbox, int]]:
    box, port = Mailbox(), free_port()
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    try:
        yield box, port
    finally:
        server.stop()


def told(product: Product, path: str, name: str) -> Any:
    return json.loads(product.get(path)[1])[name]


def reaction(product: Product, symbol: str = "SPY") -> dict[str, Any]:
    events = (told(product, "/api/reactions", "reactions") or {"events": {}})["events"]
    rows = events.get(RATE, {"rows": []})["rows"]
    return next((row for row in rows if row["symbol"] == symbol), {"moves": {}, "pending": []})


def closes(product: Product) -> dict[int, float]:
    """SPY's minutes as the chart shows them: start in ms -> close."""
    found = json.loads(product.get("/api/candles?symbol=SPY&tf=1m&hours=extended")[1])
    return {bar[0]: bar[4] for bar in found["bars"]}


def test_a_release_is_told_measured_and_marked_though_the_feed_breaks_off_meanwhile(
    start: Callable[..., Product], open_tab: Open
) -> None:
    with post_office() as (box, port), webhook() as chat, open_tab() as tab:
        product = start(
            *("demo", "--start", START, "--speed", "20"),
            NOTICE_IN_DEMO="1",
            NOTICE_TARGETS=f"room=json://127.0.0.1:{chat.port}/",
            SMTP_HOST="127.0.0.1",
            SMTP_PORT=str(port),
            SMTP_SECURITY="none",
            EMAIL_SENDER="desk@example.org",
            EMAIL_RECEIVER="trader@example.org",
        ).wait()
        tab.page.goto(f"{product.url}/chart/SPY?tf=1m")
        header = until(lambda: tab.page.inner_text('[data-part="next"]'), 20, "the next event")
        mail = until(
            lambda: next((m for m in box.mails if "Federal Funds Rate" in m["subject"]), None),
            30,
            "a mail of the coming release",
        )
        post = until(
            lambda: next((p for p in chat.posts if b"Federal Funds Rate" in p), None),
            30,
            "a message of the coming release",
        )
        until(lambda: reaction(product)["moves"].get("1"), 60, "the first minute")

        product.fault(refuse=15, cut=True)  # five minutes of this market
        until(lambda: not product.health()["ok"], 20, "health to say that the feed is down")
        down = told(product, "/api/indicator", "rows")[0]["status"]
        words = tab.page.get_by_text("The price feed is down").filter(visible=True)
        page = until(words.count, 20, "the page to say so")
        until(lambda: product.health()["ok"], 60, "the feed to come back")
        whole = until(
            lambda: (row := reaction(product))["pending"] == [] and row["moves"] and row,
            260,
            "all horizons",
        )
        bars = closes(product)
        mark = until(
            lambda: next(
                (
                    row
                    for row in tab.page.locator("[data-panel=events] tbody tr").all_inner_texts()
                    if "Federal Funds Rate" in row and "%" in row
                ),
                None,
            ),
            30,
            "the release on the chart with what it did",
        )
        until(lambda: words.count() == 0, 10, "the page to be well again")

    assert "Federal Funds Rate" in header
    assert "3.75%" in mail.get_content()
    assert b"14:00 New York" in post
    assert down in ("link_down", "stale")
    assert page
    assert sorted(whole["moves"], key=int) == list(HORIZONS)
    before = bars[RELEASE_MS - 60_000]
    assert whole["before"] == before
    for minutes in HORIZONS:
        price = bars[RELEASE_MS + (int(minutes) - 1) * 60_000]
        move = whole["moves"][minutes]
        assert move["price"] == price
        assert move["percent"] == pytest.approx((price / before - 1) * 100, abs=1e-6)
    assert mark
    assert not [error for error in tab.errors if "WebSocket" not in error]
