"""The strategy live: judged, stored, told once, blocked by what is missing."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.controls import Controls
from grok_sauce.errors import SettingsError
from grok_sauce.questions import Questions
from grok_sauce.storage import signals as kept_signals
from grok_sauce.storage.database import StorageError
from tests.desks.signal_kit import FakeLevels, Kit, candle, lt_of, unix, wall

ROOT = Path(__file__).parents[2]


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(tmp_path)


def test_the_worked_example_is_told_once_with_its_expiry_and_both_spellings(kit: Kit) -> None:
    kit.example()

    [told] = kit.signals
    assert (told["price"], told["stop_loss"], told["take_profit"]) == (21246.25, 21231.0, 21271.25)
    assert (told["stopLoss"], told["takeProfit"]) == (21231.0, 21271.25)
    assert told["trailingStop"] == {"trigger": 15.0, "offset": 10.0}
    assert told["expires_at"] == "2026-12-16T19:45:00Z"
    assert told["metadata"]["verdicts"]["gate"]["passed"] is True
    assert told["metadata"]["lt"]["prices"] == list(lt_of("14:15").levels)


def test_every_evaluation_is_kept_with_what_it_was_made_with(kit: Kit) -> None:
    kit.example()

    newest, first = kit.desk.report.evaluations("/NQ")
    assert (first["result"], newest["result"], newest["mode"]) == ("no_pair", "signal", "live")
    assert newest["levels"]["levels"] == [["put_wall", 21252.5]]
    assert newest["levels_age"] == unix("14:30") - unix("12:00")
    assert newest["factor"] == 41.27
    assert newest["tests"][0]["lt"]["value"] == 3
    assert kit.desk.report.evaluation(newest["seq"]) == newest
    line = kit.state()["evaluations"][0]
    assert (line["level_label"], line["cross"]["value"], line["risk"]["value"]) == (
        "Put wall", -6.25, 15.25,
    )  # fmt: skip


def test_a_candle_that_comes_again_changes_nothing(kit: Kit) -> None:
    kit.example()

    kit.close(candle("14:15", 21258, 21261, 21241, 21246.25))

    assert len(kit.signals) == 1
    assert kit.state()["counts"] == {"all": 2, "crosses": 1, "signals": 1}


def test_nq_and_mnq_streaming_together_both_signal(tmp_path: Path) -> None:
    kit = Kit(tmp_path, symbols=["/NQ", "/MNQ"])

    for row in (("14:00", 21265, 21270, 21255, 21260), ("14:15", 21258, 21261, 21241, 21246.25)):
        kit.close(candle(*row), "/NQ")
        kit.close(candle(*row, contract="/MNQH7"), "/MNQ")

    assert {told["contract"] for told in kit.signals} == {"/NQH7", "/MNQH7"}
    assert set(kit.levels.asked) == {"/NQ"}  # a micro has the levels of its full-size contract


# ---- the switch -------------------------------------------------------------------------


def test_off_candles_are_judged_and_nothing_is_told(tmp_path: Path) -> None:
    kit = Kit(tmp_path, enabled=False)

    kit.example()

    assert kit.signals == []
    newest = kit.desk.report.evaluations("/NQ")[0]
    assert (newest["result"], newest["mode"]) == ("signal", "off")
    assert newest["signal"]["price"] == 21246.25  # what would have been
    assert kit.desk.runs["/NQ"].runner.paper.busy is None
    assert kit.state()["state"] == "off"
    assert kit.state()["signals"] == []


def test_the_switch_writes_the_settings_and_counts_at_once(kit: Kit) -> None:
    controls, questions = Controls(), Questions(lambda work: work())
    kit.desk.register(controls, questions)

    found = controls.do("strategy.disable")
    kit.beat()

    assert found == {"strategy": "GEX_RECOIL", "enabled": False, "symbols": ["/NQ"]}
    assert kit.saved == [{"strategy": {"enabled": False}}]
    assert kit.state()["state"] == "off"
    with pytest.raises(SettingsError) as wrong:
        controls.do("strategy.enable", symbol="/ES")
    assert wrong.value.field == "symbol"


def test_a_demo_is_on_until_the_switch_is_touched(tmp_path: Path) -> None:
    kit = Kit(tmp_path, enabled=False)
    desk = kit.start(demo=True)

    assert (desk.enabled, desk.by_default) == (True, True)

    desk.disable()

    assert (desk.enabled, desk.by_default) == (False, False)


def test_a_trade_that_is_open_is_followed_to_its_end_after_the_switch(kit: Kit) -> None:
    kit.example()
    kit.minute("14:30", 21246, 21250, 21244, 21249)
    kit.follow(enabled=False)

    kit.minute("14:31", 21249, 21272, 21248, 21271.5)

    [row] = kit.desk.report.trades("/NQ")["signals"]
    assert (row["end"]["reason"], row["end"]["points"]) == ("target", 25.25)
    assert row["end"]["entry"] == 21246.0  # the open lay under the limit


# ---- what is missing ----------------------------------------------------------------------


def test_no_levels_block_and_say_why(kit: Kit) -> None:
    kit.levels = FakeLevels(None)
    kit.desk = kit.start()
    kit.example()

    state = kit.state()

    assert state["state"] == "blocked"
    assert {"input": "levels", "text": "the chain of QQQ is loading"} in state["blocked"]
    assert kit.signals == []
    assert [each["result"] for each in state["evaluations"]] == ["no_levels", "no_pair"]


def test_lt_levels_that_are_missing_block_unless_they_may_be(tmp_path: Path) -> None:
    closed = Kit(tmp_path / "closed")
    closed.triggers.sets.clear()
    opened = Kit(tmp_path / "open", lt_missing="open")
    opened.triggers.sets.clear()

    closed.example()
    opened.example()

    assert closed.signals == []
    assert len(opened.signals) == 1
    assert [each["input"] for each in closed.state()["blocked"]] == ["lt"]
    assert opened.state()["blocked"] == []


def test_candles_that_stop_block(kit: Kit) -> None:
    kit.example()
    kit.clock.advance(20 * 60)
    kit.triggers.sets.append(lt_of("14:30"))

    [missing] = kit.state()["blocked"]

    assert missing["input"] == "candles"
    assert "/NQ" in missing["text"]


def test_levels_of_another_contract_give_nothing(kit: Kit) -> None:
    kit.levels.sets = [replace(wall(), contract="/NQZ6")]
    kit.example()

    assert kit.signals == []
    assert "/NQZ6" in kit.state()["blocked"][0]["text"]


def test_outside_the_session_it_says_so_and_not_blocked(kit: Kit) -> None:
    kit.example()
    kit.clock.advance(unix("17:10") - kit.clock.market())

    assert kit.state()["state"] == "outside" or kit.state()["open"] is not None


def test_a_process_that_may_tell_none_neither_listens_nor_enables(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    desk = kit.start(refused="prices are a public delayed feed")

    assert kit.candles.listeners == []
    assert desk.report.state()["text"] == "No signals: prices are a public delayed feed."
    assert kit.told[-1].payload["state"] == "refused"
    with pytest.raises(SettingsError, match="public delayed feed"):
        desk.enable()


def test_a_candle_that_comes_too_late_to_act_on_is_kept_and_not_told(kit: Kit) -> None:
    kit.close(candle("14:00", 21265, 21270, 21255, 21260))

    kit.close(candle("14:15", 21258, 21261, 21241, 21246.25), after=400)

    assert kit.signals == []
    newest = kit.desk.report.evaluations("/NQ")[0]
    assert (newest["mode"], newest["result"]) == ("late", "signal")


def test_what_was_not_known_at_the_close_is_not_used(kit: Kit) -> None:
    kit.levels.sets = [replace(wall(), known_at=unix("14:30") + 0.5)]
    kit.triggers.sets = [replace(lt_of("14:15"), at=unix("14:30") + 0.5)]

    kit.example()

    newest = kit.desk.report.evaluations("/NQ")[0]
    assert (newest["result"], newest["levels"], newest["lt"]) == ("no_levels", None, None)


# ---- levels that move with spot -------------------------------------------------------------


def live(price: float, at: str) -> Any:
    found = wall(price, at, "QQQ, dxlink")
    return replace(found, levels=(("support_1", price),))


def test_levels_that_move_stand_for_the_candle_after_the_close_they_were_taken_at(
    kit: Kit,
) -> None:
    kit.levels.sets = [live(21252.5, "14:14"), live(21230.0, "14:29")]

    kit.example()

    newest = kit.desk.report.evaluations("/NQ")[0]
    assert newest["levels"]["levels"] == [["support_1", 21252.5]]
    assert newest["levels"]["known_at"] == unix("14:15") + 1
    assert newest["result"] == "signal"
    assert kit.state()["levels"]["rows"][0]["price"] == 21230.0  # for the candle under way


def test_levels_held_are_there_after_a_restart(kit: Kit) -> None:
    kit.levels.sets = [live(21252.5, "14:14")]
    kit.close(candle("14:00", 21265, 21270, 21255, 21260))
    kit.levels.sets = [live(21230.0, "14:29")]
    kit.start()

    kit.close(candle("14:15", 21258, 21261, 21241, 21246.25))

    assert len(kit.signals) == 1


# ---- over a restart ---------------------------------------------------------------------------


def test_after_a_restart_memory_and_trades_go_on_and_no_signal_is_told_again(kit: Kit) -> None:
    kit.example()
    kit.minute("14:30", 21246, 21250, 21244, 21249)
    kit.start()
    kit.beat()

    assert len(kit.signals) == 1
    assert kit.state()["open"]["entry"] == 21246.0
    kit.triggers.sets.append(lt_of("14:30"))
    kit.close(candle("14:30", 21246, 21250, 21244, 21249))
    assert kit.state()["evaluations"][0]["gate"]["passed"] is True


def test_a_signal_stored_but_not_told_is_told_after_the_restart_and_once(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(rows: Any) -> None:
        if rows:
            raise StorageError("killed here")

    kit.close(candle("14:00", 21265, 21270, 21255, 21260))
    monkeypatch.setattr(kit.desk, "_publish", killed)
    with pytest.raises(StorageError):
        kit.close(candle("14:15", 21258, 21261, 21241, 21246.25))
    assert kit.signals == []

    for _ in range(2):
        kit.start()
        kit.beat()

    assert len(kit.signals) == 1
    assert kit.book is not None
    assert kit.book.use(kept_signals.untold) == []


def test_a_signal_stored_but_not_told_is_let_go_once_it_has_expired(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kit.desk, "_publish", lambda rows: None)
    kit.example()
    kit.clock.advance(900)

    kit.start()
    kit.beat()

    assert kit.signals == []


def test_a_candle_killed_before_it_was_stored_is_judged_from_the_owner_again(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(work: Any) -> Any:
        raise StorageError("the disk is full")

    kit.close(candle("14:00", 21265, 21270, 21255, 21260))
    assert kit.book is not None
    monkeypatch.setattr(kit.book, "use", full)
    with pytest.raises(StorageError):
        kit.close(candle("14:15", 21258, 21261, 21241, 21246.25))

    kit.start()
    kit.beat()

    assert [told["price"] for told in kit.signals] == [21246.25]


def test_candles_missed_while_it_was_down_are_judged_for_the_record(kit: Kit) -> None:
    kit.close(candle("14:00", 21265, 21270, 21255, 21260))
    kit.candles.close("/NQ", candle("14:15", 21258, 21261, 21241, 21246.25), heard=False)
    kit.clock.advance(25 * 60)

    kit.start()
    kit.beat()

    assert kit.signals == []
    assert kit.desk.report.evaluations("/NQ")[0]["mode"] == "late"


def test_a_first_start_judges_no_history(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    for hour in range(9, 14):
        kit.candles.close("/NQ", candle(f"{hour:02}:00", 21265, 21270, 21255, 21260), heard=False)
    kit.close(candle("13:45", 21265, 21270, 21255, 21260))

    assert kit.state()["counts"]["all"] == 1


def test_bars_missed_while_it_was_down_still_move_the_trade(kit: Kit) -> None:
    kit.example()
    kit.minute("14:30", 21246, 21250, 21244, 21249)
    kit.candles.close("/NQ", candle("14:31", 21249, 21272, 21248, 21271.5, seconds=60), heard=False)

    kit.start()
    kit.beat()

    assert kit.state()["signals"][0]["end"]["reason"] == "target"
    assert kit.state()["sums"]["n"] == 1


# ---- what is said ------------------------------------------------------------------------------


def test_sums_count_dollars_after_costs_beside_their_n(kit: Kit) -> None:
    kit.example()
    kit.minute("14:30", 21246.25, 21250, 21246.25, 21249)
    kit.minute("14:31", 21249, 21272, 21248, 21271.5)

    sums = kit.state()["sums"]

    assert (sums["n"], sums["wins"], sums["points"]) == (1, 1, 25.0)
    assert sums["dollars"] == pytest.approx(25 * 2 - 1.24)  # one MNQ, two sides at 0.62
    assert sums["mean_dollars"] == sums["dollars"]


def test_without_a_trade_a_mean_is_not_known(kit: Kit) -> None:
    kit.beat()

    assert kit.state()["sums"]["mean_points"] is None


def test_the_state_is_told_when_it_changes_and_not_because_time_passes(kit: Kit) -> None:
    kit.beat()
    before = [each for each in kit.told if each.topic == "strategy.state"]
    kit.clock.advance(10)
    kit.beat()

    after = [each for each in kit.told if each.topic == "strategy.state"]

    assert len(before) == 1
    assert len(after) == 1


def test_a_symbol_that_is_not_watched_is_refused_by_name(kit: Kit) -> None:
    with pytest.raises(SettingsError) as wrong:
        kit.desk.report.state("/ES")

    assert wrong.value.field == "symbol"


KILLED = """
import os, sys
from pathlib import Path
from tests.desks.signal_kit import Kit, EXAMPLE, candle
kit = Kit(Path(sys.argv[1]))
kit.desk._publish = lambda rows: os.kill(os.getpid(), 9) if rows else None
for row in EXAMPLE:
    kit.close(candle(*row))
"""


def test_a_process_killed_between_storing_and_telling_tells_once_after_it(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)], cwd=ROOT, timeout=60, check=False
    )
    assert ended.returncode == -9
    kit = Kit(tmp_path)
    kit.clock.set_market(unix("14:30") + 20)

    for _ in range(2):
        kit.beat()
        kit.start()

    [told] = kit.signals
    assert told["id"] == "gex_recoil-NQH7-20261216T193000Z-put_wall"
    assert kit.state()["counts"]["signals"] == 1
