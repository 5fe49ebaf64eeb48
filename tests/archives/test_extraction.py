"""Packed archives that want out of their folder, fill the disk, or are damaged: refused by name, nothing outside."""

import errno
import gzip
import io
import re
import stat
import tarfile
import warnings
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anomseer_core.archives import extraction
from anomseer_core.archives.extraction import extract, is_packed

GOOD = {"a.out": b"1,0\n", "deep/b.out": b"2,1\n"}


def zipped(members, *, mode=0, flags=0):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = mode << 16
            packed.writestr(info, content)
    return buffer.getvalue()


def tarred(members, compression="gz"):
    """members: (name, content) or a TarInfo."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=f"w:{compression}") as packed:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                packed.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                packed.addfile(info, io.BytesIO(member[1]))
    return buffer.getvalue()


def special(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def unpack(tmp_path, content, name, **options):
    folder = tmp_path / "into"
    folder.mkdir()
    path = tmp_path / "packed"
    path.write_bytes(content)
    extract(path, folder, name=name, **options)
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def refused(tmp_path, content, name, message, **options):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        unpack(tmp_path, content, name, **options)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(name)
    outside = {path.name for path in tmp_path.iterdir()}
    assert outside == {"into", "packed"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.zip", zipped(GOOD.items())),
        ("X.ZIP", zipped([("deep/", b""), *GOOD.items()])),
        ("x.tar", tarred(GOOD.items(), "")),
        ("x.tar.gz", tarred(GOOD.items())),
        ("x.tgz", tarred([special("deep", tarfile.DIRTYPE), *GOOD.items()])),
        ("x.tar.xz", tarred(GOOD.items(), "xz")),
        ("x.tar.bz2", tarred(GOOD.items(), "bz2")),
    ],
)
def test_archives_are_unpacked(tmp_path, name, content):
    assert is_packed(name)
    assert unpack(tmp_path, content, name) == GOOD


def test_a_single_packed_file(tmp_path):
    assert is_packed("x.csv.gz")
    assert not is_packed("x.csv")
    assert unpack(tmp_path, gzip.compress(b"1\n2\n", mtime=0), "x.csv.gz") == {"x.csv": b"1\n2\n"}


@pytest.mark.parametrize("pack", [zipped, tarred], ids=["zip", "tar"])
@pytest.mark.parametrize(
    ("member", "reason"),
    [
        ("../evil", "would be written outside of the archive"),
        ("a/../../evil", "would be written outside of the archive"),
        ("/tmp/evil", "has a name that is no path inside the archive"),
        ("..\\evil", "has a name that is no path inside the archive"),
        ("C:evil", "has a name that is no path inside the archive"),
        ("a.out", "is there twice"),
    ],
)
def test_names_that_lead_elsewhere_are_refused(tmp_path, pack, member, reason):
    name = "x.zip" if pack is zipped else "x.tar.gz"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # zipfile finds two members of one name strange
        content = pack([*GOOD.items(), (member, b"evil")])
    refused(tmp_path, content, name, f"{name}: member {member!r} {reason}; the archive is not unpacked")


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        (special("link", tarfile.SYMTYPE, "/etc/passwd"), "is a link"),
        (special("link", tarfile.LNKTYPE, "a.out"), "is a link"),
        (special("pipe", tarfile.FIFOTYPE), "is no plain file"),
        (special("disk", tarfile.BLKTYPE), "is no plain file"),
    ],
)
def test_links_and_devices_are_refused(tmp_path, member, reason):
    refused(tmp_path, tarred([*GOOD.items(), member]), "x.tar", f"member {member.name!r} {reason}")


def test_a_link_in_a_zip_is_refused(tmp_path):
    content = zipped([("link", b"/etc/passwd")], mode=stat.S_IFLNK | 0o777)
    refused(tmp_path, content, "x.zip", "member 'link' is a link")


def test_a_file_that_is_a_folder_as_well_is_refused(tmp_path):
    refused(tmp_path, tarred([("a", b"1"), ("a/b", b"2")]), "x.tar", "member 'a/b' is there twice")


def test_an_encrypted_member_is_refused(tmp_path):
    content = bytearray(zipped([("a", b"1")]))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    refused(tmp_path, bytes(content), "x.zip", "member 'a' is encrypted")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.zip", zipped([("bomb", bytes(2 * 10**6))])),
        ("x.tar.gz", tarred([("bomb", bytes(2 * 10**6))])),
        ("bomb.gz", gzip.compress(bytes(2 * 10**6), mtime=0)),
    ],
)
def test_a_bomb_ends_at_the_limit(tmp_path, name, content):
    assert len(content) < 20_000
    refused(tmp_path, content, name, "member 'bomb' exceeds the limit of 0.001 GB unpacked", limit_bytes=10**6)
    assert sum(path.stat().st_size for path in (tmp_path / "into").rglob("*")) <= 10**6


def test_a_zip_that_lies_about_its_sizes_ends_at_the_limit(tmp_path):
    """Both headers say one byte; what is written is counted."""
    content = bytearray(zipped([("bomb", bytes(2 * 10**6))]))
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = content.index(mark) + place
        content[start : start + 4] = (1).to_bytes(4, "little")
    with pytest.raises(ValueError, match=r"x\.zip"):
        unpack(tmp_path, bytes(content), "x.zip", limit_bytes=10**6)
    assert sum(path.stat().st_size for path in (tmp_path / "into").rglob("*")) <= 10**6


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.zip", b"no zip at all"),
        ("x.zip", zipped(GOOD.items())[:-30]),
        ("x.tar.gz", tarred([("a", bytes(range(256)) * 100)])[:200]),
        ("x.tar", b"no tar"),
        ("x.gz", b"no gzip"),
        ("x.gz", gzip.compress(bytes(1000), mtime=0)[:-4]),
    ],
)
def test_damaged_archives_are_named(tmp_path, name, content):
    refused(tmp_path, content, name, f"{name} cannot be unpacked (")


def test_a_changed_byte_is_noticed(tmp_path):
    content = bytearray(zipped([("a", bytes(range(256)) * 10)]))
    content[60] ^= 1
    refused(tmp_path, bytes(content), "x.zip", "x.zip cannot be unpacked (")


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.sampled_from(["x.zip", "x.tar", "x.tar.gz", "x.gz"]),
    st.binary(max_size=40),
    st.integers(0, 400),
    st.integers(0, 255),
)
def test_any_bytes_are_unpacked_or_refused_in_one_line(tmp_path_factory, name, garbage, place, byte):
    whole = {"x.zip": zipped, "x.tar": lambda members: tarred(members, ""), "x.tar.gz": tarred}
    content = bytearray(whole[name](GOOD.items()) if name in whole else gzip.compress(b"1", mtime=0))
    content[place % len(content)] = byte
    for data in (garbage, bytes(content)):
        folder = tmp_path_factory.mktemp("any")
        try:
            unpack(folder, data, name, limit_bytes=10**6)
        except ValueError as error:
            message = str(error)
            assert "\n" not in message and message.startswith(name)  # noqa: PT018
        assert {path.name for path in folder.iterdir()} == {"into", "packed"}


def test_a_long_header_is_refused_before_it_is_read(tmp_path):
    info = tarfile.TarInfo("a.csv")
    info.pax_headers = {"comment": "x" * 2**21}
    refused(tmp_path, tarred([info]), "x.tar.gz", "a header claims 2,097,")


def test_a_name_longer_than_a_plain_header_holds_is_read(tmp_path):
    name = f"{'d' * 150}/{'f' * 150}.csv"
    assert unpack(tmp_path, tarred([(name, b"1")]), "x.tar") == {name: b"1"}


def test_a_full_disk_is_no_damage(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(extraction._Target, "write", fail)
    refused(tmp_path, zipped(GOOD.items()), "x.zip", "the disk is full; make room and add it again")
