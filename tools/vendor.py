"""Re-create static/vendor with `npm pack`; for developers, users never need Node.

python tools/vendor.py          download, unpack, write files and manifest.json
python tools/vendor.py --check  only compare the files with manifest.json
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VENDOR = Path(__file__).resolve().parent.parent / "static" / "vendor"


@dataclass(frozen=True, slots=True)
class Library:
    """One package: what is taken out of it, all paths inside the package."""

    name: str
    version: str
    licence: str
    file: str
    licence_file: str = "LICENSE"

    @property
    def folder(self) -> str:
        """Name of the folder below static/vendor."""
        return f"{self.name}-{self.version}"


LIBRARIES = (
    Library("socket.io-client", "4.8.4", "MIT", "dist/socket.io.min.js"),
    Library("sortablejs", "1.15.7", "MIT", "Sortable.min.js"),
    Library(
        "lightweight-charts",
        "5.2.1",
        "Apache-2.0",
        "dist/lightweight-charts.standalone.production.js",
    ),
)


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def without_source_map(script: bytes) -> bytes:
    """The script without its sourceMappingURL line: the map is not shipped."""
    lines = script.splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith(b"//# sourceMappingURL="))


def take(library: Library, archive: Path) -> dict[str, Any]:
    """Write one library's script and licence; answers its line of the manifest."""
    target = VENDOR / library.folder
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    script = target / Path(library.file).name
    with tarfile.open(archive) as package:
        for inside, outside in (
            (library.file, script),
            (library.licence_file, target / "LICENSE"),
        ):
            member = package.extractfile(f"package/{inside}")
            if member is None:
                raise FileNotFoundError(f"{library.folder} has no {inside}")
            outside.write_bytes(without_source_map(member.read()))
    return {
        "name": library.name,
        "version": library.version,
        "licence": library.licence,
        "source": f"npm:{library.name}@{library.version}",
        "source_sha256": sha256(archive),
        "source_file": library.file,
        "file": f"{library.folder}/{script.name}",
        "sha256": sha256(script),
        "licence_file": f"{library.folder}/LICENSE",
        "licence_sha256": sha256(target / "LICENSE"),
    }


def fetch() -> list[dict[str, Any]]:
    """Download every library and write its files."""
    entries = []
    with tempfile.TemporaryDirectory() as folder:
        for library in LIBRARIES:
            packed = subprocess.run(
                ["npm", "pack", f"{library.name}@{library.version}", "--silent"],
                cwd=folder,
                check=True,
                capture_output=True,
                text=True,
            )
            entries.append(take(library, Path(folder) / packed.stdout.strip().splitlines()[-1]))
    return entries


def differences() -> list[str]:
    """What is missing or not as the manifest says, in words."""
    manifest = json.loads((VENDOR / "manifest.json").read_text())
    found = []
    for entry in manifest["libraries"]:
        for file, digest in (
            (entry["file"], entry["sha256"]),
            (entry["licence_file"], entry["licence_sha256"]),
        ):
            path = VENDOR / file
            if not path.is_file():
                found.append(f"{file} is missing")
            elif sha256(path) != digest:
                found.append(f"{file} is not the file of the manifest")
    return found


def main() -> int:
    """Run the command line; 0 when the folder is as the manifest says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only compare, download nothing")
    if not parser.parse_args().check:
        entries = fetch()
        text = json.dumps({"libraries": entries}, indent=2) + "\n"
        (VENDOR / "manifest.json").write_text(text)
    problems = differences()
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
