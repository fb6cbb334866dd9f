"""Set-up on a machine that is described, not used: nothing is installed here."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from grok_sauce import bootstrap
from grok_sauce.bootstrap import BootstrapError, Host

FILES = {
    "requirements.txt": "flask>=3.1,<4\nnumpy>=2\n",
    "requirements-dev.txt": "pytest>=9\n",
    "requirements-redis.txt": "redis>=8\n",
    "constraints.txt": "flask==3.1.3\n",
}


class Machine:
    """A project folder, what its interpreters have installed, and the calls that were made."""

    def __init__(self, root: Path, installed: dict[str, str] | None = None) -> None:
        for name, text in FILES.items():
            (root / name).write_text(text)
        self.root = root
        self.installed = installed or {}
        self.calls: list[list[str]] = []
        self.said: list[str] = []
        self.fails: Callable[[Sequence[str]], str | None] = lambda argv: None

    def call(self, argv: Sequence[str]) -> subprocess.CompletedProcess[str]:
        self.calls.append(list(argv))
        problem = self.fails(argv)
        if problem is not None:
            return subprocess.CompletedProcess(argv, 1, problem)
        if "venv" in argv:
            for folder, name in (("bin", "python"), ("Scripts", "python.exe")):
                (self.root / ".venv" / folder).mkdir(parents=True, exist_ok=True)
                (self.root / ".venv" / folder / name).write_text("")
        return subprocess.CompletedProcess(argv, 0, "")

    def host(self, **changes: Any) -> Host:
        plain: dict[str, Any] = {
            "root": self.root,
            "executable": "/usr/bin/python3",
            "prefix": "/usr",
            "base_prefix": "/usr",
            "os_name": "posix",
            "environ": {},
            "which": lambda name: None,
            "call": self.call,
            "installed": self.installed.get,
            "say": self.said.append,
        }
        return Host(**{**plain, **changes})

    def steps(self) -> list[str]:
        return [
            "venv" if "venv" in argv else "install" if "install" in argv else "probe"
            for argv in self.calls
        ]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_first_start_makes_a_venv_installs_and_reenters_it(machine: Machine) -> None:
    python = bootstrap.prepare(machine.host(), for_tests=False)

    assert python == str(machine.root / ".venv/bin/python")
    assert machine.steps() == ["venv", "install"]
    assert "constraints.txt" in " ".join(machine.calls[-1])
    assert "requirements-dev.txt" not in " ".join(machine.calls[-1])


def test_second_start_installs_nothing(machine: Machine) -> None:
    bootstrap.prepare(machine.host(), for_tests=False)
    machine.calls.clear()

    python = bootstrap.prepare(machine.host(), for_tests=False)

    assert python == str(machine.root / ".venv/bin/python")
    assert machine.calls == []
    assert len(machine.said) == 1


def test_test_command_adds_the_test_tools_once(machine: Machine) -> None:
    bootstrap.prepare(machine.host(), for_tests=False)
    bootstrap.prepare(machine.host(), for_tests=True)
    machine.calls.clear()

    bootstrap.prepare(machine.host(), for_tests=True)
    bootstrap.prepare(machine.host(), for_tests=False)

    assert machine.calls == []


def test_changed_requirements_are_installed_again(machine: Machine) -> None:
    bootstrap.prepare(machine.host(), for_tests=False)
    (machine.root / "requirements.txt").write_text("flask>=3.2\n")
    machine.calls.clear()

    bootstrap.prepare(machine.host(), for_tests=False)

    assert "install" in machine.steps()


def test_interrupted_install_is_repeated(machine: Machine) -> None:
    machine.fails = lambda argv: "Connection broken" if "install" in argv else None
    with pytest.raises(BootstrapError, match="Connection broken"):
        bootstrap.prepare(machine.host(), for_tests=False)
    machine.fails = lambda argv: None
    machine.calls.clear()

    bootstrap.prepare(machine.host(), for_tests=False)

    assert "install" in machine.steps()


def test_venv_whose_interpreter_is_gone_is_made_anew(machine: Machine) -> None:
    (machine.root / ".venv/bin").mkdir(parents=True)
    (machine.root / ".venv/bin/python").write_text("")
    machine.fails = lambda argv: "no such file" if argv[1:] == ["-c", ""] else None

    bootstrap.prepare(machine.host(), for_tests=False)

    assert machine.steps() == ["probe", "venv", "install"]


def test_debian_without_the_venv_module_gets_one_line_with_the_cure(machine: Machine) -> None:
    machine.fails = lambda argv: "ensurepip is not available" if "venv" in argv else None

    with pytest.raises(BootstrapError, match="sudo apt install python3-venv") as problem:
        bootstrap.prepare(machine.host(), for_tests=False)

    assert "\n" not in str(problem.value)
    assert not (machine.root / ".venv").exists()


def test_foreign_venv_with_everything_is_used_as_it_is(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {"flask": "3.1.3", "numpy": "2.4.6"})

    python = bootstrap.prepare(machine.host(prefix="/home/me/env"), for_tests=False)

    assert python is None
    assert machine.calls == []
    assert machine.said == []


def test_foreign_venv_is_told_what_is_missing_and_gets_it(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {"flask": "2.0", "numpy": "2.4.6"})
    env = tmp_path / "env"
    env.mkdir()

    python = bootstrap.prepare(machine.host(prefix=str(env)), for_tests=False)

    assert python is None
    assert machine.steps() == ["install"]
    assert machine.said == [
        f"Installing into the active environment {env}: flask>=3.1,<4 (found 2.0)"
    ]


def test_active_conda_environment_counts_as_foreign(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {"flask": "3.1.3", "numpy": "2.4.6"})
    host = machine.host(prefix="/conda", base_prefix="/conda", environ={"CONDA_PREFIX": "/conda"})

    assert bootstrap.prepare(host, for_tests=False) is None
    assert machine.calls == []


def test_no_venv_installs_nothing_and_names_what_is_missing(machine: Machine) -> None:
    host = machine.host(environ={"GROK_SAUCE_NO_VENV": "1"})

    with pytest.raises(BootstrapError, match=r"flask, numpy.*pip install -r requirements\.txt"):
        bootstrap.prepare(host, for_tests=False)

    assert machine.calls == []


def test_windows_uses_its_own_path_of_the_interpreter(machine: Machine) -> None:
    host = machine.host(os_name="nt")

    assert bootstrap.prepare(host, for_tests=False) == str(
        machine.root / ".venv" / "Scripts" / "python.exe"
    )


def test_uv_is_used_when_it_is_there(machine: Machine) -> None:
    host = machine.host(which=lambda name: "/bin/uv")

    bootstrap.prepare(host, for_tests=False)

    assert [argv[0] for argv in machine.calls] == ["/bin/uv", "/bin/uv"]


def test_a_reentered_process_goes_on_even_when_it_does_not_recognise_itself(
    machine: Machine,
) -> None:
    host = machine.host(environ={bootstrap.ENTERED: "1"})

    assert bootstrap.prepare(host, for_tests=False) is None


@pytest.mark.parametrize(
    "text, environ",
    [
        ("REDIS_URL=redis://127.0.0.1:6379/0\n", {}),
        ("A=b\n  export REDIS_HOST = 'localhost'\n", {}),
        ("", {"REDIS_URL": "redis://127.0.0.1"}),
    ],
)
def test_the_client_of_redis_comes_with_the_first_start_that_names_a_server(
    machine: Machine, text: str, environ: dict[str, str]
) -> None:
    (machine.root / ".env").write_text(text)
    bootstrap.prepare(machine.host(environ=environ), for_tests=False)
    inside = machine.host(prefix=str(machine.root / ".venv"), environ=environ)
    machine.calls.clear()

    bootstrap.prepare(inside, for_tests=False)
    bootstrap.prepare(inside, for_tests=False)

    assert machine.steps() == ["install"]
    assert "requirements-redis.txt" in " ".join(machine.calls[0])


@pytest.mark.parametrize(
    "text", ["", "#REDIS_URL=redis://h\n", "REDIS_URL=\n", "REDIS_URL= # no\n"]
)
def test_nobody_else_gets_it(machine: Machine, text: str) -> None:
    (machine.root / ".env").write_text(text)
    bootstrap.prepare(machine.host(), for_tests=False)
    machine.calls.clear()

    bootstrap.prepare(machine.host(prefix=str(machine.root / ".venv")), for_tests=False)

    assert machine.calls == []


def test_a_client_of_redis_that_cannot_be_had_stops_nothing(machine: Machine) -> None:
    (machine.root / ".env").write_text("REDIS_URL=redis://127.0.0.1\n")
    bootstrap.prepare(machine.host(), for_tests=False)
    machine.fails = lambda argv: "Connection broken" if "install" in argv else None

    python = bootstrap.prepare(machine.host(prefix=str(machine.root / ".venv")), for_tests=False)

    assert python is None
    assert "goes on without Redis" in machine.said[-1]
    assert "Connection broken" in machine.said[-1]


def test_failure_is_one_message_and_exit_code_one(machine: Machine) -> None:
    machine.fails = lambda argv: "disk full" if "install" in argv else None

    code = bootstrap.main([], machine.host())

    assert code == 1
    assert "disk full" in machine.said[-1]


def test_only_the_test_command_needs_test_tools() -> None:
    assert bootstrap.needs_test_tools(["test", "-x"])
    assert not bootstrap.needs_test_tools(["demo", "test"])
    assert not bootstrap.needs_test_tools(["--open"])


def test_bootstrap_imports_only_the_standard_library() -> None:
    code = (
        "import sys; before = set(sys.modules); import grok_sauce.bootstrap; "
        "print([m for m in set(sys.modules) - before "
        "if m.partition('.')[0] not in sys.stdlib_module_names | {'grok_sauce'}])"
    )

    out = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True)

    assert out.stdout.strip() == "[]", out.stderr


def test_an_old_python_gets_a_sentence_instead_of_a_syntax_error() -> None:
    """main.py must stay readable for Python 3.6; compile() checks its grammar."""
    import ast

    source = (Path(__file__).parents[1] / "main.py").read_text()

    ast.parse(source, feature_version=(3, 6))
    assert "needs Python 3.11 or newer" in source
