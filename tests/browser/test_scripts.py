"""The page scripts that touch no page: rooms, layout, CSV, settings in words, clock."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_scripts_keep_their_rules() -> None:
    done = subprocess.run(
        ["node", Path(__file__).parent / "scripts.mjs", (ROOT / "static/js").as_uri()],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert len(result) >= 15
    assert {name: message for name, message in result.items() if message} == {}
