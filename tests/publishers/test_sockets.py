"""What an open browser is told, and what it may ask, over real sockets in both async modes."""

from __future__ import annotations

import json
import time
import urllib.error
from typing import Any

import pytest


def row(symbol: str, order: int, **fields: Any) -> tuple[str, str, Any]:
    return ("indicator.rows", symbol, {"symbol": symbol, "order": order, **fields})


def read_answer(packet: str) -> tuple[int, Any]:
    """Number and data of an acknowledgement."""
    number, _, data = packet.removeprefix("43").partition("[")
    return int(number), json.loads("[" + data)[0]


def flood(browser: Any) -> None:
    for _ in range(400):
        browser.send('42["subscribe",{"page":"indicator"}]')
    while True:
        browser.packet()


def say_too_much(browser: Any) -> None:
    browser.send('42["x","' + "y" * 4000 + '"]')
    browser.packet()


@pytest.fixture
def server(shared: Any) -> Any:
    """A server as if just started."""
    shared.post("/reset", {})
    return shared


def test_a_subscription_is_answered_with_the_whole_state(server: Any, browse: Any) -> None:
    server.publish([row("VIX", 1, price=14.2), row("SPY", 0, price=None)])
    server.publish([row("VIX", 1, price=14.3)])
    before = time.time() * 1000

    answer = browse(server).subscribe()

    assert {**answer, "t": 0} == {
        "epoch": "test-run",
        "seq": 2,
        "t": 0,
        "full": True,
        "rows": [
            {"symbol": "SPY", "order": 0, "price": None},
            {"symbol": "VIX", "order": 1, "price": 14.3},
        ],
    }
    assert before - 1 <= answer["t"] <= time.time() * 1000 + 1


def test_every_beat_comes_once_in_order_with_what_changed_and_what_went(
    server: Any, browse: Any
) -> None:
    server.publish([row("SPY", 0, price=1), row("QQQ", 1, price=2)])
    browser = browse(server)
    browser.subscribe()

    events = []
    for beats in (
        [[row("SPY", 0, price=3), row("SPY", 0, price=4)]],
        [[("indicator.rows", "QQQ", None)]],
        [[("news.headline", "x", {})], [row("SPY", 0, price=5)]],
    ):
        server.publish(*beats)  # and read: of two that wait at once the newer may do
        events.append(browser.event())

    assert [name for name, _ in events] == ["update_indicator"] * 3
    assert [(m["seq"], m["full"], m["rows"], m["removed"]) for _, m in events] == [
        (2, False, [{"symbol": "SPY", "order": 0, "price": 4}], []),
        (3, False, [], ["QQQ"]),
        (4, False, [{"symbol": "SPY", "order": 0, "price": 5}], []),
    ]
    assert {m["epoch"] for _, m in events} == {"test-run"}


def test_the_health_page_gets_the_whole_report_each_time(server: Any, browse: Any) -> None:
    browser = browse(server)
    first = browser.subscribe("health")

    server.publish([("service.health", "", {"ok": True})])
    name, message = browser.event()

    assert first["health"] is None
    assert first["seq"] == 0
    assert name == "update_health"
    assert (message["seq"], message["full"], message["health"]) == (1, True, {"ok": True})


def test_a_room_is_a_symbol_and_a_view_and_others_hear_nothing(server: Any, browse: Any) -> None:
    browser = browse(server)
    browser.subscribe("gex", symbol="SPX", view="0dte")

    server.publish(
        [("gex.levels", "NDX:0dte", {"flip": 1})],
        [("gex.levels", "SPX:all", {"flip": 2})],
        [("gex.levels", "SPX:0dte", {"flip": 3})],
    )
    name, message = browser.event()

    assert (name, message["seq"], message["gex"]) == ("update_gex", 1, {"flip": 3})


@pytest.mark.parametrize(
    "leave",
    [
        lambda browser: browser.ask("unsubscribe", {"page": "gex", "symbol": "SPX", "view": "7d"}),
        lambda browser: browser.send("41"),
        lambda browser: browser.close(),
    ],
    ids=["unsubscribes", "ends its session", "is gone"],
)
def test_a_view_is_watched_from_its_first_browser_until_the_last_one_leaves(
    server: Any, browse: Any, leave: Any
) -> None:
    first, second = browse(server), browse(server)
    for browser in (first, second):
        browser.subscribe("gex", symbol="SPX", view="7d")
    leave(first)
    server.until(lambda status: status["watched"] == ["+SPX:7d"] * 2)

    leave(second)

    server.until(lambda status: status["watched"] == ["+SPX:7d", "+SPX:7d", "-SPX:7d"])


def test_one_view_too_many_is_refused_with_the_reason(server: Any, browse: Any) -> None:
    answer = browse(server).subscribe("gex", symbol="FULL", view="all")

    assert answer["error"]["code"] == "too_many_views"
    assert answer["error"]["message"].startswith("16 views are open")


def test_a_view_that_is_not_there_yet_is_answered_with_how_far_it_is(
    server: Any, browse: Any
) -> None:
    browser = browse(server)
    nothing = browser.subscribe("gex", symbol="SPX", view="all")
    status = {"state": "loading", "text": "", "loaded": 300, "of": 1200}
    server.publish([("gex.levels", "SPX:all", {"status": status})])

    some = browse(server).subscribe("gex", symbol="SPX", view="all")

    assert (nothing["gex"], nothing["loading"], nothing["done"]) == (None, True, 0)
    assert (some["loading"], some["done"], some["of"]) == (True, 300, 1200)


def test_who_left_a_room_hears_no_more_of_it(server: Any, browse: Any) -> None:
    browser = browse(server)
    browser.subscribe()
    browser.subscribe("health")

    left = browser.ask("unsubscribe", {"page": "indicator"})
    server.publish([row("SPY", 0)], [("service.health", "", {"ok": True})])

    assert left == {"left": "indicator"}
    assert browser.event()[0] == "update_health"
    assert server.status()["rooms"]["indicator.rows"] == 0


def test_subscribing_twice_does_not_bring_things_twice(server: Any, browse: Any) -> None:
    browser = browse(server)
    browser.subscribe()
    browser.subscribe()

    seen = []
    for price in range(3):  # one at a time: two at once may be told as one
        server.publish([row("SPY", price)])
        seen.append(browser.event()[1]["seq"])

    assert seen == [1, 2, 3]


@pytest.mark.parametrize(
    ("args", "code", "field"),
    [
        (["nothing"], "bad_request", None),
        ([], "bad_request", None),
        ([{"page": "passwords"}], "unknown_page", "page"),
        ([{"page": ["indicator"]}], "unknown_page", "page"),
        ([{"page": "indicator", "symbol": "SPY"}], "bad_request", "symbol"),
        ([{"page": "gex", "view": "0dte"}], "bad_request", "symbol"),
        ([{"page": "gex", "symbol": "SPX<script>", "view": "0dte"}], "bad_request", "symbol"),
        ([{"page": "gex", "symbol": "SPX"}], "bad_request", "view"),
        (
            [{"page": "gex", "symbol": "SPX", "view": "2026-12-18,2026-11-27"}],
            "bad_request",
            "view",
        ),
        ([{"page": "gex", "symbol": "SPX", "view": "tomorrow"}], "bad_request", "view"),
    ],
    ids=str,
)
def test_a_wrong_request_is_answered_with_what_is_wrong(
    shared: Any, browse: Any, args: list[Any], code: str, field: str | None
) -> None:
    browser = browse(shared)

    errors = [browser.ask(event, *args)["error"] for event in ("subscribe", "unsubscribe")]

    assert [(error["code"], error.get("field")) for error in errors] == [(code, field)] * 2
    assert all(error["message"] for error in errors)


def test_an_unknown_event_is_answered_and_does_no_harm(server: Any, browse: Any) -> None:
    browser = browse(server)

    answers = [browser.ask(name, {}) for name in ("delete_everything", "subscribe ")]

    assert [answer["error"]["code"] for answer in answers] == ["unknown_event"] * 2
    assert "rows" in browser.subscribe()


@pytest.mark.parametrize(
    "text",
    [
        "4",
        "4x",
        "42[]",
        "42{}",
        '42[1,"a"]',
        '42/admin,["subscribe"]',
        '451-["x",{"_placeholder":true,"num":0}]',
        "42" + "[" * 4000,
        "44{}",
        "49",
        "x",
        "0{}",
        "b" + "AAAA",
    ],
)
def test_what_is_no_socketio_ends_that_connection_only(
    shared: Any, browse: Any, gone: type[Exception], text: str
) -> None:
    browser, bystander = browse(shared), browse(shared)

    browser.send(text)
    with pytest.raises(gone):
        browser.packet()

    assert "rows" in bystander.subscribe()
    bystander.close()
    shared.until(lambda status: status["clients_known"] == 0)


def test_a_connection_that_is_cut_is_forgotten_and_the_others_go_on(
    server: Any, browse: Any
) -> None:
    cut, polite, other = browse(server), browse(server), browse(server)
    for browser in (cut, polite, other):
        browser.subscribe()

    cut.close()
    polite.send("41")
    polite.send("1")
    server.until(lambda status: status["sockets"]["open"] == 1)
    server.publish([row("SPY", 0)])

    assert other.event()[1]["seq"] == 1
    status = server.status()
    assert status["rooms"]["indicator.rows"] == status["clients_known"] == 1


def test_a_polling_browser_is_served_and_gets_one_whole_state_for_all_it_missed(
    server: Any, poll: Any
) -> None:
    poller = poll(server)
    poller.post('420["subscribe",{"page":"indicator"}]')
    assert json.loads(poller.get()[0][3:])[0]["full"] is True

    server.publish([row("SPY", 0, price=1)])
    single = poller.get()
    server.publish(*[[row("SPY", 0, price=n)] for n in range(40)])
    many = poller.get()

    _, message = json.loads(single[0][2:])
    assert (message["full"], message["seq"]) == (False, 1)
    assert len(many) == 1
    _, message = json.loads(many[0][2:])
    assert (message["full"], message["seq"], message["removed"]) == (True, 41, [])
    assert message["rows"] == [{"symbol": "SPY", "order": 0, "price": 39}]
    assert server.status()["skipped"] == 39


def test_a_polling_browser_can_go_over_to_a_websocket(server: Any, poll: Any, browse: Any) -> None:
    poller = poll(server)
    poller.post('420["subscribe",{"page":"indicator"}]')
    poller.get()

    upgraded = browse(server, query=f"&sid={poller.sid}", connect=False)
    upgraded.send("2probe")
    assert upgraded.packet() == "3probe"
    upgraded.send("5")
    sequence = []
    for price in range(2):
        server.publish([row("SPY", price)])
        sequence.append(upgraded.event()[1]["seq"])

    assert sequence == [1, 2]


def test_an_event_that_is_no_state_reaches_everybody_binary_too(
    server: Any, browse: Any, poll: Any
) -> None:
    browser, poller = browse(server), poll(server)

    server.post("/emit", {"text": "Ü" * 2000})
    server.post("/emit", {"text": "second"})

    for text in ("Ü" * 2000, "second"):
        assert browser.event() == ("notice", {"text": text})
    got = [json.loads(packet[2:]) for packet in poller.get()]
    assert got == [["notice", {"text": "Ü" * 2000}], ["notice", {"text": "second"}]]

    server.post("/emit", "binary")
    assert browser.packet() == '451-["notice",{"_placeholder":true,"num":0}]'
    assert browser.frame() == (0x82, b"\x01\x02\x03")


def test_only_our_own_pages_may_connect(server: Any, browse: Any) -> None:
    own = browse(server, headers=f"Origin: http://127.0.0.1:{server.port}\r\n")
    other = browse(server, headers="Origin: https://evil.example\r\n")
    stranger = browse(server, headers="X-Stranger: 1\r\n")

    assert (own.status, other.status, stranger.status) == (101, 400, 401)
    assert "rows" in own.subscribe()
    assert server.status()["refused"] == 1


def test_the_status_says_who_is_there_and_what_they_got(server: Any, browse: Any) -> None:
    near, far = browse(server), browse(server, headers="X-Address: 192.0.2.9\r\n")
    near.subscribe("health")
    near.subscribe()
    far.subscribe("health")
    server.publish([row("SPY", 0), ("service.health", "", {})])
    near.event(), near.event(), far.event()

    status = server.until(lambda status: status["sent"] == 3)

    assert sorted((c["page"], c["from"], c["sent"], c["skipped"]) for c in status["clients"]) == [
        ("health", "192.0.2.9", 1, 0),
        ("indicator", "loopback", 2, 0),
    ]
    assert status["pages"] == {"health": 2, "indicator": 1}
    assert status["sockets"] == {"open": 2, "limit": 4000}


def test_a_pages_nobody_follows_costs_no_encoding() -> None:
    from flask import Flask

    from grok_sauce.publishers.snapshot import Snapshot
    from grok_sauce.publishers.sockets import Sockets
    from grok_sauce.runtime.clock import ManualClock
    from grok_sauce.update import Update

    snapshot = Snapshot()
    sockets = Sockets(snapshot, ManualClock())
    sockets.attach(Flask(__name__))
    cannot_be_encoded = Update("indicator.rows", "SPY", {"order": 0, "x": object()})

    snapshot.publish([cannot_be_encoded])
    sockets.publish([cannot_be_encoded])

    assert snapshot.seq("indicator.rows") == 1


class TestLimits:
    """Caps; refused with a reason, never in silence."""

    def test_no_more_sockets_than_allowed(self, start: Any, mode: str, browse: Any) -> None:
        server = start(mode, sockets=3)
        three = [browse(server) for _ in range(3)]

        refused = browse(server)
        three[0].close()
        server.until(lambda status: status["sockets"]["open"] == 2)
        again = browse(server)

        assert (refused.status, again.status) == (401, 101)

    def test_no_more_sockets_from_one_address_except_loopback(
        self, start: Any, mode: str, browse: Any
    ) -> None:
        server = start(mode, per_address=2)
        far, other = "X-Address: 192.0.2.1\r\n", "X-Address: 192.0.2.2\r\n"

        from_far = [browse(server, headers=far).status for _ in range(3)]
        from_other = browse(server, headers=other).status
        from_here = [browse(server).status for _ in range(4)]

        assert from_far == [101, 101, 401]
        assert from_other == 101
        assert from_here == [101] * 4

    def test_no_more_rooms_than_allowed(self, start: Any, mode: str, browse: Any) -> None:
        server = start(mode, rooms=2, events=1000)
        browser = browse(server)

        answers = [
            browser.subscribe("gex", symbol=symbol, view="all") for symbol in ("A", "B", "C", "A")
        ]
        browser.ask("unsubscribe", {"page": "gex", "symbol": "A", "view": "all"})
        after = browser.subscribe("gex", symbol="C", view="all")

        codes = [answer.get("error", {}).get("code") for answer in answers]
        assert codes == [None, None, "too_many_rooms", None]
        assert "error" not in after

    def test_more_events_than_allowed_are_refused_and_a_flood_ends_the_connection(
        self, start: Any, mode: str, browse: Any, gone: type[Exception]
    ) -> None:
        server = start(mode, events=5)
        browser, patient = browse(server), browse(server)
        for number in range(12):
            browser.send(f'42{number}["subscribe",{{"page":"indicator"}}]')
        answers = dict(read_answer(browser.packet()) for _ in range(12))
        refused = [
            number
            for number, answer in answers.items()
            if answer.get("error", {}).get("code") == "too_many_requests"
        ]

        with pytest.raises((gone, OSError)):
            flood(browser)

        assert sorted(answers) == list(range(12))
        assert 6 <= len(refused) <= 8  # the connect took one, and some drip in meanwhile
        assert min(refused) >= 4
        assert "rows" in patient.subscribe()
        assert server.until(lambda status: status["clients_known"] == 1)["dropped"] == 1

    def test_a_message_that_is_too_long_ends_the_connection(
        self, start: Any, mode: str, browse: Any, gone: type[Exception]
    ) -> None:
        server = start(mode, message=2048)
        browser = browse(server)
        browser.subscribe()

        with pytest.raises((gone, OSError)):
            say_too_much(browser)

        server.until(lambda status: status["clients_known"] == 0)

    def test_a_post_that_is_too_long_is_refused(self, start: Any, mode: str, poll: Any) -> None:
        poller = poll(start(mode, message=2048))

        with pytest.raises(urllib.error.HTTPError) as refused:
            poller.post('42["x","' + "y" * 4000 + '"]')

        assert refused.value.code == 400
