"""The chart page, complete from the newest snapshot, and its candles as JSON and CSV."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, date, datetime
from typing import Any, Final
from urllib.parse import quote, urlencode

import flask
import orjson
from werkzeug.wrappers import Response

from grok_sauce.questions import Unavailable
from grok_sauce.web.errors import Refusal
from grok_sauce.web.site import Site, page
from grok_sauce.web.tickers import choice, normal_symbol

TOPIC: Final = "chart.bar"
TIMEFRAMES: Final = ("1m", "5m", "15m", "1d")
HOURS: Final = ("regular", "extended")
FORMATS: Final = ("csv", "e54")
USUAL: Final = 400  # candles in an answer
MOST: Final = 5000
FALLBACK: Final = "SPY"  # where nothing is chosen
PATIENCE: Final = 10.0  # seconds for candles that have to be fetched first
AT_ONCE: Final = 2.0  # seconds a page waits for what is in memory; it opens without it too
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.]+")


def index(site: Site) -> Response:
    """GET /chart: to the table's first symbol, or the page of ?symbol= where it has a slash.

    The browser knows which symbol was shown last: the fragment lets it go there.
    """
    query = flask.request.args.to_dict()
    given = query.pop("symbol", None)
    if given is None:
        return flask.redirect(page_of(next(iter(_table(site)), FALLBACK), **query) + "#last")
    symbol = normal_symbol(given)
    if "/" in symbol:
        return show(site, symbol)
    return flask.redirect(page_of(symbol, **query))


def show(site: Site, symbol: str) -> Response:
    """GET /chart/<symbol>."""
    name = normal_symbol(symbol)
    query = flask.request.args.to_dict()
    if name != symbol and "/" not in name:
        return flask.redirect(page_of(name, **query))  # one address a page
    is_future = name.startswith("/")
    timeframe = choice("tf", TIMEFRAMES, "5m")
    hours = choice("hours", HOURS, "extended" if is_future else "regular")
    snapshot = site.deps.snapshot
    # Read before the candles: what is newer than seq says is drawn twice, never missed.
    seq = snapshot.seq(f"{TOPIC}:{name}:{timeframe}")
    found = site.deps.questions.ask(
        "chart.open", {"symbol": name, "timeframe": timeframe, "hours": hours}, AT_ONCE
    )
    problem = found.reason if isinstance(found, Unavailable) else None
    return page(
        "chart.html",
        "chart",
        symbol=name,
        symbols=_table(site),
        timeframe=timeframe,
        hours=hours,
        candles=None if isinstance(found, Unavailable) else found,
        problem=problem,
        beside=_beside(site, name),
        epoch=snapshot.epoch,
        seq=seq,
    )


def candles(site: Site) -> flask.Response:
    """GET /api/candles?symbol=&tf=[&hours=][&from=][&to=][&limit=]: the newest, or before to."""
    return flask.Response(orjson.dumps(_ask(site)), mimetype="application/json")


def export(site: Site) -> flask.Response:
    """GET /api/candles.csv: the same, one line a candle; format=e54&day=: a session's archive."""
    if choice("format", FORMATS, "csv") == "e54":
        return _archive(site)
    found = _ask(site)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(
        [
            *("time", "open", "high", "low", "close", "volume"),
            *("vwap", "vwap_deviation", "hours", "symbol", "timeframe", "source"),
        ]
    )
    about = (found["symbol"], found["timeframe"], found["source"])
    for bar, average, is_out in zip(found["bars"], found["vwap"], found["extended"], strict=True):
        prices = ["" if value is None else value for value in bar[1:]]
        hours = "extended" if is_out else "regular"
        writer.writerow([_iso(bar[0]), *prices, *(average or ("", "")), hours, *about])
    response = flask.Response(text.getvalue(), content_type="text/csv; charset=utf-8")
    plain = re.sub(r"[^A-Z0-9.]", "_", found["symbol"])
    stamp = re.sub(r"[^0-9TZ]", "", _iso(found["at_ms"]))
    name = f"{plain}-{found['timeframe']}-{stamp}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _archive(site: Site) -> flask.Response:
    """The minutes of a session of 18:00 to 16:00 New York as a bar archive has them."""
    day = flask.request.args.get("day", "").strip()
    if not re.fullmatch(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}", day) or not _is_day(day):
        raise Refusal(422, "invalid", "day must be a day like 2026-12-16.", "day")
    symbol = normal_symbol(flask.request.args.get("symbol"))
    asked = {"symbol": symbol, "day": day}
    found = site.deps.questions.ask("candles.archive", asked, PATIENCE)
    if isinstance(found, Unavailable):
        raise Refusal(404, "not_kept", found.reason[:1].upper() + found.reason[1:] + ".", "day")
    response = flask.Response(found["text"], content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{found["name"]}"'
    return response


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def page_of(symbol: str, **query: Any) -> str:
    """The address of a symbol's chart.

    >>> page_of("SPX"), page_of("/ES", tf="1m")
    ('/chart/SPX', '/chart?symbol=%2FES&tf=1m')
    """
    if _ADDRESS.fullmatch(symbol):
        return f"/chart/{quote(symbol)}" + (f"?{urlencode(query)}" if query else "")
    return f"/chart?{urlencode({'symbol': symbol, **query})}"


def _table(site: Site) -> list[str]:
    """The table's symbols in the user's order."""
    lists = site.deps.settings_store.settings.indicators
    return list(dict.fromkeys((*lists.positive, *lists.neutral, *lists.negative)))


def _beside(site: Site, symbol: str) -> dict[str, Any]:
    """What is drawn over the candles, each with the number of its room: {name: {seq, value}}."""
    rooms = (
        ("profile", "profile.levels", symbol),
        ("orb", "orb.breakout", symbol),
        ("lt", "lt.levels", symbol),
        ("calendar", "calendar.event", ""),
        ("reactions", "event.reaction", ""),
    )
    found = {}
    for name, topic, key in rooms:
        seq, values = site.deps.snapshot.read(topic, key)
        found[name] = {"seq": seq, "value": values.get(key)}
    return found


def _ask(site: Site) -> dict[str, Any]:
    args = flask.request.args
    symbol = normal_symbol(args.get("symbol"))
    start, end = _moment("from"), _moment("to")
    if start is not None and end is not None and start >= end:
        raise Refusal(422, "invalid", "from must be before to.", "from")
    limit = args.get("limit", "").strip() or str(MOST if start is not None else USUAL)
    if not re.fullmatch(r"[0-9]{1,5}", limit) or not 1 <= int(limit) <= MOST:
        raise Refusal(422, "invalid", f"limit must be a whole number from 1 to {MOST}.", "limit")
    default = "extended" if symbol.startswith("/") else "regular"
    found: dict[str, Any] = site.ask(
        "chart.candles",
        PATIENCE,
        symbol=symbol,
        timeframe=choice("tf", TIMEFRAMES, "5m"),
        hours=choice("hours", HOURS, default),
        start=start,
        end=end,
        limit=int(limit),
    )
    return found


def _moment(name: str) -> int | None:
    """A query parameter that is Unix milliseconds, or ISO-8601 with its offset; None: not given.

    Raises:
        Refusal: 422 naming it.
    """
    text = flask.request.args.get(name, "").strip()
    if not text:
        return None
    try:
        if re.fullmatch(r"[0-9]{1,14}", text):
            return int(text)
        # A "+" of an offset arrives as a blank when nobody quoted it.
        when = datetime.fromisoformat(text.replace(" ", "+"))
        if when.tzinfo is None:
            raise ValueError("no offset")
        return max(0, int(when.astimezone(UTC).timestamp() * 1000))
    except (ValueError, OverflowError):
        raise Refusal(
            422, "invalid", f"{name} must be Unix milliseconds or like 2026-12-16T14:05:00Z.", name
        ) from None


def _iso(ms: float) -> str:
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
