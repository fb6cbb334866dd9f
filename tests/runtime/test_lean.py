"""Loading a package as if others were not installed."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from grok_sauce.runtime import lean


def test_inside_a_package_cannot_be_found_and_afterwards_it_can() -> None:
    sys.modules.pop("this", None)

    with lean.without(["this"]), pytest.raises(ModuleNotFoundError):
        importlib.import_module("this")

    assert "this" not in sys.modules
    assert importlib.util.find_spec("this") is not None


def test_what_is_loaded_stays_loaded() -> None:
    with lean.without(["json"]):
        import json

    assert sys.modules["json"] is json


def test_a_failure_inside_hides_nothing_for_good() -> None:
    with pytest.raises(ZeroDivisionError), lean.without(["this"]):
        _ = 1 // 0

    assert "this" not in sys.modules


def test_socketio_serves_without_what_it_does_not_need() -> None:
    code = (
        "import sys; from grok_sauce.runtime import lean; lean.load_socketio(); "
        f"assert not set(sys.modules) & set({lean.UNUSED}), sorted(sys.modules); "
        "import requests, socketio; assert requests.get; socketio.Server(async_mode='threading')"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
