"""Packed archives (zip, tar, gzip) -> a folder, trusting nothing that they say of themselves.

Refused by name, before anything outside of the folder is touched: absolute names, `..`, backslashes and drives, links
and devices, a name that comes twice, encryption. The size is counted while it is written, so a bomb ends at the limit
whatever its header claims. The caller throws the folder away when this raises.
"""

import errno
import gzip
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, NoReturn

GIGABYTE = 10**9
# [bytes] The largest public archive of series unpacks to a few gigabytes.
UNPACKED_LIMIT = 32 * GIGABYTE
MOST_MEMBERS = 200_000
CHUNK_BYTES = 2**20
# [bytes] Of the long names and attributes in a tar.
LONGEST_HEADER = 2**20
HEADERS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
ZIP_SUFFIXES = (".zip",)
TAR_SUFFIXES = (".tar", ".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz")
GZIP_SUFFIX = ".gz"
DAMAGE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError)


def is_packed(name: str) -> bool:
    """Whether a file of this name is unpacked rather than copied."""
    return name.lower().endswith((*ZIP_SUFFIXES, *TAR_SUFFIXES, GZIP_SUFFIX))


def extract(path: Path, folder: Path, *, name: str = "", limit_bytes: int = UNPACKED_LIMIT) -> None:
    """Unpack a file into an existing folder. name: what errors call it, and what its suffix is taken from.

    Raises ValueError, naming the member, for everything that is refused and for a damaged file.
    """
    name = name or path.name
    target = _Target(name, folder, limit_bytes)
    with _named_damage(name):
        if name.lower().endswith(ZIP_SUFFIXES):
            _extract_zip(path, target)
        elif name.lower().endswith(TAR_SUFFIXES):
            _extract_tar(path, target)
        else:
            with gzip.open(path) as packed:
                target.write(PurePosixPath(name).name[: -len(GZIP_SUFFIX)], packed)


class _Member(tarfile.TarInfo):
    """A member whose long name or attributes fit into memory: tarfile reads them whole, whatever size they claim."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in HEADERS and self.size > LONGEST_HEADER:
            raise tarfile.ReadError(f"a header claims {self.size:,} bytes")
        return super()._proc_member(archive)


@dataclass
class _Target:
    """Where members go, and how much of the limit is left."""

    name: str
    folder: Path
    limit_bytes: int
    written_bytes: int = 0
    members: int = 0

    def refuse(self, member: str, reason: str) -> NoReturn:
        raise _Refusal(f"{self.name}: member {member[:200]!r} {reason}; the archive is not unpacked")

    def claim(self, size: int, member: str) -> None:
        """What a header says is enough to refuse, and never enough to trust."""
        self.members += 1
        if self.members > MOST_MEMBERS:
            raise _Refusal(f"{self.name} has more than {MOST_MEMBERS} members; the archive is not unpacked")
        if self.written_bytes + size > self.limit_bytes:
            self._too_large(member)

    def write(self, member: str, content: IO[bytes]) -> None:
        place = self.folder / self.checked(member)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch(exist_ok=False)
        except (FileExistsError, NotADirectoryError):
            self.refuse(member, "is there twice")
        with open(place, "wb") as file:
            while chunk := content.read(CHUNK_BYTES):
                self.written_bytes += len(chunk)
                if self.written_bytes > self.limit_bytes:
                    self._too_large(member)
                file.write(chunk)

    def checked(self, member: str) -> PurePosixPath:
        parts = PurePosixPath(member).parts
        if not parts or "\0" in member or "\\" in member or member.startswith("/") or ":" in parts[0]:
            self.refuse(member, "has a name that is no path inside the archive")
        if ".." in parts:
            self.refuse(member, "would be written outside of the archive")
        return PurePosixPath(member)

    def _too_large(self, member: str) -> NoReturn:
        limit = f"{self.limit_bytes / GIGABYTE:g} GB"
        raise _Refusal(f"{self.name}: member {member[:200]!r} exceeds the limit of {limit} unpacked; raise --limit-gb")


def _extract_zip(path: Path, target: _Target) -> None:
    with zipfile.ZipFile(path) as packed:
        for info in packed.infolist():
            target.checked(info.filename)
            if stat.S_ISLNK(info.external_attr >> 16):
                target.refuse(info.filename, "is a link")
            if info.flag_bits & 1:
                target.refuse(info.filename, "is encrypted")
            if info.is_dir():
                continue
            target.claim(info.file_size, info.filename)
            with packed.open(info) as content:
                target.write(info.filename, content)


def _extract_tar(path: Path, target: _Target) -> None:
    with tarfile.open(path, tarinfo=_Member) as packed:
        for member in packed:
            target.checked(member.name)
            if member.isdir():
                continue
            if member.issym() or member.islnk():
                target.refuse(member.name, "is a link")
            content = packed.extractfile(member) if member.isreg() and not member.issparse() else None
            if content is None:
                target.refuse(member.name, "is no plain file")
            target.claim(member.size, member.name)
            with content:
                target.write(member.name, content)


class _Refusal(ValueError):
    """Our own words, not to be taken for damage."""


@contextmanager
def _named_damage(name: str) -> Iterator[None]:
    try:
        yield
    except _Refusal:
        raise
    except (*DAMAGE, ValueError, RuntimeError) as error:
        if getattr(error, "errno", None) == errno.ENOSPC:
            raise ValueError(f"{name} is not unpacked: the disk is full; make room and add it again") from error
        reason = " ".join(str(error).split())[:120]
        raise ValueError(f"{name} cannot be unpacked ({reason or type(error).__name__}); fetch it again") from error
