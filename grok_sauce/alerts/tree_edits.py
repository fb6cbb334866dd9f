"""Edits of the routing document, one operation each, and what changed in words. Pure."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from grok_sauce.alerts.routing_document import (
    OPTIONS,
    STRATEGY_OPTIONS,
    TARGET_OPTIONS,
    Document,
    check_strategy,
    check_ticker,
    entries,
    ports_of,
)
from grok_sauce.alerts.targets import LOCALHOST, Target, TargetGuard, split_target
from grok_sauce.errors import SettingsError
from grok_sauce.settings.readers import Reader, shown

Op = Mapping[str, Any]
MAX_SHOWN: Final = 60


def apply(document: Document, op: Op, guard: TargetGuard) -> tuple[Document, list[str]]:
    """A copy of a checked document with one operation done, and what it changed in words.

    op is {"op": name, ...}: add_strategy{name}, rename_strategy{name, to},
    delete_strategy{name}, add_ticker{strategy, name}, rename_ticker{strategy, name, to},
    delete_ticker{strategy, name}, add_port{strategy, ticker, port, label?},
    delete_port{strategy, ticker, port}, set_strategy{name, ...}, set_ticker{strategy, name,
    ...}, set_target{port | id, ...}; None takes an option away.

    Raises:
        SettingsError: with the field of op that is wrong.
    """
    do = _OPS.get(str(op.get("op")))
    if do is None:
        raise SettingsError(f"op must be one of {', '.join(_OPS)}", "op")
    edited = copy.deepcopy(document)
    return edited, do(edited, op, guard)


def changes(old: Document, new: Document) -> list[str]:
    """What makes new out of old, one sentence each with before and after."""
    found = []
    before, now = old.get("strategies", {}), new.get("strategies", {})
    for name in before:
        if name not in now:
            found.append(f"strategy {_q(name)} deleted ({_tickers_of(before[name])})")
    for name, about in now.items():
        if name not in before:
            mode = about.get("mode") or "off"
            found.append(f"strategy {_q(name)} added, {mode} ({_tickers_of(about)})")
        else:
            found += _strategy_changes(name, before[name], about)
    rest_old = {key: value for key, value in old.items() if key != "strategies"}
    rest_new = {key: value for key, value in new.items() if key != "strategies"}
    found += _values(rest_old, rest_new, "")
    if not found and json.dumps(old) != json.dumps(new):
        found.append("order or spelling changed")
    return found


def _strategy_changes(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    before, now = old.get("tickers") or {}, new.get("tickers") or {}
    for ticker in before:
        if ticker not in now:
            yield f"ticker {_q(ticker)} of {_q(name)} deleted ({_ports(before[ticker])})"
    for ticker, entry in now.items():
        where = f"{_q(ticker)} of {_q(name)}"
        if ticker not in before:
            yield f"ticker {where} added ({_ports(entry)})"
            continue
        was, is_now = ports_of(before[ticker]), ports_of(entry)
        if was != is_now:
            yield f"ports of {where}: {_ids(was)} -> {_ids(is_now)}"
        rest = [{k: v for k, v in each.items() if k != "ports"} for each in (before[ticker], entry)]
        yield from _values(rest[0], rest[1], f"{where}: ")
    rest = [{k: v for k, v in each.items() if k != "tickers"} for each in (old, new)]
    yield from _values(rest[0], rest[1], f"strategy {_q(name)}: ")


def _values(old: Any, new: Any, where: str) -> list[str]:
    """Keys whose values differ; objects are gone into."""
    found = []
    for key in dict.fromkeys([*old, *new]):
        was, now = old.get(key), new.get(key)
        if isinstance(was, dict) and isinstance(now, dict):
            found += _values(was, now, f"{where}{key}.")
        elif was != now or (key in old) != (key in new):
            left = _say(was) if key in old else "not set"
            right = _say(now) if key in new else "not set"
            found.append(f"{where}{key} {left} -> {right}")
    return found


# ---- operations: each changes the document it is given and says what it did --------------------


def _add_strategy(document: Document, op: Op, _: TargetGuard) -> list[str]:
    name = check_strategy(op.get("name"), "name")
    _free(document["strategies"], name, "name", "strategy")
    document["strategies"][name] = {"accounts": {}, "mode": "off", "tickers": {}}
    return [f"strategy {_q(name)} added, off"]


def _rename_strategy(document: Document, op: Op, _: TargetGuard) -> list[str]:
    _strategy(document, op, "name")
    return _rename(document, "strategies", op, check_strategy, "strategy")


def _delete_strategy(document: Document, op: Op, _: TargetGuard) -> list[str]:
    name, about = _strategy(document, op, "name")
    before = _used(document)
    del document["strategies"][name]
    return [f"strategy {_q(name)} deleted ({_tickers_of(about)})", *_forget(document, before)]


def _add_ticker(document: Document, op: Op, _: TargetGuard) -> list[str]:
    strategy, about = _strategy(document, op, "strategy")
    name = check_ticker(op.get("name"), "name")
    if about.get("tickers") is None:
        about["tickers"] = {}
    _free(about["tickers"], name, "name", "ticker")
    about["tickers"][name] = {"ports": []}
    return [f"ticker {_q(name)} of {_q(strategy)} added"]


def _rename_ticker(document: Document, op: Op, _: TargetGuard) -> list[str]:
    strategy, about = _strategy(document, op, "strategy")
    _ticker(document, op, "name")
    return [
        f"{text} (strategy {_q(strategy)})"
        for text in _rename(about, "tickers", op, check_ticker, "ticker")
    ]


def _delete_ticker(document: Document, op: Op, _: TargetGuard) -> list[str]:
    strategy, about = _strategy(document, op, "strategy")
    name, entry = _ticker(document, op, "name")
    before = _used(document)
    del about["tickers"][name]
    text = f"ticker {_q(name)} of {_q(strategy)} deleted ({_ports(entry)})"
    return [text, *_forget(document, before)]


def _add_port(document: Document, op: Op, guard: TargetGuard) -> list[str]:
    name, entry = _ticker(document, op, "ticker")
    port = guard.check_port(op.get("port"))
    target = split_target(port)
    listed = ports_of(entry)
    if target in listed:
        raise SettingsError(f"port: {port} is listed for {_q(name)} already", "port")
    entry["ports"] = _written((*listed, target))
    said = [f"port {port} added to {_where(op, 'ticker')}"]
    if op.get("label") is not None:
        said += _set(_about(document, target.id), {"name": op["label"]}, TARGET_OPTIONS, target.id)
    return said


def _delete_port(document: Document, op: Op, _: TargetGuard) -> list[str]:
    name, entry = _ticker(document, op, "ticker")
    target = split_target(op.get("port"))
    listed = ports_of(entry)
    if target not in listed:
        raise SettingsError(f"port: {shown(op.get('port'))} is not listed for {_q(name)}", "port")
    before = _used(document)
    entry["ports"] = _written(tuple(each for each in listed if each != target))
    text = f"port {_ids((target,))} deleted from {_where(op, 'ticker')}"
    return [text, *_forget(document, before)]


def _set_strategy(document: Document, op: Op, _: TargetGuard) -> list[str]:
    name, about = _strategy(document, op, "name")
    given = {key: value for key, value in op.items() if key not in ("op", "name")}
    return _set(about, given, STRATEGY_OPTIONS, f"strategy {_q(name)}")


def _set_ticker(document: Document, op: Op, _: TargetGuard) -> list[str]:
    entry = _ticker(document, op, "name")[1]
    given = {key: value for key, value in op.items() if key not in ("op", "strategy", "name")}
    return _set(entry, given, OPTIONS, _where(op, "name"))


def _set_target(document: Document, op: Op, _: TargetGuard) -> list[str]:
    field = "id" if op.get("id") is not None else "port"
    target = split_target(op.get(field), field)
    if target.id not in _used(document):
        raise SettingsError(f"{field}: {target.id} is not listed anywhere", field)
    given = {key: value for key, value in op.items() if key not in ("op", "port", "id")}
    about = _about(document, target.id)
    said = _set(about, given, TARGET_OPTIONS, target.id)
    if not about:
        del document["routing"]["targets"][target.id]
    return said


_OPS: Final[dict[str, Callable[[Document, Op, TargetGuard], list[str]]]] = {
    "add_strategy": _add_strategy,
    "rename_strategy": _rename_strategy,
    "delete_strategy": _delete_strategy,
    "add_ticker": _add_ticker,
    "rename_ticker": _rename_ticker,
    "delete_ticker": _delete_ticker,
    "add_port": _add_port,
    "delete_port": _delete_port,
    "set_strategy": _set_strategy,
    "set_ticker": _set_ticker,
    "set_target": _set_target,
}
OPS: Final = tuple(_OPS)


def _strategy(document: Document, op: Op, field: str) -> tuple[str, dict[str, Any]]:
    name = op.get(field)
    if not isinstance(name, str) or name not in document["strategies"]:
        raise SettingsError(f"{field}: there is no strategy {shown(name)}", field)
    return name, document["strategies"][name]


def _ticker(document: Document, op: Op, field: str) -> tuple[str, dict[str, Any]]:
    strategy, about = _strategy(document, op, "strategy")
    name, tickers = op.get(field), about.get("tickers") or {}
    if not isinstance(name, str) or name not in tickers:
        raise SettingsError(f"{field}: {_q(strategy)} has no ticker {shown(name)}", field)
    return name, tickers[name]


def _free(names: Mapping[str, Any], name: str, field: str, kind: str) -> None:
    if name in names:
        raise SettingsError(f"{field}: there is a {kind} {_q(name)} already", field)


def _rename(
    parent: dict[str, Any], key: str, op: Op, check: Callable[[object, str], str], kind: str
) -> list[str]:
    """Another name at the same place: order decides whose options count."""
    name, to = op["name"], check(op.get("to"), "to")
    if to == name:
        return []
    _free(parent[key], to, "to", kind)
    parent[key] = {to if each == name else each: about for each, about in parent[key].items()}
    return [f"{kind} {_q(name)} renamed to {_q(to)}"]


def _set(
    about: dict[str, Any], given: Mapping[str, Any], readers: Mapping[str, Reader], where: str
) -> list[str]:
    """Set options, None takes one away; a value is kept as its reader understands it."""
    before = dict(about)
    for key, value in given.items():
        if key not in readers:
            raise SettingsError(
                f"{shown(key)} is not one of {', '.join(readers)}",
                key if key.isidentifier() else None,
            )
        if value is None:
            about.pop(key, None)
        else:
            read = readers[key](value, key)
            about[key] = list(read) if isinstance(read, tuple) else read
    return _values(before, about, f"{where}: ")


def _about(document: Document, target: str) -> dict[str, Any]:
    """The target's own options, made when there are none."""
    for parent, key in ((document, "routing"), (document.get("routing"), "targets")):
        # Both may be there as null.
        if isinstance(parent, dict) and parent.get(key) is None:
            parent[key] = {}
    found: dict[str, Any] = (
        document.setdefault("routing", {}).setdefault("targets", {}).setdefault(target, {})
    )
    return found


def _used(document: Document) -> set[str]:
    return {target.id for _, _, entry in entries(document) for target in ports_of(entry)}


def _forget(document: Document, before: set[str]) -> list[str]:
    """Options of targets that are listed no more: a port used anew later starts without them."""
    targets = (document.get("routing") or {}).get("targets") or {}
    gone = [name for name in targets if name in before - _used(document)]
    for name in gone:
        del targets[name]
    return [f"options of {name} deleted, nothing goes there any more" for name in gone]


def _written(targets: tuple[Target, ...]) -> list[int | str]:
    """Ports as they stand in the file: numbers, "host:port" for other hosts."""
    return [each.port if each.host == LOCALHOST else each.id for each in targets]


def _where(op: Op, field: str) -> str:
    return f"{_q(op[field])} of {_q(op['strategy'])}"


def _q(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)


def _say(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"


def _ids(targets: tuple[Target, ...]) -> str:
    return ", ".join(str(each) for each in _written(targets)) or "none"


def _ports(entry: Mapping[str, Any]) -> str:
    return f"ports {_ids(ports_of(entry))}"


def _tickers_of(about: Mapping[str, Any]) -> str:
    tickers = about.get("tickers") or {}
    listed = ", ".join(f"{_q(name)}: {_ids(ports_of(entry))}" for name, entry in tickers.items())
    return listed or "no tickers"
