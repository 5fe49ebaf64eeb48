"""Artifact directories: published whole or not at all, found again by recipe, refused when damaged.

An artifact is a directory of content files and a `manifest.json`, written last; the directory appears under its
final name by one atomic rename. The manifest holds the recipe and its key (known before running), and the SHA-256
of every content file (known after). Facts that differ between two equal runs (host, wall time) live in
`volatile.json`, which no digest covers.
"""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from anomseer_core.recipe import Recipe, RecordedRecipe, Reference, digest_json

MANIFEST = "manifest.json"
VOLATILE = "volatile.json"
STAGING = ".staging"
TABLE_SUFFIX = ".parquet"
SCHEMA_VERSION = 1
KINDS = ("series", "traces", "checkpoint", "predictions", "scores")
# What every manifest says; all of it is read without asking.
FIELDS = frozenset({"kind", "stage", "key", "recipe", "inputs", "digest", "files", "rows", "commit"})
# Enough of the key to name a directory; the manifest holds all of it.
NAME_LENGTH = 20


class DamagedArtifact(ValueError):
    """An artifact whose files are not the ones its manifest describes."""


@dataclass(frozen=True)
class Artifact:
    """A published artifact: where it is and what its manifest says. `reused` tells whether this run made it."""

    path: Path
    manifest: Mapping[str, Any]
    reused: bool = False

    @property
    def kind(self) -> str:
        return self.manifest["kind"]

    @property
    def key(self) -> str:
        return self.manifest["key"]

    @property
    def digest(self) -> str:
        """The content digest: SHA-256 over the names and digests of the content files."""
        return self.manifest["digest"]

    @property
    def reference(self) -> Reference:
        return Reference(self.kind, self.key, self.digest)

    @property
    def inputs(self) -> dict[str, Reference]:
        return {role: Reference(**fields) for role, fields in self.manifest["inputs"].items()}

    @property
    def rows(self) -> Mapping[str, int]:
        return self.manifest["rows"]

    def file(self, name: str) -> Path:
        return self.path / name

    def verify(self) -> "Artifact":
        """Compare every content file with the manifest; raises DamagedArtifact naming the first that differs."""
        expected = self.manifest["files"]
        present = {name for name, _ in _content_files(self.path)}
        for name in sorted(set(expected) | present):
            if name not in present:
                raise DamagedArtifact(f"artifact {self.path}: {name} is missing; delete the directory and run again")
            if name not in expected:
                raise DamagedArtifact(
                    f"artifact {self.path}: {name} is not in its manifest; delete the directory and run again"
                )
            if file_digest(self.path / name) != expected[name]:
                raise DamagedArtifact(f"artifact {self.path}: {name} was changed; delete the directory and run again")
        for name in sorted(present & self.rows.keys()):
            count = _count_rows(self.path / name)
            if count not in (None, self.rows[name]):
                raise DamagedArtifact(
                    f"artifact {self.path}: {name} has {count} rows and its manifest says {self.rows[name]}; "
                    "delete the directory and run again"
                )
        if content_digest(expected) != self.digest or digest_json(self.manifest["recipe"]) != self.key:
            raise DamagedArtifact(f"artifact {self.path}: its manifest was changed; delete the directory and run again")
        return self


class ArtifactStore:
    """The artifacts under one home directory, `HOME/artifacts/<kind>/<key>`."""

    def __init__(self, home: Path) -> None:
        self.home = Path(home).resolve()
        self.root = self.home / "artifacts"

    def produce(
        self,
        recipe: Recipe | RecordedRecipe,
        write: Callable[[Path], Mapping[str, int]],
        *,
        volatile: Callable[[], Mapping[str, Any]] = dict,
        origin: Mapping[str, Any] = MappingProxyType({}),
    ) -> Artifact:
        """Return the artifact of a recipe, made by `write(directory) -> rows per file` unless it exists already.

        A `write` that raises leaves nothing behind. Of two processes making the same artifact at once, the first
        to publish wins and the other's equal copy is dropped.

        volatile: facts for the side file; origin: `commit` and `machine` of an artifact that was made elsewhere.
        """
        found = self.find(recipe.stage.kind, recipe.key)
        if found:
            return found
        self.clear_staging()
        staging = self.root / STAGING / staging_name(recipe.key)
        staging.mkdir(parents=True)
        try:
            started = time.time()
            rows = write(staging)
            facts = {"wall_seconds": round(time.time() - started, 3), "host": platform.node(), **volatile()}
            write_json(staging / VOLATILE, facts)
            write_json(staging / MANIFEST, _manifest(recipe, staging, rows) | dict(origin))
            return self._publish(staging, recipe)
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def find(self, kind: str, key: str) -> Artifact | None:
        """The finished artifact with this recipe key, or None. Its files are verified by `open` or `verify`."""
        path = self._path(kind, key)
        if not (path / MANIFEST).exists():
            return None
        artifact = _read(path)
        if artifact.key != key:
            raise DamagedArtifact(
                f"artifact {path}: its manifest names another recipe; delete the directory and run again"
            )
        return Artifact(path, artifact.manifest, reused=True)

    def open(self, path: Path | str) -> Artifact:
        """Read an artifact directory and verify every file of it."""
        path = Path(path)
        if not path.exists():
            raise FileNotFoundError(f"artifact {path} does not exist any more; run again to make it anew")
        if not (path / MANIFEST).is_file():
            raise FileNotFoundError(f"{path} is not an artifact: it has no {MANIFEST}")
        return _read(path).verify()

    def all(self) -> Iterator[Artifact]:
        """Every published artifact, unverified, in a stable order."""
        for path in sorted(self.root.glob(f"*/*/{MANIFEST}")):
            if path.parent.parent.name in KINDS:
                yield _read(path.parent)

    def clear_staging(self) -> None:
        """Delete what processes of this machine were writing when they were killed outright."""
        for path in (self.root / STAGING).glob(f"*@{platform.node()}@*"):
            pid = path.name.split("@")[2]
            if pid.isdecimal() and not _is_alive(int(pid)):
                shutil.rmtree(path, ignore_errors=True)

    def _path(self, kind: str, key: str) -> Path:
        if kind not in KINDS:
            raise ValueError(f"unknown artifact kind {kind!r}; the kinds are {', '.join(KINDS)}")
        return self.root / kind / key[:NAME_LENGTH]

    def _publish(self, staging: Path, recipe: Recipe | RecordedRecipe) -> Artifact:
        final = self._path(recipe.stage.kind, recipe.key)
        final.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.rename(staging, final)
        except OSError as error:
            if not final.exists():
                raise
            if not (final / MANIFEST).exists():
                raise DamagedArtifact(f"artifact {final}: {MANIFEST} is missing; delete the directory") from error
        return _read(final)


def file_digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def link_or_copy(source: Path | str, target: Path | str) -> None:
    """A second name for a file where the file system allows it, a copy elsewhere: weights need not lie there twice."""
    try:
        os.link(os.path.realpath(source), target)
    except OSError:
        shutil.copyfile(source, target)


def content_digest(files: Mapping[str, str]) -> str:
    return digest_json(dict(files))


def write_json(path: Path, value: Any) -> None:
    """Write JSON through a temporary file and an atomic rename."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=2, sort_keys=True)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def commit() -> str:
    """The commit of the checkout this package runs from, `-dirty` when it has changes, or `unknown` outside git."""
    here = Path(__file__).resolve().parent
    try:
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=True)
        state = subprocess.run(["git", "status", "--porcelain"], cwd=here, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head.stdout.strip() + ("-dirty" if state.stdout.strip() else "")


def staging_name(key: str) -> str:
    """Which artifact, and which process of which machine is writing it."""
    return f"{key[:NAME_LENGTH]}@{platform.node()}@{os.getpid()}@{uuid.uuid4().hex[:8]}"


def _count_rows(path: Path) -> int | None:
    """The rows of a Parquet file; None for what is none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_metadata(path).num_rows if path.suffix == TABLE_SUFFIX else None
    except pa.ArrowInvalid:
        return None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # another user's
    return True


def _content_files(directory: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        if path.is_file() and name not in (MANIFEST, VOLATILE):
            yield name, path


def _manifest(recipe: Recipe | RecordedRecipe, directory: Path, rows: Mapping[str, int]) -> dict[str, Any]:
    files = {name: file_digest(path) for name, path in _content_files(directory)}
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": recipe.stage.kind,
        "stage": recipe.stage.name,
        "key": recipe.key,
        "recipe": recipe.describe(),
        "inputs": {role: asdict(reference) for role, reference in recipe.inputs.items()},
        "digest": content_digest(files),
        "files": files,
        "rows": dict(rows),
        "commit": commit(),
        "machine": {"processor": platform.machine(), "system": platform.system(), "threads": os.cpu_count()},
    }


def _read(path: Path) -> Artifact:
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise DamagedArtifact(f"artifact {path}: {MANIFEST} is not JSON; delete the directory and run again") from error
    if not isinstance(manifest, dict) or not manifest.keys() >= FIELDS:
        raise DamagedArtifact(f"artifact {path}: {MANIFEST} lacks its fields; delete the directory and run again")
    return Artifact(path, manifest)
