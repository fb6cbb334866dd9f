"""The planner: limits, priorities, differences."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_sauce.errors import BadPayload
from grok_sauce.feeds.subscriptions import (
    BACKFILL,
    PRESET,
    TABLE,
    VIEW,
    ChangeBudget,
    Limits,
    Planner,
    Subscription,
    changes,
)

SMALL = Limits(entries=12, candles=3, backfill=2, changes_per_minute=20)


def contract(strike: int) -> list[Subscription]:
    """The three entries of an option."""
    return [Subscription(kind, f".SPY261218C{strike}") for kind in ("Greeks", "Summary", "Trade")]


def test_entries_are_counted_as_symbol_times_kind_and_the_table_comes_first() -> None:
    planner = Planner(SMALL)

    planner.want("preset", [entry for strike in range(10) for entry in contract(strike)], PRESET)
    planner.want("table", [Subscription("Quote", "SPY"), Subscription("Trade", "SPY")], TABLE)
    plan = planner.plan()

    assert len(plan.entries) == 11  # two of the table, three whole contracts
    assert list(plan.entries)[:2] == [("Quote", "SPY"), ("Trade", "SPY")]
    (short,) = plan.shortfalls
    assert (short.owner, short.asked, short.given) == ("preset", 30, 9)
    assert "entries" in short.reason


def test_a_contract_is_never_held_with_one_of_its_kinds_missing() -> None:
    planner = Planner(Limits(entries=8))

    planner.want("preset", [entry for strike in range(10) for entry in contract(strike)], PRESET)

    symbols = [symbol for _, symbol in planner.plan().entries]
    assert {symbols.count(symbol) for symbol in symbols} == {3}


def test_a_view_takes_room_from_a_preset_and_gives_it_back() -> None:
    planner = Planner(Limits(entries=9))
    planner.want("preset", [entry for strike in range(3) for entry in contract(strike)], PRESET)

    planner.want("view", contract(50) + contract(51), VIEW)
    during = planner.plan()
    planner.drop("view")
    after = planner.plan()

    assert [(s.owner, s.given) for s in during.shortfalls] == [("preset", 3)]
    assert len(after.entries) == 9
    assert after.shortfalls == ()


def test_what_two_owners_want_counts_once_and_stays_until_both_are_gone() -> None:
    planner = Planner(SMALL)
    both = [Subscription("Quote", "SPY")]
    planner.want("one", both, TABLE)
    planner.want("two", both, VIEW)

    planner.drop("one")
    after_one = planner.plan()
    planner.drop("two")

    assert len(after_one.entries) == 1
    assert len(planner.plan().entries) == 0


def test_eighty_candles_are_watched_and_twenty_places_are_for_backfill() -> None:
    planner = Planner()
    planner.want(
        "table", [Subscription("Candle", f"S{number}{{=m}}", 0) for number in range(90)], TABLE
    )
    planner.want(
        "history", [Subscription("Candle", f"B{number}{{=d}}", 0) for number in range(30)], BACKFILL
    )

    plan = planner.plan()

    assert [(s.owner, s.given) for s in plan.shortfalls] == [("table", 80), ("history", 20)]
    assert len(plan.entries) == 100


def test_a_full_candle_budget_costs_no_row_its_quotes() -> None:
    planner = Planner(SMALL)
    rows = [
        entry
        for name in ("A", "B", "C", "D", "E")
        for entry in (Subscription("Quote", name), Subscription("Candle", f"{name}{{=m}}", 0))
    ]

    planner.want("table", rows, TABLE)
    held = planner.plan().entries

    assert sum(kind == "Quote" for kind, _ in held) == 5
    assert sum(kind == "Candle" for kind, _ in held) == 3


def test_candle_spellings_of_one_stream_are_one_entry_with_the_longer_history() -> None:
    planner = Planner()
    planner.want("a", [Subscription("Candle", "SPY{=1m}", 2000)], TABLE)
    planner.want("b", [Subscription("Candle", "SPY{=m}", 1000)], VIEW)

    (entry,) = planner.plan().entries.values()

    assert entry == Subscription("Candle", "SPY{=m}", 1000)


def test_a_candle_is_asked_again_only_for_more_history() -> None:
    key = ("Candle", "SPY{=m}")
    held = {key: Subscription(*key, 1000)}

    later = changes(held, {key: Subscription(*key, 2000)})
    earlier = changes(held, {key: Subscription(*key, 500)})

    assert (later.add, later.remove) == ((), ())
    assert earlier.add == (Subscription(*key, 500),)


@pytest.mark.parametrize(
    ("subscription", "error"),
    [
        (Subscription("Order", "SPY"), ValueError),
        (Subscription("Quote", ""), ValueError),
        (Subscription("Quote", "X" * 200), ValueError),
        (Subscription("Candle", "SPY"), BadPayload),
    ],
    ids=["kind the feed lacks", "no symbol", "symbol too long", "no period"],
)
def test_a_wish_that_cannot_be_met_changes_nothing(
    subscription: Subscription, error: type[Exception]
) -> None:
    planner = Planner()
    planner.want("table", [Subscription("Quote", "SPY")], TABLE)

    with pytest.raises(error):
        planner.want("table", [subscription], TABLE)

    assert list(planner.plan().entries) == [("Quote", "SPY")]


def test_at_most_so_many_changes_go_out_in_any_minute() -> None:
    budget = ChangeBudget(100)

    budget.spend(0.0, 60)
    budget.spend(30.0, 40)

    assert budget.left(62.9) == 0
    assert budget.left(63.0) == 60
    assert budget.left(93.0) == 100


subscriptions = st.builds(
    lambda kind, number, start: Subscription(
        kind, f"S{number}{{=m}}" if kind == "Candle" else f"S{number}", start
    ),
    st.sampled_from(["Quote", "Trade", "Greeks", "Candle"]),
    st.integers(0, 9),
    st.none() | st.integers(0, 5),
)
actions = st.tuples(
    st.sampled_from(["a", "b", "c", "d"]),
    st.none() | st.lists(subscriptions, max_size=12),
    st.sampled_from([TABLE, VIEW, PRESET, BACKFILL]),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(actions, max_size=10))
def test_no_history_of_wishes_breaks_a_limit_or_drops_what_another_wants(
    history: list[tuple[str, list[Subscription] | None, int]],
) -> None:
    planner = Planner(SMALL)
    held: dict[tuple[str, str], Subscription] = {}
    wishes: dict[str, tuple[list[Subscription], int]] = {}

    for owner, wanted, priority in history:
        if wanted is None:
            planner.drop(owner)
            wishes.pop(owner, None)
        else:
            planner.want(owner, wanted, priority)
            wishes[owner] = (wanted, priority)
        plan = planner.plan()
        todo = changes(held, plan.entries)
        for entry in todo.remove:
            del held[(entry.kind, entry.symbol)]
        for entry in todo.add:
            held[(entry.kind, entry.symbol)] = entry

        assert planner.plan() == plan
        assert held.keys() == plan.entries.keys()
        again = changes(held, plan.entries)
        assert (again.add, again.remove) == ((), ())
        assert len(held) <= SMALL.entries
        assert sum(kind == "Candle" for kind, _ in held) <= SMALL.candles + SMALL.backfill
        asked = {(e.kind, e.symbol) for wish, _ in wishes.values() for e in wish}
        assert held.keys() <= asked
        short = {shortfall.owner for shortfall in plan.shortfalls}
        for name, (wish, _) in wishes.items():
            if name not in short:
                assert {(e.kind, e.symbol) for e in wish} <= held.keys()
        for shortfall in plan.shortfalls:
            assert 0 <= shortfall.given < shortfall.asked
