"""Symbols: what users type, the two option spellings, futures months, candle spellings."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.errors import BadPayload, SettingsError
from grok_sauce.market.instruments import (
    AM_ROOTS,
    KNOWN,
    MONTHS,
    PRODUCTS,
    ROOTS,
    CandleSymbol,
    FutureContract,
    Kind,
    OptionTerms,
    candle_symbol,
    canonical_period,
    decimals_of,
    normalise,
    parse_occ,
    parse_streamer,
    provisional,
    roots_of,
    underlying_of,
)

# Pairs as the broker lists them (tastytrade instruments, OCC symbology).
PAIRS = [
    (".SPY261218C680", "SPY   261218C00680000"),
    (".F250620C2.02", "F     250620C00002020"),
    (".IRBT260116C22.5", "IRBT  260116C00022500"),
    (".RUTW250731C1200", "RUTW  250731C01200000"),
    (".SPXW261218P6000", "SPXW  261218P06000000"),
    (".BRKB260320P690", "BRKB  260320P00690000"),
    (".SPY1261218C0.005", "SPY1  261218C00000005"),
]

roots = st.from_regex(r"[A-Z]{1,5}[0-9]?", fullmatch=True)
terms = st.builds(
    OptionTerms,
    roots,
    st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    st.sampled_from(["C", "P"]),
    st.integers(1, 10**8 - 1).map(lambda thousandths: Decimal(thousandths) / 1000),
)


# ---- what a user types ----


@pytest.mark.parametrize(
    ("typed", "symbol"),
    [
        ("  spy ", "SPY"),
        ("/es", "/ES"),
        ("BRK/B", "BRK/B"),
        ("BRK.B", "BRK/B"),
        ("brk-b", "BRK/B"),
        ("$VIX", "VIX"),
        ("^ndx", "NDX"),
        ("vix3m", "VIX3M"),
        ("/6e", "/6E"),
        ("/M2K", "/M2K"),
        ("DXY", "DXY"),
    ],
)
def test_a_typed_symbol_gets_its_one_spelling(typed: str, symbol: str) -> None:
    assert normalise(typed) == symbol


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("S PY", "not a symbol"),
        ("SPY;DROP", "not a symbol"),
        ("<b>", "not a symbol"),
        ("ES=F", "not a symbol"),
        ("123", "not a symbol"),
        ("$", "not a symbol"),
        ("ABCDEFGHIJKL", "not a symbol"),
        ("A" * 500, "too long"),
        ("SPÝ", "characters that no symbol has"),
        (".SPY261218C680", "option"),
        ("/VXH25", "enter /VX"),
        ("/ESZ26:XCME", "enter /ES"),
        ("/", "not a future"),
        ("/E S", "not a future"),
        ("/TOOLONG", "not a future"),
        ("/123", "not a future"),
    ],
)
def test_garbage_is_refused_with_its_reason_and_field(typed: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as refused:
        normalise(typed, "indicators.positive[3]")

    assert refused.value.field == "indicators.positive[3]"
    assert len(str(refused.value)) < 200


def test_a_symbol_that_is_not_text_is_refused() -> None:
    with pytest.raises(SettingsError, match="not int"):
        normalise(5)  # type: ignore[arg-type]


@given(st.text(max_size=20))
def test_a_normalised_symbol_is_normal_already(typed: str) -> None:
    try:
        symbol = normalise(typed)
    except SettingsError:
        return

    assert normalise(symbol) == symbol
    assert symbol.isascii()
    assert symbol == symbol.upper().strip()


def test_every_known_symbol_and_future_is_spelled_normally() -> None:
    symbols = [*KNOWN, *(f"/{product}" for product in PRODUCTS)]

    assert [normalise(symbol) for symbol in symbols] == symbols


# ---- what is known without asking ----


def test_default_symbols_have_a_kind_before_any_source_is_asked() -> None:
    groups = ["SPY XLF XLP QQQ BITO", "XLU IYR TIP GLD TLT", "DXY VIX UUP"]
    defaults = [symbol for group in groups for symbol in group.split()]

    kinds = {symbol: provisional(symbol).kind for symbol in defaults}

    assert {symbol for symbol, kind in kinds.items() if kind == "index"} == {"DXY", "VIX"}
    assert set(kinds.values()) == {"etf", "index"}


def test_dxy_is_not_offered_and_uup_stands_in() -> None:
    dxy = provisional("DXY")

    assert (dxy.problem, dxy.hint) == ("not_offered", "UUP")


def test_a_future_has_its_terms_and_no_made_up_streamer_symbol() -> None:
    future = provisional("/ES")

    assert (future.kind, future.product, future.tick, future.multiplier) == (
        "future",
        "ES",
        0.25,
        50,
    )
    assert (future.streamer, future.contract) == ("/ES", None)


def test_what_is_not_known_is_said_to_be_unknown() -> None:
    assert (provisional("NVDA").kind, provisional("NVDA").tick) == ("unknown", None)
    assert (provisional("/XYZ").product, provisional("/XYZ").multiplier) == ("XYZ", None)


def test_roots_of_an_index_are_its_settlement_classes() -> None:
    assert roots_of("SPX") == ("SPX", "SPXW")
    assert roots_of("BRK/B") == ("BRKB",)
    assert [underlying_of(root) for root in ("SPXW", "NDXP", "RUTW", "SPY")] == [
        "SPX",
        "NDX",
        "RUT",
        "SPY",
    ]
    assert {"SPX", "NDX", "RUT"} <= AM_ROOTS
    assert not AM_ROOTS & {"SPXW", "NDXP", "RUTW", "XSP", "SPY"}
    assert all(roots[0] == name for name, roots in ROOTS.items())


# Ticks and point values as CME Group and Cboe publish them.
@pytest.mark.parametrize(
    ("product", "tick_value"),
    [("ES", 12.5), ("MES", 1.25), ("NQ", 5), ("MNQ", 0.5), ("RTY", 5), ("YM", 5), ("CL", 10)]
    + [("GC", 10), ("SI", 25), ("ZB", 31.25), ("ZN", 15.625), ("ZF", 7.8125), ("ZT", 7.8125)]
    + [("6E", 6.25), ("6J", 6.25), ("VX", 50), ("NG", 10), ("HG", 12.5), ("ZC", 12.5)],
)
def test_a_tick_is_worth_what_the_exchange_says(product: str, tick_value: float) -> None:
    terms = PRODUCTS[product]

    assert terms.tick * terms.multiplier == pytest.approx(tick_value)
    assert set(terms.months) <= set(MONTHS)


def test_kinds_of_known_symbols_are_kinds() -> None:
    assert {kind for kind, _ in KNOWN.values()} <= set(get_args(Kind))


@pytest.mark.parametrize(
    ("tick", "decimals"),
    [(0.25, 2), (0.1, 2), (0.05, 2), (1.0, 2), (0.03125, 5), (0.0000005, 7), (0.0001, 4)]
    + [(25.0, 2), (None, 2)],
)
def test_decimals_show_a_price_on_its_tick(tick: float | None, decimals: int) -> None:
    assert decimals_of(tick) == decimals


@given(st.integers(1, 10**6), st.integers(0, 8), st.integers(1, 1000))
def test_a_price_on_its_tick_survives_its_decimals(size: int, places: int, steps: int) -> None:
    tick = float(Decimal(size).scaleb(-places))
    price = Decimal(repr(tick)) * steps

    assert Decimal(f"{price:.{decimals_of(tick)}f}") == price


# ---- options ----


@pytest.mark.parametrize(("streamer", "occ"), PAIRS)
def test_the_two_spellings_of_an_option_are_one(streamer: str, occ: str) -> None:
    assert parse_streamer(streamer).occ == occ
    assert parse_occ(occ).streamer == streamer


@given(terms)
def test_an_option_survives_both_spellings(option: OptionTerms) -> None:
    assert parse_streamer(option.streamer) == option
    assert parse_occ(option.occ) == option
    assert len(option.occ) == 21


def test_a_strike_keeps_its_decimals_exactly() -> None:
    option = parse_streamer(".F250620C2.02")

    assert option.strike == Decimal("2.02")
    assert option.strike_float == 2.02
    assert option.expiry == date(2025, 6, 20)


@pytest.mark.parametrize(
    "text",
    ["SPY261218C680", ".spy261218C680", ".SPY261318C680", ".SPY261218X680", ".SPY261218C", "."]
    + [".SPY261218C680.", ".SPY261218C0", "./ESH26C4100:XCME", ".SPY260230C680", ".SPY261218C６"],
)
def test_what_is_no_streamer_option_is_refused(text: str) -> None:
    with pytest.raises(BadPayload):
        parse_streamer(text)


@pytest.mark.parametrize(
    "text",
    ["SPY 261218C00680000", "SPY   261218C0068000", "SPY   261318C00680000", "", "SPY"]
    + ["SPY   261218C00000000", "TOOLONG261218C00680000", "SPY   261218B00680000"],
)
def test_what_is_no_occ_symbol_is_refused(text: str) -> None:
    with pytest.raises(BadPayload):
        parse_occ(text)


@pytest.mark.parametrize(
    ("root", "strike"), [("SPY", "0.0005"), ("SPY", "100000"), ("TOOLONG", "5")]
)
def test_terms_that_do_not_fit_21_characters_are_refused(root: str, strike: str) -> None:
    option = OptionTerms(root, date(2026, 12, 18), "C", Decimal(strike))

    with pytest.raises(BadPayload, match="does not fit"):
        _ = option.occ


# ---- futures ----


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("/ESZ6", ("ES", 12, 2026, None)),
        ("/ESZ26:XCME", ("ES", 12, 2026, "XCME")),
        ("/ESH0", ("ES", 3, 2030, None)),
        ("/ESF5", ("ES", 1, 2035, None)),
        ("/6EM27:XCME", ("6E", 6, 2027, "XCME")),
        ("/M2KU7", ("M2K", 9, 2027, None)),
    ],
)
def test_a_contract_is_read(text: str, parts: tuple[str, int, int, str | None]) -> None:
    contract = FutureContract.parse(text, date(2026, 11, 20))

    assert (contract.product, contract.month, contract.year, contract.exchange) == parts


@given(
    st.sampled_from(sorted(PRODUCTS)),
    st.integers(1, 12),
    st.integers(2026, 2035),
    st.sampled_from(["XCME", "XCBF", None]),
)
def test_a_contract_survives_both_spellings(
    product: str, month: int, year: int, exchange: str | None
) -> None:
    contract = FutureContract(product, month, year, exchange)
    today = date(2026, 1, 5)

    assert FutureContract.parse(contract.streamer, today) == contract
    assert FutureContract.parse(contract.short, today) == replace(contract, exchange=None)


@pytest.mark.parametrize("text", ["/ES", "ESZ6", "/ESA6", "/ESZ", "/ESZ266", "/ESZ26:xcme"])
def test_what_is_no_contract_is_refused(text: str) -> None:
    with pytest.raises(BadPayload):
        FutureContract.parse(text, date(2026, 1, 5))


# ---- candles ----


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("SPY{=1d,tho=true}", "SPY{=d,tho=true}"),
        ("SPY{=1m}", "SPY{=m}"),
        ("SPY{=1h}", "SPY{=h}"),
        ("SPY{=5m,tho=true}", "SPY{=5m,tho=true}"),
        ("SPY{=1mo}", "SPY{=mo}"),
        ("/ESZ26:XCME{=1m}", "/ESZ26:XCME{=m}"),
        (".SPY261218C680{=5m}", ".SPY261218C680{=5m}"),
        ("AAPL&Q{=1d,tho=true,a=s}", "AAPL&Q{=d,a=s,tho=true}"),
        ("SPY{=d,price=last,tho=false}", "SPY{=d}"),
        ("BRK/B{=15m}", "BRK/B{=15m}"),
    ],
)
def test_a_candle_symbol_gets_the_spelling_the_feed_answers_with(asked: str, answered: str) -> None:
    assert str(CandleSymbol.parse(asked)) == answered


@given(
    st.sampled_from(["SPY", "/ESZ26:XCME", ".SPXW261218C6000", "BRK/B", "AAPL&Q"]),
    st.integers(1, 500),
    st.sampled_from(["t", "s", "m", "h", "d", "w", "mo", "o", "y", "v", "p"]),
    st.booleans(),
)
def test_a_candle_symbol_survives_its_spelling(base: str, count: int, unit: str, tho: bool) -> None:
    asked = f"{base}{{={count}{unit}{',tho=true' if tho else ''}}}"

    candle = CandleSymbol.parse(asked)

    assert CandleSymbol.parse(str(candle)) == candle
    assert candle.tho is tho
    assert candle_symbol(base, f"{count}{unit}", tho) == str(candle)


@pytest.mark.parametrize(
    ("period", "seconds"),
    [("m", 60), ("5m", 300), ("2h", 7200), ("d", 86400), ("mo", None), ("100t", None)],
)
def test_a_bar_has_a_length_where_time_measures_it(period: str, seconds: int | None) -> None:
    assert CandleSymbol("SPY", period).seconds == seconds


@pytest.mark.parametrize(
    "text",
    ["SPY", "SPY{}", "SPY{=}", "SPY{=0m}", "SPY{=5x}", "{=m}", "SPY{=m", "SPY{=m,tho}"]
    + ["SPY{=m}{=m}", "SPY{=m,a=s,a=m}", "SPY{=-5m}", "SPY{=M}"],
)
def test_what_is_no_candle_symbol_is_refused(text: str) -> None:
    with pytest.raises(BadPayload):
        CandleSymbol.parse(text)


def test_a_period_of_one_is_written_without_it() -> None:
    assert [canonical_period(text) for text in ("1m", "01m", "m", "10m", "1.5h")] == [
        "m",
        "m",
        "m",
        "10m",
        "1.5h",
    ]
