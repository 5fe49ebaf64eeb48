"""Whatever a file holds, a reader gives series or refuses in one line of a ValueError that names the archive."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anomseer_core.archives import read
from anomseer_core.series import Series

WINDOWS = '{"a.csv": [["2020-01-01 00:01:00", "2020-01-01 00:02:00"]]}'
NASA = 'chan_id,spacecraft,anomaly_sequences,class,num_values\nP-1,SMAP,"[[1, 1]]",[point],3\n'
CSV = "Data,Label\n1,0\n2,0\n3,1\n"
TAB = "date,data,cols\n2020,1,x\n2021,2,x\n2020,0,label\n2021,1,label\n"
# The files of a small archive of each format, and which of them are damaged in turn.
ARCHIVES = {
    "tsb-uad": {"a.out": "1,0\n2,1\n3,0\n"},
    "tsb-ad": {"001_X_id_1_Y_tr_1_1st_2.csv": CSV, "File_List/L.csv": "file_name\n001_X_id_1_Y_tr_1_1st_2.csv\n"},
    "tab": {"DETECT_META.csv": "file_name,train_lens\na.csv,1\n", "data/a.csv": TAB},
    "nab": {
        "labels/combined_windows.json": WINDOWS,
        "data/a.csv": "timestamp,value\n2020-01-01 00:00:00,1\n2020-01-01 00:01:00,2\n2020-01-01 00:02:00,2\n",
    },
    "nasa": {"labeled_anomalies.csv": NASA},
    "ucr": {"001_UCR_Anomaly_x_1_2_2.txt": "1\n2\n3\n"},
    "smd": {"test/m.txt": "1,2\n3,4\n", "test_label/m.txt": "0\n1\n", "interpretation_label/m.txt": "1-1:1,2\n"},
    "kpi": {"a.csv": "timestamp,value,label,KPI ID\n1,1,0,a\n2,2,1,a\n"},
    "mgab": {"a.csv": ",value,is_anomaly,is_ignored\n0,1,0,0\n1,2,1,0\n"},
    "table": {"a.csv": "time,value,label\n1,1,0\n2,2,1\n3,3,0\n"},
}
CASES = [(form, name) for form, files in ARCHIVES.items() for name in files]
PIECES = st.sampled_from(
    ["", ",", "\n", "\r", '"', "0", "1", "-", "nan", "1e999", "[", "]", "{}", "\0", "\ufeff", " ", "x,y,z", '"\n"']
)


@st.composite
def damaged(draw, content: bytes):
    """Anything at all, or the content with a few pieces put in or cut out."""
    if draw(st.integers(0, 3)) == 0:
        return draw(st.binary(max_size=60))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(content)))
        stop = min(len(content), start + draw(st.integers(0, 6)))
        piece = draw(PIECES.map(str.encode) | st.binary(max_size=3))
        content = content[:start] + piece + content[stop:]
    return content


def write(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    (folder / "test").mkdir(exist_ok=True)
    np.save(folder / "test" / "P-1.npy", np.arange(3.0)[:, None])


@pytest.mark.parametrize(("form", "name"), CASES)
def test_what_is_whole_is_read(tmp_path, form, name):
    write(tmp_path, ARCHIVES[form])
    (series,) = read(tmp_path, format=form)
    assert len(series.intervals) == 1


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@pytest.mark.parametrize(("form", "name"), CASES)
@given(data=st.data())
def test_what_is_damaged_is_read_or_refused(tmp_path, form, name, data):
    whole = ARCHIVES[form]
    write(tmp_path, {**whole, name: data.draw(damaged(whole[name].encode()))})
    message = ""
    try:
        assert all(isinstance(series, Series) for series in read(tmp_path, format=form))
    except ValueError as error:
        message = str(error)
    assert "\n" not in message
    assert not message or str(tmp_path) in message
