"""The delayed-quotes JSON: what is taken, what becomes unknown, what is refused and where."""

from __future__ import annotations

import gzip
import json
import math
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_sauce.errors import BadPayload
from grok_sauce.market.chain import Expiry, OptionChain
from grok_sauce.market.sessions import instant
from grok_sauce.pollers.cboe import parse_json, read_chain_file

DAY = date(2026, 12, 16)
AT = instant(DAY, 14, 17) + 3
NOW = instant(DAY, 14, 32)


def test_a_body_becomes_columns_at_the_underlyings_time(bodies: Any) -> None:
    chain = parse_json(bodies.body(), NOW)

    assert (chain.symbol, chain.spot, chain.spot_basis) == ("SPX", 6012.4, "delayed")
    assert (chain.as_of, chain.spot_at, chain.source) == (AT, AT, "CBOE")
    assert chain.oi_date == date(2026, 12, 15)
    assert chain.expiries == (
        Expiry(DAY, "SPXW", "PM"),
        Expiry(date(2026, 12, 18), "SPX", "AM"),
        Expiry(date(2026, 12, 18), "SPXW", "PM"),
    )
    assert chain.listed == 3
    assert chain.contract[2] == "SPX261218C06000000"
    assert chain.expiry.tolist() == [0, 0, 1, 2]
    assert chain.strike.tolist() == [6_000_000, 6_000_000, 6_000_000, 6_050_000]
    assert chain.is_call.tolist() == [True, False, True, False]
    assert chain.multiplier.tolist() == [100.0] * 4
    row = [float(getattr(chain, name)[0]) for name in ("bid", "ask", "iv", "oi", "volume")]
    assert row == [9.4, 9.6, 0.151, 120.0, 30.0]
    greeks = [float(getattr(chain, name)[0]) for name in ("delta", "gamma", "theta", "vega")]
    assert greeks == [0.51, 0.0123, -1.2, 1.4]
    assert chain.greeks_at.tolist() == chain.quote_at.tolist() == chain.oi_at.tolist() == [AT] * 4


def test_a_parsed_document_gives_the_same_as_its_text(bodies: Any) -> None:
    chain, other = parse_json(bodies.document(), NOW), parse_json(bodies.body(), NOW)

    assert chain.contract == other.contract
    assert chain.as_of == other.as_of
    np.testing.assert_array_equal(chain.oi, other.oi)


@pytest.mark.parametrize(
    "field, given_value, column",
    [
        ("iv", 0.0, "iv"),
        ("iv", -1.0, "iv"),
        ("gamma", -999.0, "gamma"),
        ("gamma", 11.0, "gamma"),
        ("gamma", None, "gamma"),
        ("delta", -999.0, "delta"),
        ("theta", -999.0, "theta"),
        ("vega", -999.0, "vega"),
        ("open_interest", -999.0, "oi"),
        ("open_interest", None, "oi"),
        ("volume", -1, "volume"),
        ("bid", None, "bid"),
        ("ask", -999.0, "ask"),
    ],
)
def test_a_sentinel_is_unknown_and_its_neighbours_stay(
    bodies: Any, field: str, given_value: Any, column: str
) -> None:
    options = [
        bodies.option("SPY261218C00600000"),
        bodies.option("SPY261218P00600000", **{field: given_value}),
    ]

    chain = parse_json(bodies.body(options, symbol="SPY", current_price=600.1), NOW)

    kept = getattr(chain, column)
    assert math.isnan(kept[1])
    assert kept[0] == bodies.option("")[field]


def test_no_bid_and_no_gamma_are_numbers(bodies: Any) -> None:
    option = bodies.option("SPXW261218P06000000", bid=0.0, gamma=0.0, open_interest=0.0)

    chain = parse_json(bodies.body([option]), NOW)

    assert (chain.bid[0], chain.gamma[0], chain.oi[0]) == (0.0, 0.0, 0.0)


def test_infinities_and_numbers_too_large_are_unknown(bodies: Any) -> None:
    body = bodies.body([bodies.option("SPXW261218P06000000", gamma=7777.0, iv=8888.0)])
    body = body.replace(b"7777.0", b"NaN").replace(b"8888.0", b"1e999")

    chain = parse_json(body, NOW)

    assert math.isnan(chain.gamma[0])
    assert math.isnan(chain.iv[0])


def test_an_adjusted_root_is_there_without_a_multiplier(bodies: Any) -> None:
    options = [bodies.option("QQQ261218C00520000"), bodies.option("QQQ1261218C00520000")]

    chain = parse_json(bodies.body(options, symbol="QQQ", current_price=522.3), NOW)

    assert [expiry.root for expiry in chain.expiries] == ["QQQ", "QQQ1"]
    assert chain.multiplier[0] == 100.0
    assert math.isnan(chain.multiplier[1])


@pytest.mark.parametrize(
    "name, symbol",
    [("^RUT", "RUT"), ("_RUT", "RUT"), ("SPY", "SPY"), ("BRK.B", "BRK/B"), ("RUTW", "RUT")],
)
def test_the_underlying_is_named_as_users_type_it(bodies: Any, name: str, symbol: str) -> None:
    chain = parse_json(bodies.body(symbol=name), NOW)

    assert chain.symbol == symbol


def test_without_a_name_the_roots_tell_the_underlying(bodies: Any) -> None:
    document = bodies.document()
    del document["data"]["symbol"], document["symbol"]

    assert parse_json(document, NOW).symbol == "SPX"


def test_after_the_close_the_price_is_the_closes(bodies: Any) -> None:
    chain = parse_json(bodies.body(last_trade_time="2026-12-16T16:15:04"), NOW + 9000)

    assert chain.spot_basis == "close"


@pytest.mark.parametrize(
    "made, traded",
    [
        ("2026-12-17 12:45:00", "2026-12-16T16:15:04"),  # 07:45 the morning after
        ("2026-12-19 15:00:00", "2026-12-18T16:15:04"),  # on Saturday
        ("2026-12-16 13:05:00", "2026-12-16T08:01:00"),  # before the opening
    ],
)
def test_open_interest_has_no_date_when_it_may_be_the_next_evenings(
    bodies: Any, made: str, traded: str
) -> None:
    document = {**bodies.document(last_trade_time=traded), "timestamp": made}

    assert parse_json(document).oi_date is None


def test_looked_at_from_another_time_nothing_is_newer_than_that(bodies: Any) -> None:
    earlier, later = AT - 600, AT + 600

    before, after = parse_json(bodies.body(), as_of=earlier), parse_json(bodies.body(), as_of=later)

    assert (before.as_of, before.spot_at, before.greeks_at[0]) == (earlier, earlier, earlier)
    assert (after.as_of, after.spot_at, after.greeks_at[0]) == (later, AT, AT)


def test_a_file_from_the_future_is_refused(bodies: Any) -> None:
    with pytest.raises(BadPayload, match=r"last_trade_time: 2026-12-16T14:17:03.*clock"):
        parse_json(bodies.body(), AT - 301)


def refusal(document: Any) -> str:
    with pytest.raises(BadPayload) as caught:
        parse_json(json.dumps(document).encode(), NOW)
    return str(caught.value)


@pytest.mark.parametrize("field", ["bid", "iv", "open_interest", "gamma", "delta", "volume"])
def test_a_missing_field_is_named_with_its_row(bodies: Any, field: str) -> None:
    document = bodies.document()
    del document["data"]["options"][2][field]

    assert refusal(document) == f"Cboe, row 3, {field}: missing"


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"option": "SPXW"}, "Cboe, row 2, option: 'SPXW' is no option symbol"),
        ({"option": "SPXW261216X06000000"}, "Cboe, row 2, option: 'SPXW261216X06000000' is no"),
        ({"option": "SPXW261316C06000000"}, "Cboe, row 2, option: SPXW261316C06000000 expires on"),
        ({"option": "SPXW261216C00000000"}, "Cboe, row 2, option: SPXW261216C00000000 has no"),
        ({"option": "SPXW261216C06000000"}, "is there twice, first in row 1"),
        ({"option": 7}, "Cboe, row 2, option: no option symbol"),
        ({"gamma": "0.01"}, "Cboe, row 2, gamma: '0.01' is no number"),
        ({"gamma": [1]}, "Cboe, row 2, gamma: '[1]' is no number"),
        ({"gamma": True}, "Cboe, row 2, gamma: 'True' is no number"),
        ({"open_interest": 1.275}, "Cboe, row 2, open interest: 1.275 is no whole number"),
    ],
)
def test_a_value_that_cannot_be_is_named_with_its_row(
    bodies: Any, changed: dict[str, Any], message: str
) -> None:
    document = bodies.document()
    document["data"]["options"][1].update(changed)

    assert message in refusal(document)


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"current_price": 0.0, "close": None}, "data.current_price: no price"),
        ({"current_price": 6.0124}, "a price of 6.0124 does not go with strikes from 6000"),
        ({"last_trade_time": "yesterday"}, "data.last_trade_time: 'yesterday' is no time"),
        ({"last_trade_time": None}, "says no time that can be read; give it with --as-of"),
        ({"symbol": "<b>"}, "data.symbol: '<b>' is no symbol"),
        ({"options": []}, "holds no options"),
        ({"options": [3]}, "row 1, option: no option symbol"),
        ({"options": None}, "no data.options"),
    ],
)
def test_a_head_that_cannot_be_is_refused(
    bodies: Any, changed: dict[str, Any], message: str
) -> None:
    assert message in refusal(bodies.document() | {"data": bodies.document()["data"] | changed})


def test_volatilities_in_percent_are_refused(bodies: Any) -> None:
    options = [bodies.option(f"SPXW261218C0{strike}00000", iv=17.0) for strike in range(55, 65)]

    assert "no fractions" in refusal(bodies.document(options))


@pytest.mark.parametrize(
    "body, message",
    [
        (b"<html>maintenance</html>", "a web page"),
        (b"", "no JSON"),
        (b"\xff\xfe\x00", "no UTF-8"),
        (b'{"data": 1}', "no data.options"),
        (b'{"options": []}', "no data.options"),
        (b'{"data": {"options": {}}}', "no data.options"),
    ],
)
def test_what_is_no_chain_is_said_to_be_none(body: bytes, message: str) -> None:
    with pytest.raises(BadPayload, match=message):
        parse_json(body, NOW)


@given(data=st.data())
@settings(max_examples=120)
def test_a_body_cut_off_anywhere_is_refused(bodies: Any, data: st.DataObject) -> None:
    whole = bodies.body()
    cut = data.draw(st.integers(0, len(whole) - 1))

    with pytest.raises(BadPayload):
        parse_json(whole[:cut], NOW)


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(),
    st.integers(-(10**20), 10**20),
    st.text(max_size=6),
    st.just(-999.0),
    st.lists(st.integers(), max_size=2),
)


@given(
    row=st.integers(0, 3),
    field=st.sampled_from(("option", "bid", "ask", "iv", "open_interest", "volume", "gamma")),
    value=VALUES,
)
@settings(max_examples=300)
def test_any_value_anywhere_is_refused_or_leaves_the_other_rows_alone(
    bodies: Any, row: int, field: str, value: Any
) -> None:
    document = bodies.document()
    document["data"]["options"][row][field] = value
    good = parse_json(bodies.document(), NOW)

    try:
        chain = parse_json(json.dumps(document).encode(), NOW)
    except BadPayload:
        return

    others = [place for place in range(4) if place != row]
    for name in ("bid", "ask", "iv", "oi", "volume", "gamma", "delta"):
        kept = getattr(chain, name)
        np.testing.assert_array_equal(kept[others], getattr(good, name)[others])
        assert not np.isinf(kept).any()
    assert np.isnan(chain.oi[row]) or chain.oi[row] >= 0


@given(head=st.dictionaries(st.sampled_from(("symbol", "current_price", "close",
       "last_trade_time")), VALUES))  # fmt: skip
@settings(max_examples=200)
def test_any_head_gives_a_positive_spot_or_is_refused(bodies: Any, head: dict[str, Any]) -> None:
    try:
        chain = parse_json(json.dumps(bodies.document(**head)).encode(), NOW)
    except BadPayload:
        return

    assert chain.spot is not None
    assert 0 < chain.spot < 1e9
    assert chain.as_of <= NOW + 300


# ---- a real body ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rut(recordings: Path) -> OptionChain:
    body = gzip.decompress((recordings / "cboe_rut_chain_2023-09-20.json.gz").read_bytes())
    return parse_json(body, instant(date(2023, 9, 20), 23, 18))


@pytest.mark.recorded
def test_the_recorded_russell_chain_is_read_whole(rut: OptionChain) -> None:
    roots = [rut.expiries[place].root for place in rut.expiry]

    assert (rut.symbol, rut.spot, rut.spot_basis) == ("RUT", 1806.1193, "close")
    assert rut.as_of == instant(date(2023, 9, 20), 16, 15) + 4
    assert (len(rut), len({expiry.day for expiry in rut.expiries})) == (6680, 26)
    assert (roots.count("RUT"), roots.count("RUTW")) == (1472, 5208)
    assert {e.settlement for e in rut.expiries if e.root == "RUT"} == {"AM"}
    assert {e.settlement for e in rut.expiries if e.root == "RUTW"} == {"PM"}
    assert int(np.isnan(rut.iv).sum()) == 1015
    assert rut.oi_date == date(2023, 9, 19)


@pytest.mark.recorded
def test_the_recorded_russell_chain_sums_to_the_check_values(rut: OptionChain) -> None:
    assert rut.spot is not None
    each = rut.gamma * rut.oi * rut.multiplier * rut.spot**2 * 0.01 / 1e9
    calls, puts = each[rut.is_call].sum(), each[~rut.is_call].sum()
    ahead = rut.settles() > rut.as_of
    later = np.where(rut.is_call, each, -each)[ahead]

    assert calls - puts == pytest.approx(-1.2700, abs=5e-5)
    assert calls + puts == pytest.approx(3.3850, abs=5e-5)
    assert later.sum() == pytest.approx(-1.2531, abs=5e-5)
    assert each[ahead].sum() == pytest.approx(3.3679, abs=5e-5)


@pytest.mark.recorded
def test_a_json_file_is_known_by_its_content(recordings: Path, tmp_path: Path) -> None:
    body = gzip.decompress((recordings / "cboe_rut_chain_2023-09-20.json.gz").read_bytes())
    plain = tmp_path / "rut.txt"
    plain.write_bytes(b"\xef\xbb\xbf" + body)

    chain = read_chain_file(plain)

    assert (chain.symbol, len(chain), chain.source) == ("RUT", 6680, "FILE")
