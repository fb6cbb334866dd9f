"""Fills and exits on paper, bar by bar, with numbers worked out by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from grok_sauce.settings.strategy import Strategy
from grok_sauce.strategies.evaluation import Signal
from grok_sauce.strategies.paper import Order, Paper, Trade
from grok_sauce.strategies.runner import Runner

# The worked example: buy 21246.25, stop 21231, target 21271.25, trail from +15 by 10.
EXAMPLE = [("14:00", 21265, 21270, 21255, 21260), ("14:15", 21258, 21261, 21241, 21246.25)]
ENTERED = (21246.25, 21250, 21245, 21248)  # a bar that fills at its open


def started(make: Any, **options: Any) -> Runner:
    """A runner whose order waits since 14:30; no slippage and no commission unless given."""
    runner = Runner(Strategy(**{"slippage_ticks": 0, "commission": 0, **options}), "/NQ")
    for row in EXAMPLE:
        runner.close(make.candle(*row), make.levels(), make.triggers("14:00"))
    assert runner.paper.busy == "order"
    return runner


def played(make: Any, *rows: tuple[float, float, float, float], **options: Any) -> Any:
    """The only thing that ended while these minutes passed, or None."""
    runner = started(make, **options)
    ended = [each for bar in make.minutes("14:30", *rows) for each in runner.bar(bar)]
    assert len(ended) <= 1
    return ended[0] if ended else None


def stop_after(make: Any, *rows: tuple[float, float, float, float], **options: Any) -> float:
    runner = started(make, **options)
    for bar in make.minutes("14:30", *rows):
        assert runner.bar(bar) == []
    [position] = runner.paper.positions
    return float(position.stop)


# ---- fills ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bar", "entry"),
    [
        ((21246.25, 21250, 21245, 21248), 21246.25),
        ((21240, 21250, 21239, 21248), 21240.0),
        ((21250, 21251, 21246, 21248), 21246.25),
        ((21250, 21251, 21246.25, 21248), None),
        ((21250, 21251, 21249, 21250), None),
        ((21231, 21251, 21231.25, 21250), 21231.0),
    ],
    ids=[
        "at the open when it is the limit",
        "at a lower open",
        "at the limit when a tick below traded",
        "not at a touch",
        "not above",
        "at the stop's own price there is still a fill",
    ],
)
def test_the_limit_fills(make: Any, bar: Any, entry: float | None) -> None:
    runner = started(make)

    [each] = make.minutes("14:30", bar)
    trades = [ended.entry for ended in runner.bar(each) if isinstance(ended, Trade)]

    entries = trades + [position.entry for position in runner.paper.positions]
    assert entries == ([] if entry is None else [entry])


def test_an_open_under_the_stop_cancels_the_order(make: Any) -> None:
    ended = played(make, (21230.75, 21250, 21230, 21248))

    assert isinstance(ended, Order)
    assert ended.outcome == "gapped"


def test_the_order_ends_with_the_next_candle(make: Any) -> None:
    above = (21250.0, 21251.0, 21249.0, 21250.0)

    ended = played(make, *[above] * 15, ENTERED)

    assert isinstance(ended, Order)
    assert (ended.outcome, ended.at) == ("expired", make.unix("14:45"))


def test_the_order_is_still_good_in_the_last_minute(make: Any) -> None:
    above = (21250.0, 21251.0, 21249.0, 21250.0)
    runner = started(make)

    for bar in make.minutes("14:30", *[above] * 14, ENTERED):
        runner.bar(bar)

    assert [each.entered_at for each in runner.paper.positions] == [make.unix("14:44")]


def test_an_order_of_two_candles_lives_longer(make: Any) -> None:
    above = (21250.0, 21251.0, 21249.0, 21250.0)
    runner = started(make, limit_candles=2)

    for bar in make.minutes("14:30", *[above] * 15, ENTERED):
        runner.bar(bar)

    assert runner.paper.busy == "position"


def test_no_order_lives_into_the_last_minutes_of_the_session(make: Any) -> None:
    runner = started(make, limit_candles=96)

    assert runner.paper.orders[0].expires_at == make.unix("15:45")


def test_of_a_bar_that_outlasts_the_order_only_the_open_counts(make: Any) -> None:
    settings = Strategy(limit_candles=2, last_minutes=10)
    through, at_once = Runner(settings, "/NQ"), Runner(settings, "/NQ")
    for runner in (through, at_once):
        for at, row in zip(("15:00", "15:15"), EXAMPLE, strict=True):
            runner.close(make.candle(at, *row[1:]), make.levels(), make.triggers("15:00"))
        runner.bar(make.candle("15:30", 21250, 21251, 21249, 21250))

    through.bar(make.candle("15:45", 21250, 21251, 21240, 21241))
    at_once.bar(make.candle("15:45", 21245, 21251, 21240, 21241))

    assert (through.paper.busy, at_once.paper.busy) == ("order", "position")
    [order] = through.bar(make.candle("16:00", 21240, 21241, 21239, 21240))
    assert isinstance(order, Order)
    assert (order.outcome, order.at) == ("expired", make.unix("15:50"))


def test_bars_before_the_signal_do_not_fill_it(make: Any) -> None:
    runner = started(make)

    runner.bar(make.minutes("14:29", ENTERED)[0])

    assert runner.paper.busy == "order"


# ---- exits ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bar", "exit_", "reason", "ambiguous"),
    [
        ((21250, 21271.25, 21249, 21260), 21271.25, "target", False),
        ((21275, 21280, 21274, 21279), 21275.0, "target", False),
        ((21240, 21241, 21231, 21235), 21231.0, "stop", False),
        ((21225, 21228, 21220, 21226), 21225.0, "stop", False),
        ((21250, 21272, 21230, 21260), 21231.0, "stop", True),
        ((21272, 21273, 21230, 21231), 21272.0, "target", False),
        ((21231, 21280, 21230, 21231), 21231.0, "stop", False),
    ],
    ids=[
        "target touched",
        "open above the target",
        "stop touched",
        "open under the stop",
        "both in one bar: the stop, ambiguous",
        "open at the target comes before the stop",
        "open at the stop comes before the target",
    ],
)
def test_a_position_is_closed(
    make: Any, bar: Any, exit_: float, reason: str, ambiguous: bool
) -> None:
    trade = played(make, ENTERED, bar)

    assert isinstance(trade, Trade)
    assert (trade.exit, trade.reason, trade.ambiguous) == (exit_, reason, ambiguous)
    assert trade.points == exit_ - 21246.25


def test_slippage_and_commission_cost_what_they_should(make: Any) -> None:
    costs = {"slippage_ticks": 2, "commission": 0.62, "quantity": 3}

    stopped = played(make, ENTERED, (21240, 21241, 21231, 21235), **costs)
    won = played(make, ENTERED, (21250, 21271.25, 21249, 21260), **costs)

    # MNQ: $2 a point; 3 contracts, two sides of $0.62 each.
    assert (stopped.exit, stopped.points) == (21230.5, -15.75)
    assert stopped.dollars == pytest.approx(-15.75 * 2 * 3 - 3.72)
    assert won.dollars == pytest.approx(25 * 2 * 3 - 3.72)
    assert won.commission == pytest.approx(3.72)


def test_a_high_that_may_have_been_before_the_entry_does_not_win(make: Any) -> None:
    runner = started(make)

    [bar] = make.minutes("14:30", (21265, 21272, 21246, 21250))
    ended = runner.bar(bar)

    assert ended == []
    [position] = runner.paper.positions
    assert (position.ambiguous, position.stop) == (True, 21231.0)


def test_a_close_above_the_target_was_surely_after_the_entry(make: Any) -> None:
    trade = played(make, (21265, 21272, 21246, 21272))

    assert (trade.reason, trade.exit, trade.ambiguous) == ("target", 21271.25, False)


def test_filled_and_stopped_in_one_bar(make: Any) -> None:
    trade = played(make, (21250, 21251, 21230, 21235))

    assert (trade.reason, trade.entry, trade.exit) == ("stop", 21246.25, 21231.0)


# ---- trailing ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("high", "stop"),
    [(21261.0, 21231.0), (21261.25, 21251.25), (21262.0, 21252.0), (21262.1, 21252.0)],
    ids=["a tick short", "at the trigger: entry + 5", "by hand", "down to the tick"],
)
def test_the_stop_follows_from_the_trigger_on(make: Any, high: float, stop: float) -> None:
    assert stop_after(make, ENTERED, (21250, high, 21249, 21260)) == stop


def test_the_trailed_stop_never_goes_down(make: Any) -> None:
    rows = [(21250, 21265, 21249, 21262), (21262, 21263, 21257, 21258)]

    assert stop_after(make, ENTERED, *rows) == 21255.0


def test_a_bar_is_not_stopped_by_the_stop_its_own_high_lifted(make: Any) -> None:
    assert stop_after(make, ENTERED, (21250, 21265, 21249, 21250)) == 21255.0


def test_the_next_bar_is(make: Any) -> None:
    trade = played(make, ENTERED, (21250, 21265, 21249, 21262), (21256, 21256, 21254, 21255))

    assert (trade.reason, trade.exit) == ("trail", 21255.0)


def test_a_wide_trail_does_not_loosen_the_initial_stop(make: Any) -> None:
    wide = {"trail_trigger": 5, "trail_offset": 30}

    assert stop_after(make, ENTERED, (21250, 21252, 21249, 21251), **wide) == 21231.0


def test_nothing_trails_when_switched_off(make: Any) -> None:
    assert stop_after(make, ENTERED, (21250, 21270, 21249, 21260), trailing=False) == 21231.0


# ---- bracket, session end, roll ---------------------------------------------------------


def test_stop_and_target_stay_where_the_signal_put_them(make: Any) -> None:
    trade = played(make, (21240, 21245, 21239, 21244), (21250, 21272, 21249, 21260))

    assert (trade.entry, trade.exit, trade.points) == (21240.0, 21271.25, 31.25)


def test_stop_and_target_go_with_the_fill_when_so_set(make: Any) -> None:
    rows = ((21240, 21245, 21239, 21244), (21250, 21266, 21249, 21260))

    trade = played(make, *rows, bracket="fill")

    assert (trade.entry, trade.exit, trade.points) == (21240.0, 21265.0, 25.0)


def test_flat_at_the_end_of_the_session(make: Any) -> None:
    runner = started(make, flat_at_end=True)
    quiet = (21250.0, 21251.0, 21249.0, 21250.0)

    ended = [
        each
        for bar in make.minutes("14:30", ENTERED, *[quiet] * 89, quiet)
        for each in runner.bar(bar)
    ]

    [trade] = ended
    assert isinstance(trade, Trade)
    assert (trade.reason, trade.exit, trade.exited_at) == ("end", 21250.0, make.unix("16:00"))


def test_leaving_at_the_end_slips_as_any_market_order(make: Any) -> None:
    runner = started(make, flat_at_end=True, slippage_ticks=2)
    runner.bar(make.minutes("14:30", ENTERED)[0])

    [trade] = runner.bar(make.minutes("15:59", (21250, 21251, 21249, 21250))[0])

    assert (trade.reason, trade.exit) == ("end", 21249.5)


def test_without_it_the_position_stays_over_night(make: Any) -> None:
    quiet = (21250.0, 21251.0, 21249.0, 21250.0)

    assert played(make, ENTERED, *[quiet] * 95) is None


def test_a_market_that_stood_still_at_the_end_is_left_at_the_next_open(make: Any) -> None:
    runner = started(make, flat_at_end=True)
    runner.bar(make.minutes("14:30", ENTERED)[0])

    [trade] = runner.bar(make.minutes("18:00", (21240, 21241, 21239, 21240))[0])

    assert (trade.reason, trade.exit, trade.exited_at) == ("end", 21240.0, make.unix("18:00"))


def test_a_roll_ends_orders_and_positions_at_the_old_contract(make: Any) -> None:
    waiting, holding = started(make), started(make)
    above = (21250.0, 21251.0, 21249.0, 21250.0)
    waiting.bar(make.minutes("14:30", above)[0])
    holding.bar(make.minutes("14:30", ENTERED)[0])
    [other] = make.minutes("14:31", (21500, 21600, 21400, 21500), contract="/NQM7")

    [order], [trade] = waiting.bar(other), holding.bar(other)

    assert isinstance(order, Order)
    assert order.outcome == "rolled"
    assert isinstance(trade, Trade)
    assert (trade.reason, trade.exit) == ("rolled", 21248.0)


def test_a_bar_given_twice_counts_once(make: Any) -> None:
    runner = started(make)
    [bar] = make.minutes("14:30", ENTERED)

    runner.bar(bar)

    assert runner.bar(bar) == []
    assert len(runner.paper.positions) == 1


# ---- kept over a restart ----------------------------------------------------------------


@pytest.mark.parametrize("done", [0, 1, 2, 3])
def test_a_restart_between_any_two_bars_changes_nothing(make: Any, done: int) -> None:
    bars = make.minutes(
        "14:30",
        (21250, 21251, 21249, 21250),
        ENTERED,
        (21250, 21265, 21249, 21262),
        (21256, 21256, 21254, 21255),
    )
    whole, before = started(make), started(make)
    expected = [each for bar in bars for each in whole.bar(bar)]

    ended = [each for bar in bars[:done] for each in before.bar(bar)]
    after = Runner(before.paper.settings, "/NQ")
    after.restore(json.loads(json.dumps(before.save(), allow_nan=False)))
    ended += [each for bar in bars[done:] for each in after.bar(bar)]

    assert [each.as_dict() for each in ended if isinstance(each, Trade)] == [
        each.as_dict() for each in expected if isinstance(each, Trade)
    ]
    assert after.save() == whole.save()


@pytest.mark.parametrize(
    "document",
    [{}, None, {"version": 9}, {"version": 1, "symbol": "/ES", "strategy": {}, "paper": {}},
     {"version": 1, "symbol": "/NQ", "strategy": {}, "paper": {"version": 1, "orders": [{}]}}],
)  # fmt: skip
def test_a_foreign_state_is_refused(document: Any) -> None:
    with pytest.raises(ValueError, match=r"state|paper|memory"):
        Runner(Strategy(), "/NQ").restore(document)


def test_a_signal_reads_back_as_it_was(make: Any) -> None:
    paper: Paper = started(make).paper

    [signal] = paper.orders

    assert Signal.of(json.loads(json.dumps(signal.as_dict()))) == signal


@pytest.mark.parametrize("name", ["entry", "stop", "expires_at", "stored"])
def test_a_damaged_order_is_refused_and_nothing_changes(make: Any, name: str) -> None:
    runner = started(make)
    kept = runner.save()
    damaged = json.loads(json.dumps(kept))
    damaged["paper"]["orders"][0][name] = "many"
    damaged["strategy"]["symbols"] = {}

    with pytest.raises(ValueError, match="paper"):
        runner.restore(damaged)

    assert runner.save() == kept
