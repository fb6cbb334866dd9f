"""The fast lane over real sockets: one frame for all, slow browsers, stuck ones, many."""

from __future__ import annotations

import json
import threading
import time
import zlib
from typing import Any

import pytest

# What current browsers offer.
OFFER = "permessage-deflate; client_max_window_bits"


@pytest.fixture
def server(shared: Any) -> Any:
    """A server as if just started."""
    shared.post("/reset", {})
    return shared


def follow(browser: Any, last: int) -> list[dict[str, Any]]:
    """Read messages until the one numbered `last`."""
    messages = []
    while not messages or messages[-1]["seq"] < last:
        messages.append(browser.event()[1])
    return messages


def holes(messages: list[dict[str, Any]], after: int = 0) -> list[tuple[int, int]]:
    """(number before, number after) of what is missing and not made good by a whole state."""
    found = []
    for message in messages:
        seq = message["seq"]
        if seq <= after or (seq != after + 1 and not message["full"]):
            found.append((after, seq))
        after = seq
    return found


def test_a_browsers_deflate_is_agreed_without_context_and_one_frame_serves_all(
    start: Any, browse: Any
) -> None:
    server = start("eventlet")
    packed = [browse(server, extensions=OFFER) for _ in range(2)]
    plain = browse(server)
    for browser in (*packed, plain):
        browser.subscribe()
        browser.bodies.clear()
        browser.first_bytes.clear()

    server.rows(beats=3, rows=20, fill=100)
    told = [follow(browser, 3) for browser in (*packed, plain)]

    for browser in packed:
        assert "server_no_context_takeover" in browser.head
        assert "client_no_context_takeover" in browser.head
        assert browser.first_bytes == [0xC1] * 3
        assert len(browser.bodies[0]) < len(plain.bodies[0]) * 0.7
    assert plain.first_bytes == [0x81] * 3
    assert packed[0].bodies == packed[1].bodies
    assert told[0] == told[1] == told[2]
    assert server.status()["fast_lane"] == 3


@pytest.mark.parametrize(
    ("offer", "agreed"),
    [
        (OFFER, True),
        ("permessage-deflate; server_no_context_takeover; server_max_window_bits=15", True),
        ("permessage-deflate; server_max_window_bits=10, permessage-deflate", True),
        ("permessage-deflate; server_max_window_bits=10", False),
        ("permessage-deflate; new_option", False),
        ("x-webkit-deflate-frame", False),
    ],
    ids=str,
)
def test_deflate_that_would_need_a_frame_of_its_own_is_declined(
    green_server: Any, browse: Any, offer: str, agreed: bool
) -> None:
    browser = browse(green_server, extensions=offer)

    answer = browser.subscribe()

    assert ("permessage-deflate" in browser.head) is agreed
    assert ("server_max_window_bits=15" in browser.head) is ("bits=15" in offer)
    assert "rows" in answer


def test_threads_decline_deflate_because_they_would_pack_once_per_browser(
    start: Any, browse: Any
) -> None:
    server = start("threading")
    browser = browse(server, extensions=OFFER)
    browser.subscribe()

    server.rows(beats=1, rows=20, fill=100)
    follow(browser, 1)

    assert "permessage-deflate" not in browser.head
    assert set(browser.first_bytes) == {0x81}


def test_a_browser_may_pack_what_it_sends(green_server: Any, browse: Any) -> None:
    browser = browse(green_server, extensions=OFFER)
    packer = zlib.compressobj(1, zlib.DEFLATED, -15)
    text = b'427["subscribe",{"page":"indicator"}]'
    body = (packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]

    browser.sock.sendall(bytes((0xC1, 0x80 | len(body))) + b"\0\0\0\0" + body)

    assert browser.packet().startswith('437[{"epoch"')


@pytest.mark.parametrize("extensions", ["", OFFER], ids=["plain", "deflate"])
def test_a_browser_that_stops_reading_gets_one_newest_state_and_no_backlog(
    server: Any, browse: Any, extensions: str
) -> None:
    slow = browse(server, extensions=extensions, receive_buffer=4096)
    healthy = browse(server, extensions=extensions)
    slow.subscribe()
    healthy.subscribe()
    told: list[dict[str, Any]] = []
    reader = threading.Thread(target=lambda: told.extend(follow(healthy, 401)))
    reader.start()
    server.rows(beats=100, rows=40, fill=400, pause=0.002)
    before = server.status()

    server.rows(beats=300, rows=40, fill=400, pause=0.002)
    after = server.status()
    server.rows(beats=1, rows=40, fill=400)
    reader.join(20)
    late = follow(slow, 401)

    assert holes(told) == []
    assert len(told) > 300, "a healthy browser pays for the slow one"
    assert holes(late) == []
    assert len(late) < 150
    assert late[-1]["seq"] == 401
    assert len(late[-1]["rows"]) == 40
    assert any(message["full"] for message in late)
    assert after["longest_queue"] <= 3
    # 300 beats of 16 kB and more were told while it read nothing; none of them was kept.
    assert after["rss"] - before["rss"] < 3e6
    assert after["skipped"] > before["skipped"]


def test_answers_reach_a_slow_browser_whole_between_its_states(server: Any, browse: Any) -> None:
    slow = browse(server, receive_buffer=4096)
    slow.subscribe()
    server.rows(beats=60, rows=40, fill=400)

    slow.send('427["subscribe",{"page":"health"}]')
    server.rows(beats=20, rows=40, fill=400)
    packets = []
    while not (
        any('"seq":80,' in text for text in packets) and any("43" in text[:2] for text in packets)
    ):
        packets.append(slow.packet())

    answers = [packet for packet in packets if packet.startswith("43")]
    assert len(answers) == 1
    assert json.loads(answers[0][3:])[0]["health"] is None
    states = [json.loads(packet[2:])[1] for packet in packets if packet.startswith("42")]
    assert holes(states) == []


def test_after_it_caught_up_a_slow_browser_gets_changes_again(server: Any, browse: Any) -> None:
    slow = browse(server, receive_buffer=4096)
    slow.subscribe()
    server.rows(beats=60, rows=40, fill=400)
    follow(slow, 60)

    server.rows(beats=3, rows=1, pause=0.05)
    changes = follow(slow, 63)

    assert [(message["seq"], message["full"]) for message in changes] == [
        (61, False),
        (62, False),
        (63, False),
    ]


def test_a_browser_that_takes_nothing_for_long_is_dropped(
    start: Any, mode: str, browse: Any
) -> None:
    server = start(mode, stuck=0.3)
    stuck, healthy = browse(server, receive_buffer=4096), browse(server)
    stuck.subscribe()
    server.rows(beats=60, rows=40, fill=400)
    time.sleep(0.5)  # the time it may take, and more: what follows is the beat that finds out

    server.rows(beats=5, rows=1, pause=0.02)
    status = server.until(lambda status: status["clients_known"] == 1)

    assert status["dropped"] == 1
    assert "rows" in healthy.subscribe()


def test_a_browser_cut_in_the_middle_of_a_frame_harms_nobody(server: Any, browse: Any) -> None:
    slow, healthy = browse(server, receive_buffer=4096), browse(server)
    slow.subscribe()
    healthy.subscribe("health")
    server.rows(beats=60, rows=40, fill=400)

    slow.close()
    server.until(lambda status: status["clients_known"] == 1)
    server.rows(beats=2, rows=40, fill=400)
    server.publish([("service.health", "", {"ok": True})])

    assert healthy.event()[1]["health"] == {"ok": True}


@pytest.mark.parametrize(("mode", "count"), [("eventlet", 200), ("threading", 60)])
def test_many_browsers_all_hear_every_beat_in_order(
    start: Any, browse: Any, mode: str, count: int
) -> None:
    server = start(mode)
    browsers = [browse(server, extensions=OFFER if i % 2 else "") for i in range(count)]
    for browser in browsers:
        browser.subscribe()

    server.rows(beats=10, rows=13, fill=60, pause=0.05)
    told = [follow(browser, 10) for browser in browsers]

    assert [holes(messages) for messages in told] == [[]] * count
    status = server.status()
    assert status["clients_known"] == count
    if mode == "eventlet":
        assert status["fast_lane"] == count
        assert [len(messages) for messages in told] == [10] * count
    assert status["sent"] + status["skipped"] == 10 * count or mode == "threading"


def test_without_the_seam_everything_still_arrives_and_one_warning_says_so(
    start: Any, mode: str, browse: Any, poll: Any
) -> None:
    server = start(mode, seam=False)
    browser, slow, poller = browse(server), browse(server, receive_buffer=4096), poll(server)
    for one in (browser, slow):
        one.subscribe()
    poller.post('420["subscribe",{"page":"indicator"}]')
    poller.get()

    server.rows(beats=100, rows=40, fill=400)
    assert server.status()["longest_queue"] <= 3
    told, late = follow(browser, 100), follow(slow, 100)
    polled = [json.loads(packet[2:])[1] for packet in poller.get()]

    assert holes(told) == holes(late) == holes(polled) == []
    assert server.status()["fast_lane"] == 0
    assert server.stop().count("no fast lane") == 1
