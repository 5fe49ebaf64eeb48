"""Duplicates across archives: equal, rescaled, cut out, or one channel of several; and what only looks like one."""

import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomseer_core.archives.config import ArchiveConfig
from anomseer_core.archives.dataset import SERIES_FILE, read_archive
from anomseer_core.archives.duplicates import MOST_RUNS, SPACING, Duplicate, find_duplicates, fingerprint
from anomseer_core.series import Series, read_series
from anomseer_core.store import ArtifactStore


def walk(seed, length=800):
    generator = np.random.default_rng(seed)
    return np.sin(np.arange(length) / 9) + generator.normal(0, 0.3, length).cumsum() / 5


def found(*sets):
    """sets: (collection, values); the duplicates among them, by place."""
    series = [Series(str(place), values, metadata={"collection": name}) for place, (name, values) in enumerate(sets)]
    return find_duplicates([fingerprint(item) for item in series], lambda place: series[place].values)


def test_equal_series_of_two_collections():
    assert found(("A", walk(1)), ("B", walk(1))) == [Duplicate(1, 0, 0)]


def test_series_of_one_collection_are_left_to_it():
    assert found(("A", walk(1)), ("A", walk(1))) == []


@pytest.mark.parametrize(
    "change", [lambda x: 40 * x - 7, lambda x: (x - x.mean()) / x.std(), lambda x: x.round(4), np.float32]
)
def test_a_copy_that_was_rescaled_or_rounded(change):
    assert found(("A", walk(1)), ("B", np.float64(change(walk(1))))) == [Duplicate(1, 0, 0)]


def test_a_copy_whose_ends_were_cut_off_is_found_in_the_longer_one():
    assert found(("B", 3 * walk(1)[100:500] + 2), ("A", walk(1))) == [Duplicate(0, 1, 100)]


def test_a_channel_of_several():
    wide = np.stack([np.zeros(800), walk(2), walk(1)])
    assert found(("A", walk(2)), ("M", wide)) == [Duplicate(0, 1, 0)]
    assert found(("N", wide * 2), ("M", wide)) == [Duplicate(1, 0, 0)]
    assert found(("N", wide[[0, 1, 1]]), ("M", wide)) == []


def test_one_base_with_different_anomalies_is_no_duplicate():
    """As UCR's series: the same recording, a stretch of which was changed."""
    other = walk(1)
    other[400:420] += 2
    assert found(("A", walk(1)), ("B", other)) == []


def test_constants_are_nobodys_duplicates_and_periods_only_of_their_equal():
    wave = np.tile(np.arange(8.0), 100)
    assert found(("A", np.full(800, 3.0)), ("B", np.full(800, 3.0))) == []
    assert found(("A", wave), ("B", 2 * wave - 5)) == [Duplicate(1, 0, 0)]
    assert found(("A", wave), ("B", wave[:400])) == []
    assert found(("A", np.arange(5.0)), ("B", np.arange(5.0)), ("C", np.array([0.0, 1, 2, 3, 5]))) == [
        Duplicate(1, 0, 0)
    ]


def test_a_copy_of_a_copy_is_left_out_once_and_the_longest_stays():
    assert found(("A", walk(1)[10:500]), ("B", walk(1)), ("C", walk(1)[10:600])) == [
        Duplicate(0, 1, 10),
        Duplicate(2, 1, 10),
    ]


def test_long_series_keep_a_bounded_number_of_runs():
    whole = walk(1, 100_000)
    print_ = fingerprint(Series("long", whole))
    assert len(print_.hashes) <= MOST_RUNS
    assert print_.spacing > SPACING
    assert found(("A", whole), ("B", whole[20_000:60_000])) == [Duplicate(1, 0, 20_000)]


def test_different_series_are_told_apart():
    assert found(*((str(seed), walk(seed)) for seed in range(20))) == []


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 600), st.integers(300, 800), st.floats(0.01, 100), st.floats(-100, 100))
def test_any_stretch_of_a_series_is_found_where_it_was_cut(seed, start, length, scale, shift):
    whole = walk(seed, 1600)
    assert found(("A", whole), ("B", scale * whole[start : start + length] + shift)) == [Duplicate(1, 0, start)]


def test_the_stage_leaves_them_out_and_tells_where_they_are(tmp_path, caplog):
    values, labels = walk(3, 400).round(6), np.zeros(400, dtype=int)
    labels[350:360] = 1
    rows = [f"{value},{label}\n" for value, label in zip(values, labels, strict=True)]
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "x.out").write_text("".join(rows))
    (tmp_path / "all" / "001_NAB_id_1_Web_tr_10_1st_340.csv").write_text("Data,Label\n" + "".join(rows[10:]))
    config = ArchiveConfig(folder=str(tmp_path / "all"))
    with caplog.at_level(logging.INFO):
        artifact = read_archive(ArtifactStore(tmp_path / "home"), config)
    assert [series.id for series in read_series(artifact.file(SERIES_FILE))] == ["archive/x.out"]
    assert caplog.messages == [
        "archive/001_NAB_id_1_Web_tr_10_1st_340.csv is left out: it lies in archive/x.out, from sample 10 on",
        f"archive {tmp_path / 'all'}: 2 series read, 2 pass the filter, 1 of them in two archives, 1 taken",
    ]
    kept = read_archive(ArtifactStore(tmp_path / "home"), config.model_copy(update={"duplicates": "keep"}))
    assert kept.rows == {SERIES_FILE: 2}
