"""data/routing.json: one owner, ten versions, edits by hand, never empty by accident."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from grok_sauce.alerts.routing_file import RoutingFile
from grok_sauce.alerts.steady import SteadyTime
from grok_sauce.alerts.targets import TargetGuard
from grok_sauce.errors import GrokSauceError, SettingsError
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.settings import SettingsConflict

OLD = {"strategies": {"Trend": {"accounts": {}, "tickers": {"ES": {"ports": ["9060"]}}}}}


class Desk:
    """A folder with a routing file, and what was said of it."""

    def __init__(self, folder: Path, clock: ManualClock) -> None:
        self.path = folder / "routing.json"
        self.clock = clock
        self.audit: list[tuple[str, str, str]] = []
        self.renamed: list[tuple[str, str]] = []
        self.own: set[int] = {5010}
        self.ticks = 0
        self.file = self.start(load=False)

    def start(self, load: bool = True) -> RoutingFile:
        """A new process in the same folder."""
        self.file = RoutingFile(
            self.path,
            SteadyTime(self.clock),
            TargetGuard(lambda: self.own, ("nt-box",)),
            lambda who, what, detail: self.audit.append((who, what, detail)),
            on_rename=lambda old, new: self.renamed.append((old, new)),
        )
        if load:
            self.file.load()
        return self.file

    def write(self, content: Any) -> None:
        """Edit by hand; the time of the file moves on, however fast the test is."""
        text = content if isinstance(content, str) else json.dumps(content)
        self.path.write_text(text, encoding="utf-8")
        self.ticks += 1
        os.utime(self.path, (1_700_000_000 + self.ticks,) * 2)

    def edit(self, op: str, **more: Any) -> list[str]:
        return self.file.edit({"op": op, **more}, "anna", self.file.revision)

    def content(self) -> Any:
        return json.loads(self.path.read_text(encoding="utf-8"))


@pytest.fixture
def desk(tmp_path: Path, clock: ManualClock) -> Desk:
    return Desk(tmp_path, clock)


@pytest.fixture
def old(desk: Desk) -> Desk:
    """A desk with an old server's file, loaded."""
    desk.write(OLD)
    desk.start()
    return desk


class TestStart:
    def test_the_first_start_writes_a_file_with_the_defaults(self, desk: Desk) -> None:
        file = desk.start()

        assert desk.content()["strategies"] == {}
        assert desk.content()["routing"]["delay_s"] == 2.0
        assert (file.problem, file.lookup("ES"), file.versions()) == (None, None, [])

    def test_an_old_file_is_taken_as_it_is_and_not_written(self, old: Desk) -> None:
        before = old.path.read_bytes()

        route = old.file.lookup("ES")

        assert route is not None
        assert route.destinations[0].mode == "off"
        assert (old.path.read_bytes(), old.file.problem) == (before, None)

    @pytest.mark.parametrize(
        "bad",
        ["{", "", "[]", '{"strategies": {}, "strategies": {}}', '{"strategies": NaN}',
         '{"strategies": {"A": {"tickers": {"ES": {"ports": [80]}}}}}', "[" * 100_000,
         '{"strategies": {}, "x": "' + "x" * 1_000_001 + '"}'],
        ids=["cut", "nothing", "list", "twice", "NaN", "port", "deep", "huge"],
    )  # fmt: skip
    def test_a_bad_file_runs_on_what_was_last_in_force_and_says_so(
        self, old: Desk, bad: str
    ) -> None:
        old.write(bad)

        file = old.start()

        assert file.lookup("ES") is not None
        assert file.problem is not None
        assert file.problem.startswith("routing.json cannot be used: ")
        assert file.problem.endswith("the last good copy is in force (routing.json.good).")
        assert old.path.read_text() == bad

    def test_an_edit_by_hand_that_was_in_force_is_the_last_good_copy(self, old: Desk) -> None:
        by_hand = {"strategies": {"Hand": {"tickers": {"NQ": {"ports": [9061]}}}}}
        old.write(by_hand)
        old.clock.advance(2)
        assert old.file.lookup("NQ") is not None

        old.write("{")
        file = old.start()

        assert file.tree == by_hand

    def test_without_that_copy_the_newest_version_that_works_counts(self, old: Desk) -> None:
        old.edit("add_strategy", name="B")
        old.edit("add_strategy", name="C")
        (old.path.parent / "routing.json.good").unlink()
        (old.path.parent / "routing.json.1").write_text("{")
        old.write("{")

        file = old.start()

        assert file.tree == OLD
        assert "(routing.json.2)" in str(file.problem)

    def test_a_file_that_is_gone_is_no_empty_tree(self, old: Desk) -> None:
        old.path.unlink()

        file = old.start()

        assert file.lookup("ES") is not None
        assert "it is not there" in str(file.problem)
        assert not old.path.exists()

    def test_a_bad_file_and_no_copy_is_said_and_cannot_be_edited_over(self, desk: Desk) -> None:
        desk.write("{")

        file = desk.start()

        assert "sent nowhere" in str(file.problem)
        with pytest.raises(SettingsError, match="cannot be used"):
            desk.edit("add_strategy", name="A")
        assert desk.path.read_text() == "{"

    def test_an_import_mends_it_and_keeps_what_was_there(self, desk: Desk) -> None:
        desk.write("{")
        file = desk.start()

        file.import_document(OLD, dry_run=False, who="anna")

        assert (file.problem, desk.content()) == (None, OLD)
        assert (desk.path.parent / "routing.json.1").read_text() == "{"

    def test_what_was_changed_while_nobody_ran_is_in_the_audit(self, old: Desk) -> None:
        old.write({"strategies": {**OLD["strategies"], "Night": {}}})
        file = old.start()

        file.refresh(now=True)
        file.refresh(now=True)

        assert old.audit == [
            ("file", "routing.json edited by hand", 'strategy "Night" added, off (no tickers)')
        ]


class TestByHand:
    def test_an_edit_is_noticed_within_a_second_and_not_before(self, old: Desk) -> None:
        old.file.lookup("ES")
        old.write({"strategies": {"Trend": {"tickers": {"NQ": {"ports": [9061]}}}}})

        old.clock.advance(0.9)
        before = old.file.lookup("NQ")
        old.clock.advance(0.2)

        assert before is None
        assert old.file.lookup("NQ") is not None
        assert old.file.lookup("ES") is None
        assert old.audit[0][:2] == ("file", "routing.json edited by hand")

    def test_a_mistake_changes_nothing_until_it_is_mended(self, old: Desk) -> None:
        old.write(
            '{"strategies": {"Trend": {"tickers": {"ES": {"ports": [9060], "delay_s": 99}}}}}'
        )
        old.clock.advance(2)
        during = old.file.lookup("ES")
        said = old.file.problem
        old.write(OLD)
        old.clock.advance(2)

        assert during is not None
        assert said is not None
        assert 'strategies."Trend".tickers."ES".delay_s must be a number from 0 to 60' in said
        assert "what was in force stays in force" in said
        assert old.file.problem is None

    def test_a_file_that_vanishes_changes_nothing(self, old: Desk) -> None:
        old.path.unlink()
        old.clock.advance(2)

        assert old.file.lookup("ES") is not None
        assert "it is not there" in str(old.file.problem)

    def test_a_file_that_cannot_be_read_changes_nothing(self, old: Desk) -> None:
        old.path.unlink()
        old.path.mkdir()
        old.clock.advance(2)

        assert old.file.lookup("ES") is not None
        assert old.file.problem is not None

    def test_hosts_nobody_lists_and_own_ports_are_told_and_the_rest_works(self, old: Desk) -> None:
        old.own = {5010, 9060}
        old.write({"strategies": {"A": {"tickers": {"ES": {"ports": ["nt2:9061", 9060, 9062]}}}}})
        old.clock.advance(2)

        route = old.file.lookup("ES")

        assert route is not None
        assert len(route.destinations) == 3
        assert len(old.file.problems()) == 2
        assert "not in TARGET_HOSTS" in old.file.problems()[0]
        assert "a port of this program" in old.file.problems()[1]

    def test_a_contradiction_is_told(self, old: Desk) -> None:
        entry = {"ports": [9060]}
        old.write(
            {"strategies": {"A": {"tickers": {"ES": {**entry, "delay_s": 1}}},
                            "B": {"tickers": {"ES": {**entry, "delay_s": 3}}}}}
        )  # fmt: skip
        old.clock.advance(2)

        assert old.file.problem == "ES: delay_s is 1.0 in A and 3.0 in B; 1.0 counts."

    def test_nobody_looks_at_the_disk_in_between(
        self, old: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        looks: list[int] = []
        monkeypatch.setattr(old.file, "_stamp_of_file", lambda: looks.append(1) or old.file._stamp)
        old.clock.advance(5)

        for _ in range(1000):
            old.file.lookup("ES")

        assert len(looks) == 1


class TestEdits:
    def test_an_edit_is_in_force_on_disk_and_in_the_audit(self, old: Desk) -> None:
        said = old.edit("set_strategy", name="Trend", mode="live")

        route = old.file.lookup("ES")
        assert route is not None
        assert route.destinations[0].mode == "live"
        assert old.content()["strategies"]["Trend"]["mode"] == "live"
        assert said == ['strategy "Trend": mode not set -> "live"']
        assert old.audit == [("anna", "routing: set_strategy", said[0])]
        assert old.start().revision == old.file.revision

    def test_an_edit_without_effect_writes_and_says_nothing(self, old: Desk) -> None:
        old.edit("rename_strategy", name="Trend", to="Trend")

        assert (old.audit, old.file.versions(), old.renamed) == ([], [], [])

    @pytest.mark.parametrize("revision", ["", None, "none", "0" * 16, 7])
    def test_another_revision_is_a_conflict_and_changes_nothing(
        self, old: Desk, revision: Any
    ) -> None:
        before = old.path.read_bytes()

        with pytest.raises(SettingsConflict) as caught:
            old.file.edit({"op": "add_strategy", "name": "X"}, "anna", revision)

        assert caught.value.field == "revision"
        assert old.path.read_bytes() == before
        assert old.audit == []

    def test_the_second_of_two_pages_is_told(self, old: Desk) -> None:
        seen = old.file.revision
        old.file.edit({"op": "add_strategy", "name": "X"}, "anna", seen)

        with pytest.raises(SettingsConflict):
            old.file.edit({"op": "add_strategy", "name": "Y"}, "ben", seen)

        assert list(old.content()["strategies"]) == ["Trend", "X"]

    def test_an_edit_by_hand_just_before_is_not_overwritten(self, old: Desk) -> None:
        seen = old.file.revision
        old.write({"strategies": {"Hand": {}}})

        with pytest.raises(SettingsConflict):
            old.file.edit({"op": "add_strategy", "name": "X"}, "anna", seen)

        assert old.content() == {"strategies": {"Hand": {}}}
        assert list(old.file.tree["strategies"]) == ["Hand"]

    def test_a_bad_file_that_was_seen_may_be_replaced_and_is_kept(self, old: Desk) -> None:
        old.write("{")
        old.clock.advance(2)

        old.edit("add_strategy", name="X")

        assert old.file.problem is None
        assert list(old.content()["strategies"]) == ["Trend", "X"]
        assert (old.path.parent / "routing.json.1").read_text() == "{"

    def test_a_rename_is_told_to_whoever_must_know(self, old: Desk) -> None:
        old.edit("rename_strategy", name="Trend", to="T2")

        assert old.renamed == [("Trend", "T2")]

    def test_a_rename_stands_when_somebody_could_not_be_told(self, old: Desk) -> None:
        def busy(*_: str) -> None:
            raise GrokSauceError("busy")

        old.file._on_rename = busy

        old.edit("rename_strategy", name="Trend", to="T2")

        assert list(old.content()["strategies"]) == ["T2"]

    def test_a_refused_edit_changes_nothing(self, old: Desk) -> None:
        before = old.path.read_bytes()

        with pytest.raises(SettingsError) as caught:
            old.edit("add_port", strategy="Trend", ticker="ES", port=5010)

        assert caught.value.field == "port"
        assert (old.path.read_bytes(), old.audit) == (before, [])

    def test_the_two_hundred_and_first_target_is_refused(self, old: Desk) -> None:
        old.write({"strategies": {"A": {"tickers": {"ES": {"ports": [*range(9300, 9500)]}}}}})
        old.clock.advance(2)

        with pytest.raises(SettingsError, match="at most 200"):
            old.edit("add_port", strategy="A", ticker="ES", port=9500)

        assert len(old.file.targets()) == 200

    def test_a_disk_that_refuses_is_told_and_changes_nothing(
        self, old: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: Any) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("grok_sauce.alerts.routing_file.write_json", refuse)

        with pytest.raises(SettingsError, match=r"not saved: .*No space left"):
            old.edit("add_strategy", name="X")

        assert list(old.file.tree["strategies"]) == ["Trend"]
        assert old.audit == []

    def test_a_busy_audit_undoes_nothing(self, old: Desk, caplog: pytest.LogCaptureFixture) -> None:
        def busy(*_: Any) -> None:
            raise GrokSauceError("busy")

        old.file._audit = busy

        old.edit("add_strategy", name="X")

        assert "X" in old.content()["strategies"]
        assert 'strategy "X" added, off' in caplog.text

    def test_edits_from_many_threads_are_all_there_or_refused(self, old: Desk) -> None:
        refused: list[str] = []

        def add(name: str) -> None:
            try:
                old.edit("add_strategy", name=name)
            except SettingsConflict:
                refused.append(name)

        threads = [threading.Thread(target=add, args=(f"S{number}",)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)

        there = set(old.content()["strategies"]) - {"Trend"}
        assert there | set(refused) == {f"S{number}" for number in range(12)}
        assert not there & set(refused)
        assert there


def test_what_counts_for_a_ticker_is_told_while_it_is_there(old: Desk) -> None:
    old.edit("set_ticker", strategy="Trend", name="ES", delay_s=7)

    assert old.file.effective("Trend", "ES")["delay_s"] == 7.0
    assert old.file.effective("Trend", "ES")["gap_ms"] == 250
    assert old.file.effective("Trend", "NQ") == {}
    assert old.file.effective("Gone", "ES") == {}

    old.edit("add_strategy", name="Empty")
    assert old.file.effective("Empty", "ES") == {}


class TestVersions:
    def test_ten_are_kept(self, old: Desk) -> None:
        for number in range(13):
            old.edit("add_strategy", name=f"S{number}")

        found = old.file.versions()

        assert [each["n"] for each in found] == list(range(1, 11))
        assert all(each["at_ms"] > 1_600_000_000_000 for each in found)

    def test_one_is_restored_and_the_others_stay(self, old: Desk) -> None:
        old.edit("add_strategy", name="B")
        old.edit("add_strategy", name="C")

        said = old.file.edit({"op": "restore", "n": 2}, "anna", old.file.revision)

        assert said == [
            'strategy "B" deleted (no tickers)', 'strategy "C" deleted (no tickers)',
        ]  # fmt: skip
        assert old.content() == OLD
        assert old.audit[-1][:2] == ("anna", "routing: version 2 restored")
        assert len(old.file.versions()) == 3

    @pytest.mark.parametrize("n", [0, 2, -1, "1", None, True, 1.0])
    def test_one_that_is_not_there_is_refused(self, old: Desk, n: Any) -> None:
        old.edit("add_strategy", name="B")

        with pytest.raises(SettingsError) as caught:
            old.file.restore(n, "anna", old.file.revision)

        assert caught.value.field == "n"

    def test_one_that_is_broken_is_refused(self, old: Desk) -> None:
        old.edit("add_strategy", name="B")
        (old.path.parent / "routing.json.1").write_text("{")

        with pytest.raises(SettingsError, match="version 1 cannot be used") as caught:
            old.file.restore(1, "anna", old.file.revision)

        assert caught.value.field == "n"


CONFIG = {
    "strategies": {
        "MomentumStrategy": {
            "accounts": {},
            "tickers": {"AAPL": {"ports": [5000]}, "TSLA": {"ports": [5001, "5002"]}},
        }
    }
}


class TestImport:
    def test_a_look_first_says_what_would_change_and_writes_nothing(self, old: Desk) -> None:
        before = old.path.read_bytes()

        said = old.file.import_document(CONFIG)

        assert said == [
            'strategy "Trend" deleted ("ES": 9060)',
            'strategy "MomentumStrategy" added, off ("AAPL": 5000, "TSLA": 5001, 5002)',
        ]
        assert (old.path.read_bytes(), old.audit) == (before, [])

    def test_an_old_servers_file_is_imported_as_it_is(self, old: Desk) -> None:
        said = old.file.import_document(CONFIG, dry_run=False, who="anna")

        assert old.content() == CONFIG
        assert old.audit == [("anna", "routing: imported", "; ".join(said))]

    def test_defaults_and_targets_stay_when_the_file_has_none(self, old: Desk) -> None:
        old.edit("set_target", port=9060, idempotent=True)
        routing = old.content()["routing"]

        old.file.import_document(CONFIG, dry_run=False)

        assert old.content() == {**CONFIG, "routing": routing}

    def test_an_export_imported_again_changes_nothing(self, old: Desk) -> None:
        old.edit("set_ticker", strategy="Trend", name="ES", group="g")

        assert old.file.import_document(old.file.export()) == []

    @pytest.mark.parametrize(
        "document",
        [None, [], "x", {}, {"strategies": {"A": {"tickers": {"ES": {"ports": ["80"]}}}}},
         {"strategies": {"A": {"tickers": {"ES": {"ports": ["example.com:9060"]}}}}},
         {"strategies": {"A": {"tickers": {"ES": {"ports": [5010]}}}}},
         {"strategies": {}, "x": float("nan")}, {"strategies": {}, "x": "\ud800"},
         {"strategies": {}, "x": "x" * 1_000_000}, {"strategies": {}, "x": {1, 2}}],
        ids=["null", "list", "text", "empty", "port", "host", "own port", "NaN", "surrogate",
             "huge", "set"],
    )  # fmt: skip
    @pytest.mark.parametrize("dry_run", [True, False])
    def test_what_cannot_be_used_is_refused_whole(
        self, old: Desk, document: Any, dry_run: bool
    ) -> None:
        with pytest.raises(SettingsError):
            old.file.import_document(document, dry_run)

        assert old.content() == OLD

    def test_a_document_nested_without_end_is_refused(self, old: Desk) -> None:
        deep: Any = {}
        for _ in range(100_000):
            deep = {"x": deep}

        with pytest.raises(SettingsError):
            old.file.import_document({"strategies": {}, "x": deep})

    def test_hosts_of_the_list_may_be_imported(self, old: Desk) -> None:
        document = {"strategies": {"A": {"tickers": {"ES": {"ports": ["nt-box:9060"]}}}}}

        old.file.import_document(document, dry_run=False)

        assert list(old.file.targets()) == ["nt-box:9060"]


def test_unknown_keys_survive_every_edit(desk: Desk) -> None:
    entry = {"c": None, "ports": ["9060"]}
    desk.write(
        {
            "a": [1],
            "strategies": {"S": {"b": {}, "tickers": {"ES": entry}}},
            "routing": {"d": "x", "targets": {"localhost:9060": {"e": 1.5}}},
        }
    )
    desk.start()

    desk.edit("set_ticker", strategy="S", name="ES", delay_s=1)
    desk.edit("add_port", strategy="S", ticker="ES", port=9061)
    desk.edit("set_target", port=9060, include_meta=True)
    desk.edit("rename_ticker", strategy="S", name="ES", to="NQ")
    desk.edit("rename_strategy", name="S", to="T")

    assert desk.content() == {
        "a": [1],
        "strategies": {
            "T": {"b": {}, "tickers": {"NQ": {"c": None, "ports": [9060, 9061], "delay_s": 1.0}}}
        },
        "routing": {"d": "x", "targets": {"localhost:9060": {"e": 1.5, "include_meta": True}}},
    }
