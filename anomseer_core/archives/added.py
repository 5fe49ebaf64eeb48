"""Archives that `anomseer archive add` keeps: `HOME/archives/NAME/data`, and what is known of each in a manifest."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anomseer_core.store import MANIFEST, DamagedArtifact, file_digest

FOLDER = "archives"
DATA = "data"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# What every manifest has; those of today say, too, which files are `ignored`.
FIELDS = frozenset({"name", "source", "sha256", "added", "bytes", "files", "card"})


@dataclass(frozen=True)
class AddedArchive:
    """An archive in the home. manifest: source, SHA-256 of what was added, date, digest of each file, dataset card."""

    path: Path
    manifest: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def data(self) -> Path:
        return self.path / DATA

    def verify(self) -> "AddedArchive":
        """Compare every file with the manifest; raises DamagedArtifact naming the first that differs."""
        expected, present = self.manifest["files"], digest_files(self.data)
        for name in sorted({*expected, *present}):
            if present.get(name) != expected.get(name):
                state = "missing" if name not in present else "changed" if name in expected else "not in its manifest"
                raise DamagedArtifact(
                    f"archive {self.name}: {name} is {state}; delete {self.path} and add the archive again"
                )
        return self


def open_archive(home: Path, folder: str, *, verify: bool = False) -> Path:
    """The folder that a configuration means: that of an added archive of this name, else the path itself.

    Raises ValueError where both exist, and DamagedArtifact as `AddedArchive.verify` does.
    """
    entry = home / FOLDER / folder
    if not NAME.fullmatch(folder) or not entry.is_dir():
        return Path(folder)
    if Path(folder).exists():
        raise ValueError(f"{folder} is an added archive and a folder here too; write ./{folder} for the folder")
    added = _read(entry)
    return (added.verify() if verify else added).data


def added_archives(home: Path) -> Iterator[AddedArchive]:
    """Every added archive, by name, its files unverified."""
    for path in sorted((home / FOLDER).glob(f"*/{MANIFEST}")):
        yield _read(path.parent)


def digest_files(folder: Path) -> dict[str, str]:
    """SHA-256 of each file of a folder, by name."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): file_digest(path) for path in paths}


def _read(entry: Path) -> AddedArchive:
    try:
        manifest = json.loads((entry / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DamagedArtifact(f"archive {entry.name}: {entry / MANIFEST} cannot be read; delete {entry}") from error
    if not isinstance(manifest, dict) or not manifest.keys() >= FIELDS:
        raise DamagedArtifact(f"archive {entry.name}: {entry / MANIFEST} lacks its fields; delete {entry}")
    return AddedArchive(entry, manifest)
