"""Make .venv, install, re-enter: everything before the first import of a package."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

# A warm start needs none of these: subprocess, shutil and importlib.metadata cost more
# time than all the rest of this file.
if TYPE_CHECKING:
    import subprocess

# Debian packages are installed by .ci/run or by the user, never from here.
NO_VENV_MODULE = (
    "this Python cannot make a virtual environment. On Debian and Ubuntu: "
    "sudo apt install python3-venv   Then run the same command again."
)
ENTERED = "GROK_SAUCE_ENTERED"  # set on re-entry, so that a mistake cannot loop


class BootstrapError(Exception):
    """Set-up cannot go on; the message is for the user."""


@dataclass(frozen=True)
class Host:
    """The machine as set-up sees it; every part can be replaced in a test."""

    root: Path
    executable: str = sys.executable
    prefix: str = sys.prefix
    base_prefix: str = sys.base_prefix
    os_name: str = os.name
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    which: Callable[[str], str | None] = field(default=lambda name: find_program(name))
    call: Callable[[Sequence[str]], subprocess.CompletedProcess[str]] = field(
        default=lambda argv: run_program(argv)
    )
    installed: Callable[[str], str | None] = field(default=lambda name: installed_version(name))
    say: Callable[[str], None] = field(default=lambda line: print(line, file=sys.stderr))

    @property
    def venv(self) -> Path:
        """The project's own environment."""
        return self.root / ".venv"

    @property
    def venv_python(self) -> Path:
        """Its interpreter; Windows keeps it elsewhere."""
        if self.os_name == "nt":
            return self.venv / "Scripts" / "python.exe"
        return self.venv / "bin" / "python"

    @property
    def in_own_venv(self) -> bool:
        """Are we running on .venv already?"""
        return Path(self.prefix).resolve() == self.venv.resolve()

    @property
    def in_foreign_venv(self) -> bool:
        """Are we in some other active environment (venv or conda)?"""
        if self.in_own_venv:
            return False
        conda = self.environ.get("CONDA_PREFIX")
        return self.prefix != self.base_prefix or bool(
            conda and Path(conda).resolve() == Path(self.prefix).resolve()
        )


def find_program(name: str) -> str | None:
    """Where a program is on the path."""
    import shutil

    return shutil.which(name)


def run_program(argv: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a program; what it prints is kept together."""
    import subprocess

    return subprocess.run(
        argv, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )


def requirement_files(root: Path, for_tests: bool) -> list[Path]:
    """The requirement files of a command, in order of installation."""
    files = [root / "requirements.txt"]
    if for_tests:
        files.append(root / "requirements-dev.txt")
    return files


def fingerprint(root: Path, for_tests: bool) -> str:
    """Changes whenever what should be installed changes."""
    digest = hashlib.sha256()
    for file in [*requirement_files(root, for_tests), root / "constraints.txt"]:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def read_stamp(stamp: Path) -> dict[str, str]:
    """What was installed and finished: {"run": fingerprint, "test": fingerprint}."""
    try:
        found = json.loads(stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def is_ready(host: Host, stamp: Path, for_tests: bool) -> bool:
    """Was everything the command needs installed by an earlier run that finished?"""
    return read_stamp(stamp).get("test" if for_tests else "run") == fingerprint(
        host.root, for_tests
    )


def installed_version(name: str) -> str | None:
    """The version of a distribution in this interpreter's environment; None when absent."""
    from importlib import metadata

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def as_numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version, enough to compare releases.

    >>> as_numbers("5.18.1"), as_numbers("2026.1rc2")
    ((5, 18, 1), (2026, 1))
    """
    numbers = []
    for part in version.split("."):
        digits = re.match(r"\d+", part)
        if digits is None:
            break
        numbers.append(int(digits[0]))
    return tuple(numbers)


def satisfies(version: str, bounds: str) -> bool:
    """Does a version meet bounds such as ">=3.1.3,<4" or "==4.15.1"?

    >>> satisfies("3.1.3", ">=3.1.3,<4"), satisfies("4.0", ">=3.1.3,<4"), satisfies("2.0", "")
    (True, False, True)
    """
    have = as_numbers(version)
    for bound in filter(None, bounds.split(",")):
        operator, wanted = re.match(r"(>=|==|<)(.+)", bound.strip()).groups()  # type: ignore[union-attr]
        limit = as_numbers(wanted)
        width = max(len(have), len(limit))
        left, right = (n + (0,) * (width - len(n)) for n in (have, limit))
        if not {">=": left >= right, "==": left == right, "<": left < right}[operator]:
            return False
    return True


def requirements(root: Path, for_tests: bool) -> list[tuple[str, str]]:
    """(distribution, bounds) of each requirement that counts on this platform."""
    found = []
    for file in requirement_files(root, for_tests):
        for line in file.read_text(encoding="utf-8").splitlines():
            text, _, marker = line.partition("#")[0].partition(";")
            if not text.strip() or ("win32" in marker and sys.platform != "win32"):
                continue
            name, bounds = re.match(r"([A-Za-z0-9._-]+)\s*(.*)", text.strip()).groups()  # type: ignore[union-attr]
            found.append((name, bounds.replace(" ", "")))
    return found


def missing(host: Host, for_tests: bool) -> list[str]:
    """Requirements that this interpreter lacks or has in an unfit version."""
    lacking = []
    for name, bounds in requirements(host.root, for_tests):
        version = host.installed(name)
        if version is None:
            lacking.append(name)
        elif not satisfies(version, bounds):
            lacking.append(f"{name}{bounds} (found {version})")
    return lacking


def run_step(host: Host, argv: Sequence[str], doing: str) -> None:
    """Run one step of the set-up; the end of its output is shown when it fails."""
    done = host.call(argv)
    if done.returncode:
        tail = "\n".join((done.stdout or "").strip().splitlines()[-12:])
        raise BootstrapError(
            f"{doing} failed:\n{tail}\n"
            "Check the network and the free disk space, then run the same command again."
        )


def install(host: Host, python: str, stamp: Path, for_tests: bool) -> None:
    """Install what the command needs into python's environment; the stamp comes last."""
    run_step(
        host,
        install_command(host, python, requirement_files(host.root, for_tests)),
        "Installing packages",
    )
    done = {"run": fingerprint(host.root, False)}
    if for_tests:
        done["test"] = fingerprint(host.root, True)
    write_stamp(stamp, done)


def install_command(host: Host, python: str, files: Sequence[Path]) -> list[str]:
    """What installs requirement files into python's environment."""
    wanted: list[str] = []
    for file in files:
        wanted += ["-r", str(file)]
    wanted += ["-c", str(host.root / "constraints.txt")]
    uv = host.which("uv")
    if uv:
        return [uv, "pip", "install", "--quiet", "--python", python, *wanted]
    return [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]


def write_stamp(stamp: Path, done: Mapping[str, str]) -> None:
    """Note what was installed, whole or not at all."""
    ready = {**read_stamp(stamp), **done}
    stamp.parent.mkdir(parents=True, exist_ok=True)
    unfinished = stamp.with_suffix(".new")
    unfinished.write_text(json.dumps(ready), encoding="utf-8")
    os.replace(unfinished, stamp)


def wants_redis(host: Host) -> bool:
    """Is a Redis server named in the environment or in .env?"""
    if any(host.environ.get(name) for name in ("REDIS_URL", "REDIS_HOST", "REDIS_PORT")):
        return True
    named = host.environ.get("GROK_SAUCE_ENV_FILE")
    try:
        text = Path(named or host.root / ".env").read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return False
    return (
        re.search(r"(?m)^\s*(?:export\s+)?REDIS_(?:URL|HOST|PORT)\s*=[ \t]*[^\s#]", text)
        is not None
    )


def add_redis(host: Host, python: str, stamp: Path) -> None:
    """Install the client of Redis where a server is named; without it everything else runs."""
    if not wants_redis(host):
        return
    file = host.root / "requirements-redis.txt"
    digest = hashlib.sha256(file.read_bytes())
    digest.update((host.root / "constraints.txt").read_bytes())
    if read_stamp(stamp).get("redis") == digest.hexdigest():
        return
    try:
        run_step(host, install_command(host, python, [file]), "Installing the client of Redis")
    except BootstrapError as problem:
        host.say(f"Grok Sauce goes on without Redis: {problem}")
        return
    write_stamp(stamp, {"redis": digest.hexdigest()})


def make_venv(host: Host) -> None:
    """Create .venv, or make a broken one anew.

    Raises:
        BootstrapError: naming the Debian package when the venv module is not there.
    """
    uv = host.which("uv")
    if uv:
        argv = [uv, "venv", "--quiet", "--clear", "--seed", "--python", host.executable]
        run_step(host, [*argv, str(host.venv)], "Making .venv")
        return
    done = host.call([host.executable, "-m", "venv", "--clear", str(host.venv)])
    if done.returncode:
        import shutil

        shutil.rmtree(host.venv, ignore_errors=True)
        text = done.stdout or ""
        if "ensurepip" in text or "No module named venv" in text:
            raise BootstrapError(NO_VENV_MODULE)
        tail = "\n".join(text.strip().splitlines()[-12:])
        raise BootstrapError(f"Making .venv failed:\n{tail}")


def venv_works(host: Host) -> bool:
    """Does .venv have an interpreter that starts? A Python upgrade can leave it without."""
    if not host.venv_python.exists():
        return False
    try:
        return host.call([str(host.venv_python), "-c", ""]).returncode == 0
    except OSError:
        return False


def prepare(host: Host, for_tests: bool) -> str | None:
    """Get everything in place. Returns the interpreter to re-enter, None to go on in this one.

    Raises:
        BootstrapError: set-up cannot go on.
    """
    own_stamp = host.venv / ".ready"
    if host.environ.get("GROK_SAUCE_NO_VENV") == "1":
        lacking = missing(host, for_tests)
        if lacking:
            files = " ".join(f"-r {f.name}" for f in requirement_files(host.root, for_tests))
            raise BootstrapError(
                f"GROK_SAUCE_NO_VENV is set and these packages are missing: {', '.join(lacking)}. "
                f"Run: {host.executable} -m pip install {files} -c constraints.txt"
            )
        return None
    if host.in_own_venv or host.environ.get(ENTERED):
        if not is_ready(host, own_stamp, for_tests):
            host.say("Installing packages into .venv (once) …")
            install(host, host.executable, own_stamp, for_tests)
        add_redis(host, host.executable, own_stamp)
        return None
    if host.in_foreign_venv:
        stamp = Path(host.prefix) / ".grok-sauce-ready"
        lacking = missing(host, for_tests)
        if lacking:
            host.say(f"Installing into the active environment {host.prefix}: {', '.join(lacking)}")
            install(host, host.executable, stamp, for_tests)
        add_redis(host, host.executable, stamp)
        return None
    if not is_ready(host, own_stamp, for_tests) or not host.venv_python.exists():
        if not venv_works(host):
            host.say("First start: making .venv and installing packages, about half a minute …")
            make_venv(host)
        else:
            host.say("Installing packages into .venv …")
        install(host, str(host.venv_python), own_stamp, for_tests)
    return str(host.venv_python)


def reenter(host: Host, python: str, argv: Sequence[str]) -> int:
    """Run main.py again on another interpreter; on POSIX this call does not return."""
    command = [python, str(host.root / "main.py"), *argv]
    environ = {**host.environ, ENTERED: "1"}
    if host.os_name == "nt":
        import subprocess

        return subprocess.run(command, env=environ, check=False).returncode
    os.execve(python, command, environ)


def needs_test_tools(argv: Sequence[str]) -> bool:
    """Only `test` needs more than the product itself."""
    words = [word for word in argv if not word.startswith("-")]
    return words[:1] == ["test"]


def main(argv: Sequence[str], host: Host | None = None) -> int:
    """Prepare, then hand over to the command line."""
    host = host or Host(Path(__file__).resolve().parent.parent)
    try:
        python = prepare(host, needs_test_tools(argv))
    except BootstrapError as problem:
        host.say(f"Grok Sauce: {problem}")
        return 1
    if python is not None:
        return reenter(host, python, argv)
    os.environ.pop(ENTERED, None)
    from grok_sauce import cli

    return cli.main(argv)
