"""MGAB: its own header, and the samples that it ignores."""

import pytest

from anomseer_core.archives import read
from anomseer_core.archives.selection import cut

HEADER = ",value,is_anomaly,is_ignored\n"


def test_a_series(tmp_path):
    (tmp_path / "1.csv").write_text(HEADER + "0,0.9,0,1\n1,0.8,0,1\n2,0.7,1,0\n3,0.6,0,0\n")
    (series,) = read(tmp_path)
    # The two ignored rows are gone: row 2 of the file is sample 0.
    assert series.values.tolist() == [0.7, 0.6]
    assert series.intervals == ((0, 1),)
    assert (series.metadata["ignored_samples"], series.metadata["collection"]) == (2, "MGAB")
    assert (series.metadata["offset"], series.metadata["original_length"]) == (2, 4)


@pytest.mark.parametrize(
    ("ignored", "wrong"), [((0, 1, 0), "row 3 is, and a later one is not"), ((1, 1, 1), "every row is")]
)
def test_what_is_ignored_in_the_middle_cannot_be_left_out(tmp_path, ignored, wrong):
    (tmp_path / "1.csv").write_text(HEADER + "".join(f"{row},0.5,0,{flag}\n" for row, flag in enumerate(ignored)))
    with pytest.raises(ValueError, match=rf"1\.csv: is_ignored: {wrong}"):
        list(read(tmp_path))


def test_a_piece_of_it_says_where_in_the_file_it_begins(tmp_path):
    rows = [f"{row},{row % 7},{int(row == 250)},{int(row < 20)}\n" for row in range(400)]
    (tmp_path / "1.csv").write_text(HEADER + "".join(rows))
    (series,) = read(tmp_path)
    piece = cut(series, 100)
    # The event is sample 230 of what is judged: the third piece of 100, which begins at row 20 + 200.
    assert piece.intervals == ((30, 31),)
    assert (piece.metadata["offset"], piece.metadata["original_length"]) == (220, 400)


def test_what_is_malformed_is_named(tmp_path):
    (tmp_path / "1.csv").write_text(HEADER + "0,0.9,0,1\n1,0.8,yes,0\n")
    with pytest.raises(ValueError, match=r"1\.csv, row 3: is_anomaly 'yes' is not 0 or 1"):
        list(read(tmp_path))
