"""Writers of small archives in the formats the readers know."""

import json

import pytest


@pytest.fixture
def write_out(tmp_path):
    """`write_out(name, labels)`: a `.out` file whose values count up from 0."""

    def write(name, labels):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{value},{label}\n" for value, label in enumerate(labels)))
        return path

    return write


@pytest.fixture
def write_nab(tmp_path):
    """`write_nab(root, files, windows)`: a checkout; files map a name to its (timestamp, value) rows."""

    def write(root, files, windows):
        folder = tmp_path / root
        for name, rows in files.items():
            path = folder / "data" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("timestamp,value\n" + "".join(f"{time},{value}\n" for time, value in rows))
        (folder / "labels").mkdir(parents=True, exist_ok=True)
        (folder / "labels" / "combined_windows.json").write_text(json.dumps(windows))
        return folder

    return write
