"""Bringing an archive into the home: from an address, a packed file, a file of series, or a folder.

It is fetched, unpacked and read once from end to end before it appears under its name, by one rename. What the
reading finds becomes its dataset card, and a file that cannot be read is named now rather than in the middle of a run.
"""

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from anomseer_core.archives.added import DATA, FOLDER, NAME, AddedArchive, digest_files
from anomseer_core.archives.config import AnyFormat, TableConfig
from anomseer_core.archives.download import download, is_url, shown
from anomseer_core.archives.extraction import TAR_SUFFIXES, UNPACKED_LIMIT, extract, is_packed
from anomseer_core.archives.registry import find_sources, ignored_files, read_source
from anomseer_core.archives.source import Source
from anomseer_core.observer import SILENT, Observer
from anomseer_core.reports.dataset_card import describe
from anomseer_core.series import Series
from anomseer_core.store import MANIFEST, STAGING, ArtifactStore, file_digest, staging_name, write_json

DOWNLOADS = ".downloads"
SHA256 = re.compile(r"[0-9a-fA-F]{64}")


def add_archive(
    home: Path,
    source: str,
    *,
    name: str = "",
    sha256: str = "",
    form: AnyFormat = "auto",
    table: TableConfig | None = None,
    limit_bytes: int = UNPACKED_LIMIT,
    observer: Observer = SILENT,
) -> AddedArchive:
    """Put an archive under `HOME/archives/NAME`. name: empty takes it from the source.

    Raises FileNotFoundError or ValueError, and then leaves nothing behind but the part of a download that a next
    attempt goes on from.
    """
    name = name or _name_of(source)
    entry = home / FOLDER / name
    _require_free(name, entry)
    if sha256 and not SHA256.fullmatch(sha256):
        raise ValueError(f"--sha256 {sha256[:80]!r} is not a SHA-256; it has 64 hexadecimal digits")
    with _staging(home, name) as staging:
        data = staging / DATA
        data.mkdir()
        digest = _bring(home, source, data, sha256, limit_bytes, observer)
        with _called(data, name):
            sources = find_sources(data, form)
            card = describe(_read_all(sources, table, observer))
        manifest = {
            "name": name,
            "source": shown(source) if is_url(source) else str(Path(source).resolve()),
            "sha256": digest,
            "added": datetime.now(UTC).isoformat(timespec="seconds"),
            "bytes": sum(path.stat().st_size for path in data.rglob("*") if path.is_file()),
            "files": digest_files(data),
            "card": card.to_dict("records"),
            "ignored": ignored_files(data, sources),
        }
        write_json(staging / MANIFEST, manifest)
        entry.parent.mkdir(parents=True, exist_ok=True)
        _require_free(name, entry)
        os.rename(staging, entry)
    return AddedArchive(entry, manifest)


def _bring(home: Path, source: str, data: Path, sha256: str, limit_bytes: int, observer: Observer) -> str:
    """Fill the folder; returns the SHA-256 of the file that was added, or nothing for a folder."""
    if is_url(source):
        file_name = _file_name(source)
        part = download(source, home / FOLDER / DOWNLOADS, sha256=sha256, observer=observer)
        digest = file_digest(part)
        _unpack(part, file_name, data, limit_bytes)
        part.unlink()
        return digest
    path = Path(source)
    if path.is_dir():
        if sha256:
            raise ValueError(f"--sha256 is of one file, and {source} is a folder; leave it out")
        if home.resolve().is_relative_to(path.resolve()):
            raise ValueError(f"{source} holds ANOMSEER_HOME itself ({home}); give the folder of the series")
        _copy_folder(path, data)
        return ""
    if not path.is_file():
        raise FileNotFoundError(f"{source} does not exist; give an address, a file or a folder")
    digest = file_digest(path)
    if sha256 and digest != sha256.lower():
        raise ValueError(f"{source}: its SHA-256 is {digest}, not {sha256.lower()}; nothing of it was kept")
    _unpack(path, path.name, data, limit_bytes)
    return digest


def _unpack(path: Path, file_name: str, data: Path, limit_bytes: int) -> None:
    if is_packed(file_name):
        extract(path, data, name=file_name, limit_bytes=limit_bytes)
    else:
        shutil.copyfile(path, data / file_name)


def _copy_folder(folder: Path, data: Path) -> None:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_symlink():
            raise ValueError(f"{path} is a link; give a folder of files, or the folder that it points to")
        if path.is_dir():
            (data / name).mkdir(parents=True, exist_ok=True)
        elif path.is_file():
            shutil.copyfile(path, data / name)


def _read_all(sources: Sequence[Source], table: TableConfig | None, observer: Observer) -> Iterator[Series]:
    for done, source in enumerate(sources, start=1):
        yield from read_source(source, table)
        observer.progress(done, len(sources), "files")


def _file_name(url: str) -> str:
    name = PurePosixPath(unquote(urlsplit(url).path)).name
    if not name or name in (".", "..") or "\0" in name:
        raise ValueError(f"{shown(url)} names no file; give the address of the file itself")
    return name


def _name_of(source: str) -> str:
    """The name of the file or folder, without the suffix of a packed file or a table."""
    name = _file_name(source) if is_url(source) else Path(source).resolve().name
    packed = next((suffix for suffix in TAR_SUFFIXES if name.lower().endswith(suffix)), "")
    stem = name[: -len(packed)] if packed else name if Path(source).is_dir() else PurePosixPath(name).stem
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-.")[:64]


def _require_free(name: str, entry: Path) -> None:
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of an archive; choose letters, digits, dots and dashes with --name")
    if entry.exists():
        raise ValueError(f"archive {name} is there already; choose another --name, or delete {entry} first")


@contextmanager
def _staging(home: Path, name: str) -> Iterator[Path]:
    """A folder that is gone afterwards, unless it was renamed; what a killed command left is cleared by the next."""
    store = ArtifactStore(home)
    store.clear_staging()
    staging = store.root / STAGING / staging_name(name)
    staging.mkdir(parents=True)
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


@contextmanager
def _called(data: Path, name: str) -> Iterator[None]:
    """Errors speak of the archive, not of a folder that will be gone."""
    try:
        yield
    except (ValueError, FileNotFoundError) as error:
        text = str(error).replace(f"archive {data}", f"archive {name}").replace(f"{data}/", f"{name}: ")
        raise ValueError(text) from error
