"""`read`: what a folder holds decides how it is read."""

from pathlib import Path

import pytest

from anomseer_core.archives import read
from anomseer_core.series import AnomalyClass

REAL = Path(__file__).parents[2] / "../shared/real"
TIMES = ["2020-01-01 00:00:00", "2020-01-01 00:01:00", "2020-01-01 00:02:00"]


def rows(*values):
    return list(zip(TIMES, values, strict=True))


def test_a_folder_of_several_archives(tmp_path, write_out, write_nab):
    write_out("tsb/ECG/a.out", [0, 1, 1, 0])
    write_out("b.out", [0, 0])
    write_nab("nab", {"real/c.csv": rows(5, 6, 7)}, {"real/c.csv": [[TIMES[1], TIMES[2]]]})
    (tmp_path / "notes.csv").write_text("not a series")
    flat, nab, ecg = read(tmp_path)
    assert [flat.id, nab.id, ecg.id] == ["archive/b.out", "archive/nab/data/real/c.csv", "archive/tsb/ECG/a.out"]
    assert [flat.task, nab.task, ecg.task] == ["archive", "real", "ECG"]
    assert ecg.intervals == ((1, 3),)
    assert nab.intervals == ((1, 3),)
    assert nab.values.tolist() == [5, 6, 7]
    assert [flat.anomaly_class, ecg.anomaly_class] == [AnomalyClass.NORMAL, AnomalyClass.UNKNOWN]
    assert {series.benchmark for series in (flat, nab, ecg)} == {"archive"}
    assert dict(ecg.metadata) == {"source": "tsb/ECG/a.out", "offset": 0, "original_length": 4}


def test_one_file(write_out):
    (series,) = read(str(write_out("deep/a.out", [0, 1])))
    assert series.id == "archive/a.out"


def test_a_checkout_itself(write_nab):
    (series,) = read(write_nab("nab", {"x.csv": rows(1, 2, 3)}, {"x.csv": []}))
    assert series.id == "archive/data/x.csv"
    assert series.is_normal


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent does not exist; give a folder of labelled series"):
        read(tmp_path / "absent")


def test_a_folder_without_series_is_named(tmp_path):
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "combined_windows.json").write_text("{}")
    (tmp_path / "values.csv").write_text("1,0\n")
    with pytest.raises(ValueError, match=r"holds no readable series; expected TSB-UAD \.out files, or a NAB checkout"):
        read(tmp_path)
    with pytest.raises(ValueError, match="holds no readable series"):
        read(tmp_path / "values.csv")


def test_real_archives_have_the_published_counts():
    if not REAL.exists():
        pytest.skip("shared/real is absent")
    found = {Path(series.id).stem: series for series in read(REAL)}
    lengths = {
        "machine_temperature_system_failure": (22_695, 4),
        "nyc_taxi": (10_320, 5),
        "MBA_ECG805_data": (230_400, 208),
    }
    for name, (length, events) in lengths.items():
        assert (len(found[name]), len(found[name].intervals)) == (length, events)
    assert found["198_UCR_Anomaly_tiltAPB2_50000_124159_124985"].intervals == ((124_159, 124_985),)
