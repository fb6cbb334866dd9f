"""The quote-table CSV, as exported and as spreadsheets leave it."""

from __future__ import annotations

import csv
import gzip
import io
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
from grok_sauce.pollers.cboe import parse_csv, read_chain_file
from grok_sauce.pollers.cboe_dates import parse_date_line

AT = instant(date(2026, 12, 16), 14, 32)
SUMMED = ("bid", "ask", "iv", "oi", "volume", "gamma", "delta")


def assert_same(chain: OptionChain, other: OptionChain) -> None:
    assert chain.contract == other.contract
    for name in SUMMED:
        np.testing.assert_array_equal(getattr(chain, name), getattr(other, name), err_msg=name)


def test_an_export_becomes_columns_calls_first(bodies: Any) -> None:
    chain = parse_csv(bodies.csv())

    assert (chain.symbol, chain.spot, chain.as_of, chain.source) == ("QQQ", 522.30, AT, "FILE")
    assert (chain.spot_basis, chain.oi_date) == ("delayed", date(2026, 12, 15))
    assert chain.expiries == (Expiry(date(2026, 12, 18), "QQQ", "PM"),)
    assert chain.contract[2] == "QQQ261218C00522500"
    assert chain.strike.tolist() == [515_000, 520_000, 522_500, 525_000] * 2
    assert chain.is_call.tolist() == [True] * 4 + [False] * 4
    assert chain.oi.tolist() == [120.0] * 4 + [1275.0] * 4
    assert chain.gamma.tolist() == [0.0123] * 4 + [0.0121] * 4
    assert np.isnan(chain.theta).all()
    assert np.isnan(chain.vega).all()


# ---- the lines above the header ---------------------------------------------------------


@pytest.mark.parametrize(
    "line, when",
    [
        ("September 14, 2023 at 4:31 PM EDT", (2023, 9, 14, 16, 31)),
        ("September 14, 2023, 4:31 PM EDT", (2023, 9, 14, 16, 31)),
        ("14 September 2023 at 16:31 GMT-4", (2023, 9, 14, 16, 31)),
        ("22 March 2024, 9:46 PM EDT", (2024, 3, 22, 21, 46)),
        ("3 de setembro de 2025 às 16:18 GMT-4", (2025, 9, 3, 16, 18)),
        ("3 de septiembre de 2025, 16:18 GMT-4", (2025, 9, 3, 16, 18)),
        ("3 de septiembre de 2025, 4:18 p. m. GMT-4", (2025, 9, 3, 16, 18)),
        ("3 сентября 2025 г. в 16:18 GMT-4", (2025, 9, 3, 16, 18)),
        ("3. September 2025 um 16:18 GMT-4", (2025, 9, 3, 16, 18)),
        ("3 septembre 2025 à 16:18 UTC−4", (2025, 9, 3, 16, 18)),
        ("3 settembre 2025 alle ore 16:18 GMT-4", (2025, 9, 3, 16, 18)),
        ("3 września 2025 16:18 GMT-4", (2025, 9, 3, 16, 18)),
        ("January 5, 2026 at 12:05 AM EST", (2026, 1, 5, 0, 5)),
        ("January 5, 2026 at 3:05 PM CST", (2026, 1, 5, 16, 5)),
        ("January 5, 2026 at 4:05\u202fPM EST", (2026, 1, 5, 16, 5)),
    ],
)
def test_a_date_line_in_any_of_these_languages_is_read(line: str, when: tuple[int, ...]) -> None:
    assert parse_date_line(line) == instant(date(*when[:3]), *when[3:])


@pytest.mark.parametrize(
    "line",
    [
        "",
        "09/03/2025 16:18 GMT-4",  # March or September?
        "September 14, 2023 at 4:31 PM",  # whose clock?
        "September 14, 2023",
        "September 31, 2023 at 4:31 PM EDT",
        "September 14, 2023 at 14:31 PM EDT",
        "September 14, 2023 at 4:61 PM EDT",
        "14 listopada 2023 16:31 GMT-4",  # October in Croatian, November in Polish
        "14 lokakuuta 2023 16:31 GMT-4",
        "2025年9月3日 16:18 GMT-4",
        "September 14, 2023 at 4:31 nachmittags GMT-4",
        "September 14, 2023 at 4:31 PM XYZ",
        "September 14, 2023 at 4:31 PM GMT+5:30",
        "September 14, 2023 at 4:31 PM EDT-4",
    ],
)
def test_a_date_line_that_leaves_doubt_is_not_read(line: str) -> None:
    assert parse_date_line(line) is None


@given(st.text(max_size=60))
def test_any_text_as_date_line_is_read_or_not_but_never_fails(text: str) -> None:
    found = parse_date_line(text)

    assert found is None or isinstance(found, float)


def test_without_a_readable_date_the_time_is_asked_for(bodies: Any) -> None:
    body = bodies.csv(date="16.12.26 klo 14.32")

    with pytest.raises(BadPayload, match="give it with --as-of"):
        parse_csv(body)

    chain = parse_csv(body, as_of=AT)
    assert (chain.as_of, chain.spot_at, chain.greeks_at[0]) == (AT, AT, AT)


def test_a_time_that_is_given_goes_before_the_date_line(bodies: Any) -> None:
    chain = parse_csv(bodies.csv(), as_of=AT + 60)

    assert (chain.as_of, chain.spot_at) == (AT + 60, AT)


def test_quotes_that_are_missing_or_never_closed_do_no_harm(bodies: Any) -> None:
    bare = bodies.csv().replace(b'"Date: ', b"Date: ").replace(b'EST"', b"EST")
    unclosed = bodies.csv().replace(b'28,253,899"', b"28,253,899")

    for body in (bare, unclosed):
        assert_same(parse_csv(body), parse_csv(bodies.csv()))
        assert parse_csv(body).as_of == AT


@pytest.mark.parametrize(
    "last, spot",
    [("522.30", 522.3), ("522.305", 522.305), ("522,305", 522.305), ("522,3", 522.3), ("522", 522)],
)
def test_the_price_is_read_as_what_goes_with_the_strikes(
    bodies: Any, last: str, spot: float
) -> None:
    assert parse_csv(bodies.csv(last=last)).spot == spot


@pytest.mark.parametrize("last", ["1.5", "0", "n/a", "", "522.30.1", "99999"])
def test_no_price_or_one_far_from_the_strikes_is_refused(bodies: Any, last: str) -> None:
    with pytest.raises(BadPayload, match="Last:"):
        parse_csv(bodies.csv(last=last))


def test_a_symbol_that_is_given_goes_before_the_roots(bodies: Any) -> None:
    assert parse_csv(bodies.csv(), symbol="qqq").symbol == "QQQ"
    with pytest.raises(BadPayload, match="not a symbol"):
        parse_csv(bodies.csv(), symbol="Q?")


# ---- what spreadsheets do ---------------------------------------------------------------


@pytest.mark.parametrize(
    "mangle",
    [
        lambda text: text.lstrip("\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: "\r\n\r\n" + text,
        lambda text: "exported by me,,,\r\n" + text,
        lambda text: text.replace("\r\n", "\n"),
        lambda text: text.replace("\r\n", "\r"),
        lambda text: text + "\r\n\r\n,,,,,,,,,,,,,,,,,,,,,\r\n",
        lambda text: "\r\n".join(line + ",,," for line in text.split("\r\n")),
        lambda text: text.replace("Expiration Date,Calls", '"EXPIRATION  DATE","Calls"'),
        lambda text: text.replace(",1275", ',"1,275"'),
        lambda text: text.replace(",1275", ',"1\u00a0275"'),
        lambda text: text.replace(",1275", ",1275.0"),
        lambda text: text.replace(",520.00,", ",5.2E+02,"),
        lambda text: text.replace(",522.50,", ",5.23E+02,"),
        lambda text: text.replace(",520.00,", ",,"),
        lambda text: text.replace("Fri Dec 18 2026", "18/12/2026"),
        lambda text: text.replace(",0.151,", ",15.1%,"),
    ],
    ids=[
        "no empty first line", "BOM", "more empty lines", "a line above", "unix lines", "mac lines",
        "empty rows below", "trailing commas", "header in quotes and capitals", "thousands",
        "thousands by blank", "decimals behind counts", "scientific strike",
        "rounded scientific strike", "no strike cell", "other dates", "percent",
    ],
)  # fmt: skip
def test_a_mangled_file_gives_the_same_numbers(bodies: Any, mangle: Any) -> None:
    text = bodies.csv().decode()
    assert mangle(text) != text

    assert_same(parse_csv(mangle(text).encode()), parse_csv(bodies.csv()))


def semicolons(body: bytes, decimal: str) -> str:
    """What a spreadsheet of a country with decimal commas saves: ; between cells."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";")
    for number, cells in enumerate(csv.reader(io.StringIO(body.decode()))):
        numeric = [cell.replace(".", decimal) if number > 3 else cell for cell in cells]
        writer.writerow(numeric)
    return out.getvalue()


def test_semicolons_with_decimal_commas_are_read(bodies: Any) -> None:
    text = semicolons(bodies.csv(), ",")
    assert ";9,4;" in text

    assert_same(parse_csv(text.encode()), parse_csv(bodies.csv()))


def test_semicolons_with_decimal_points_and_utf_16_with_tabs_are_read(bodies: Any) -> None:
    text = semicolons(bodies.csv(), ".")

    assert_same(parse_csv(text.encode()), parse_csv(bodies.csv()))
    assert_same(parse_csv(text.replace(";", "\t").encode("utf-16")), parse_csv(bodies.csv()))


def test_commas_as_decimals_inside_quotes_are_read(bodies: Any) -> None:
    rows = [[cell.replace(".", ",") for cell in row] for row in bodies.rows()]

    assert_same(parse_csv(bodies.csv(rows)), parse_csv(bodies.csv()))


def edited(bodies: Any, row: int, place: int, text: str) -> bytes:
    rows = bodies.rows()
    rows[row][place] = text
    return bytes(bodies.csv(rows))


@pytest.mark.parametrize("text", ["", "-", "--", "N/A", "#N/A", "nan", "NULL", "-999", "-999.0"])
def test_an_empty_cell_or_a_sentinel_is_unknown(bodies: Any, text: str) -> None:
    chain = parse_csv(edited(bodies, 1, 10, text))

    assert np.isnan(chain.oi).tolist() == [False, True] + [False] * 6


@pytest.mark.parametrize("text", ["0", "0.0", "", "-999"])
def test_a_volatility_of_zero_is_unknown(bodies: Any, text: str) -> None:
    chain = parse_csv(edited(bodies, 1, 7, text))

    assert math.isnan(chain.iv[1])
    assert int(np.isnan(chain.iv).sum()) == 1


@pytest.mark.parametrize(
    "place, text, column, said",
    [
        (10, "abc", "open interest of calls", "'abc' is no number"),
        (21, "12x", "open interest of puts", "'12x' is no number"),
        (10, "1.275", "open interest", "1.275 is no whole number"),
        (10, "1.28E+04", "open interest of calls", "'1.28E+04' was rounded by a spreadsheet"),
        (7, "2E-01", "iv of calls", "'2E-01' was rounded by a spreadsheet"),
        (9, "1,23", "gamma of calls", "'1,23' is no number"),
        (9, "0,012", "gamma of calls", "'0,012' is no number"),
        (9, "12. Mar", "gamma of calls", "'12. Mar' is no number"),
        (11, "525.00", "strike", "'525.00' is not that of QQQ261218C00520000"),
        (11, "5.3E+02", "strike", "'5.3E+02' is not that of"),
        (11, "text", "strike", "'text' is no number"),
        (0, "Thu Dec 17 2026", "expiration date", "is not that of QQQ261218C00520000"),
        (1, "QQQ261218P00520000", "calls", "is no symbol of calls"),
        (12, "QQQ261218C00520000", "puts", "is no symbol of puts"),
        (1, "", "calls", "'' is no symbol of calls"),
        (1, "2.6E+18", "calls", "is no symbol of calls"),
        (1, "QQQ261218C00515000", "calls", "is there twice, first in row 5"),
    ],
)
def test_what_cannot_be_is_named_with_row_and_column(
    bodies: Any, place: int, text: str, column: str, said: str
) -> None:
    with pytest.raises(BadPayload) as caught:
        parse_csv(edited(bodies, 1, place, text))

    assert str(caught.value).startswith(f"Cboe CSV, row 6, {column}: ")
    assert said in str(caught.value)


def test_counts_that_may_be_thousands_or_fractions_are_refused(bodies: Any) -> None:
    rows = []
    for strike in (515.0, 520.0, 525.0):
        row = [cell if place in (0, 1, 12) else "0" for place, cell in
               enumerate(bodies.row(strike))]  # fmt: skip
        row[10], row[11] = "1.275", f"{strike:.0f}"
        rows.append(row)

    with pytest.raises(BadPayload, match=r"row 5, open interest of calls: '1\.275' may be"):
        parse_csv(bodies.csv(rows))


def test_points_and_commas_mixed_as_decimals_are_refused(bodies: Any) -> None:
    with pytest.raises(BadPayload, match=r"row 7, bid of calls: '9,4' is no number"):
        parse_csv(edited(bodies, 2, 4, "9,4"))


def test_a_thousand_without_quotes_shifts_the_row_and_is_refused(bodies: Any) -> None:
    text = bodies.csv().decode().replace(",120,", ",1,120,", 1)

    with pytest.raises(BadPayload, match="row 5: 23 cells where the header has 22"):
        parse_csv(text.encode())


def test_a_strike_listed_on_one_side_only_is_read(bodies: Any) -> None:
    rows = bodies.rows()
    rows[1][12:] = [""] * 10

    chain = parse_csv(bodies.csv(rows))

    assert len(chain) == 7
    assert "QQQ261218P00520000" not in chain.contract


def test_options_of_two_underlyings_are_refused(bodies: Any) -> None:
    rows = [*bodies.rows(), bodies.row(530.0, root="SPY261218")]

    with pytest.raises(BadPayload, match="options of QQQ, SPY, not of one"):
        parse_csv(bodies.csv(rows))


def test_an_adjusted_root_belongs_to_its_underlying(bodies: Any) -> None:
    chain = parse_csv(bodies.csv([*bodies.rows(), bodies.row(530.0, root="QQQ1261218")]))

    assert chain.symbol == "QQQ"
    assert np.isnan(chain.multiplier).tolist() == [False] * 4 + [True] + [False] * 4 + [True]


@pytest.mark.parametrize(
    "header, message",
    [
        ("Date,Calls", "no header row"),
        ("Expiration Date,Calls,Bid", "row 4: the header has no column 'strike'"),
    ],
)
def test_a_header_without_its_columns_is_refused(bodies: Any, header: str, message: str) -> None:
    with pytest.raises(BadPayload, match=message):
        parse_csv(bodies.csv(header=header))


def test_a_header_without_gamma_is_refused_by_name(bodies: Any) -> None:
    with pytest.raises(BadPayload, match="row 4: the header has no column 'gamma'"):
        parse_csv(bodies.csv(header=bodies.HEADER.replace("Gamma", "Gama")))


def test_a_file_without_rows_is_refused(bodies: Any) -> None:
    with pytest.raises(BadPayload, match="holds no options"):
        parse_csv(bodies.csv([]), as_of=AT)


@given(data=st.data())
@settings(max_examples=200)
def test_any_cell_may_hold_anything_and_no_other_row_changes(
    bodies: Any, data: st.DataObject
) -> None:
    row, place = data.draw(st.integers(0, 3)), data.draw(st.integers(0, 21))
    number = st.floats(-2000, 2000).map(lambda value: f"{value:g}")
    text = data.draw(st.one_of(st.text(max_size=8), number, st.sampled_from(("1,2", "1.000", ""))))
    good = parse_csv(bodies.csv())

    try:
        chain = parse_csv(edited(bodies, row, place, text.replace("\n", " ")), as_of=AT)
    except BadPayload:
        return

    others = [symbol for symbol in good.contract if symbol[-8:] != good.contract[row][-8:]]
    for name in SUMMED:
        for symbol in others:
            here = getattr(chain, name)[chain.contract.index(symbol)]
            assert here == getattr(good, name)[good.contract.index(symbol)]
        assert not np.isinf(getattr(chain, name)).any()


@given(data=st.data())
@settings(max_examples=150)
def test_a_file_cut_off_inside_a_row_is_refused(bodies: Any, data: st.DataObject) -> None:
    text = bodies.csv().decode()
    begin = text.rindex("Fri")
    end = text.rindex(",")  # behind it only digits of the last number are missing
    cut = data.draw(st.integers(begin + 1, end))

    with pytest.raises(BadPayload, match=r"row 8"):
        parse_csv(text[:cut].encode())


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_in_words(content: bytes) -> None:
    with pytest.raises(BadPayload):
        parse_csv(content)


# ---- files ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "no header row"),
        (b"<!doctype html>", "a web page"),
        (b"PK\x03\x04rest", "save it as CSV"),
        (b"\x1f\x8b\x08rest", "cut off or damaged"),
        (b"{}", "no data.options"),
    ],
)
def test_a_file_that_is_no_chain_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "chain.dat"
    path.write_bytes(content)

    with pytest.raises(BadPayload, match=message) as caught:
        read_chain_file(path)

    assert str(caught.value).startswith(f"{path}: ")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadPayload, match=r"none\.json: No such file"):
        read_chain_file(tmp_path / "none.json")


def test_a_packed_file_is_unpacked_whatever_its_name(bodies: Any, tmp_path: Path) -> None:
    path = tmp_path / "chain.csv"
    path.write_bytes(gzip.compress(bodies.csv()))

    assert_same(read_chain_file(path), parse_csv(bodies.csv()))
    path.write_bytes(gzip.compress(bodies.csv())[:-9])
    with pytest.raises(BadPayload, match="cut off or damaged"):
        read_chain_file(path)


# Rows, New York days, spot, calls and puts in $bn per 1 %, open interest, minute of the file.
RECORDED = {
    "spx_quotedata_2023-09-14": (
        9960, 53, 4505.1001, 194.8597, 171.5499, 6663949, 13722905, (2023, 9, 14, 16, 31)
    ),
    "spy_quotedata_2023-09-14": (
        3646, 31, 450.81, 25.9265, 20.9836, 6906952, 14666220, (2023, 9, 14, 16, 31)
    ),
    "qqq_quotedata_2024-03-22": (
        4920, 31, 445.65, 8.9865, 8.7907, 3495170, 6928131, (2024, 3, 22, 21, 46)
    ),
}  # fmt: skip


@pytest.mark.recorded
@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_export_is_read_whole(recordings: Path, name: str) -> None:
    rows, days, spot, calls, puts, call_oi, put_oi, when = RECORDED[name]

    chain = read_chain_file(recordings / f"cboe_{name}.csv.gz")

    assert (chain.symbol, chain.spot) == (name[:3].upper(), spot)
    assert chain.as_of == instant(date(*when[:3]), *when[3:])
    assert (len(chain), len({expiry.day for expiry in chain.expiries})) == (2 * rows, days)
    each = chain.gamma * chain.oi * chain.multiplier * spot**2 * 0.01 / 1e9
    assert each[chain.is_call].sum() == pytest.approx(calls, abs=5e-5)
    assert each[~chain.is_call].sum() == pytest.approx(puts, abs=5e-5)
    assert chain.oi[chain.is_call].sum() == call_oi
    assert chain.oi[~chain.is_call].sum() == put_oi


@pytest.mark.recorded
def test_the_recorded_index_export_keeps_both_roots(recordings: Path) -> None:
    chain = read_chain_file(recordings / "cboe_spx_quotedata_2023-09-14.csv.gz")

    roots = [chain.expiries[place].root for place in chain.expiry]
    assert (roots.count("SPX"), roots.count("SPXW")) == (2 * 3143, 2 * 6817)
    assert len(set(chain.strike.tolist())) == 451
    assert {e.settlement for e in chain.expiries if e.root == "SPX"} == {"AM"}
