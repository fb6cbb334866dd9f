"""Who may import whom, and who may touch time, threads, files and the async library."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "grok_sauce"
LEAVES = {
    "errors", "update", "controls", "questions", "settings", "http", "redis_link",
    "values", "__init__",
}  # fmt: skip
ALL = {"*"}
# A part may import itself, the leaves, and what is listed here.
MAY: dict[str, set[str]] = {
    **{leaf: set() for leaf in LEAVES},
    "http": {"runtime"},  # the clock's type
    # A way in (updates of another process), a way out (channels) and a lock all stand on it.
    "redis_link": {"runtime"},
    "market": set(),
    "clients": {"market", "storage.files", "runtime"},
    "feeds": {"market", "clients", "roles.wire", "runtime"},
    "pollers": {"market", "clients", "runtime"},
    "analytics": {"market"},
    "strategies": {"market", "analytics"},
    "alerts": {"storage.files", "storage.database", "runtime"},
    "engine": {"market", "analytics", "strategies", "runtime"},
    "storage": {"market"},
    "runtime": set(),
    "publishers": {"market", "storage", "roles.wire", "runtime"},
    "web": {"publishers.snapshot", "alerts", "storage", "runtime"},
    "simulator": {"market", "analytics", "runtime"},
    "following": {"market", "feeds.subscriptions", "runtime"},
    "health": {"market", "runtime"},
    "demo_market": {"runtime"},
    # Joining parts.
    "desks": ALL,
    "hub": {"publishers.snapshot", "runtime"},
    "router_half": {"health", "hub", "runtime"},
    "router_watch": set(),
    "roles": ALL,
    "market_half": ALL,
    "signal_part": ALL,
    "web_half": ALL,
    "commands": ALL,
    "machine": ALL,
    "options": {"desks.recording_run", "replay_half"},  # types alone
    "replay_half": ALL,
    "cli": ALL,
    "bootstrap": {"cli"},
    "bench": ALL,
}
PURE = ("market", "analytics", "strategies")
IMPURE_MODULES = {
    "socket", "ssl", "select", "selectors", "threading", "queue", "subprocess", "asyncio",
    "multiprocessing", "concurrent", "time", "sqlite3", "tempfile", "shutil", "os", "io",
    "pathlib", "requests", "urllib", "http", "websocket", "flask", "eventlet", "redis",
}  # fmt: skip
SYSTEM_TIME = {"time", "monotonic", "time_ns", "monotonic_ns", "now", "utcnow", "today"}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def type_checking_lines(tree: ast.AST) -> set[int]:
    """Lines under `if TYPE_CHECKING:`: they name types and join nothing at run time."""
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            for child in node.body:
                lines.update(range(child.lineno, (child.end_lineno or child.lineno) + 1))
    return lines


def imports(path: Path) -> list[tuple[int, str]]:
    """(line, full dotted name) of everything a module imports."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            for alias in node.names:
                found.append((node.lineno, f"{node.module}.{alias.name}"))
    return found


def is_allowed(part: str, name: str) -> bool:
    inside = name.removeprefix("grok_sauce").lstrip(".")
    target = inside.partition(".")[0]
    allowed = MAY[part]
    if allowed == ALL or not target or target == "__version__" or target in LEAVES | {part}:
        return True
    return any(inside == entry or inside.startswith(entry + ".") for entry in allowed)


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_imports_follow_the_house(path: Path) -> None:
    part = part_of(path)

    assert part in MAY, f"{part} is a new part: say in MAY what it may import"
    wrong = [
        f"line {line}: {name}"
        for line, name in imports(path)
        if name.partition(".")[0] == "grok_sauce" and not is_allowed(part, name)
    ]
    assert not wrong, f"{dotted(path)} imports against the house: {wrong}"


@pytest.mark.parametrize("path", [p for p in modules() if part_of(p) in PURE], ids=dotted)
def test_pure_parts_touch_no_network_files_threads_or_clock(path: Path) -> None:
    impure = [name for _, name in imports(path) if name.partition(".")[0] in IMPURE_MODULES]
    opened = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "open"
    ]

    assert not impure
    assert not opened


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_only_concurrency_names_eventlet(path: Path) -> None:
    if dotted(path) == "runtime.concurrency":
        return

    assert not [name for _, name in imports(path) if name.partition(".")[0] == "eventlet"]


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_only_the_clock_reads_the_system_time(path: Path) -> None:
    if dotted(path) in {"runtime.clock", "runtime.concurrency"} or part_of(path) == "bench":
        return
    calls = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr in SYSTEM_TIME:
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            if owner in {"time", "datetime", "date"}:
                calls.append(f"line {node.lineno}: {owner}.{node.attr}")

    assert not calls


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_modules_stay_small_and_state_has_an_owner(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)

    assert text.count("\n") <= 400, "over 400 lines: split it, or give the reason in review"
    assert not [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Global)]
    assert ast.get_docstring(tree), "the first line of a module says what it is for"
