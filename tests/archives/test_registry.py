"""`read`: what a folder holds decides how it is read."""

from pathlib import Path

import pytest

from anomseer_core.archives import read
from anomseer_core.archives.registry import find_sources, read_source
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
    assert dict(ecg.metadata) == {
        "source": "tsb/ECG/a.out",
        "offset": 0,
        "original_length": 4,
        "collection": "TSB-UAD",
        "published_series": 1980,
    }


def test_an_empty_file_is_named_where_there_is_nothing_else(tmp_path, write_out):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match=r"a\.csv is empty; nothing else here can be read"):
        read(tmp_path / "a.csv")
    with pytest.raises(ValueError, match=r"a\.csv and 1 more files are empty"):
        read(tmp_path)
    write_out("c.out", [0, 1])
    assert [series.id for series in read(tmp_path)] == ["archive/c.out"]


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
    with pytest.raises(ValueError, match=r"holds no readable series; expected TSB-UAD \.out files, TSB-AD \.csv files"):
        read(tmp_path)
    with pytest.raises(ValueError, match="holds no readable series"):
        read(tmp_path / "values.csv")


def test_two_formats_that_claim_one_file_are_both_named(tmp_path, write_nab):
    """A NAB checkout whose file has the name of a TSB-AD file."""
    name = "001_NAB_id_1_Facility_tr_1_1st_2.csv"
    write_nab("nab", {name: rows(5, 6, 7)}, {name: []})
    with pytest.raises(
        ValueError, match=r"could be TSB-AD .* or a NAB checkout .*; name one with format: tsb-ad or nab"
    ):
        read(tmp_path)
    (series,) = read(tmp_path, format="nab")
    assert series.values.tolist() == [5, 6, 7]


def test_a_format_that_is_named_looks_for_nothing_else(tmp_path, write_out):
    write_out("a.out", [0, 1])
    with pytest.raises(ValueError, match="holds no readable series; expected UCR"):
        read(tmp_path, format="ucr")


def test_a_table_with_a_label_column_is_read_where_no_archive_claims_it(tmp_path, write_out):
    write_out("a.out", [0, 1])
    (tmp_path / "mine.csv").write_text("value,anomaly\n1,0\n2,1\n")
    (tmp_path / "kpi.csv").write_text("timestamp,value,label\n1,1,0\n2,2,1\n")
    (tmp_path / "notes.csv").write_text("who,what\nme,this\n")
    assert [source.format for source in find_sources(tmp_path)] == ["tsb-uad", "kpi", "table"]


def test_what_operating_systems_leave_in_archives_is_passed_over(tmp_path, write_out):
    write_out("__MACOSX/a.out", [0, 1])
    write_out("._a.out", [0, 1])
    write_out("a.out", [0, 1])
    assert [series.id for series in read(tmp_path)] == ["archive/a.out"]


def test_series_are_read_one_by_one(tmp_path, write_out):
    """What comes later is not touched before it is asked for."""
    write_out("a.out", [0, 1])
    (tmp_path / "b.out").write_text("broken")
    stream = read(tmp_path)
    assert next(stream).id == "archive/a.out"
    with pytest.raises(ValueError, match=r"b\.out, row 1"):
        next(stream)


def summary():
    """Collection and task -> how many series, samples and events the formats together find in the real data."""
    found = {}
    for source in find_sources(REAL):
        for series in read_source(source):
            row = found.setdefault((series.metadata["collection"], series.task), [0, 0, 0])
            for place, value in enumerate((1, len(series), len(series.intervals))):
                row[place] += value
    return found


def test_real_archives_have_the_published_counts():
    """Counts of the series that are there, by the rows of the source list: series, samples, events."""
    if not REAL.exists():
        pytest.skip("shared/real is absent")
    found = summary()
    for (collection, task), expected in {
        ("ASD", "ASD"): [6, 6 * 4320, 38],
        # Of 100,000 rows the 257 that are to be ignored are cut off.
        ("MGAB", "MGAB"): [1, 99_743, 10],
        ("SMD", "SMD"): [1, 23_689, 30],
        ("TSB-AD-M", "MSL"): [1, 1827, 1],
        ("TSB-AD-M", "Daphnet"): [1, 38_774, 6],
        ("TSB-AD-U", "NAB"): [1, 4031, 3],
        ("TSB-UAD", "ECG"): [1, 230_400, 208],
        ("TSB-UAD", "artificial"): [2, 2 * 40_596, 4],
        ("UCR", "UCR"): [3, 22_501, 3],
    }.items():
        assert found[collection, task] == expected, (collection, task)


@pytest.mark.parametrize(
    ("name", "length", "events"),
    [
        ("NAB/data/realKnownCause/machine_temperature_system_failure.csv", 22_695, 4),
        ("NAB/data/realKnownCause/nyc_taxi.csv", 10_320, 5),
        ("NASA/test/A-1.npy", 8640, 1),
        ("UCR/198_UCR_Anomaly_tiltAPB2_50000_124159_124985.out", 128_767, 1),
    ],
)
def test_single_real_series(name, length, events):
    if not REAL.exists():
        pytest.skip("shared/real is absent")
    (source,) = (source for source in find_sources(REAL) if source.name == name)
    (series,) = read_source(source)
    assert (len(series), len(series.intervals)) == (length, events)
    if "A-1" in name:
        assert series.intervals == ((4690, 4775),)
    if "198" in name:
        assert series.intervals == ((124_159, 124_985),)
