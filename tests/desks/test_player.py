"""A recording is played in the order it was heard, at beats that the file alone decides."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.analytics.view import Analytic, View
from grok_sauce.desks.player import BeatClock, Player, counted
from grok_sauce.desks.replay import Outputs, ReplayDesk, read_rate
from grok_sauce.engine.stepped import SteppedEngine
from grok_sauce.errors import SettingsError, SourceError
from grok_sauce.feeds.recording import Recording, RecordingWriter
from grok_sauce.feeds.recording_values import Entry, source_of
from grok_sauce.market.batches import Batch
from grok_sauce.market.instruments import provisional
from grok_sauce.market.state import MarketState
from grok_sauce.runtime.clock import ReplayClock
from grok_sauce.runtime.status import SourceStatus
from grok_sauce.update import Update

ZERO = 1000.0
Told = tuple[str, str, Any, float]


def link(up: bool) -> Batch:
    return Batch("Link", ["dxLink"], ([up],), 0.0)


def trade(price: float) -> Batch:
    return Batch("Trade", ["SPY"], ([price], [1.0], [0], [1]), 0.0)


def recorded(path: Path, told: Sequence[tuple[float, Batch]], speed: float = 1.0) -> Recording:
    writer = RecordingWriter(path, {"product": "0", "zero": ZERO, "speed": speed})
    for seq, (at, batch) in enumerate(told, 1):
        writer.add(Entry(seq, ZERO + at, source_of(batch), batch))
        if seq % 3 == 0:
            writer.flush()
    writer.close()
    return Recording(path)


class Play:
    """An engine on a recording; beats are (market time, real, prices applied by then)."""

    def __init__(self, recording: Recording, rate: float | None = None, heavy: bool = False):
        start, _ = counted(recording)
        self.clock = ReplayClock(start, recording.end, rate)
        self.beats: list[tuple[float, float]] = []
        self.told: list[Told] = []
        self.saved: list[dict[str, Any]] = []
        self.steps: list[float] = []
        self.threads: set[int] = set()
        self.engine = SteppedEngine(
            MarketState(),
            [self.analytic(heavy)],
            self.hear,
            self.clock,
            groups={"neutral": ("SPY",)},
        )
        self.player = Player(
            recording,
            self.clock,
            self.engine,
            self.engine.put,
            self.saved.append,
            SourceStatus("dxlink", "Recording"),
        )
        self.player.steps = [lambda: self.steps.append(self.clock.market())]
        self.engine.drive = self.player.drive
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.engine.run, args=(self.stop,))

    def analytic(self, heavy: bool) -> Analytic:
        def compute(view: Any) -> dict[str, Any]:
            if not heavy:
                self.beats.append((view.now - ZERO, view.real))
            elif view is not None:
                time.sleep(0.002)  # long enough for others to come in between
                return {"SPY": view}
            return {"SPY": price(view)}

        def price(view: View) -> Any:
            found = view.state.trade("SPY")
            return None if found is None else [found.price, view.now]

        return Analytic(
            "gex.levels",
            frozenset({"Trade"}),
            0.0,
            compute,
            heavy=heavy,
            sweep=None if heavy else 0.0,
            freeze=price if heavy else None,
        )

    def hear(self, updates: Sequence[Update]) -> None:
        self.threads.add(threading.get_ident())
        self.told += [(u.topic, u.key, u.payload, self.clock.market()) for u in updates]

    def whole(self) -> Play:
        self.thread.start()
        assert self.player.ended.wait(20)
        self.end()
        return self

    def end(self) -> None:
        self.stop.set()
        self.thread.join(5)
        assert not self.thread.is_alive()


def test_beats_follow_arrivals_as_a_live_engine_would_have_them(tmp_path: Path) -> None:
    told = [(0.05, trade(1)), (0.07, trade(2)), (0.3, trade(3)), (1.5, trade(4))]

    play = Play(recorded(tmp_path / "a", told)).whole()

    # A tenth of a second after the start at the earliest, at an arrival after a silence, and
    # every half second without any.
    assert [round(at, 3) for at, _ in play.beats] == [0.1, 0.3, 0.8, 1.3, 1.5]
    prices = [payload[0] for _, _, payload, _ in play.told if payload]
    assert prices[0] == 2.0
    assert prices[-1] == 4.0


def test_a_fast_market_beats_by_its_own_seconds(tmp_path: Path) -> None:
    told = [(1.0, trade(1)), (12.0, trade(2))]

    play = Play(recorded(tmp_path / "a", told, speed=24.0)).whole()

    assert [(round(at, 3), round(real, 3)) for at, real in play.beats] == [
        (2.4, 0.1), (12.0, 0.5),
    ]  # fmt: skip


@pytest.mark.parametrize("heavy", [False, True])
def test_the_speed_changes_nothing_of_what_is_told(tmp_path: Path, heavy: bool) -> None:
    told = [(0.01 * n, trade(n)) for n in range(200)]
    recording = recorded(tmp_path / "a", told)

    fast = Play(recording, None, heavy).whole()
    paced = Play(recording, 20.0, heavy).whole()

    assert fast.told == paced.told
    assert fast.told
    assert len(fast.threads) == 1


def test_heavy_work_is_waited_for_and_not_done_at_each_beat(tmp_path: Path) -> None:
    told = [(0.1 * n, trade(n)) for n in range(1, 41)]

    play = Play(recorded(tmp_path / "a", told), None, heavy=True).whole()

    assert [(payload[0], at) for _, _, payload, at in play.told] == [
        (payload[0], payload[1]) for _, _, payload, _ in play.told
    ]  # told in the very beat it was made of
    assert len(play.told) == 4


def test_desks_step_every_half_second_of_the_recording(tmp_path: Path) -> None:
    told = [(0.1 * n, trade(n)) for n in range(1, 31)]

    play = Play(recorded(tmp_path / "a", told)).whole()

    gaps = [b - a for a, b in zip(play.steps, play.steps[1:], strict=False)]
    assert len(play.steps) == 6
    assert all(0.45 < gap < 0.65 for gap in gaps)


def test_what_is_no_batch_goes_where_it_belongs(tmp_path: Path) -> None:
    settings = {"schema": 1}
    told = [
        (0.1, Batch("Settings", ["settings.json"], ([settings],), 0.0)),
        (0.2, Batch("Gap", ["recorder"], ([7],), 0.0)),
        (0.3, Batch("Resolved", ["/NQ"], ([provisional("/NQ")],), 0.0)),
        (0.4, link(True)),
    ]

    play = Play(recorded(tmp_path / "a", told)).whole()

    assert play.saved == [settings]
    assert play.player.missing == 7
    assert play.engine.state.instruments["/NQ"].product == "NQ"
    assert play.engine.state.link_up("dxLink") is True


def test_a_desk_that_cannot_go_on_does_not_end_the_replay(tmp_path: Path) -> None:
    play = Play(recorded(tmp_path / "a", [(0.1, trade(1)), (2.0, trade(2))]))

    def broken() -> None:
        raise SourceError("no")

    play.player.steps = [broken, *play.player.steps]
    play.whole()

    assert len(play.steps) > 1


def test_while_it_stands_still_questions_are_answered(tmp_path: Path) -> None:
    play = Play(recorded(tmp_path / "a", [(0.1, trade(1)), (50.0, trade(2))]), 1.0)
    play.clock.pause()
    play.thread.start()

    answer = play.engine.call(lambda: 42, timeout=5.0)
    play.end()

    assert answer == 42
    assert play.beats == []


def test_a_damaged_block_ends_it_there(tmp_path: Path) -> None:
    told = [(0.1 * n, trade(n)) for n in range(1, 10)]
    recording = recorded(tmp_path / "a", told)
    block = recording.blocks[2]
    data = bytearray((tmp_path / "a").read_bytes())
    data[block.place] ^= 1
    (tmp_path / "a").write_bytes(data)

    play = Play(recording).whole()

    assert play.player.played == 6
    assert "damaged in block 3" in (recording.problem or "")


# ---- the control ------------------------------------------------------------------------


@pytest.fixture
def desk(tmp_path: Path) -> tuple[Play, ReplayDesk, list[float], list[int]]:
    play = Play(recorded(tmp_path / "a", [(1.0, trade(1)), (600.0, trade(2))]), 1.0)
    again: list[float] = []
    told: list[int] = []
    made = ReplayDesk(play.player, play.clock, again.append, lambda: told.append(1))
    return play, made, again, told


Desk = tuple[Play, ReplayDesk, list[float], list[int]]


def test_the_control_says_how_it_is_after_each_action(desk: Desk) -> None:
    play, made, _, told = desk

    assert made.control("pause")["state"] == "paused"
    assert made.control("speed", 30)["speed"] == 30.0
    assert made.control("speed", "max")["speed"] == "max"
    report = made.control("play")

    assert report["state"] == "playing"
    assert (report["start_ms"], report["end_ms"]) == (1_000_000, 1_600_000)
    assert len(told) == 4
    assert play.clock.rate is None


def test_forward_is_run_to_and_back_begins_again_once(desk: Desk) -> None:
    play, made, again, _ = desk
    play.clock.reach(ZERO + 100)

    ahead = made.control("seek", 1_300_000)
    play.clock.reach(ZERO + 200)
    assert (ahead["state"], ahead["goal_ms"], ahead["done"]) == ("seeking", 1_300_000, 0.0)
    assert made.report()["done"] == 0.5

    back = made.control("seek", 1_050_000)
    made.control("seek", 1_010_000)

    assert back["state"] == "seeking"
    assert again == [1050.0]


def test_play_at_the_end_begins_again(desk: Desk) -> None:
    play, made, again, _ = desk
    made.control("pause")
    play.player.ended.set()
    assert made.report()["state"] == "ended"

    made.control("play")

    assert again == [ZERO]
    assert not play.clock.is_paused


@pytest.mark.parametrize(
    "action, value, field",
    [
        ("stop", None, "action"),
        ("speed", 0, "value"),
        ("speed", 61, "value"),
        ("speed", True, "value"),
        ("speed", "fast", "value"),
        ("speed", None, "value"),
        ("seek", None, "value"),
        ("seek", "1", "value"),
        ("seek", float("nan"), "value"),
        ("seek", 1, "value"),
        ("seek", 1_700_000, "value"),
    ],
)
def test_what_cannot_be_done_is_refused(desk: Desk, action: str, value: Any, field: str) -> None:
    with pytest.raises(SettingsError) as refused:
        desk[1].control(action, value)

    assert refused.value.field == field


@pytest.mark.parametrize("text", ["0.5", "nan", "inf", "61", "", "MAX", "-1"])
def test_a_speed_is_from_1_to_60_or_max(text: str) -> None:
    with pytest.raises(SettingsError):
        read_rate(text)


def test_the_clock_of_stepped_desks_counts_as_the_recording_counted() -> None:
    clock = ReplayClock(ZERO, ZERO + 100)
    beat = BeatClock(clock, ZERO, 4.0)
    clock.reach(ZERO + 10)

    assert (beat.market(), beat.monotonic(), beat.speed) == (ZERO + 10, 2.5, 4.0)


def test_outputs_hold_what_is_compared_and_nothing_else(tmp_path: Path) -> None:
    made = Outputs(tmp_path / "o", lambda: 1797449520.5)
    made.publish(
        [
            Update("indicator.rows", "SPY", {"price": 1}),
            Update("gex.levels", "SPX:all", {"b": float("nan"), "a": 1}),
            Update("trade.signal", "", None),
        ]
    )
    made.close()

    assert (tmp_path / "o").read_text().splitlines() == [
        '{"at":"2026-12-16T19:32:00Z","key":"SPX:all","payload":{"a":1,"b":null},'
        '"t":1797449520.5,"topic":"gex.levels"}',
        '{"at":"2026-12-16T19:32:00Z","key":"","payload":null,'
        '"t":1797449520.5,"topic":"trade.signal"}',
    ]


def test_outputs_that_cannot_be_written_are_the_users_move(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        Outputs(tmp_path / "no" / "folder", lambda: 0.0)
