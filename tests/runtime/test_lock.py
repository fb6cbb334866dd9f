"""Two processes never own one data folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from grok_sauce.errors import StartupError
from grok_sauce.runtime.lock import FolderLock

HOLD = (
    "import sys; from pathlib import Path; from grok_sauce.runtime.lock import FolderLock; "
    "FolderLock(Path(sys.argv[1])).take(); print('held', flush=True); sys.stdin.read()"
)


def test_a_second_process_is_refused_until_the_first_one_died(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"

    with pytest.raises(StartupError, match="another process uses the data folder"):
        FolderLock(tmp_path).take()
    holder.kill()
    holder.wait(timeout=10)
    lock = FolderLock(tmp_path)
    lock.take()

    lock.release()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    with pytest.raises(StartupError, match="--data"):
        FolderLock(tmp_path / "data").take()


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")

    with pytest.raises(StartupError, match="cannot be written"):
        FolderLock(tmp_path / "data").take()
