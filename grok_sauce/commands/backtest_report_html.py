"""The report of a backtest as one HTML file: inline style and SVG, no script, no network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from typing import Any, Final

from grok_sauce.commands.backtest_report import money, shown, word

WIDTH: Final = 960
HEIGHT: Final = 240
EDGE: Final = 64  # room for the labels on the left
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE: Final = """
:root{color-scheme:dark;--bg:#0D1015;--surface:#13171E;--line:#262E3A;--text:#E4E8EE;
--text2:#ABB5C3;--up:#4CC38A;--down:#FF7D80;--accent:#6AA5FF}
@media (prefers-color-scheme:light){:root{color-scheme:light;--bg:#F6F7F9;--surface:#FFF;
--line:#D5DAE1;--text:#171C23;--text2:#4B5665;--up:#0F7A46;--down:#B3262B;--accent:#1F5FBF}}
*{box-sizing:border-box}
body{margin:0 auto;padding:24px;max-width:1040px;background:var(--bg);color:var(--text);
font:14px/1.5 system-ui,sans-serif}
h1{font-size:20px;margin:0 0 4px}h2{font-size:15px;margin:28px 0 8px}
p{margin:4px 0;color:var(--text2)}
.says{border-left:3px solid var(--accent);padding:2px 12px;margin:16px 0}.says p{color:var(--text)}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;background:var(--surface);
font-variant-numeric:tabular-nums}
th,td{padding:5px 10px;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th{color:var(--text2);font-weight:500}.l{text-align:left}
.facts td{white-space:normal}
.up{color:var(--up)}.down{color:var(--down)}
svg{display:block;width:100%;min-width:640px;height:auto;background:var(--surface);
border:1px solid var(--line)}
svg text{fill:var(--text2);font:12px system-ui,sans-serif}
details{margin:8px 0}summary{cursor:pointer}
"""


def page(found: dict[str, Any]) -> str:
    """The document of backtest_report.document() as a page that needs nothing else."""
    title = f"GEX Recoil Fade, {found['symbol']}"
    span = f"{shown(found['bars']['first'])} to {shown(found['bars']['last'])} New York"
    parts = [
        f"<h1>{escape(title)}</h1><p>{escape(span)}</p>",
        _facts(found),
        '<div class="says">' + "".join(f"<p>{escape(line)}</p>" for line in found["says"])
        + "</div>",
        "<h2>Equity of closed trades</h2>",
        equity(found["equity"], found["drawdown"]),
        _group("By level", "level", found["by_level"]),
        "<h2>By hour</h2>",
        hours(found["by_hour"]),
        _group("", "hour, New York", found["by_hour"]),
        _group("By way out", "way out", found["by_exit"]),
        _trades(found["trades"]),
        _crosses(found["crosses"]),
        _settings(found["settings"]),
    ]  # fmt: skip
    return (
        "<!doctype html>\n"
        '<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body>{chr(10).join(parts)}</body></html>\n"
    )


def _facts(found: dict[str, Any]) -> str:
    numbers, orders, fall = found["totals"], found["orders"], found["drawdown"]
    rows = [
        ("Candles", f"{found['candles']:,}"),
        ("Crosses", f"{len(found['crosses'])}"),
        ("Signals", f"{found['signals']}"),
        ("Orders filled, expired, gapped, rolled",
         f"{orders['filled']}, {orders['expired']}, {orders['gapped']}, {orders['rolled']}"),
        ("Trades", f"{numbers['n']}, won {numbers['wins']}, lost {numbers['losses']}"),
        ("Points", f"{numbers['points']:+.2f}, mean {_number(numbers['mean_points'])} "
         f"(n {numbers['n']})"),
        ("P/L after costs", f"{money(numbers['dollars'])}, commission "
         f"${numbers['commission']:,.2f}"),
        ("Deepest drawdown", "–" if fall is None else f"${fall['dollars']:,.2f}"),
        ("Ambiguous", f"{numbers['ambiguous']} of {numbers['n']}"),
    ]  # fmt: skip
    cells = "".join(
        f'<tr><td class="l">{escape(name)}</td><td>{escape(value)}</td></tr>'
        for name, value in rows
    )
    return f'<table class="facts">{cells}</table>'


# ---- pictures ---------------------------------------------------------------------------


def equity(points: Sequence[Sequence[Any]], fall: dict[str, Any] | None) -> str:
    """A stepped line of the sum of closed trades in $, the deepest fall marked."""
    if not points:
        return "<p>No trade, no curve.</p>"
    times = [datetime.fromisoformat(at).timestamp() for at, _ in points]
    values = [float(value) for _, value in points]
    low, high = min(0.0, *values), max(0.0, *values)
    span = (times[-1] - times[0]) or 1.0
    tall = (high - low) or 1.0

    def x(at: float) -> float:
        return EDGE + (at - times[0]) / span * (WIDTH - EDGE - 16)

    def y(value: float) -> float:
        return 16 + (high - value) / tall * (HEIGHT - 40)

    path = f"M{EDGE} {y(0):.1f}"
    for at, value in zip(times, values, strict=True):
        path += f"H{x(at):.1f}V{y(value):.1f}"
    marks = [
        f'<line x1="{EDGE}" x2="{WIDTH - 16}" y1="{y(0):.1f}" y2="{y(0):.1f}" '
        'stroke="var(--line)"/>',
        *(
            f'<text x="{EDGE - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:+,.0f}</text>'
            for value in sorted({low, 0.0, high})
        ),
        f'<text x="{EDGE}" y="{HEIGHT - 6}">{escape(shown(points[0][0]))}</text>',
        f'<text x="{WIDTH - 16}" y="{HEIGHT - 6}" text-anchor="end">'
        f"{escape(shown(points[-1][0]))}</text>",
    ]
    if fall is not None and fall["to"] is not None:
        start = times[0] if fall["from"] is None else datetime.fromisoformat(
            fall["from"]).timestamp()  # fmt: skip
        end = datetime.fromisoformat(fall["to"]).timestamp()
        marks.insert(
            0,
            f'<rect x="{x(start):.1f}" y="16" width="{max(1.0, x(end) - x(start)):.1f}" '
            f'height="{HEIGHT - 40}" fill="var(--down)" opacity="0.12"/>',
        )
    label = f"Sum of closed trades, {values[-1]:+,.2f} dollars after {len(values)} trades"
    return (
        f'<div class="wide" tabindex="0"><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(label)}">'
        f'{"".join(marks)}<path d="{path}" fill="none" stroke="var(--accent)" '
        'stroke-width="1.5"/></svg></div>'
    )


def hours(groups: dict[str, dict[str, Any]]) -> str:
    """A bar for each hour's points, with its n."""
    if not groups:
        return "<p>No trade in any hour.</p>"
    most = max(abs(group["points"]) for group in groups.values()) or 1.0
    places = 0 if most >= 20 else 2
    step = (WIDTH - 32) / len(groups)
    middle, tall = 90, 64
    marks = []
    for place, (hour, group) in enumerate(groups.items()):
        points = group["points"]
        height = abs(points) / most * tall
        left = 16 + place * step
        top = middle - height if points >= 0 else middle
        color = "up" if points >= 0 else "down"
        centre = left + step / 2
        value_y = top - 4 if points >= 0 else middle + height + 13
        marks.append(
            f'<rect x="{left + step * 0.2:.1f}" y="{top:.1f}" width="{step * 0.6:.1f}" '
            f'height="{max(height, 1):.1f}" fill="var(--{color})"/>'
            f'<text x="{centre:.1f}" y="{value_y:.1f}" text-anchor="middle">'
            f"{points:+.{places}f}</text>"
            f'<text x="{centre:.1f}" y="188" text-anchor="middle">{escape(hour)}h</text>'
            f'<text x="{centre:.1f}" y="204" text-anchor="middle">n {group["n"]}</text>'
        )
    return (
        f'<div class="wide" tabindex="0"><svg viewBox="0 0 {WIDTH} 212" role="img" '
        'aria-label="Points by hour of the signal">'
        f"{''.join(marks)}</svg></div>"
    )


# ---- tables -----------------------------------------------------------------------------


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Cells are HTML already; the first column is text."""
    names = "".join(
        f'<th class="{"l" if place == 0 else ""}">{escape(name)}</th>'
        for place, name in enumerate(heads)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f'<td class="{"l" if place == 0 else ""}">{cell}</td>'
            for place, cell in enumerate(cells)
        )
        + "</tr>"
        for cells in rows
    )
    return (
        f'<div class="wide" tabindex="0"><table><thead><tr>{names}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _group(title: str, of: str, groups: dict[str, dict[str, Any]]) -> str:
    if not groups:
        return ""
    heads = (of, "n", "won", "points", "mean (n)", "P/L $", "ambiguous")
    rows = [
        (
            escape(word(name)),
            f"{each['n']}",
            f"{each['wins']}",
            _signed(each["points"]),
            f"{_number(each['mean_points'])} (n {each['n']})",
            _signed(each["dollars"]),
            f"{each['ambiguous']}",
        )
        for name, each in groups.items()
    ]
    head = f"<h2>{escape(title)}</h2>" if title else ""
    return head + _table(heads, rows)


def _trades(trades: list[dict[str, Any]]) -> str:
    if not trades:
        return "<h2>Trades</h2><p>None.</p>"
    heads = ("signal, New York", "level", "entry", "stop", "target", "risk", "LT below", "out",
             "price", "by", "points", "P/L $", "")  # fmt: skip
    rows = [
        (
            escape(shown(each["signal_at"])),
            f"{escape(word(each['level_name']))} {each['level']:,.2f}",
            f"{each['entry']:,.2f}",
            f"{each['stop']:,.2f}",
            f"{each['target']:,.2f}",
            f"{each['risk']:g}",
            "–" if each["lt_below"] is None else f"{each['lt_below']}",
            escape(shown(each["exited_at"])),
            f"{each['exit']:,.2f}",
            escape(word(each["reason"])),
            _signed(each["points"]),
            _signed(each["dollars"]),
            "ambiguous" if each["ambiguous"] else "",
        )
        for each in trades
    ]
    return f"<h2>Trades ({len(trades)})</h2>" + _table(heads, rows)


def _crosses(crosses: list[dict[str, Any]]) -> str:
    rows = [
        (
            escape(shown(each["closed_at"])),
            f"{each['candle']['close']:,.2f}",
            escape(", ".join(word(t["name"]) for t in each["tests"] if t["cross"]["passed"])),
            escape(each["result"]),
            escape(each["reason"]),
        )
        for each in crosses
    ]
    table = _table(("closed, New York", "close", "crossed", "result", "why"), rows)
    return f"<details><summary>All crosses ({len(crosses)})</summary>{table}</details>"


def _settings(settings: dict[str, Any]) -> str:
    rows = [(escape(name), escape(str(value))) for name, value in settings.items()]
    return f"<details><summary>Settings</summary>{_table(('setting', 'value'), rows)}</details>"


def _signed(value: float) -> str:
    color = "up" if value > 0 else "down" if value < 0 else ""
    return f'<span class="{color}">{value:+,.2f}</span>'


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:+.2f}"
