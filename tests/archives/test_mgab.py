"""MGAB: its own header, and the samples that it ignores."""

import pytest

from anomseer_core.archives import read

HEADER = ",value,is_anomaly,is_ignored\n"


def test_a_series(tmp_path):
    (tmp_path / "1.csv").write_text(HEADER + "0,0.9,0,1\n1,0.8,0,1\n2,0.7,1,0\n3,0.6,0,0\n")
    (series,) = read(tmp_path)
    assert series.values.tolist() == [0.9, 0.8, 0.7, 0.6]
    assert series.intervals == ((2, 3),)
    assert (series.metadata["ignored_samples"], series.metadata["collection"]) == (2, "MGAB")


def test_what_is_malformed_is_named(tmp_path):
    (tmp_path / "1.csv").write_text(HEADER + "0,0.9,0,1\n1,0.8,yes,0\n")
    with pytest.raises(ValueError, match=r"1\.csv, row 3: is_anomaly 'yes' is not 0 or 1"):
        list(read(tmp_path))
