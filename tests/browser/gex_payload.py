"""A day of one underlying as the gex page gets it: payloads and history, seeded, no numpy.

The numbers agree with each other: gamma is Black-Scholes at the spot, walls, flip and max pain
are searched in the same strikes. Wednesday 16 December 2026, spot 6,012.36 at 14:32:07 New York.
"""

from __future__ import annotations

import math
import random
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

NOW_MS = 1797449527000  # Wednesday 2026-12-16, 14:32:07 New York
OPEN_MS = 1797431400000  # 09:30
SPOT = 6012.36
PREV_CLOSE = 5986.70
BASIS = 31.14
MULTIPLIER = 100.0
STRIKES = [
    *range(5700, 5850, 25),
    *range(5850, 6175, 5),
    *range(6175, 6325, 25),
]
PUT_POLES = {5900: 6.0, 5950: 8.6, 5800: 2.6, 5925: 2.0, 5875: 1.7, 6000: 0.5, 5850: 1.5}
CALL_POLES = {6050: 6.4, 6000: 2.9, 6100: 3.6, 6025: 2.6, 6075: 2.4, 6010: 0.9, 6015: 0.8}
# expiry, root, settlement, days to settlement, weight of its open interest, ATM volatility
TERMS = [
    (date(2026, 12, 16), "SPXW", "PM", 0, 1.2, 0.157),
    (date(2026, 12, 17), "SPXW", "PM", 1, 0.8, 0.149),
    (date(2026, 12, 18), "SPX", "AM", 2, 1.6, 0.147),
    (date(2026, 12, 18), "SPXW", "PM", 2, 1.0, 0.147),
    (date(2026, 12, 21), "SPXW", "PM", 5, 0.5, 0.146),
    (date(2026, 12, 23), "SPXW", "PM", 7, 0.4, 0.148),
]
LISTED = 34


class Line(NamedTuple):
    """One strike of one expiry."""

    strike: float
    years: float
    iv: float
    call_oi: float
    put_oi: float
    call_volume: float
    put_volume: float


def _phi(x: float) -> float:
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def _big_n(x: float) -> float:
    return 0.5 * (1 + math.erf(x / math.sqrt(2)))


def _d1(line: Line, spot: float) -> float:
    root = line.iv * math.sqrt(line.years)
    return (math.log(spot / line.strike) + line.iv**2 * line.years / 2) / root


def _gamma(line: Line, spot: float) -> float:
    return _phi(_d1(line, spot)) / (spot * line.iv * math.sqrt(line.years))


@lru_cache(maxsize=1)
def lines() -> tuple[tuple[Line, ...], ...]:
    """The contracts of each expiry."""
    chance = random.Random(20261216)
    chain = []
    for _, _, settlement, days, weight, atm in TERMS:
        hours = (1.4659 if settlement == "PM" else -5.034) + 24 * days
        years = hours / 24 / 365
        found = []
        for strike in STRIKES:
            near = math.exp(-(((strike - SPOT) / 160) ** 2))
            odd = 1.0 if strike % 25 == 0 else 0.45
            put = 900 * near * odd * (1.5 if strike < SPOT else 0.55)
            call = 900 * near * odd * (1.4 if strike >= SPOT - 5 else 0.45)
            put += 1500 * PUT_POLES.get(strike, 0)
            call += 1500 * CALL_POLES.get(strike, 0)
            iv = atm - 0.0000072 * (strike - SPOT) * 20 / (1 + days) ** 0.55
            iv += 4e-7 * (strike - SPOT) ** 2 / (1 + days)
            scale = weight * chance.uniform(0.75, 1.25) / 3
            busy = chance.uniform(0.3, 1.1) * near
            oi = (round(call * scale), round(put * scale))
            found.append(Line(strike, years, max(0.05, iv), *oi,
                              round(oi[0] * busy), round(oi[1] * busy)))  # fmt: skip
        chain.append(tuple(found))
    return tuple(chain)


def _per_percent(line: Line, spot: float) -> tuple[float, float]:
    unit = _gamma(line, spot) * MULTIPLIER * spot * spot * 0.01
    return unit * line.call_oi, unit * line.put_oi


def net_at(spot: float, expiries: list[int]) -> float:
    """Net GEX in $ per 1 % if the underlying stood at spot."""
    total = 0.0
    for index in expiries:
        for line in lines()[index]:
            call, put = _per_percent(line, spot)
            total += call - put
    return total


def flip(expiries: list[int], spot: float = SPOT) -> dict[str, Any]:
    """Zero gamma: the root nearest to spot, by bisection of each change of sign."""
    roots = []
    grid = [SPOT * (0.9 + 0.0025 * step) for step in range(81)]
    values = [net_at(each, expiries) for each in grid]
    for low, high, first, second in zip(grid, grid[1:], values, values[1:], strict=False):
        if (first < 0) == (second < 0):
            continue
        for _ in range(20):
            middle = (low + high) / 2
            if (net_at(middle, expiries) < 0) == (first < 0):
                low = middle
            else:
                high = middle
        roots.append(low)
    found = min(roots, key=lambda root: abs(root - spot)) if roots else None
    word = "net_positive_everywhere" if values[40] > 0 else "net_negative_everywhere"
    return {"flip": found, "roots": roots, "n_roots": len(roots),
            "reason": None if roots else word, "degraded": False}  # fmt: skip


def columns(expiries: list[int], spot: float = SPOT) -> dict[str, list[float | None]]:
    """Columns by strike, the sums of the expiries."""
    names = ["gex", "dex", "vex", "chex"]
    found: dict[str, list[float | None]] = {"strike": [float(strike) for strike in STRIKES]}
    for name in names:
        for tail in ("", "_volume"):
            for side in ("call", "put"):
                found[f"{side}_{name}{tail}"] = []
    for name in ("call_oi", "put_oi", "call_volume", "put_volume", "call_iv", "put_iv"):
        found[name] = []
    for at in range(len(STRIKES)):
        row = dict.fromkeys(found, 0.0)
        for index in expiries:
            line = lines()[index][at]
            d1 = _d1(line, spot)
            d2 = d1 - line.iv * math.sqrt(line.years)
            unit = MULTIPLIER * spot
            gex = _gamma(line, spot) * unit * spot * 0.01
            vex = -_phi(d1) * d2 / line.iv * unit * 0.01
            chex = _phi(d1) * d2 * line.iv / (2 * line.years * line.iv) * unit / 365
            for tail, call, put in (("", line.call_oi, line.put_oi),
                                    ("_volume", line.call_volume, line.put_volume)):  # fmt: skip
                row[f"call_gex{tail}"] += gex * call
                row[f"put_gex{tail}"] += gex * put
                row[f"call_dex{tail}"] += _big_n(d1) * unit * call
                row[f"put_dex{tail}"] += (_big_n(d1) - 1) * unit * put
                row[f"call_vex{tail}"] += vex * call
                row[f"put_vex{tail}"] += vex * put
                row[f"call_chex{tail}"] += chex * call
                row[f"put_chex{tail}"] += chex * put
            row["call_oi"] += line.call_oi
            row["put_oi"] += line.put_oi
            row["call_volume"] += line.call_volume
            row["put_volume"] += line.put_volume
        first = lines()[expiries[0]][at]
        row["call_iv"] = row["put_iv"] = first.iv
        for name, values in found.items():
            if name != "strike":
                values.append(row[name])
    pairs = zip(found["call_gex"], found["put_gex"], strict=True)
    found["net_gex"] = [call - put for call, put in pairs]  # type: ignore[operator]
    pairs = zip(found["call_gex_volume"], found["put_gex_volume"], strict=True)
    found["net_gex_volume"] = [call - put for call, put in pairs]  # type: ignore[operator]
    return found


def _max_pain(index: int) -> tuple[float, float]:
    chain = lines()[index]

    def pays(settle: float) -> float:
        return sum(each.call_oi * max(0.0, settle - each.strike)
                   + each.put_oi * max(0.0, each.strike - settle) for each in chain)  # fmt: skip

    strike = min((line.strike for line in chain), key=pays)
    return float(strike), pays(strike) * MULTIPLIER


def _second(strikes: list[float], values: list[float], wall: float) -> float | None:
    """The second local maximum when it reaches 70 % of the first."""
    top = values[strikes.index(wall)]
    rest = [
        (value, strike)
        for before, value, after, strike in zip(
            values, values[1:], values[2:], strikes[1:], strict=False
        )
        if strike != wall and value > before and value > after and value >= 0.7 * top
    ]
    return max(rest)[1] if rest else None


def _levels(values: dict[str, Any], names: dict[str, str]) -> list[dict[str, Any]]:
    rows = []
    for key, value in values.items():
        if value is None:
            continue
        distance = value - SPOT
        row = {"key": key, "label": names[key], "value": value, "distance": distance}
        rows.append(row | {"distance_percent": distance / SPOT * 100, "future": value + BASIS})
    return sorted(rows, key=lambda row: -row["value"])


NAMES = {
    "call_wall": "Call wall", "call_wall_2": "2nd call wall", "put_wall": "Put wall",
    "put_wall_2": "2nd put wall", "absolute_gamma": "Absolute gamma", "max_gex": "Max GEX strike",
    "zero_gamma": "Zero gamma", "zero_gamma_0dte": "Zero gamma 0DTE only",
    "zero_gamma_ex_0dte": "Zero gamma ex 0DTE", "max_pain": "Max pain, 0DTE",
    "put_wall_oi": "Put wall by OI", "spot": "Spot",
    **{f"resistance_{n}": f"Resistance {n}" for n in (1, 2, 3)},
    **{f"support_{n}": f"Support {n}" for n in (1, 2, 3)},
}  # fmt: skip


def _iso(ms: float) -> str:
    text = datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _tops(data: dict[str, Any]) -> dict[str, Any]:
    sides = []
    for at, strike in enumerate(data["strike"]):
        for side in ("call", "put"):
            sides.append({
                "strike": strike, "side": side[0].upper(), "oi": data[f"{side}_oi"][at],
                "gex": data[f"{side}_gex"][at], "volume": data[f"{side}_volume"][at],
            })  # fmt: skip
    by_oi = sorted(sides, key=lambda row: -row["oi"])[:10]
    by_volume = sorted(sides, key=lambda row: -row["volume"])[:10]
    ratios = [
        {"strike": strike, "ratio": put / call, "call_oi": call, "put_oi": put}
        for strike, call, put in zip(data["strike"], data["call_oi"], data["put_oi"], strict=True)
        if call >= 500
    ]
    return {
        "oi": [{k: row[k] for k in ("strike", "side", "oi", "gex")} for row in by_oi],
        "volume": [
            {"strike": row["strike"], "side": row["side"], "volume": row["volume"],
             "of_oi": row["volume"] / row["oi"] if row["oi"] else None}
            for row in by_volume
        ],
        "put_call": sorted(ratios, key=lambda row: -row["ratio"])[:10],
        "put_call_floor": 500,
    }  # fmt: skip


VIEWS = {
    "0dte": [0],
    "7d": [0, 1, 2, 3, 4, 5],
    "30d": [0, 1, 2, 3, 4, 5],
    "all": [0, 1, 2, 3, 4, 5],
}
LABELS = {"0dte": "0DTE", "7d": "7 days", "30d": "30 days", "all": "all subscribed"}


def chosen(view: str) -> list[int]:
    """Which terms a view holds."""
    if view in VIEWS:
        return VIEWS[view]
    days = view.split(",")
    return [at for at, term in enumerate(TERMS) if term[0].isoformat() in days]


@lru_cache(maxsize=16)
def make_payload(symbol: str = "SPX", view: str = "7d") -> dict[str, Any]:
    """The PAYLOAD of one view; do not change what is returned, copy it."""
    use = chosen(view)
    data: Any = columns(use)
    strikes = data["strike"]
    total = {"call": sum(data["call_gex"]), "put": sum(data["put_gex"])}
    net = total["call"] - total["put"]
    above = [at for at, strike in enumerate(strikes) if strike >= SPOT]
    below = [at for at, strike in enumerate(strikes) if strike <= SPOT]
    call_wall = strikes[max(above, key=lambda at: data["call_gex"][at])]
    put_wall = strikes[max(below, key=lambda at: data["put_gex"][at])]
    ups = sorted(
        (at for at in above if data["net_gex"][at] > 0), key=lambda at: -data["net_gex"][at]
    )
    downs = sorted(below, key=lambda at: -data["put_gex"][at])
    zero = {"all": flip(use), "zero_dte": flip([0]) if 0 in use else None,
            "ex_zero_dte": flip([at for at in use if at]) if use != [0] else None,
            "strike_sign": 5982.8, "cumulative": 6021.0}  # fmt: skip
    gross = max(range(len(strikes)), key=lambda at: data["call_gex"][at] + data["put_gex"][at])
    biggest = max(range(len(strikes)), key=lambda at: abs(data["net_gex"][at]))
    pains = []
    term = []
    for at, (day, root, settlement, days, _, atm) in enumerate(TERMS):
        pain, payout = _max_pain(at)
        witching = day == date(2026, 12, 18)
        pains.append({"expiry": day.isoformat(), "root": root, "settlement": settlement,
                      "dte": days, "witching": witching, "strike": pain, "tied": [pain, pain],
                      "payout": payout})  # fmt: skip
        move = 0.798 * SPOT * atm * math.sqrt(lines()[at][0].years)
        term.append({"expiry": day.isoformat(), "root": root, "settlement": settlement,
                     "dte": days, "atm_iv": atm, "rr25": -0.006 - 0.002 * at, "forward": SPOT + at,
                     "move": move})  # fmt: skip
    levels = {
        "call_wall": call_wall, "call_wall_2": _second(strikes, data["call_gex"], call_wall),
        "put_wall": put_wall, "put_wall_2": _second(strikes, data["put_gex"], put_wall),
        "resistance_1": strikes[ups[0]], "resistance_2": strikes[ups[1]],
        "resistance_3": strikes[ups[2]], "support_1": strikes[downs[0]],
        "support_2": strikes[downs[1]], "support_3": strikes[downs[2]],
        "absolute_gamma": strikes[gross], "max_gex": strikes[biggest],
        "zero_gamma": zero["all"]["flip"], "max_pain": pains[use[0]]["strike"], "spot": SPOT,
        "zero_gamma_0dte": (zero["zero_dte"] or {}).get("flip"),
        "zero_gamma_ex_0dte": (zero["ex_zero_dte"] or {}).get("flip"), "put_wall_oi": 5900.0,
    }  # fmt: skip
    call_oi, put_oi = sum(data["call_oi"]), sum(data["put_oi"])
    call_volume, put_volume = sum(data["call_volume"]), sum(data["put_volume"])
    listed = [
        {"expiry": day.isoformat(), "root": root, "settlement": settlement, "dte": days,
         "monthly": day.day == 18, "witching": day.day == 18, "contracts": 2 * len(STRIKES),
         "in_view": at in use, "subscribed": True}
        for at, (day, root, settlement, days, *_) in enumerate(TERMS)
    ] + [
        {"expiry": (date(2026, 12, 24) + timedelta(days=7 * step)).isoformat(), "root": "SPXW",
         "settlement": "PM", "dte": 8 + 7 * step, "monthly": False, "witching": False,
         "contracts": 180, "in_view": False, "subscribed": False}
        for step in range(LISTED - len(TERMS))
    ]  # fmt: skip
    contracts = 2 * len(STRIKES) * len(use)
    straddle = term[use[0]]["move"]
    first = TERMS[use[0]]
    return {
        "symbol": symbol, "view": view, "view_label": LABELS.get(view, view), "source": "DEMO",
        "status": {"state": "live", "text": "", "loaded": contracts, "of": contracts},
        "spot": SPOT, "spot_basis": "trade", "spot_label": "last", "spot_at": _iso(NOW_MS - 200),
        "spot_age": 0.2, "spot_alternative": None, "as_of": _iso(NOW_MS), "oi_date": "2026-12-15",
        "change": {"value": SPOT - PREV_CLOSE, "percent": (SPOT / PREV_CLOSE - 1) * 100},
        "ages": {"spot": 0.2, "greeks": 0.4, "greeks_oldest": 6.1, "quotes": 0.6,
                 "oi_date": "2026-12-15"},
        "unit": "usd_per_1pct", "rate": 0.0412, "dividend_yield": 0.0128,
        "rate_source": "FRED SOFR", "rate_date": "2026-12-15", "forward_basis": "parity",
        "gamma": "model", "american": False,
        "scope": {"expiries": len(use), "of": LISTED, "strike_low": strikes[0],
                  "strike_high": strikes[-1], "oi_share": 0.61},
        "contracts": contracts, "used": contracts - 20,
        "excluded": {"expired": 0, "no_iv": 12, "no_oi": 0, "stale": 8, "bad": 0,
                     "non_standard": 0},
        "coverage": 0.986,
        "totals": {**total, "net": net, "gross": total["call"] + total["put"],
                   "net_per_point": net / (0.01 * SPOT), "dex_holders": 4.47e9,
                   "dex_dealer": sum(data["call_dex"]) - sum(data["put_dex"]),
                   "vex": sum(data["call_vex"]) - sum(data["put_vex"]),
                   "chex": sum(data["call_chex"]) - sum(data["put_chex"])},
        "regime": "positive" if net > 0 else "negative", "unit_factor": 0.01 * SPOT,
        "put_call": {"oi": put_oi / call_oi, "volume": put_volume / call_volume,
                     "oi_word": "Neutral-Bearish", "volume_word": "Neutral-Bearish",
                     "call_oi": call_oi, "put_oi": put_oi, "call_volume": call_volume,
                     "put_volume": put_volume},
        "forwards": [{"expiry": term[at]["expiry"], "root": TERMS[at][1],
                      "settlement": TERMS[at][2], "forward": SPOT + at, "basis": "parity",
                      "strikes": [6000.0, 6005.0, 6010.0, 6015.0, 6020.0], "rate": 0.0412,
                      "dividend_yield": 0.0128} for at in use],
        "zero_gamma": zero, "call_wall": call_wall, "put_wall": put_wall,
        "call_wall_2": levels["call_wall_2"], "put_wall_2": levels["put_wall_2"],
        "call_wall_unrestricted": call_wall, "put_wall_unrestricted": put_wall,
        "call_wall_oi": call_wall, "put_wall_oi": 5900.0, "max_gex_strike": strikes[biggest],
        "absolute_gamma_strike": strikes[gross],
        "resistance": {"by_strength": [strikes[at] for at in ups[:3]],
                       "by_distance": sorted(strikes[at] for at in ups[:3])},
        "support": {"by_strength": [strikes[at] for at in downs[:3]],
                    "by_distance": sorted((strikes[at] for at in downs[:3]), reverse=True)},
        "expected_move": {"expiry": first[0].isoformat(), "straddle": straddle,
                          "sigma": straddle / 0.798, "weighted": straddle * 0.78,
                          "shortcut_85": straddle * 0.85, "low": SPOT - straddle,
                          "high": SPOT + straddle},
        "skew": {"slope": -0.11, "rr25": -0.006}, "term": [term[at] for at in use],
        "max_pain": [pains[at] for at in use],
        "nearest": {"expiry": first[0].isoformat(), "root": first[1], "settlement": first[2],
                    "dte": first[3], "witching": False},
        "expiries": listed, "columns": data,
        "smiles": [{"expiry": TERMS[at][0].isoformat(), "root": TERMS[at][1],
                    "settlement": TERMS[at][2], "label": "", "strikes": strikes,
                    "iv": [line.iv for line in lines()[at]]}
                   for at in (use[:1] + use[2:3] + use[5:6])],
        "tops": _tops(data), "levels": _levels(levels, NAMES),
        "conversion": {"contract": "/ESH7", "kind": "basis", "value": BASIS, "age": 3.2,
                       "frozen": False, "tick": 0.25, "note": None},
        "definition": {"dealer": "calls +, puts -", "zero_gamma": "re-priced ±20 %"},
    }  # fmt: skip


def spot_at(minute: int) -> float:
    """Where the underlying stood `minute` minutes after the open."""
    part = minute / 302
    wave = 20 * math.sin(part * 5.1 - 0.9) + 4 * math.sin(part * 31)
    end = 20 * math.sin(5.1 - 0.9) + 4 * math.sin(31)
    return SPOT - 12 * (1 - part) + wave - end


@lru_cache(maxsize=4)
def make_history(symbol: str = "SPX", minutes: int = 303) -> dict[str, Any]:
    """The minutes of the day so far."""
    use = VIEWS["7d"]
    strikes = [strike for strike in STRIKES if 5850 <= strike <= 6170]
    found: dict[str, Any] = {"symbol": symbol, "view": "all", "date": "2026-12-16", "minutes": [],
                             "strikes": [float(each) for each in strikes], "net": [], "spot": [],
                             "zero_gamma": [], "call_wall": [], "put_wall": [],
                             "dates": ["2026-12-15", "2026-12-16"]}  # fmt: skip
    index = [STRIKES.index(strike) for strike in strikes]
    live = make_payload(symbol, "7d")
    for minute in range(minutes):
        spot = spot_at(minute)
        grown = 0.72 + 0.28 * minute / 302
        row = []
        for at in index:
            net = 0.0
            for term in use:
                call, put = _per_percent(lines()[term][at], spot)
                net += call * grown - put * (1.25 - 0.25 * grown)
            row.append(net)
        found["minutes"].append(OPEN_MS + 60_000 * minute)
        found["net"].append(row)
        found["spot"].append(spot)
        found["zero_gamma"].append(live["zero_gamma"]["all"]["flip"] + 6 * (1 - minute / 302))
        found["call_wall"].append(live["call_wall"])
        found["put_wall"].append(live["put_wall"])
    return found


def make_minute(at_ms: int, symbol: str = "SPX", view: str = "all") -> dict[str, Any]:
    """The payload stored at a minute of the day."""
    minute = round((at_ms - OPEN_MS) / 60_000)
    spot = spot_at(minute)
    data: Any = columns(chosen(view), spot)
    payload = {**make_payload(symbol, view), "columns": data, "spot": spot}
    call, put = sum(data["call_gex"]), sum(data["put_gex"])
    totals = {**payload["totals"], "call": call, "put": put, "net": call - put}
    return payload | {"as_of": _iso(at_ms), "spot_at": _iso(at_ms), "totals": totals}
