"""gex_live: due views, live or not and why, max pain and table fields, from what the feed said."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from grok_sauce.analytics import contract_rows
from grok_sauce.analytics.black_scholes import black_scholes
from grok_sauce.analytics.gex_blank import blank
from grok_sauce.analytics.gex_live import GexWishes, RateWishes, compute, freeze, max_pain
from grok_sauce.analytics.gex_status import stale_after
from grok_sauce.analytics.indicator import rows
from grok_sauce.analytics.view import View
from grok_sauce.market import sessions
from grok_sauce.market.batches import FIELDS, Batch
from grok_sauce.market.chain import OptionChain
from grok_sauce.market.expiries import Expiry
from grok_sauce.market.instruments import Instrument, provisional
from grok_sauce.market.listing import Listing
from grok_sauce.market.state import MarketState

NEW_YORK = ZoneInfo("America/New_York")
STRIKES = [5900, 5950, 6000, 6050, 6100]
# The toy chain of the definitions: volatility, call and put open interest, call and put volume.
TOY = {
    5900: (0.170, 1200, 8000, 300, 5000),
    5950: (0.158, 2500, 7000, 1500, 6000),
    6000: (0.147, 6000, 5500, 9000, 8500),
    6050: (0.138, 9000, 2600, 8000, 1200),
    6100: (0.132, 7000, 900, 4000, 200),
}
RATES = RateWishes(0.045, "setting", None, {"SPX": 0.012})


# A listing of which nothing can be followed.
NONE: dict[str, Any] = dict.fromkeys(
    ("expiries", "listed", "window", "streamers", "expiry", "strike")
    + ("is_call", "multiplier", "core"),
    (),
)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp()


NOW = at("2026-12-16T14:32:07")
FUTURE = replace(
    provisional("/ES"), streamer="/ESZ26:XCME", contract="/ESZ6", tick=0.25, name="E-mini"
)


class Live:
    """A state, its listing of SPX with the toy chain in it, and the analytics over it."""

    def __init__(
        self, now: float = NOW, days: tuple[str, ...] = ("2026-12-21",), **changes: Any
    ) -> None:
        self.now = now
        self.real = 1000.0
        self.state = MarketState()
        self.cache: dict[Any, Any] = {}
        self.told: dict[str, Any] = {}
        self.pains: dict[str, Any] = {}
        self.links: frozenset[str] = frozenset()
        self.changed: set[str] = set()
        self.wishes = GexWishes(("SPX",), (), RATES)
        self.source = "DEMO"
        expiries = tuple(Expiry(date.fromisoformat(day), "SPXW", "PM") for day in days)
        lines = [
            (place, strike, is_call)
            for place in range(len(expiries))
            for strike in STRIKES
            for is_call in (True, False)
        ]
        names = [
            f".SPXW{expiries[place].day:%y%m%d}{'C' if call else 'P'}{strike}"
            for place, strike, call in lines
        ]
        terms: dict[str, Any] = {
            "symbol": "SPX",
            "underlying": provisional("SPX"),
            "expiries": expiries,
            "listed": tuple(300 for _ in expiries),
            "window": tuple(range(len(expiries))),
            "whole": frozenset(range(len(expiries))),
            "streamers": tuple(names),
            "expiry": tuple(place for place, _, _ in lines),
            "strike": tuple(strike * 1000 for _, strike, _ in lines),
            "is_call": tuple(call for _, _, call in lines),
            "multiplier": (100.0,) * len(lines),
            "core": (True,) * len(lines),
        }
        self.listing = Listing(**{**terms, **changes})
        self.put("Chain", {"SPX": (self.listing,)})

    def put(self, kind: str, events: dict[str, tuple[Any, ...]], at: float | None = None) -> None:
        columns = tuple(zip(*events.values(), strict=True))
        self.state.apply(Batch(kind, list(events), columns, self.now if at is None else at))
        self.changed |= set(events)

    def put_spot(self, price: float, day: date | None = None) -> None:
        day = day or sessions.new_york_date(self.now)
        self.put("Trade", {"SPX": (price, "NaN", int(self.now * 1000), sessions.day_id(day))})

    def put_chain(self, greeks_at: float | None = None, only: int | None = None) -> None:
        """Greeks, open interest and volume of the toy chain."""
        moment = self.now if greeks_at is None else greeks_at
        today = sessions.day_id(sessions.new_york_date(moment))
        greeks, summaries, trades = {}, {}, {}
        one = self.listing
        for name, strike, call in zip(one.streamers, one.strike, one.is_call, strict=True):
            iv, call_oi, put_oi, call_volume, put_volume = TOY[strike // 1000]
            greeks[name] = (1.0, iv, 0.5, 0.003, -1.0, 2.0, int(moment * 1000))
            values: dict[str, Any] = {"dayId": today, "openInterest": call_oi if call else put_oi}
            summaries[name] = tuple(values.get(field) for field in FIELDS["Summary"])
            volume = call_volume if call else put_volume
            trades[name] = (1.0, float(volume), int(moment * 1000), today)
            if only is not None and len(greeks) == only:
                break
        self.put("Greeks", greeks)
        self.put("Summary", summaries)
        self.put("Trade", trades)

    def link(self, up: bool) -> None:
        self.links = frozenset({"dxLink"})
        self.put("Link", {"dxLink": (up,)})

    def passes(self, seconds: float) -> None:
        self.now += seconds
        self.real += seconds

    def view(self, **changes: Any) -> View:
        changed, self.changed = frozenset(self.changed), set()
        terms: dict[str, Any] = {
            "state": self.state,
            "now": self.now,
            "groups": {"positive": ("SPX",)},
            "symbols": ("SPX",),
            "changed": changed,
            "source": self.source,
            "links": self.links,
            "settings": {"gex": self.wishes},
            "cache": self.cache,
            "real": self.real,
            "results": {"gex.levels": self.told, "max_pain.levels": self.pains},
        }
        return View(**{**terms, **changes})

    def beat(self) -> list[str]:
        """One beat; the keys that were worked out."""
        work = freeze(self.view())
        if work is None:
            return []
        self.told = dict(compute(work))
        return [item.key for item in work.items]

    def payload(self, key: str = "SPX:all") -> dict[str, Any]:
        found: dict[str, Any] = self.told[key]
        return found


@pytest.fixture
def live() -> Live:
    """Spot 6000 and the whole toy chain, worked out once."""
    made = Live()
    made.put_spot(6000.0)
    made.put_chain()
    made.beat()
    return made


# ---- numbers ----------------------------------------------------------------------------


def test_a_report_is_that_of_the_followed_options(live: Live) -> None:
    found = live.payload()

    gamma = black_scholes(
        6000.0,
        np.array([float(strike) for strike in STRIKES]),
        sessions.years_to(at("2026-12-21T16:00"), NOW),
        np.array([TOY[strike][0] for strike in STRIKES]),
        np.full(5, True),
        0.045,
        0.012,
    ).gamma
    oi = np.array([[TOY[strike][1], TOY[strike][2]] for strike in STRIKES])
    calls, puts = ((gamma * side).sum() * 100 * 6000**2 * 0.01 for side in oi.T)
    assert found["status"] == {"state": "live", "text": "", "loaded": 10, "of": 10}
    assert found["totals"]["call"] == pytest.approx(calls, rel=1e-9)
    assert found["totals"]["net"] == pytest.approx(calls - puts, rel=1e-9)
    assert found["coverage"] == 1.0
    assert (found["call_wall"], found["put_wall"]) == (6050.0, 5950.0)
    assert found["max_pain"][0]["strike"] == 6000.0
    assert (found["rate"], found["dividend_yield"]) == (0.045, 0.012)
    assert found["oi_date"] == "2026-12-15"
    assert found["source"] == "DEMO"
    json.dumps(found, allow_nan=False)


def test_a_new_spot_moves_gamma_though_no_greeks_came(live: Live) -> None:
    before = live.payload()
    live.passes(2.0)
    live.put_spot(6060.0)

    live.beat()

    after = live.payload()
    assert after["spot"] == 6060.0
    assert after["call_wall"] == 6100.0
    assert after["totals"]["net"] != before["totals"]["net"]


def test_zero_gamma_agrees_with_the_sign_of_net_gamma(live: Live) -> None:
    found = live.payload()

    flip = found["zero_gamma"]["all"]["flip"]
    assert (found["totals"]["net"] > 0) is (found["spot"] > flip)


def test_change_is_from_the_close_before_the_day_shown(live: Live) -> None:
    today = sessions.day_id(date(2026, 12, 16))
    values = {"dayId": today, "prevDayClosePrice": 5940.0, "dayClosePrice": "NaN"}
    live.put("Summary", {"SPX": tuple(values.get(name) for name in FIELDS["Summary"])})
    live.passes(2.0)

    live.beat()

    assert live.payload()["change"]["value"] == pytest.approx(60.0)
    assert live.payload()["change"]["percent"] == pytest.approx(100 * 60 / 5940)


def test_what_was_told_is_all_json_and_has_the_names_of_the_empty_one(live: Live) -> None:
    empty = blank("SPX", "all", "DEMO", NOW, "loading", "")

    def names(payload: Any) -> Any:
        if not isinstance(payload, dict):
            return None
        return {key: names(value) for key, value in payload.items()}

    full = live.payload()
    assert set(empty) == set(full)
    for part in ("totals", "put_call", "zero_gamma", "scope", "ages", "columns", "tops", "change"):
        assert names(full[part]) == names(empty[part]), part
    for part in ("expected_move", "skew", "resistance", "support", "excluded", "status"):
        assert names(full[part]) == names(empty[part]), part


# ---- when -------------------------------------------------------------------------------


def test_a_preset_that_nobody_looks_at_is_worked_out_every_two_seconds(live: Live) -> None:
    ran = []
    for _ in range(41):
        live.passes(0.1)
        live.put_spot(6000.0 + live.real % 7)
        ran.append(live.beat())

    assert sum(map(len, ran)) == 2


def test_a_watched_view_is_worked_out_with_each_news_and_once_a_second_without(
    live: Live,
) -> None:
    live.wishes = replace(live.wishes, views=(("SPX", "all", True),))
    busy = []
    for _ in range(10):
        live.passes(0.1)
        live.put_spot(6000.0 + live.real % 7)
        busy.append(live.beat())
    quiet = []
    for _ in range(20):
        live.passes(0.1)
        quiet.append(live.beat())

    assert sum(map(len, busy)) == 10
    assert sum(map(len, quiet)) == 2


def test_many_watched_views_take_turns(live: Live) -> None:
    days = [f"2027-01-{day:02d}" for day in range(1, 17)]
    live.wishes = GexWishes((), tuple(("SPX", day, True) for day in days), RATES)
    live.beat()
    ran = 0
    for _ in range(20):
        live.passes(0.1)
        live.put_spot(6000.0 + live.real % 7)
        ran += len(live.beat())

    assert ran == 2 * 16


def test_news_that_came_too_early_for_a_report_are_in_the_next(live: Live) -> None:
    live.wishes = GexWishes((), tuple(("SPX", view, True) for view in ("all", "7d", "30d")), RATES)
    live.beat()
    live.passes(0.1)
    live.put_spot(6002.0)
    early = live.beat()

    live.passes(0.1)
    late = live.beat()

    assert early == []
    assert late == ["SPX:all", "SPX:7d", "SPX:30d"]
    assert live.payload()["spot"] == 6002.0


def test_a_view_that_is_dropped_is_gone_from_what_is_told(live: Live) -> None:
    live.wishes = GexWishes(("SPX",), (("SPX", "0dte", False),), RATES)
    live.beat()
    both = set(live.told)

    live.wishes = GexWishes(("SPX",), (), RATES)
    live.beat()

    assert both == {"SPX:all", "SPX:0dte"}
    assert set(live.told) == {"SPX:all"}


def test_nothing_due_gives_no_work_and_what_was_told_stays(live: Live) -> None:
    live.passes(0.1)

    assert freeze(live.view()) is None


# ---- live or not ------------------------------------------------------------------------


def test_until_half_of_the_options_came_the_view_is_loading() -> None:
    live = Live()
    live.put_spot(6000.0)
    live.put_chain(only=4)
    live.beat()
    loading = live.payload()["status"]
    live.put_chain()
    live.passes(2.0)
    live.beat()

    assert loading["state"] == "loading"
    assert (loading["loaded"], loading["of"]) == (4, 10)
    assert live.payload()["status"]["state"] == "live"


def test_a_cut_feed_is_stale_at_once_and_recovers_by_itself(live: Live) -> None:
    live.link(True)
    live.passes(2.0)
    live.beat()
    up = live.payload()["status"]["state"]

    live.passes(0.1)
    live.link(False)
    live.beat()
    cut = live.payload()["status"]
    live.passes(0.1)
    live.link(True)
    live.beat()

    assert up == "live"
    assert cut["state"] == "stale"
    assert "down since 14:32:09 New York" in cut["text"]
    assert live.payload()["status"]["state"] == "live"


def test_greeks_older_than_fifteen_minutes_are_left_out_and_counted() -> None:
    live = Live()
    live.put_spot(6000.0)
    live.put_chain(greeks_at=NOW - 899)
    live.beat()
    young = live.payload()
    live.passes(2.0)
    live.beat()

    old = live.payload()
    assert (young["used"], young["coverage"]) == (10, 1.0)
    assert (old["used"], old["excluded"]["stale"], old["coverage"]) == (0, 10, 0.0)
    assert old["totals"]["net"] is None
    assert old["status"]["state"] == "stale"


@pytest.mark.parametrize(
    ("now", "limit"),
    [
        ("2026-12-16T14:32:07", 900),
        ("2026-12-16T16:15:00", 900),
        ("2026-12-16T16:20:00", 900 + 300),
        ("2026-12-19T12:15:00", 900 + 20 * 3600),
        ("2026-12-24T13:20:00", 900 + 300),
        ("2026-12-25T13:15:00", 900 + 86_400),
        ("2026-12-16T09:44:00", 17 * 3600 + 15 * 60 + 900),
        ("2026-12-16T09:45:00", 900),
        ("2026-03-09T09:30:00", 64 * 3600 + 15 * 60 + 900),
        ("2026-11-02T09:30:00", 66 * 3600 + 15 * 60 + 900),
    ],
    ids=[
        "in session", "at the last print", "just after", "Saturday", "half day", "Christmas",
        "fourteen minutes of trading", "fifteen minutes", "clocks went forward",
        "clocks went back",
    ],
)  # fmt: skip
def test_greeks_age_only_while_options_trade(now: str, limit: float) -> None:
    assert stale_after("index", at(now)) == pytest.approx(limit)


def test_on_a_weekend_the_levels_of_friday_stand_with_their_time() -> None:
    friday = at("2026-12-18T16:14")
    live = Live(at("2026-12-19T12:00"))
    live.put("Trade", {"SPX": (6000.0, "NaN", int(friday * 1000), 20805)})
    live.put_chain(greeks_at=friday)
    live.beat()

    found = live.payload()
    assert found["status"]["state"] == "closed"
    assert found["status"]["text"] == "Closed: as of Friday 2026-12-18 16:15 New York."
    assert (found["spot_basis"], found["spot_label"]) == ("close", "cash closed")
    assert found["used"] == 10
    assert found["nearest"]["dte"] == 2


def test_friday_afternoon_has_no_0dte_and_says_what_comes_next() -> None:
    live = Live(at("2026-12-18T16:00:01"), days=("2026-12-18", "2026-12-21"))
    live.wishes = GexWishes((), (("SPX", "0dte", True),), RATES)
    live.put_spot(6000.0)
    live.put_chain()
    live.beat()

    status = live.payload("SPX:0dte")["status"]
    assert status["state"] == "no_chain"
    assert status["text"] == "No expiry in this view; the next one is 2026-12-21 (3 days)."


def test_a_settled_expiry_is_in_no_number() -> None:
    live = Live(at("2026-12-16T15:59:59"), days=("2026-12-16", "2026-12-17"))
    live.put_spot(6000.0)
    live.put_chain()
    live.beat()
    before = live.payload()
    live.passes(2.0)
    live.beat()

    after = live.payload()
    assert (before["contracts"], after["contracts"]) == (20, 10)
    assert [row["expiry"] for row in after["max_pain"]] == ["2026-12-17"]
    assert after["nearest"]["expiry"] == "2026-12-17"


@pytest.mark.parametrize(
    ("gone", "state", "words"),
    [
        ("vix_needs_future", "refused", "not on spot VIX"),
        ("no_options", "no_chain", "No listed options"),
        ("not_answered", "no_chain", "was not answered of SPX: HTTP 502"),
    ],
)
def test_what_cannot_be_shown_says_why(gone: Any, state: str, words: str) -> None:
    live = Live(**NONE, gone=gone, detail="HTTP 502")
    live.beat()

    status = live.payload()["status"]
    assert status["state"] == state
    assert words in status["text"]
    assert live.payload()["totals"]["net"] is None


def test_a_symbol_whose_chain_was_not_asked_for_yet_is_loading() -> None:
    live = Live()
    live.wishes = GexWishes(("QQQ",), (), RATES)
    live.beat()

    assert live.payload("QQQ:all")["status"]["state"] == "loading"


def test_a_shortfall_of_the_feed_is_part_of_what_is_said() -> None:
    live = Live(short={"all": (3670, 2400, "entries of the session")})
    live.put_spot(6000.0)
    live.put_chain()
    live.beat()

    assert "2,400 of 3,670 lines fit" in live.payload()["status"]["text"]


def test_max_pain_asks_for_the_strikes_outside_the_window_as_well() -> None:
    inside = tuple(strike <= 5950 for strike in STRIKES for _ in ("call", "put"))
    live = Live(core=inside)
    live.put_spot(6000.0)
    live.put_chain()
    live.beat()

    found = live.payload()

    # Worked by hand: the window's two strikes alone would say 5950.
    assert found["max_pain"][0]["strike"] == 6000.0
    assert next(row["value"] for row in found["levels"] if row["key"] == "max_pain") == 6000.0
    assert (found["contracts"], found["scope"]["strike_high"]) == (4, 5950.0)
    used = live.cache["used"]["SPX:all"]
    table = contract_rows.contract_rows(used)
    rows = [dict(zip(table["header"], row, strict=True)) for row in table["rows"]]
    assert [row["excluded"] for row in rows] == [None] * 4 + ["outside_window"] * 6
    assert [row["used"] for row in rows] == [True] * 4 + [False] * 6


def test_a_view_whose_expiries_are_not_all_followed_yet_is_loading() -> None:
    days = ("2026-12-16", "2026-12-18", "2026-12-21")
    live = Live(days=days, window=(0, 1), whole=frozenset({0, 1}))
    live.wishes = GexWishes(("SPX",), (("SPX", "7d", True), ("SPX", "0dte", True)), RATES)
    live.put_spot(6000.0)
    live.put_chain()
    live.beat()

    status = live.payload("SPX:7d")["status"]
    assert (status["state"], status["text"]) == ("loading", "2 of 3 expiries are followed.")
    assert [live.payload(f"SPX:{view}")["status"]["state"] for view in ("all", "0dte")] == [
        "live",
        "live",
    ]


def test_all_listed_expiries_are_offered_with_what_is_followed() -> None:
    live = Live(
        days=("2026-12-16", "2026-12-18", "2027-01-15"), window=(0, 1), whole=frozenset({0, 1})
    )
    live.put_spot(6000.0)
    live.put_chain()
    live.beat()

    offered = live.payload()["expiries"]
    assert [(row["expiry"], row["in_view"], row["subscribed"]) for row in offered] == [
        ("2026-12-16", True, True),
        ("2026-12-18", True, True),
        ("2027-01-15", False, False),
    ]
    assert [row["witching"] for row in offered] == [False, True, False]


# ---- the future -------------------------------------------------------------------------


def test_levels_are_carried_to_the_future_and_at_night_it_tells_of_spot() -> None:
    live = Live(future=FUTURE)
    live.put("Quote", {"/ESZ26:XCME": (6029.75, 6030.25)})
    live.put_spot(6000.0)
    live.put_chain()
    live.beat()
    day = live.payload()

    live.passes(at("2026-12-16T18:30") - live.now)
    live.put("Quote", {"/ESZ26:XCME": (6039.75, 6040.25)})
    live.beat()

    night = live.payload()
    assert (day["conversion"]["contract"], day["conversion"]["kind"]) == ("/ESZ6", "basis")
    assert day["conversion"]["value"] == pytest.approx(30.0)
    assert day["spot_alternative"] is None
    walls = {row["key"]: row["future"] for row in day["levels"]}
    assert walls["call_wall"] == pytest.approx(6080.0)
    assert night["conversion"]["frozen"]
    assert night["spot_basis"] == "close"
    assert night["spot"] == 6000.0
    assert night["spot_alternative"] == {
        "value": pytest.approx(6010.0),
        "basis": "futures_implied:/ESZ6",
        "age": 0.0,
    }


def test_a_future_that_never_quotes_is_said_to_need_an_entitlement() -> None:
    live = Live(future=FUTURE)
    live.put_spot(6000.0)
    live.put_chain()
    live.beat()
    early = live.payload()["conversion"]
    live.passes(31.0)
    live.beat()

    late = live.payload()["conversion"]
    assert early["note"] == "No price of /ESZ6 yet"
    assert late["note"] == "No entitlement: no prices of /ESZ6 arrive"
    assert late["value"] is None


# ---- Cboe -------------------------------------------------------------------------------


def cboe_chain(live: Live, factor: int = 1) -> OptionChain:
    """The followed options, with factor times their open interest, as a file of Cboe's."""
    from grok_sauce.market.chain_book import ChainBook, Spot

    book = ChainBook(live.listing)
    book.update(live.state, set())
    chain = book.whole(Spot(5990.0, "delayed", NOW - 930), NOW - 930, "CBOE")
    return replace(chain, oi=chain.oi * factor)


def test_cboe_tells_which_share_of_all_open_interest_is_followed(live: Live) -> None:
    live.put("CboeChain", {"SPX": (cboe_chain(live, 4),)})

    live.beat()

    assert live.payload()["scope"]["oi_share"] == pytest.approx(0.25)


def test_cboes_chain_stands_in_where_the_broker_has_none(live: Live) -> None:
    chain = cboe_chain(live)
    bare = Live(**NONE, gone="not_answered")
    bare.put("CboeChain", {"SPX": (chain,)})
    bare.beat()

    found = bare.payload()
    assert found["source"] == "CBOE"
    assert found["spot"] == 5990.0
    assert found["totals"]["net"] is not None
    assert "Cboe's delayed chain of 2026-12-16 14:16 New York" in found["status"]["text"]


# ---- max pain and the table -------------------------------------------------------------


def test_max_pain_of_the_nearest_expiry_needs_no_greeks() -> None:
    live = Live(days=("2026-12-17", "2026-12-21"), core=(False,) * 20)
    live.put_chain()
    for name in live.listing.streamers:
        live.state.last["Greeks"].discard(name)

    found = max_pain(live.view())

    row = found["SPX"]
    assert (row["expiry"], row["strike"], row["tied"]) == ("2026-12-17", 6000.0, [6000.0, 6000.0])
    assert (row["dte"], row["witching"], row["known"], row["of"]) == (1, False, 10, 10)


def test_a_row_shows_its_options_with_distances_and_reasons(live: Live) -> None:
    live.pains = dict(max_pain(live.view(cache={})))

    row = rows(live.view())[0]

    assert (row["max_pain"], row["dte"], row["witching"]) == (6000.0, 5, False)
    assert row["expiry"] == "2026-12-21"
    assert row["call_wall"] == 6050.0
    assert row["call_wall_distance"] == pytest.approx(100 * 50 / 6000)
    assert row["net_gex"] == live.payload()["totals"]["net"]
    assert "net_gex" not in row["reasons"]


def test_a_row_without_gex_says_why(live: Live) -> None:
    live.told = {}

    row = rows(live.view())[0]

    assert row["net_gex"] is None
    assert row["reasons"]["net_gex"] == "Not among the GEX symbols"
    assert row["reasons"]["max_pain"] == "No open interest received yet"


def test_a_row_shows_no_old_level_as_live(live: Live) -> None:
    live.link(False)
    live.passes(0.1)
    live.beat()

    row = rows(live.view())[0]

    assert row["net_gex"] is None
    assert "down since" in row["reasons"]["net_gex"]


def test_the_witching_day_of_june_2027_is_the_thursday_before_juneteenth() -> None:
    live = Live(at("2027-06-16T12:00"), days=("2027-06-17", "2027-06-21"))

    row = rows(live.view())[0]

    assert (row["expiry"], row["witching"], row["dte"]) == ("2027-06-17", True, 1)


def test_a_share_without_options_says_so() -> None:
    live = Live()
    xlf = Instrument("XLF", "XLF", "etf", has_options=False)
    live.put("Instrument", {"XLF": (xlf,)})

    row = rows(live.view(groups={"neutral": ("XLF",)}, symbols=("XLF",)))[0]

    assert row["dte"] is None
    assert row["reasons"]["dte"] == "No listed options"
    assert row["reasons"]["net_gex"] == "No listed options"


def test_nothing_loads_numpy_before_the_first_chain() -> None:
    program = (
        "import sys\n"
        "from grok_sauce import market_half\n"
        "from grok_sauce.analytics import ANALYTICS\n"
        "from grok_sauce.market.state import MarketState\n"
        "from grok_sauce.analytics.view import View\n"
        "from grok_sauce.analytics.gex_live import GexWishes\n"
        "view = View(MarketState(), 1797449527.0, {}, (),"
        " settings={'gex': GexWishes(('SPX',))})\n"
        "for each in ANALYTICS:\n"
        "    frozen = each.freeze(view) if each.heavy else view\n"
        "    if frozen is not None:\n"
        "        each.compute(frozen)\n"
        "assert 'numpy' not in sys.modules\n"
    )

    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert found.returncode == 0, found.stderr
