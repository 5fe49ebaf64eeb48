"""The stage `read_archive`: what it writes, and a key that follows the content of the folder."""

import logging
from types import SimpleNamespace

import numpy as np
import pytest

from anomseer_core.archives.config import ArchiveConfig
from anomseer_core.archives.dataset import SERIES_FILE, read_archive
from anomseer_core.archives.selection import PROXY
from anomseer_core.series import read_series
from anomseer_core.store import ArtifactStore

LABELS = [0] * 150 + [1] * 5 + [0] * 45


@pytest.fixture
def folder(tmp_path, write_out):
    for name in ("a", "b", "c"):
        write_out(f"archive/{name}.out", LABELS)
    write_out("archive/normal.out", [0] * 200)
    return tmp_path / "archive"


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(tmp_path / "home")


def test_the_chosen_series_are_stored(store, folder):
    artifact = read_archive(store, ArchiveConfig(folder=str(folder), count=2, max_samples=100)).verify()
    assert (artifact.kind, artifact.rows) == ("series", {SERIES_FILE: 2})
    stored = list(read_series(artifact.file(SERIES_FILE)))
    assert [series.id for series in stored] == ["archive/a.out", "archive/b.out"]
    assert stored[0].intervals == ((50, 55),)
    assert dict(stored[0].metadata) == {
        "source": "a.out",
        "offset": 100,
        "original_length": 200,
        "collection": "TSB-UAD",
        "published_series": 1980,
        "proxy_of": PROXY,
    }


def test_what_became_of_the_folder_is_told(store, folder, caplog):
    (folder / "notes.txt").write_text("no series")
    (folder / "README").write_text("no series")
    (folder / "other.txt").write_text("no series")
    with caplog.at_level(logging.INFO):
        read_archive(store, ArchiveConfig(folder=str(folder), count=2))
    assert caplog.messages == [
        f"archive {folder}: 4 series read, 3 pass the filter, 2 taken; "
        "files that are no series: 2 .txt, 1 without a suffix"
    ]


def test_a_small_ratio_is_told_as_it_is(store, folder):
    with pytest.raises(ValueError, match=r"none of 4 series has an event and at most 0\.1% anomalous samples"):
        read_archive(store, ArchiveConfig(folder=str(folder), max_anomaly_ratio=0.001))


def test_an_unchanged_folder_is_reused(store, folder):
    config = ArchiveConfig(folder=str(folder))
    assert not read_archive(store, config).reused
    assert read_archive(store, config).reused


def test_a_changed_value_label_name_or_file_gives_another_key(store, folder, write_out):
    config = ArchiveConfig(folder=str(folder))
    keys = [read_archive(store, config).key]
    path = folder / "b.out"
    path.write_text(path.read_text().replace("7,0", "7.5,0", 1))
    keys.append(read_archive(store, config).key)
    path.rename(folder / "d.out")
    keys.append(read_archive(store, config).key)
    write_out("archive/e.out", LABELS)
    keys.append(read_archive(store, config).key)
    assert len(set(keys)) == 4


def test_a_changed_window_gives_another_key(store, write_nab):
    times = [f"2020-01-01 {hour:02d}:{minute:02d}:00" for hour in range(10) for minute in range(0, 60, 5)]
    files = {"x.csv": [(time, 1) for time in times]}
    folder = write_nab("nab", files, {"x.csv": [[times[3], times[5]]]})
    first = read_archive(store, ArchiveConfig(folder=str(folder)))
    write_nab("nab", files, {"x.csv": [[times[3], times[6]]]})
    second = read_archive(store, ArchiveConfig(folder=str(folder)))
    assert first.key != second.key
    assert [next(read_series(item.file(SERIES_FILE))).intervals for item in (first, second)] == [((3, 6),), ((3, 7),)]


def test_files_that_are_not_read_do_not_matter(store, folder):
    config = ArchiveConfig(folder=str(folder))
    read_archive(store, config)
    (folder / "README.md").write_text("words")
    assert read_archive(store, config).reused


def test_two_homes_agree_on_the_digest(tmp_path, folder):
    config = ArchiveConfig(folder=str(folder))
    one, two = (read_archive(ArtifactStore(tmp_path / name), config) for name in ("one", "two"))
    assert (one.key, one.digest) == (two.key, two.digest)


def test_progress_counts_files(store, folder):
    calls = []
    read_archive(store, ArchiveConfig(folder=str(folder)), SimpleNamespace(progress=lambda *call: calls.append(call)))
    assert calls == [(done, 4, "files") for done in (1, 2, 3, 4)]


def test_a_malformed_file_is_named_and_nothing_is_published(store, folder):
    (folder / "b.out").write_text("1,0\nx,0\n")
    with pytest.raises(ValueError, match=r"b\.out, row 2: value 'x'"):
        read_archive(store, ArchiveConfig(folder=str(folder)))
    assert list(store.all()) == []


def test_nothing_that_passes_the_filter_is_said(store, folder):
    with pytest.raises(ValueError, match="none of 4 series has an event and at most 2% anomalous samples"):
        read_archive(store, ArchiveConfig(folder=str(folder), max_anomaly_ratio=0.02))


def test_a_list_that_names_none_of_the_files_is_said(store, folder):
    config = ArchiveConfig(folder=str(folder), file_list="TSB-AD-U-Eva")
    with pytest.raises(ValueError, match=r"none of 4 series is in the list 'TSB-AD-U-Eva'.*; name a list that holds"):
        read_archive(store, config)


def test_no_folder_and_a_missing_folder_are_said(store, tmp_path):
    with pytest.raises(ValueError, match="no archive folder is set"):
        read_archive(store, ArchiveConfig())
    with pytest.raises(FileNotFoundError, match="absent does not exist"):
        read_archive(store, ArchiveConfig(folder=str(tmp_path / "absent")))


def write_wide(folder, channels):
    """A TSB-AD file of that many channels with one event of two samples."""
    names = ",".join(f"c{channel}" for channel in range(channels))
    rows = "".join(
        ",".join([str(row % 7 + c) for c in range(channels)] + [str(int(row in (90, 91)))]) + "\n" for row in range(200)
    )
    (folder / f"{channels:03d}_W_id_1_Web_tr_10_1st_90.csv").write_text(f"{names},Label\n{rows}")


def test_series_of_too_many_channels_are_left_out_and_told(store, folder, caplog):
    write_wide(folder, 2)
    write_wide(folder, 4)
    config = ArchiveConfig(folder=str(folder), most_channels=3)
    with caplog.at_level(logging.INFO):
        artifact = read_archive(store, config)
    assert [len(np.atleast_2d(item.values)) for item in read_series(artifact.file(SERIES_FILE))] == [2, 1, 1, 1]
    assert caplog.messages == [
        f"archive {folder}: 6 series read, 1 with more than 3 channels, 4 pass the filter, 4 taken"
    ]
    apart = read_archive(store, config.model_copy(update={"channels": "apart"}))
    assert apart.rows == {SERIES_FILE: 2 + 4 + 3}


def test_only_wide_series_are_said_to_be_so(store, tmp_path):
    (tmp_path / "wide").mkdir()
    write_wide(tmp_path / "wide", 4)
    with pytest.raises(ValueError, match="none of 1 series has at most 2 channels; raise most_channels"):
        read_archive(store, ArchiveConfig(folder=str(tmp_path / "wide"), selection="all", most_channels=2))


def test_whole_series_are_kept_whole(store, tmp_path, write_out):
    write_out("long/a.out", [0] * 9000 + [1] * 5 + [0] * 3000)
    config = ArchiveConfig(folder=str(tmp_path / "long"), max_samples=0)
    (series,) = read_series(read_archive(store, config).file(SERIES_FILE))
    assert (len(series), series.intervals) == (12_005, ((9000, 9005),))
    assert series.values.tolist() == list(range(12_005))
