"""TradingView's switch: obeyed at once, on in the demo until it is touched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from grok_sauce.desks.tradingview import ON_IN_DEMO, TradingViewDesk, user_symbol
from grok_sauce.errors import SettingsError
from grok_sauce.http import Http
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.settings import Settings
from grok_sauce.settings.document import TradingView
from grok_sauce.settings.tradingview_notice import UNOFFICIAL


def chosen(enabled: bool) -> Settings:
    base = Settings()
    return replace(base, sources=replace(base.sources, tradingview=TradingView(enabled)))


def make(
    clock: ManualClock, demo: bool = False, environ: Mapping[str, str] | None = None
) -> TradingViewDesk:
    return TradingViewDesk(environ or {}, Http(clock), clock, lambda batch: None, None, demo)


def test_it_is_off_and_says_what_switching_it_on_means(clock: ManualClock) -> None:
    desk = make(clock)
    desk.follow(chosen(False))

    (status,) = desk.sources
    assert not desk.is_on
    assert (status.name, status.state, status.detail) == ("tradingview", "off", UNOFFICIAL)
    assert not status.required


def test_the_switch_is_obeyed_at_once_both_ways(clock: ManualClock) -> None:
    desk = make(clock)

    states = []
    for enabled in (False, True, True, False):
        desk.follow(chosen(enabled))
        states.append(desk.is_on)

    assert states == [False, True, True, False]


def test_the_demo_has_it_on_until_somebody_touches_the_switch(clock: ManualClock) -> None:
    desk = make(clock, demo=True)

    states = []
    for enabled in (False, False, True, False):
        desk.follow(chosen(enabled))
        states.append(desk.is_on)

    assert states == [True, True, True, False]


def test_a_demo_of_somebody_who_had_it_on_obeys_its_switch(clock: ManualClock) -> None:
    desk = make(clock, demo=True)
    desk.follow(chosen(True))

    desk.follow(chosen(False))

    assert not desk.is_on


def test_minutes_are_of_the_symbols_that_have_a_name_here(clock: ManualClock) -> None:
    symbols = "CME_MINI:NQ1!,NASDAQ:AAPL,CME_MINI:ESZ2026,BITSTAMP:BTCUSD"

    desk = make(clock, environ={"TRADINGVIEW_SYMBOLS": symbols})

    assert desk.minutes() == {"/NQ": "CME_MINI:NQ1!", "AAPL": "NASDAQ:AAPL"}


def test_micro_and_full_size_futures_are_told_apart() -> None:
    assert user_symbol("CME_MINI:MNQ1!") == "/MNQ"
    assert user_symbol("CME_MINI:NQ1!") == "/NQ"
    assert user_symbol("CME_MINI:NQ2!") is None


def test_a_symbol_that_is_none_is_refused_at_the_start(clock: ManualClock) -> None:
    with pytest.raises(SettingsError, match="not a symbol"):
        make(clock, environ={"TRADINGVIEW_SYMBOLS": "NQ"})


def test_trouble_is_what_is_wrong_and_not_that_it_streams(clock: ManualClock) -> None:
    desk = make(clock)
    (status,) = desk.sources

    status.state, status.detail = "live", f"study_error: x; streaming, 3 charts; {ON_IN_DEMO}"
    assert desk.trouble() == "study_error: x"

    status.state, status.last_error = "backoff", "TradingView cannot be reached"
    assert desk.trouble() == "TradingView cannot be reached"

    status.state = "off"
    assert desk.trouble() == ""
