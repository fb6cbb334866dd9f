"""Names earlier programs read from `.env`: each mapped or answered, never silently ignored."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_OAUTH: Final = (
    "tastytrade retired sign-in by password and session token; create an OAuth application at "
    "tastytrade and set CLIENT_SECRET and REFRESH_TOKEN (page Setup, Credentials)"
)
_REDIS: Final = "write REDIS_URL=redis://host:port/0 in .env instead"
_STRATEGY: Final = "set on the page Setup, Signal strategy (settings.json, strategy.{})"
_PORT: Final = "give the port with --port"
_FUTURES: Final = (
    "contracts are not typed any more: enter /NQ, /MNQ, /ES, /MES, front month follows"
)

# Old name -> what to do instead, in words that follow "NAME: ".
OLD_NAMES: Final[Mapping[str, str]] = {
    "TASTY_USERNAME": _OAUTH,
    "TASTY_PASSWORD": _OAUTH,
    "TASTY_SESSION_TOKEN": _OAUTH,
    "TASTY_REMEMBER_TOKEN": _OAUTH,
    "REDIS_HOST": _REDIS,
    "REDIS_PORT": _REDIS,
    "TV_TOKEN_CACHE_FILE": "files live in the data folder; give it with --data",
    "OHLCV_SYMBOLS": "set TRADINGVIEW_SYMBOLS (CME_MINI:NQ1!) and CANDLE_SYMBOLS (/NQ)",
    "GEX_FETCH_TIME": "Cboe's closing file is fetched 35 minutes after the close, live GEX always",
    "GEX_COOLDOWN_MINUTES": "GEX follows the feed; POST /gex/refresh rests for 5 market minutes",
    "GEX_CACHE_FILE": "files live in the data folder; give it with --data",
    "STRATEGY_ENABLED": _STRATEGY.format("enabled"),
    "TRADING_SYMBOL": _STRATEGY.format("symbols and strategy.contract"),
    "DEFAULT_QUANTITY": _STRATEGY.format("quantity"),
    "TARGET_POINTS": _STRATEGY.format("target"),
    "STOP_BUFFER": _STRATEGY.format("stop_buffer"),
    "MAX_RISK": _STRATEGY.format("max_risk"),
    "USE_TRAILING_STOP": _STRATEGY.format("trailing"),
    "TRAILING_TRIGGER": _STRATEGY.format("trail_trigger"),
    "TRAILING_OFFSET": _STRATEGY.format("trail_offset"),
    "USE_LIQUIDITY_FILTER": _STRATEGY.format("lt_missing"),
    "MAX_LT_LEVELS_BELOW": _STRATEGY.format("max_lt_below"),
    "SESSION_START_HOUR": _STRATEGY.format("session_start"),
    "SESSION_END_HOUR": _STRATEGY.format("session_end"),
    "HTTP_PORT": _PORT,
    "SERVICE_NAME": "the service has one name; the line has no effect",
    "ENABLE_HISTORICAL_ARCHIVING": "candles are always kept; `bars export --format e54` is a file",
    "HISTORICAL_DATA_DIRECTORY": "files live in the data folder; give it with --data",
    "ARCHIVE_SYMBOLS": "minutes of all symbols are kept; set CANDLE_SYMBOLS for closed candles",
    "NQ_CONTRACT": _FUTURES,
    "MNQ_CONTRACT": _FUTURES,
    "ES_CONTRACT": _FUTURES,
    "MES_CONTRACT": _FUTURES,
}

# Old name -> new name whose meaning is the same: the value is taken over.
RENAMED: Final[Mapping[str, str]] = {
    "TASTY_CLIENT_SECRET": "CLIENT_SECRET",
    "TASTYTRADE_CLIENT_SECRET": "CLIENT_SECRET",
    "TASTY_REFRESH_TOKEN": "REFRESH_TOKEN",
    "TASTYTRADE_REFRESH_TOKEN": "REFRESH_TOKEN",
}


_HOST: Final = re.compile(r"[A-Za-z0-9._-]{1,253}", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]{1,5}", re.ASCII)


def redis_url(environ: Mapping[str, str]) -> str | None:
    """REDIS_HOST and REDIS_PORT as one address; None when they are none, or cannot be read.

    >>> redis_url({"REDIS_HOST": "localhost"}), redis_url({"REDIS_PORT": "7000"})
    ('redis://localhost:6379/0', 'redis://localhost:7000/0')
    """
    host, port = environ.get("REDIS_HOST") or "", environ.get("REDIS_PORT") or ""
    host, port = host.strip() or "localhost", port.strip() or "6379"
    usable = _HOST.fullmatch(host) and _NUMBER.fullmatch(port) and 0 < int(port) < 65_536
    return f"redis://{host}:{port}/0" if usable else None


def modernise(environ: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The environment with renamed variables under their new names, and a notice per old name.

    A new name that is set wins over the old one. No notice shows a value.

    >>> modernise({"TASTY_REFRESH_TOKEN": "x"})
    ({'TASTY_REFRESH_TOKEN': 'x', 'REFRESH_TOKEN': 'x'}, \
['TASTY_REFRESH_TOKEN: taken as REFRESH_TOKEN; rename the line in .env'])
    """
    values = dict(environ)
    notices = []
    for old, new in RENAMED.items():
        if not values.get(old):
            continue
        if values.get(new):
            notices.append(f"{old}: not used, {new} is set; delete the old line in .env")
        else:
            values[new] = values[old]
            notices.append(f"{old}: taken as {new}; rename the line in .env")
    texts = dict(OLD_NAMES)
    if values.get("REDIS_HOST") or values.get("REDIS_PORT"):
        told = _join_redis(values)
        texts |= {"REDIS_HOST": told, "REDIS_PORT": told}
    notices.extend(f"{old}: {text}" for old, text in texts.items() if values.get(old))
    return values, notices


def _join_redis(values: dict[str, str]) -> str:
    """Set REDIS_URL from its two old halves where it is not set; what is said of them."""
    if values.get("REDIS_URL"):
        return "not used, REDIS_URL is set; delete the old line in .env"
    found = redis_url(values)
    if found is None:
        return f"cannot be read as an address; {_REDIS}"
    values["REDIS_URL"] = found
    return f"taken as a part of REDIS_URL; {_REDIS}"
