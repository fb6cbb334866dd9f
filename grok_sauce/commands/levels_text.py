"""The levels of one chain as text for a terminal.

render(document) -> str      document: what `levels --json` prints
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from grok_sauce.market.sessions import NEW_YORK
from grok_sauce.web.format import DASH, change, gex, percent, price, ratio, share, strike, volume

_UNIT: Final = {"usd_per_1pct": "$ per 1 % move", "usd_per_point": "$ per point"}
_GAMMA: Final = {
    "file": "gamma from the file",
    "model": "gamma re-computed from volatility (model)",
    "feed": "gamma from the feed",
}
_REGIME: Final = {
    "positive": "positive gamma: dealers buy dips and sell rallies",
    "negative": "negative gamma: dealers sell dips and buy rallies",
}
_FLIPS: Final = (
    ("all", "All expiries"),
    ("zero_dte", "0DTE alone"),
    ("ex_zero_dte", "Without 0DTE"),
)
_REASONS: Final = {
    "net_positive_everywhere": "net gamma is positive everywhere within 20 % of spot",
    "net_negative_everywhere": "net gamma is negative everywhere within 20 % of spot",
}
_WALLS: Final = (
    ("call_wall", "Call wall"),
    ("call_wall_2", "Second call wall"),
    ("put_wall", "Put wall"),
    ("put_wall_2", "Second put wall"),
    ("call_wall_unrestricted", "Call wall, any side"),
    ("put_wall_unrestricted", "Put wall, any side"),
    ("call_wall_oi", "Call wall by OI"),
    ("put_wall_oi", "Put wall by OI"),
    ("max_gex_strike", "Max |net GEX|"),
    ("absolute_gamma_strike", "Absolute gamma"),
)
_WIDTH: Final = 22
_ROOTS: Final = 4  # the nearest ones are shown
_OLD: Final = 60.0  # seconds from which a spot's age is said

Document = Mapping[str, Any]


def render(document: Document) -> str:
    """All of it, a block a subject, blank lines between.

    >>> "Zero gamma" in render({"symbol": "SPX", "spot": 6000.0})
    True
    """
    blocks = (
        _head(document),
        _totals(document),
        _zero_gamma(document),
        _walls(document),
        _ranked(document),
        _max_pain(document),
        _outlook(document),
        _rates(document),
    )
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _line(label: str, value: str, note: str = "") -> str:
    return f"  {label:<{_WIDTH}}{value:>12}   {note}".rstrip()


def _table(rows: Iterable[Sequence[str]], align: str) -> list[str]:
    """Columns as wide as they need; align: one "<" or ">" each."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = zip(row, align, widths, strict=True)
        lines.append("  " + "  ".join(f"{cell:{side}{width}}" for cell, side, width in cells))
    return [line.rstrip() for line in lines]


def _head(document: Document) -> list[str]:
    spot, label = document.get("spot"), document.get("spot_label") or document.get("spot_basis")
    text = f"{price(spot)} ({label})" if spot is not None else f"spot {DASH}"
    lines = [
        f"{document['symbol']}  {text}  as of {_moment(document.get('as_of'))}"
        f"  {document.get('source') or ''}".rstrip()
    ]
    unit, gamma = document.get("unit"), document.get("gamma")
    lines.append(f"  {_UNIT.get(unit or '', DASH)}, {_GAMMA.get(gamma or '', DASH)}")
    evening = document.get("oi_date")
    lines.append(f"  OI as of {evening}, evening" if evening else "  OI of a date not told")
    lines += _scope(document)
    age = document.get("spot_age")
    if age is not None and age >= _OLD:
        lines.append(f"  the spot is {_span(age)} old")
    status = document.get("status") or {}
    if status.get("text"):
        lines.append(f"  {status['text']}")
    return lines


def _span(seconds: float) -> str:
    """A length of time in its two largest units.

    >>> _span(60302.0), _span(95.0), _span(200_000.0)
    ('16 h 45 min', '1 min 35 s', '2 d 7 h')
    """
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _scope(document: Document) -> list[str]:
    scope = document.get("scope")
    if not scope:
        return []
    known = scope["oi_share"]
    lines = [
        f"  scope: {scope['expiries']} of {scope['of'] or DASH} expiries, "
        f"{strike(scope['strike_low'])}..{strike(scope['strike_high'])}, "
        f"{share(None if known is None else known * 100)} of OI"
    ]
    coverage = document.get("coverage")
    lines.append(
        f"  coverage {share(None if coverage is None else coverage * 100)}: "
        f"{document['used']:,} of {document['contracts']:,} contracts used" + _left_out(document)
    )
    return lines


def _left_out(document: Document) -> str:
    words = {"no_iv": "no volatility", "no_oi": "no OI", "non_standard": "non-standard"}
    parts = [
        f"{count:,} {words.get(name, name)}"
        for name, count in (document.get("excluded") or {}).items()
        if count
    ]
    return f"; left out: {', '.join(parts)}" if parts else ""


def _moment(text: str | None) -> str:
    if text is None:
        return DASH
    local = datetime.fromisoformat(text).astimezone(NEW_YORK)
    return f"{local:%a %Y-%m-%d %H:%M:%S} New York"


def _totals(document: Document) -> list[str]:
    totals, put_call = document.get("totals") or {}, document.get("put_call") or {}
    unit = _UNIT.get(document.get("unit") or "", "$")
    lines = [f"Gamma exposure, {unit}"]
    lines.append(
        _line("Net", gex(totals.get("net")), _REGIME.get(document.get("regime") or "", ""))
    )
    lines += [_line(name.title(), gex(totals.get(name))) for name in ("call", "put", "gross")]
    lines.append(_line("Net, $ per point", gex(totals.get("net_per_point"))))
    lines.append(_line("DEX, holders", gex(totals.get("dex_holders")), "$ of underlying"))
    lines.append(_line("DEX, dealer model", gex(totals.get("dex_dealer")), "calls minus puts"))
    lines.append(_line("Vanna", gex(totals.get("vex")), "$ of delta per volatility point"))
    lines.append(_line("Charm", gex(totals.get("chex")), "$ of delta per calendar day"))
    for name, label in (("oi", "Put/call by OI"), ("volume", "Put/call by volume")):
        puts, calls = put_call.get(f"put_{name}"), put_call.get(f"call_{name}")
        note = f"{put_call.get(f'{name}_word') or ''}, {volume(puts)} puts, {volume(calls)} calls"
        lines.append(_line(label, ratio(put_call.get(name)), note.lstrip(", ")))
    return lines


def _zero_gamma(document: Document) -> list[str]:
    found = document.get("zero_gamma") or {}
    lines = ["Zero gamma (every contract re-priced within 20 % of spot)"]
    for key, label in _FLIPS:
        one = found.get(key) or {}
        first, *rest = _flip_notes(one)
        lines.append(_line(label, price(one.get("flip")), first))
        lines += [_line("", "", note) for note in rest]
    lines.append("  other methods, for comparison:")
    lines.append(_line("Sign by strike", price(found.get("strike_sign")), "lowest change of sign"))
    lines.append(_line("Cumulative", price(found.get("cumulative")), "sum from the lowest strike"))
    return lines


def _flip_notes(one: Mapping[str, Any]) -> list[str]:
    notes = []
    if one.get("flip") is None and one.get("reason"):
        notes.append(_REASONS.get(one["reason"], str(one["reason"]).replace("_", " ")))
    roots = one.get("roots") or ()
    if len(roots) > 1:
        near = sorted(sorted(roots, key=lambda root: abs(root - one["flip"]))[:_ROOTS])
        shown = ", ".join(price(root) for root in near)
        notes.append(f"{len(roots)} roots: {shown}{', ...' * (len(roots) > _ROOTS)}")
    if one.get("degraded"):
        notes.append("degraded: much open interest could not be used")
    return notes or [""]


def _walls(document: Document) -> list[str]:
    spot = document.get("spot")
    lines = ["Walls and strikes"]
    for key, label in _WALLS:
        value = document.get(key)
        if value is None and key.endswith("_2"):
            continue
        away = ""
        if value is not None and spot:
            away = f"{change(value - spot)}  {percent((value / spot - 1) * 100)}"
        lines.append(_line(label, strike(value), away))
    return lines


def _ranked(document: Document) -> list[str]:
    lines = ["Resistance and support"]
    for key in ("resistance", "support"):
        both = document.get(key) or {}
        for order in ("by_strength", "by_distance"):
            strikes = ", ".join(strike(value) for value in both.get(order) or ()) or DASH
            lines.append(f"  {key.title()}, {order.replace('_', ' '):<14}{strikes}")
    return lines


def _max_pain(document: Document) -> list[str]:
    rows = document.get("max_pain") or []
    lines = ["Max pain by expiry and settlement"]
    if not rows:
        return [*lines, f"  {DASH}"]
    table = [("Expiry", "Root", "", "DTE", "Strike", "Tied", "Payout $")]
    for row in rows:
        tied = row["tied"]
        table.append(
            (
                row["expiry"],
                row["root"],
                row["settlement"] + (" witching" if row["witching"] else ""),
                str(row["dte"]),
                strike(row["strike"]),
                f"{strike(tied[0])}..{strike(tied[1])}" if tied and tied[0] != tied[1] else "",
                gex(row["payout"]).lstrip("+"),
            )
        )
    return lines + _table(table, "<<<>>>>")


def _outlook(document: Document) -> list[str]:
    move, skew = document.get("expected_move") or {}, document.get("skew") or {}
    if not move.get("expiry"):
        return []
    lines = [f"Expected move to {move['expiry']}, points"]
    for key, label, note in (
        ("straddle", "Straddle", "call and put at the money"),
        ("sigma", "One sigma", "forward x volatility x square root of time"),
        ("weighted", "60/30/10", "straddle and two strangles"),
    ):
        lines.append(_line(label, price(move.get(key)), note))
    if move.get("low") is not None:
        lines.append(_line("Range", f"{price(move['low'])}..{price(move['high'])}"))
    atm, risk = skew.get("atm_iv"), skew.get("rr25")
    lines.append(_line("At-the-money IV", share(None if atm is None else atm * 100)))
    points = "volatility points, 25-delta call minus put"
    lines.append(_line("Risk reversal", change(None if risk is None else risk * 100), points))
    return lines


def _rates(document: Document) -> list[str]:
    rate, dividends = document.get("rate"), document.get("dividend_yield")
    source = document.get("rate_source") or ""
    dated = f" of {document['rate_date']}" if document.get("rate_date") else ""
    lines = [
        f"Rate {_rate(rate)} ({source}{dated}), dividend yield {_rate(dividends)}; "
        f"forward: {document.get('forward_basis') or DASH}"
    ]
    rows = [row for row in document.get("forwards") or () if row["forward"] is not None]
    table = [
        (
            row["expiry"],
            row["root"],
            row["settlement"],
            price(row["forward"]),
            row["basis"] + (f" at {', '.join(map(strike, row['strikes']))}" * bool(row["strikes"])),
        )
        for row in rows[:6]
    ]
    lines += _table(table, "<<<><")
    if len(rows) > len(table):
        lines.append(f"  and {len(rows) - len(table)} more expiries (--json)")
    if document.get("american"):
        lines.append("  American options, priced as European ones; parity holds roughly.")
    lines.append(
        "  Dealers are modelled long the calls and short the puts. Nothing here is advice."
    )
    return lines


def _rate(value: float | None) -> str:
    return DASH if value is None else f"{value * 100:.2f} %"
