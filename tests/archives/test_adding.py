"""`add_archive`: one rename or nothing; what is kept is known by name, and refused when it was changed."""

import hashlib
import json
import re
import tarfile
import zipfile

import pytest

from anomseer_core.archives import read
from anomseer_core.archives.added import added_archives, open_archive
from anomseer_core.archives.adding import DOWNLOADS, add_archive
from anomseer_core.archives.config import ArchiveConfig, TableConfig
from anomseer_core.archives.dataset import SERIES_FILE, read_archive
from anomseer_core.archives.download import download
from anomseer_core.series import read_series
from anomseer_core.store import ArtifactStore, DamagedArtifact
from tests.archives.file_server import Served, serve

OUT = "1,0\n2,0\n3,1\n4,0\n"


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "mine"
    (folder / "ECG").mkdir(parents=True)
    (folder / "ECG" / "a.out").write_text(OUT)
    (folder / "b.out").write_text(OUT)
    return folder


@pytest.fixture
def packed(tmp_path, folder):
    path = tmp_path / "My set.zip"
    with zipfile.ZipFile(path, "w") as file:
        for member in sorted(folder.rglob("*.out")):
            file.write(member, member.relative_to(folder).as_posix())
    return path


def files_in(home):
    return sorted(path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file())


def refused(home, source, message, **options):
    with pytest.raises((ValueError, FileNotFoundError), match=re.escape(message)) as caught:
        add_archive(home, str(source), **options)
    assert "\n" not in str(caught.value)
    assert files_in(home) == []


def test_a_folder_is_copied_under_its_name(home, folder):
    added = add_archive(home, str(folder))
    assert added.path == home / "archives" / "mine"
    assert files_in(home / "archives") == ["mine/data/ECG/a.out", "mine/data/b.out", "mine/manifest.json"]
    about = added.manifest
    assert (about["source"], about["sha256"], about["bytes"]) == (str(folder), "", 2 * len(OUT))
    assert [(row["task"], row["series"], row["events"]) for row in about["card"]] == [
        ("ECG", 1, 1),
        ("archive", 1, 1),
        ("all", 2, 2),
    ]
    assert [item.manifest for item in added_archives(home)] == [json.loads(json.dumps(about))]


def test_a_packed_file_with_its_digest(home, packed):
    digest = hashlib.sha256(packed.read_bytes()).hexdigest()
    added = add_archive(home, str(packed), sha256=digest)
    assert (added.name, added.manifest["sha256"]) == ("My-set", digest)
    assert [series.id for series in read(added.data)] == ["archive/ECG/a.out", "archive/b.out"]


def test_a_single_file_and_another_name(home, folder):
    added = add_archive(home, str(folder / "b.out"), name="one")
    assert files_in(home / "archives") == ["one/data/b.out", "one/manifest.json"]
    assert added.name == "one"


def test_an_address_interrupted_halfway_and_gone_on_with(home, packed):
    content = packed.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    with serve(Served(content, cuts=[100]), "set.zip?token=secret") as served:
        with pytest.raises(ValueError, match="100 bytes are there, run the command again to go on"):
            download(served.url, home / "archives" / DOWNLOADS, pauses_seconds=())
        assert all("/.downloads/" in name for name in files_in(home))
        added = add_archive(home, served.url, sha256=digest)
    assert served.asked == ["", "bytes=100-"]
    assert (added.name, added.manifest["sha256"]) == ("set", digest)
    assert added.manifest["source"].endswith("/set.zip")
    assert files_in(home / "archives") == ["set/data/ECG/a.out", "set/data/b.out", "set/manifest.json"]


def test_a_wrong_digest_is_refused_and_nothing_is_left(home, packed):
    refused(home, packed, f"not {'0' * 64}; nothing of it was kept", sha256="0" * 64)
    with serve(Served(packed.read_bytes())) as served:
        refused(home, served.url, f"not {'0' * 64}; nothing of it was kept", sha256="0" * 64)


def test_what_holds_no_series_is_refused_and_nothing_is_left(home, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("words")
    refused(home, tmp_path / "notes", "archive notes holds no readable series; expected TSB-UAD")
    (tmp_path / "page.html").write_text("<html>")
    with serve(Served(b"<html>"), "page.html") as served:
        refused(home, served.url, "archive page holds no readable series")


def test_a_malformed_file_is_named_by_its_place_in_the_archive(home, folder):
    (folder / "ECG" / "a.out").write_text("1,0\nx,0\n")
    refused(home, folder, "mine: ECG/a.out, row 2: value 'x' is not a finite number")


def test_what_leads_out_of_the_archive_is_refused(home, folder, tmp_path):
    with tarfile.open(tmp_path / "evil.tar", "w") as file:
        file.add(folder / "b.out", "../b.out")
    refused(home, tmp_path / "evil.tar", "evil.tar: member '../b.out' would be written outside of the archive")
    (folder / "link.out").symlink_to("/etc/passwd")
    refused(home, folder, "link.out is a link; give a folder of files")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "../up"}, "'../up' is no name of an archive; choose letters"),
        ({"name": ".hidden"}, "'.hidden' is no name of an archive"),
        ({"sha256": "12"}, "--sha256 '12' is not a SHA-256; it has 64 hexadecimal digits"),
        ({"sha256": "0" * 64}, "--sha256 is of one file, and"),
        ({"form": "ucr"}, "archive mine holds no readable series; expected UCR"),
    ],
)
def test_options_that_do_not_fit_are_refused(home, folder, options, message):
    refused(home, folder, message, **options)


def test_a_folder_that_holds_the_home_is_refused(home, tmp_path):
    refused(home, tmp_path, "holds ANOMSEER_HOME itself")


def test_a_limit_on_what_is_unpacked(home, packed):
    refused(home, packed, "My set.zip: member", limit_bytes=20)


def test_what_is_not_there_and_what_is_there_already(home, folder):
    refused(home, folder / "absent", "absent does not exist; give an address, a file or a folder")
    add_archive(home, str(folder))
    with pytest.raises(ValueError, match="archive mine is there already; choose another --name, or delete"):
        add_archive(home, str(folder))


def test_tables_are_read_as_they_are_told_to_be(home, tmp_path):
    (tmp_path / "mine.csv").write_text("load,fault\n1,0\n2,1\n")
    added = add_archive(
        home, str(tmp_path / "mine.csv"), form="table", table=TableConfig(label_column="fault", value_columns=["load"])
    )
    assert added.manifest["card"][0]["events"] == 1


def test_a_name_stands_for_the_folder(home, folder, tmp_path, monkeypatch):
    add_archive(home, str(folder))
    assert open_archive(home, "mine", verify=True) == home / "archives" / "mine" / "data"
    assert open_archive(home, "absent") == open_archive(home, "./absent")
    artifact = read_archive(ArtifactStore(home), ArchiveConfig(folder="mine", max_anomaly_ratio=0.5))
    assert [series.id for series in read_series(artifact.file(SERIES_FILE))] == ["archive/ECG/a.out", "archive/b.out"]
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        ValueError, match=r"mine is an added archive and a folder here too; write \./mine for the folder"
    ):
        open_archive(home, "mine")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: (data / "b.out").write_text("1,0\n2,1\n"), "archive mine: b.out is changed; delete"),
        (lambda data: (data / "b.out").unlink(), "archive mine: b.out is missing; delete"),
        (lambda data: (data / "c.out").write_text(OUT), "archive mine: c.out is not in its manifest; delete"),
        (lambda data: (data.parent / "manifest.json").write_text("{"), "manifest.json cannot be read; delete"),
        (lambda data: (data.parent / "manifest.json").write_text("{}"), "manifest.json lacks its fields; delete"),
    ],
)
def test_a_changed_archive_is_refused_before_it_is_read(home, folder, change, message):
    change(add_archive(home, str(folder)).data)
    with pytest.raises(DamagedArtifact, match=re.escape(message)):
        read_archive(ArtifactStore(home), ArchiveConfig(folder="mine"))
