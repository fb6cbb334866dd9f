"""The planner's desk: completed requests, live marks, contracts followed, candidates."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace

import pytest

from grok_sauce.controls import Controls
from grok_sauce.desks.butterfly import TOPIC, ButterflyDesk, Context
from grok_sauce.desks.butterfly_form import Invalid, read, read_key
from grok_sauce.errors import SettingsError
from grok_sauce.questions import Questions
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.storage.butterflies import Butterflies
from grok_sauce.update import Update
from tests.butterfly_market import FRIDAY, FULL, GEX, MORNING, ROWS, SPOT, FakeChains, streamer


@pytest.fixture
def desk(tmp_path: Path, clock: ManualClock) -> SimpleNamespace:
    chains = FakeChains(clock)
    told: list[Update] = []
    watched: list[tuple[str, str]] = []
    made = ButterflyDesk(
        chains,
        Context(ROWS.get, {"SPX": GEX}.get),
        Butterflies(tmp_path / "butterflies.json"),
        told.extend,
        lambda: watched,
        clock,
    )
    return SimpleNamespace(
        desk=made, chains=chains, told=told, watched=watched, clock=clock, folder=tmp_path
    )


class TestRequests:
    def test_what_is_not_asked_for_takes_the_usual_value(self, desk: SimpleNamespace) -> None:
        found = desk.desk.price()

        assert found["query"] == {
            "symbol": "SPX", "expiry": "2026-12-16", "root": "SPXW", "center": "6010",
            "width": "25", "width_high": "25", "compare": "50", "side": "auto", "price": "mid",
            "quantity": "1", "fees": "0",
        }  # fmt: skip

    def test_a_day_with_two_settlements_means_the_afternoon_and_says_what_the_other_is(
        self, desk: SimpleNamespace
    ) -> None:
        found = desk.desk.price(expiry="2026-12-18")

        assert found["expiry"]["name"] == "SPXW Fri 18 Dec PM"
        assert found["note"] == (
            "SPX AM of the same day settles at the open and is a different product."
        )
        assert desk.desk.price(expiry="2026-12-18", root="SPX")["expiry"]["settlement"] == "AM"

    def test_the_answer_is_json_without_nan_and_its_key_asks_for_the_same(
        self, desk: SimpleNamespace
    ) -> None:
        found = desk.desk.price(**FULL)

        assert json.loads(json.dumps(found, allow_nan=False)) == found
        again = desk.desk.price(**{name: text for name, text in found["query"].items()})
        assert again["key"] == found["key"]
        assert read_key(found["key"])["center"] == 6010.0

    def test_the_context_names_what_it_comes_from(self, desk: SimpleNamespace) -> None:
        found = desk.desk.price(**FULL)

        context = found["context"]
        assert (context["rvol_symbol"], context["rvol"]) == ("SPY", 1.18)
        assert (context["vix"], context["vix_percent"]) == (18.31, -3.33)
        assert (context["net_gex"], context["zero_gamma"]) == (10.62e9, 5991.37)
        assert found["presets"] == [
            {"name": "Spot", "level": SPOT, "strike": 6010.0},
            {"name": "Flip", "level": 5991.37, "strike": 5990.0},
            {"name": "Max pain", "level": 5975.0, "strike": 5975.0},
        ]
        assert found["change_percent"] == 0.43

    def test_both_widths_are_priced_on_one_side_from_one_smile(self, desk: SimpleNamespace) -> None:
        found = desk.desk.price(**FULL)

        narrow, wide = found["chosen"], found["compared"]
        assert narrow["side"] == wide["side"]
        assert wide["strikes"] == [5960.0, 6010.0, 6060.0]
        assert 0 < narrow["debit"] < wide["debit"]
        assert narrow["probability"]["smile"] < wide["probability"]["smile"]
        assert found["atm_iv"] == pytest.approx(0.146, abs=1e-3)
        assert found["sigma"] == pytest.approx(
            found["forward"] * 0.146 * math.sqrt(found["expiry"]["left"] / (365 * 86400)), rel=1e-2
        )
        assert found["straddle"] == pytest.approx(0.798 * found["sigma"], rel=0.02)
        assert set(found["widths"]) >= {25.0, 50.0}
        assert found["steps"] == "steps of 5 to 6,300"

    @pytest.mark.parametrize(
        "field, text",
        [("center", "abc"), ("center", "nan"), ("center", "-5"), ("width", "0"),
         ("quantity", "0"), ("quantity", "1.5"), ("fees", "101"), ("side", "both"),
         ("expiry", "18 Dec"), ("symbol", "<b>"), ("root", "a b"), ("compare", "inf")],
    )  # fmt: skip
    def test_a_value_that_cannot_be_one_is_named(
        self, desk: SimpleNamespace, field: str, text: str
    ) -> None:
        found = desk.desk.price(**{**FULL, field: text})

        assert found["invalid"]["field"] == field
        assert field in found["invalid"]["message"]

    def test_an_unknown_field_is_refused(self) -> None:
        with pytest.raises(Invalid, match="not known"):
            read({"strike": "6000"})

    def test_a_symbol_without_a_chain_says_why(self, desk: SimpleNamespace) -> None:
        found = desk.desk.price(symbol="NDX")

        assert found["status"] == {"state": "no_chain", "text": "No chain of NDX is there yet."}
        assert (found["chosen"], found["key"]) == (None, None)

    def test_an_expiry_nobody_lists_is_refused_in_words(self, desk: SimpleNamespace) -> None:
        found = desk.desk.price(expiry="2026-12-17")

        assert found["status"]["text"] == (
            "SPX has no listed options that expire on Thu 17 Dec 2026."
        )
        assert len(found["expiries"]) == 3

    def test_options_still_on_their_way_are_loading(self, desk: SimpleNamespace) -> None:
        desk.chains.silent = True

        found = desk.desk.price(**FULL)

        assert found["status"]["state"] == "loading"
        assert found["chosen"] is None

    def test_a_settled_expiry_is_refused(self, desk: SimpleNamespace) -> None:
        desk.clock.advance(FRIDAY.settles - desk.clock.market() + 1)

        found = desk.desk.price(**FULL)

        assert found["status"] == {"state": "refused", "text": "SPXW Fri 18 Dec PM has settled."}


class TestFollowing:
    def test_the_legs_of_both_widths_and_sides_are_followed_with_quotes(
        self, desk: SimpleNamespace
    ) -> None:
        desk.desk.price(**FULL)

        symbol, contracts = desk.chains.wanted["butterfly:SPX"]
        assert symbol == "SPX"
        assert set(contracts) == {
            streamer(FRIDAY, strike, right)
            for strike in (5960, 5985, 6010, 6035, 6060)
            for right in "CP"
        }

    def test_what_nobody_asks_for_any_more_is_let_go(self, desk: SimpleNamespace) -> None:
        desk.desk.price(**FULL)
        desk.clock.advance(16.0)

        desk.desk.step()

        assert desk.chains.wanted["butterfly:SPX"] == ("SPX", ())

    def test_a_candidate_keeps_its_own_side_followed(self, desk: SimpleNamespace) -> None:
        desk.desk.save(**{**FULL, "side": "puts"})
        desk.clock.advance(16.0)

        desk.desk.step()

        assert set(desk.chains.wanted["butterfly:SPX"][1]) == {
            streamer(FRIDAY, strike, "P") for strike in (5985, 6010, 6035)
        }


class TestMarks:
    def watch(self, desk: SimpleNamespace) -> str:
        key = desk.desk.price(**FULL)["key"]
        desk.watched.append(("SPX", key))
        desk.desk.step()
        return f"SPX:{key}"

    def test_a_move_of_the_quotes_reaches_who_looks(self, desk: SimpleNamespace) -> None:
        room = self.watch(desk)
        before = desk.told[-1]
        desk.clock.advance(0.25)
        desk.chains.spot += 3

        desk.desk.step()

        after = desk.told[-1]
        assert (before.topic, before.key, after.key) == (TOPIC, room, room)
        assert after.payload["spot"] == SPOT + 3
        assert after.payload["chosen"]["debit"] != before.payload["chosen"]["debit"]
        assert "expiries" not in after.payload
        assert after.payload["candidates"] == []

    def test_quiet_quotes_are_told_once_a_second(self, desk: SimpleNamespace) -> None:
        self.watch(desk)
        told = len(desk.told)

        desk.desk.step()
        quiet = len(desk.told)
        desk.clock.advance(1.0)
        desk.desk.step()

        assert quiet == told
        assert len(desk.told) == told + 1

    def test_a_room_that_is_left_is_taken_out_of_the_snapshot(self, desk: SimpleNamespace) -> None:
        room = self.watch(desk)
        desk.watched.clear()

        desk.desk.step()

        assert desk.told[-1] == Update(TOPIC, room, None)

    @pytest.mark.parametrize("key", ["", "center=abc", "x" * 400, "symbol=NDX&center=6000"])
    def test_a_key_that_is_no_request_is_nobodys(self, desk: SimpleNamespace, key: str) -> None:
        desk.watched.append(("SPX", key))

        desk.desk.step()

        assert desk.told == []


class TestCandidates:
    def test_a_candidate_keeps_its_entry_and_is_marked_live(self, desk: SimpleNamespace) -> None:
        saved = desk.desk.save(**FULL)
        desk.chains.spot -= 30

        found = desk.desk.candidates.marked()["candidates"][0]

        assert found["entry"] == saved["entry"] == pytest.approx(saved["mark"])
        assert found["mark"] != found["entry"]
        assert found["gain"] == pytest.approx(found["mark"] - found["entry"])
        assert found["gain_dollars"] == pytest.approx(100 * found["gain"])
        assert found["break_even_low"] == pytest.approx(5985 + found["entry"])
        assert found["beyond"] == pytest.approx(SPOT - 30 - found["break_even_low"])
        assert found["saved_at"] == "2026-12-16T19:32:07+00:00"

    def test_what_has_no_price_cannot_be_saved(self, desk: SimpleNamespace) -> None:
        with pytest.raises(SettingsError, match="not listed"):
            desk.desk.save(**{**FULL, "center": "6007"})
        with pytest.raises(SettingsError, match="width must be"):
            desk.desk.save(**{**FULL, "width": "0"})

    def test_a_settled_candidate_keeps_what_it_was_worth(self, desk: SimpleNamespace) -> None:
        desk.desk.save(**FULL)
        desk.clock.advance(FRIDAY.settles - desk.clock.market() + 60)
        desk.desk.step()
        unknown = desk.desk.candidates.marked()["candidates"][0]
        desk.chains.closes[FRIDAY] = 6004.0
        desk.clock.advance(10)

        desk.desk.step()

        found = desk.desk.candidates.marked()["candidates"][0]
        assert (unknown["settled"], unknown["mark"]) == (None, None)
        assert unknown["reason"] == "SPXW Fri 18 Dec PM has settled."
        assert found["settled"]["value"] == found["mark"] == 19.0
        assert found["gain"] == pytest.approx(19.0 - found["entry"])
        assert found["inside"] is True

    def test_a_morning_settlement_is_not_on_the_feed_and_says_so(
        self, desk: SimpleNamespace
    ) -> None:
        desk.desk.save(**{**FULL, "root": "SPX"})
        desk.clock.advance(MORNING.settles - desk.clock.market() + 60)

        desk.desk.step()

        found = desk.desk.candidates.marked()["candidates"][0]
        assert found["settled"]["value"] is None
        assert "not on the feed" in found["reason"]
        assert found["gain_dollars"] is None

    def test_a_candidate_is_removed_and_an_unknown_one_is_told(self, desk: SimpleNamespace) -> None:
        saved = desk.desk.save(**FULL)

        left = desk.desk.candidates.remove(saved["id"])

        assert left["candidates"] == []
        with pytest.raises(SettingsError, match="no candidate"):
            desk.desk.candidates.remove(saved["id"])


def test_the_desk_is_reached_through_the_two_doors(desk: SimpleNamespace) -> None:
    controls, questions = Controls(), Questions(lambda fn: fn())

    desk.desk.register(controls, questions)

    controls.do("butterfly.save", **FULL)
    assert questions.ask("butterfly.price", FULL)["chosen"]["refusal"] is None
    assert len(questions.ask("butterfly.candidates")["candidates"]) == 1
