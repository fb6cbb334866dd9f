"""What pages are told of notices: the newest, the targets' state, the log of deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from grok_sauce.analytics import daily_summary, notice_policy
from grok_sauce.analytics.notices import Notice
from grok_sauce.market import sessions
from grok_sauce.publishers.notify_settings import BROWSER
from grok_sauce.publishers.snapshot import Snapshot
from grok_sauce.runtime.clock import as_datetime
from grok_sauce.storage.notices import Message, NoticeRow

if TYPE_CHECKING:
    from grok_sauce.desks.notices import NoticeDesk

RECENT: Final = 20  # told with every notice
LISTED: Final = 100  # notices of the page
LOGGED: Final = 50  # deliveries of the page


def shown(row: NoticeRow, heard: bool, mode: str) -> dict[str, Any]:
    """A notice as JSON. at is market time, made real time; heard: may pop up and sound."""
    return {
        "id": row.id,
        "at": iso(row.at),
        "made": iso(row.made),
        "rule": row.rule,
        "severity": row.severity,
        "title": row.title,
        "text": row.text,
        "symbol": row.symbol,
        "link": row.link,
        "show": heard,
        "sound": heard and row.severity != "info",
        "mode": mode,
    }


def report(desk: NoticeDesk) -> dict[str, Any]:
    """{notices, targets, deliveries, quiet}: newest first; times ISO-8601 UTC.

    Raises:
        StorageError: the file cannot be read.
    """
    names = list(desk.deliveries)

    def read(store: Any) -> tuple[Any, Any, Any, Any]:
        last = {name: store.last(name) for name in names}
        return store.recent(LISTED), store.log(LOGGED), last, store.waiting()

    rows, log, last, waiting = desk.outbox.use(read)
    heard = {each["id"]: each for each in desk.recent}
    mode = desk.recent[0]["mode"] if desk.recent else ""
    return {
        "notices": [heard.get(row.id) or shown(row, False, mode) for row in rows],
        "targets": [
            _target(BROWSER, "This browser", "", desk.is_on(BROWSER), "ready", None),
            *(_way_out(desk, name, last[name], waiting.get(name, 0)) for name in names),
            *(
                _target(
                    each.name, each.label, "", False, "broken" if each.broken else "unset", each.why
                )
                for each in desk.missing
            ),
        ],
        "deliveries": [_delivery(message) for message in log],
        "quiet": notice_policy.quiet_now(desk.chosen, desk.market_time),
    }


def _way_out(desk: NoticeDesk, name: str, last: dict[str, Message], waiting: int) -> dict[str, Any]:
    delivery = desk.deliveries[name]
    target = delivery.target
    is_on = desk.is_on(name)
    state, why = "ready", None
    if delivery.refused:
        state, why = "refused", delivery.refused
    elif desk.leaves_out:
        state, why = "demo", "Nothing of a simulated market is sent; a test is."
    elif not is_on:
        state = "off"
    told = _target(name, target.label, target.detail, is_on, state, why)
    return told | {
        "waiting": waiting,
        "held": len(desk.gates[name].held),
        "last": {key: _delivery(message) for key, message in last.items()},
    }


def _target(
    name: str, label: str, detail: str, is_on: bool, state: str, why: str | None
) -> dict[str, Any]:
    return {
        "name": name,
        "label": label,
        "detail": detail,
        "on": is_on,
        "state": state,
        "problem": why,
        "waiting": 0,
        "held": 0,
        "last": {},
    }


def _delivery(message: Message) -> dict[str, Any]:
    """One line of the log. error is masked where it was met; texts are not repeated."""
    return {
        "seq": message.seq,
        "made": iso(message.made),
        "done": None if message.done is None else iso(message.done),
        "target": message.target,
        "kind": message.kind,
        "title": message.title,
        "state": message.state,
        "attempts": message.attempts,
        "next_try": iso(message.next_try)
        if message.state == "waiting" and message.next_try
        else None,
        "seconds": message.took,
        "error": message.error,
    }


def iso(at: float) -> str:
    """Unix seconds as ISO-8601 UTC."""
    return as_datetime(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(at: float) -> str:
    """A market time in New York, for a message that is read elsewhere."""
    return f"{sessions.new_york(at):%Y-%m-%d %H:%M:%S}"


def as_notice(row: NoticeRow) -> Notice:
    """A kept notice as the rules made it."""
    severity: Any = row.severity
    return Notice(
        *((row.id,), row.at, row.rule, severity, row.title, row.text, row.symbol, row.link)
    )


def body(notice: Notice) -> str:
    """What a target is sent of a notice; it is read away from the pages, so it says when."""
    return f"{notice.text}\n{moment(notice.at)} New York"


def morning(
    snapshot: Snapshot, symbols: Sequence[str], market: float, mode: str
) -> tuple[str, str]:
    """(title, text) of the day's summary as of now; symbols are those with GEX."""
    rows = snapshot.rows()
    get = snapshot.get
    return daily_summary.summary(
        daily_summary.Morning(
            market,
            mode,
            rows,
            {name: get("gex.levels", f"{name}:all") for name in symbols},
            {row["symbol"]: get("orb.breakout", row["symbol"]) for row in rows},
            get("calendar.event", ""),
        )
    )
