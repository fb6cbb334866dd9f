"""chain_watch: the right window of options is followed, follows spot, and one failure is one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.clients.tastytrade import chain_day
from grok_sauce.errors import SourceError, SourceRefused
from grok_sauce.feeds.subscriptions import (
    NEAREST,
    PRESET,
    PRINTS,
    VIEW,
    Planner,
    Shortfall,
    Subscription,
)
from grok_sauce.following.chain_watch import ChainWatch, reason_of
from grok_sauce.following.views import Views
from grok_sauce.market import sessions
from grok_sauce.market.batches import Batch
from grok_sauce.market.expiries import Expiry
from grok_sauce.market.instruments import Instrument, provisional
from grok_sauce.market.listing import ListedChain, ListedExpiry, Listing
from grok_sauce.market.window import Anchors, slack_of
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.settings.document import Gex

NEW_YORK = ZoneInfo("America/New_York")


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp()


def expiry_with(day: date, low: int, high: int, root: str = "SPXW") -> ListedExpiry:
    """Strikes every 5 points from low to high."""
    points = range(low, high + 1, 5)
    name = f".{root}{day:%y%m%d}"
    return ListedExpiry(
        Expiry(day, root, "AM" if root == "SPX" else "PM"),
        100.0,
        tuple(point * 1000 for point in points),
        tuple(f"{name}C{point}" for point in points),
        tuple(f"{name}P{point}" for point in points),
    )


def chain_of(symbol: str, today: date, count: int = 8, root: str = "SPXW") -> ListedChain:
    """Daily expiries from today on."""
    day = today if sessions.is_session(today) else sessions.next_session(today)
    days = [day]
    while len(days) < count:
        days.append(sessions.next_session(days[-1]))
    return ListedChain(symbol, tuple(expiry_with(day, 5000, 7000, root) for day in days))


class FakeBroker:
    """Chains by symbol; an exception in place of one is raised."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.answers: dict[str, ListedChain | Exception] = {}
        self.asked: list[str] = []

    def listed(self, symbol: str) -> ListedChain:
        self.asked.append(symbol)
        answer = self.answers.get(symbol)
        if isinstance(answer, Exception):
            raise answer
        return answer or chain_of(symbol, sessions.new_york_date(self.clock.market()))

    def front_month(self, symbol: str) -> Instrument:
        return replace(provisional(symbol), streamer=f"{symbol}Z26:XCME", contract=f"{symbol}Z6")

    def day_of(self, now: float) -> str:
        return chain_day(now)


class FakeFeed:
    """Remembers wishes."""

    def __init__(self) -> None:
        self.wants: dict[str, tuple[list[Subscription], int]] = {}
        self.calls: list[str] = []
        self.shortfalls: tuple[Shortfall, ...] = ()

    def want(self, owner: str, subscriptions: Iterable[Subscription], priority: int) -> None:
        self.wants[owner] = (list(subscriptions), priority)
        self.calls.append(owner)

    def drop(self, owner: str) -> None:
        self.wants.pop(owner, None)
        self.calls.append(f"-{owner}")

    def symbols(self, owner: str, kind: str) -> list[str]:
        return [s.symbol for s in self.wants[owner][0] if s.kind == kind and s.symbol[0] == "."]


class FakeMarket:
    """Prices and instruments as a test sets them."""

    def __init__(self) -> None:
        self.spots: dict[str, float | None] = {"SPX": 6001.0, "SPY": 6001.0, "VIX": 17.0}
        self.known: dict[str, Instrument] = {}

    def instrument(self, symbol: str) -> Instrument:
        return self.known.get(symbol) or provisional(symbol)

    def prices(self, streamers: Sequence[str]) -> Mapping[str, float | None]:
        return {streamer: self.spots.get(streamer) for streamer in streamers}


class Watch:
    """A chain watch with everything around it."""

    def __init__(self, now: float) -> None:
        self.clock = ManualClock(market=now, real=now)
        self.broker = FakeBroker(self.clock)
        self.feed = FakeFeed()
        self.market = FakeMarket()
        self.views = Views(self.clock)
        self.listings: dict[str, Listing | None] = {}
        self.told: list[str] = []
        self.worker = ChainWatch(
            self.broker, self.feed, self.take, self.market, self.views, self.clock
        )
        self.worker.set_gex(Gex(symbols=("SPX",)))

    def take(self, batch: Batch) -> None:
        assert batch.kind == "Chain"
        self.told += batch.symbols
        self.listings.update(zip(batch.symbols, batch.columns[0], strict=True))

    def settle(self) -> Watch:
        """Look until nothing more is to be fetched."""
        for _ in range(30):
            if not self.worker.step():
                break
        self.worker.step()
        return self

    def listing(self, symbol: str = "SPX") -> Listing:
        found = self.listings[symbol]
        assert found is not None
        return found

    def days(self, symbol: str = "SPX") -> list[str]:
        """Expiries of the window."""
        one = self.listing(symbol)
        return [f"{one.expiries[place].day:%m-%d}" for place in one.window]


@pytest.fixture
def watch() -> Watch:
    return Watch(at("2026-12-16T14:32"))


# ---- the window -------------------------------------------------------------------------


def test_a_preset_is_sixty_strikes_on_each_side_of_five_expiries(watch: Watch) -> None:
    watch.settle()

    wants, priority = watch.feed.wants["gex:SPX"]
    one = watch.listing()
    assert priority == PRESET
    assert len(one) == 2 * 120 * 5
    for kind in ("Greeks", "Summary", "Trade"):
        assert set(watch.feed.symbols("gex:SPX", kind)) == set(one.streamers)
    assert (min(one.strike), max(one.strike)) == (5_705_000, 6_300_000)
    assert watch.days() == ["12-16", "12-17", "12-18", "12-21", "12-22"]
    assert len(wants) < 3 * 1200 + 14 * 5 + 8


def test_quotes_are_followed_only_around_the_forward(watch: Watch) -> None:
    watch.settle()

    quotes = watch.feed.symbols("gex:SPX", "Quote")
    today = [name for name in quotes if "261216" in name]
    assert len(quotes) == 5 * 6 * 2
    assert {name[-4:] for name in today} == {"5990", "5995", "6000", "6005", "6010", "6015"}


def test_near_expiries_and_strikes_come_first_so_that_far_ones_are_cut_first(
    watch: Watch,
) -> None:
    watch.settle()

    order = watch.feed.symbols("gex:SPX", "Greeks")
    assert all("261216" in name for name in order[:240])
    assert abs(int(order[0][-4:]) - 6001) <= 5
    assert abs(int(order[239][-4:]) - 6001) >= 290


def test_the_window_stays_while_spot_swings_and_follows_when_it_leaves(watch: Watch) -> None:
    watch.settle()
    first = watch.listing()
    calls = len(watch.feed.calls)

    for spot in (6003.0, 5990.0, 6040.0, 5960.0, 6001.0):
        watch.market.spots["SPX"] = spot
        watch.worker.step()
    stayed = watch.listing()
    asked = watch.feed.calls[calls:]
    watch.market.spots["SPX"] = 6090.0
    watch.worker.step()

    moved = watch.listing()
    # Only the few strikes with quotes follow small swings; nothing else came or went.
    assert stayed.streamers == first.streamers
    assert set(asked) == {"gex:SPX"}
    assert (min(moved.strike), max(moved.strike)) == (5_790_000, 6_385_000)


def test_following_spot_asks_for_the_difference_alone(watch: Watch) -> None:
    watch.settle()
    planner = Planner()
    planner.want("gex:SPX", watch.feed.wants["gex:SPX"][0], PRESET)
    before = planner.plan().entries

    watch.market.spots["SPX"] = 6060.0
    watch.worker.step()
    planner.want("gex:SPX", watch.feed.wants["gex:SPX"][0], PRESET)
    after = planner.plan().entries

    assert len(after.keys() - before.keys()) < 500
    assert len(after.keys() & before.keys()) > 3000


@given(st.lists(st.floats(5300, 6700), min_size=1, max_size=40), st.integers(5, 100))
def test_spot_is_never_further_from_the_middle_than_the_slack(
    path: list[float], each_side: int
) -> None:
    anchors = Anchors()
    listed = expiry_with(date(2026, 12, 16), 4000, 8000)

    for spot in path:
        window = anchors.around(listed, spot, each_side, slack_of(each_side))
        middle = (window.start + window.stop) // 2
        assert len(window) == 2 * each_side
        assert abs(middle - listed.nearest(spot)) <= slack_of(each_side)


def test_without_a_price_the_underlying_is_followed_first(watch: Watch) -> None:
    watch.market.spots["SPX"] = None
    watch.settle()
    kinds = {s.kind for s in watch.feed.wants["gex:SPX"][0] if s.symbol == "SPX"}
    nothing = len(watch.listing())

    watch.market.spots["SPX"] = 6001.0
    watch.worker.step()

    assert kinds == {"Quote", "Trade", "TradeETH", "Summary", "Profile"}
    assert nothing == 0
    assert len(watch.listing()) == 1200


# ---- the calendar, worked by hand -------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "days"),
    [
        ("2026-12-16T15:59:59", ["12-16", "12-17", "12-18", "12-21", "12-22"]),
        ("2026-12-16T16:00:00", ["12-17", "12-18", "12-21", "12-22", "12-23"]),
        ("2026-12-19T12:00:00", ["12-21", "12-22", "12-23", "12-24", "12-28"]),
        ("2026-12-25T12:00:00", ["12-28", "12-29", "12-30", "12-31", "01-04"]),
        ("2026-12-24T12:59:59", ["12-24", "12-28", "12-29", "12-30", "12-31"]),
        ("2026-12-24T13:00:00", ["12-28", "12-29", "12-30", "12-31", "01-04"]),
        ("2026-03-08T12:00:00", ["03-09", "03-10", "03-11", "03-12", "03-13"]),
        ("2026-11-01T12:00:00", ["11-02", "11-03", "11-04", "11-05", "11-06"]),
        ("2027-06-17T12:00:00", ["06-17", "06-21", "06-22", "06-23", "06-24"]),
    ],
    ids=[
        "last second of an expiry",
        "rolls at its close",
        "a start on Saturday",
        "a start on Christmas",
        "half day, before its close",
        "half day, after it",
        "day the clocks go forward",
        "day the clocks go back",
        "Juneteenth on the third Friday",
    ],
)
def test_the_window_begins_with_the_next_expiry_to_settle(now: str, days: list[str]) -> None:
    watch = Watch(at(now)).settle()

    assert watch.days() == days


def test_a_morning_expiry_leaves_the_window_at_half_past_nine() -> None:
    watch = Watch(at("2026-12-18T09:29:59"))
    friday = date(2026, 12, 18)
    both = (
        expiry_with(friday, 5000, 7000, "SPX"),
        *chain_of("SPX", friday, 6).expiries,
    )
    watch.broker.answers["SPX"] = ListedChain("SPX", both)
    watch.settle()
    before = [(e.day, e.root) for e in (watch.listing().expiries[p] for p in (0, 1))]

    watch.clock.advance(1.0)
    watch.worker.step()

    assert before == [(friday, "SPX"), (friday, "SPXW")]
    assert watch.listing().window == (1, 2, 3, 4, 5)
    assert not any(name.startswith(".SPX2") for name in watch.listing().streamers)


def test_the_expiry_that_settled_is_let_go_while_time_passes(watch: Watch) -> None:
    watch.settle()

    watch.clock.set_market(at("2026-12-16T16:00:00"))
    watch.worker.step()

    assert watch.days() == ["12-17", "12-18", "12-21", "12-22", "12-23"]
    assert not [name for name in watch.feed.symbols("gex:SPX", "Greeks") if "261216" in name]


def test_a_chain_is_asked_for_once_a_day_and_again_at_night_and_in_the_morning(
    watch: Watch,
) -> None:
    counts = []
    for moment in ("12-16T14:32", "12-16T23:59", "12-17T00:00", "12-17T07:59", "12-17T08:00"):
        watch.clock.set_market(at(f"2026-{moment}"))
        watch.settle()
        counts.append(len(watch.broker.asked))

    assert counts == [1, 1, 2, 2, 3]


# ---- views ------------------------------------------------------------------------------


def test_an_open_view_is_followed_before_the_presets_outside_the_window_too(
    watch: Watch,
) -> None:
    watch.views.watch("gex", "SPX", "2026-12-24")
    watch.settle()

    _, priority = watch.feed.wants["view:SPX:2026-12-24"]
    names = watch.feed.symbols("view:SPX:2026-12-24", "Greeks")
    one = watch.listing()
    assert priority == VIEW
    assert len(names) == 240
    assert all("261224" in name for name in names)
    assert watch.days() == ["12-16", "12-17", "12-18", "12-21", "12-22"]
    assert len(one.whole) == 6


def test_a_view_that_nobody_came_back_to_is_let_go(watch: Watch) -> None:
    watch.views.watch("gex", "SPX", "2026-12-24")
    watch.settle()
    watch.views.unwatch("gex", "SPX", "2026-12-24")
    watch.clock.advance(300.0)

    watch.worker.step()

    assert list(watch.feed.wants) == ["gex:SPX", "tape:SPX"]
    assert len(watch.listing()) == 1200


def test_a_view_of_a_symbol_that_is_no_preset_brings_its_chain(watch: Watch) -> None:
    watch.views.watch("gex", "SPY", "0dte")
    watch.settle()

    assert len(watch.feed.symbols("view:SPY:0dte", "Greeks")) == 240


def test_a_page_of_packages_is_not_an_expiry_view(watch: Watch) -> None:
    watch.views.watch("butterfly", "SPX", "center=6000")
    watch.settle()

    assert list(watch.feed.wants) == ["gex:SPX", "tape:SPX"]


def test_contracts_of_a_package_are_followed_with_quotes_and_are_no_part_of_gex(
    watch: Watch,
) -> None:
    watch.worker.want_quotes("planner", "SPX", [".SPXW261228C5100"])
    watch.settle()
    wants, priority = watch.feed.wants["package:SPX:planner"]
    one = watch.listing()
    place = one.streamers.index(".SPXW261228C5100")

    watch.worker.want_quotes("planner", "SPX", [])
    watch.worker.step()

    own = {s.kind for s in wants if s.symbol == ".SPXW261228C5100"}
    assert own == {"Greeks", "Summary", "Trade", "Quote"}
    assert priority == VIEW
    assert one.core[place] is False
    assert ".SPXW261228C5100" not in watch.listing().streamers


# ---- max pain of the table --------------------------------------------------------------


def test_the_table_gets_the_open_interest_of_all_strikes_of_the_nearest_expiry(
    watch: Watch,
) -> None:
    watch.worker.set_table(["SPY", "/ES", "DXY"])
    watch.settle()

    wants, priority = watch.feed.wants["pain:SPY"]
    assert priority == NEAREST
    assert {s.kind for s in wants} == {"Summary"}
    assert len(wants) == 2 * 401
    assert all("261216" in s.symbol for s in wants)
    assert watch.broker.asked == ["SPX", "SPY"]
    assert not any(watch.listing("SPY").core)


def test_six_presets_and_a_table_fit_into_the_session(watch: Watch) -> None:
    six = ("SPX", "NDX", "SPY", "QQQ", "IWM", "DIA")
    table = ("SPY", "XLF", "XLP", "QQQ", "BITO", "XLU", "IYR", "TIP", "GLD", "TLT", "UUP")
    for name in {*six, *table}:
        today = date(2026, 12, 16)
        shape = chain_of(name, today, root=name[:4]).expiries
        if name not in six:
            shape = tuple(expiry_with(e.expiry.day, 6000, 6250, name) for e in shape)
        watch.broker.answers[name] = ListedChain(name, shape)
        watch.market.spots[name] = 6001.0
    watch.worker.set_gex(Gex(symbols=six))
    watch.worker.set_table(table)
    watch.settle()

    planner = Planner()
    planner.want("table", [Subscription("Quote", f"T{n}") for n in range(80)], 1)
    for owner, (wants, priority) in watch.feed.wants.items():
        planner.want(owner, wants, priority)
    plan = planner.plan()

    assert plan.shortfalls == ()
    assert 21_600 < len(plan.entries) < 25_000


def test_prints_are_followed_near_the_money_of_todays_and_the_next_expiry(watch: Watch) -> None:
    watch.settle()

    wants, priority = watch.feed.wants["tape:SPX"]
    names = [each.symbol for each in wants]
    assert {each.kind for each in wants} == {"TimeAndSale"}
    assert {name[5:11] for name in names} == {"261216", "261217"}
    assert len(names) == len(set(names)) == 2 * 2 * 31
    assert priority == PRINTS
    assert set(names) <= set(watch.listing().streamers)


def test_an_open_view_alone_follows_no_prints(watch: Watch) -> None:
    watch.worker.set_gex(Gex(symbols=()))
    watch.views.watch("gex", "SPX", "0dte")
    watch.settle()

    assert list(watch.feed.wants) == ["view:SPX:0dte"]


def test_where_places_are_short_the_listing_says_so_with_figures(watch: Watch) -> None:
    watch.settle()
    watch.feed.shortfalls = (
        Shortfall("gex:SPX", 3670, 2400, "entries of the session"),
        Shortfall("view:SPX:2026-12-24", 700, 0, "entries of the session"),
        Shortfall("gex:SPXL", 5, 1, "another one's"),
    )

    watch.worker.step()

    assert watch.listing().short == {
        "all": (3670, 2400, "entries of the session"),
        "2026-12-24": (700, 0, "entries of the session"),
    }
    assert "SPX all: 2,400 of 3,670 lines" in watch.worker.status.detail


# ---- what goes wrong --------------------------------------------------------------------


def test_one_chain_that_fails_does_not_stop_the_others_and_is_asked_again(watch: Watch) -> None:
    watch.worker.set_gex(Gex(symbols=("SPX", "SPY")))
    watch.broker.answers["SPX"] = SourceError("tastytrade: HTTP 502")
    watch.settle()
    failed, other = watch.listing("SPX"), watch.listing("SPY")

    del watch.broker.answers["SPX"]
    watch.clock.advance(15.0)
    watch.settle()

    assert (failed.gone, failed.detail) == ("not_answered", "tastytrade: HTTP 502")
    assert "not answered (tastytrade: HTTP 502)" in str(reason_of(failed))
    assert len(other) == 1200
    assert watch.listing("SPX").gone is None
    assert watch.broker.asked.count("SPX") == 2


def test_yesterdays_chain_stays_while_todays_is_not_answered(watch: Watch) -> None:
    watch.settle()
    watch.broker.answers["SPX"] = SourceError("down")

    watch.clock.set_market(at("2026-12-17T00:00:01"))
    watch.settle()

    assert watch.listing().gone is None
    assert watch.days() == ["12-17", "12-18", "12-21", "12-22", "12-23"]


def test_a_refusal_stops_the_worker_until_somebody_acts(watch: Watch) -> None:
    watch.broker.answers["SPX"] = SourceRefused("the grant was revoked")

    with pytest.raises(SourceRefused):
        watch.worker.step()


def test_no_listed_options_is_a_reason_and_not_asked_again_that_day(watch: Watch) -> None:
    watch.worker.set_table(["XLF"])
    watch.broker.answers["XLF"] = ListedChain("XLF", ())
    watch.settle()
    watch.clock.advance(3600)
    watch.settle()

    assert watch.listing("XLF").gone == "no_options"
    assert reason_of(watch.listing("XLF")) == "No listed options"
    assert watch.broker.asked.count("XLF") == 1


def test_gex_of_vix_is_refused_but_its_max_pain_is_not(watch: Watch) -> None:
    watch.worker.set_gex(Gex(symbols=("VIX",)))
    watch.worker.set_table(["VIX"])
    wednesday = date(2026, 12, 16) + timedelta(days=7)
    watch.broker.answers["VIX"] = ListedChain("VIX", (expiry_with(wednesday, 10, 60, "VIX"),))
    watch.settle()

    assert watch.listing("VIX").gone == "vix_needs_future"
    assert list(watch.feed.wants) == ["pain:VIX"]


def test_options_on_a_future_are_not_followed_and_it_is_said(watch: Watch) -> None:
    watch.worker.set_gex(Gex(symbols=("/ES",)))
    watch.settle()

    assert watch.listing("/ES").gone == "future_options"
    assert watch.broker.asked == []


def test_a_symbol_taken_off_the_list_is_let_go(watch: Watch) -> None:
    watch.settle()

    watch.worker.set_gex(Gex(symbols=("SPY",)))
    watch.settle()

    assert watch.listings["SPX"] is None
    assert list(watch.feed.wants) == ["gex:SPY", "tape:SPY"]


def test_a_listing_is_told_before_its_options_are_wanted(watch: Watch) -> None:
    order: list[str] = []
    told, want = watch.take, watch.feed.want

    def take(batch: Batch) -> None:
        order.append(f"listing {len(batch.columns[0][0] or ())}")
        told(batch)

    def wanted(owner: str, subscriptions: Iterable[Subscription], priority: int) -> None:
        given = list(subscriptions)
        order.append(f"want {sum(s.symbol[0] == '.' for s in given)}")
        want(owner, given, priority)

    watch.worker._sink = take
    watch.feed.want = wanted  # type: ignore[method-assign]
    watch.settle()

    assert order == ["listing 1200", "want 3660", "want 124"]


def test_each_underlying_with_a_future_has_its_quote_followed(watch: Watch) -> None:
    watch.settle()

    future: Any = watch.listing().future
    assert (future.contract, future.streamer) == ("/ESZ6", "/ESZ26:XCME")
    assert Subscription("Quote", "/ESZ26:XCME") in watch.feed.wants["gex:SPX"][0]
