"""Cutting, filtering and spreading of real series."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from anomseer_core.archives.config import ArchiveConfig
from anomseer_core.archives.selection import PROXY, anomaly_ratio, call_proxy, cut, keeps, parts, spread
from anomseer_core.series import AnomalyClass, Series, intervals_from_mask, mask_from_intervals


def series(name, length, *intervals, **about):
    anomaly_class = AnomalyClass.UNKNOWN if intervals else AnomalyClass.NORMAL
    return Series(name, np.arange(float(length)), intervals, anomaly_class, metadata={"source": name, **about})


def test_a_short_series_stays_whole():
    whole = series("a", 300, (10, 20))
    assert cut(whole, 300) is whole
    assert cut(whole, 0) is whole


def test_the_first_piece_with_an_event_is_kept():
    # Pieces [0, 300), [300, 600), [600, 900), and the last aligned to the end: [700, 1000).
    piece = cut(series("a", 1000, (450, 460), (590, 610)), 300)
    assert piece.values.tolist() == list(range(300, 600))
    assert piece.intervals == ((150, 160), (290, 300))
    assert dict(piece.metadata) == {"source": "a", "offset": 300, "original_length": 1000}


def test_the_last_piece_is_aligned_to_the_end():
    piece = cut(series("a", 1000, (950, 960)), 300)
    assert piece.values.tolist() == list(range(700, 1000))
    assert piece.intervals == ((250, 260),)


def test_a_series_without_an_event_gives_its_first_piece():
    piece = cut(series("a", 1000), 300)
    assert (piece.is_normal, piece.metadata["offset"], len(piece)) == (True, 0, 300)


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(1, 30))
def test_a_piece_has_the_labels_of_its_samples(mask, max_samples):
    whole = series("a", len(mask), *intervals_from_mask(np.array(mask)))
    piece = cut(whole, max_samples)
    assert len(piece) == min(len(mask), max_samples)
    assert piece.is_normal == whole.is_normal
    kept = mask_from_intervals(piece.intervals, len(piece))
    assert kept.tolist() == [mask[int(value)] for value in piece.values]


@pytest.mark.parametrize(
    ("intervals", "selection", "kept"),
    [
        ((), "tab", False),
        (((0, 20),), "tab", True),
        (((0, 21),), "tab", False),
        (((0, 5), (50, 55)), "tab", True),
        ((), "all", True),
        (((0, 150),), "all", True),
    ],
)
def test_the_filter_of_tab_wants_an_event_and_few_anomalous_samples(intervals, selection, kept):
    """Of 200 samples at most 20, the tenth part."""
    assert keeps(series("a", 200, *intervals), ArchiveConfig(selection=selection, max_anomaly_ratio=0.1)) is kept


def test_the_filter_looks_at_the_whole_series():
    # 50 of 1000 samples are anomalous, and 50 of the 300 that are kept.
    whole = series("a", 1000, (310, 360))
    assert not keeps(whole, ArchiveConfig(max_anomaly_ratio=0.04))
    assert keeps(whole, ArchiveConfig(max_anomaly_ratio=0.05))
    assert anomaly_ratio(cut(whole, 300)) == pytest.approx(50 / 300)


def test_a_list_of_the_archive_chooses():
    config = ArchiveConfig(file_list="TSB-AD-U-Eva")
    assert keeps(series("a", 200, (0, 5), lists=["TSB-AD-U", "TSB-AD-U-Eva"]), config)
    assert not keeps(series("b", 200, (0, 5), lists=["TSB-AD-U"]), config)
    assert not keeps(series("c", 200, (0, 5)), config)


@pytest.mark.parametrize(
    ("available", "count", "expected"),
    [(10, 5, [0, 2, 4, 6, 8]), (10, 3, [0, 3, 6]), (3, 5, [0, 1, 2]), (4, 4, [0, 1, 2, 3]), (7, 1, [0])],
)
def test_the_choice_is_spread_over_the_folder(available, count, expected):
    assert spread(range(available), count) == expected


def wide(**about):
    return Series(
        "m",
        np.arange(12.0).reshape(3, 4),
        ((0, 1), (2, 4)),
        AnomalyClass.UNKNOWN,
        anomalous_channels=(1, 2),
        metadata=about,
    )


def test_channels_stay_together_come_apart_or_are_left_out():
    whole = wide(event_channels=[[1], [1, 2]])
    assert parts(whole, ArchiveConfig(channels="together")) == [whole]
    assert parts(whole, ArchiveConfig(most_channels=3)) == [whole]
    assert parts(whole, ArchiveConfig(most_channels=2)) == []
    assert len(parts(series("a", 5), ArchiveConfig(most_channels=1))) == 1
    apart = parts(whole, ArchiveConfig(channels="apart"))
    assert [item.id for item in apart] == ["m@0", "m@1", "m@2"]
    assert [item.intervals for item in apart] == [(), ((0, 1), (2, 4)), ((2, 4),)]
    assert [item.anomaly_class for item in apart] == ["normal", "unknown", "unknown"]
    assert apart[2].values.tolist() == [8, 9, 10, 11]


def test_a_channel_keeps_every_event_where_the_archive_does_not_say_which_it_shows():
    assert {item.intervals for item in parts(wide(), ArchiveConfig(channels="apart"))} == {((0, 1), (2, 4))}


def test_what_stands_in_for_tab_is_called_a_proxy():
    assert call_proxy(series("a", 9, collection="NAB"), ArchiveConfig()).metadata["proxy_of"] == PROXY
    assert "proxy_of" not in call_proxy(series("a", 9, collection="TAB"), ArchiveConfig()).metadata
    assert "proxy_of" not in call_proxy(series("a", 9, collection="NAB"), ArchiveConfig(selection="all")).metadata


def test_a_piece_must_be_worth_looking_at():
    with pytest.raises(ValidationError, match="write 0 for whole series, or at least 100"):
        ArchiveConfig(max_samples=99)
