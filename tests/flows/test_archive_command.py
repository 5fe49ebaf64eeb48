"""`anomseer archive`: what is added, listed and used by name, and one line for what is refused."""

import zipfile
from pathlib import Path

import pytest

from flows.cli import main


@pytest.fixture
def absent_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    monkeypatch.setenv("ANOMSEER_HOME", str(home))
    return home


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    path = tmp_path / "ecg.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("ECG/a.out", "".join(f"{value % 7},{int(value in (50, 51))}\n" for value in range(200)))
        file.writestr("ECG/b.out", "".join(f"{value % 5},0\n" for value in range(100)))
    return path


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    output = capsys.readouterr()
    assert not end.value.code, output.err
    return output.out


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    output = capsys.readouterr()
    assert (end.value.code, output.out, output.err.count("\n")) == (2, "", 1)
    return output.err.removeprefix("anomseer: error: ")


def test_an_archive_is_added_listed_and_used_by_name(
    packed: Path, absent_home: Path, capsys: pytest.CaptureFixture[str]
):
    assert run(["archive", "list"], capsys) == "No archive is kept here yet; see anomseer archive add --help\n"
    added = run(["archive", "add", str(packed)], capsys)
    hint = added.splitlines()[-2:]
    assert hint[0] == "Use it with anomseer run --set synthesis.archive.folder=ecg"
    listed = run(["archive", "list"], capsys)
    assert added.startswith(listed)
    heading, row, about = listed.splitlines()
    assert heading.split()[:3] == ["Archive", "Part", "Series"]
    # Two series of 200 and 100 samples, one event of two samples: half a percent on average.
    assert row.split() == ["ecg", "TSB-UAD", "ECG", "2", "1", "100-200", "0.5", "%", "1", "2"]
    assert about.endswith(f"from {packed}; 2 of 1980 series of TSB-UAD")
    # The name passes where a folder is wanted: what is refused is another field.
    line = refused(["run", "--set", "synthesis.archive.folder=ecg", "--set", "policy.source=/no/weights"], capsys)
    assert line.startswith("checkpoint folder /no/weights does not exist")


def test_the_hint_repeats_how_a_table_is_to_be_read(tmp_path: Path, absent_home: Path, capsys):
    """What `add` was told is not kept with the archive."""
    table = tmp_path / "plant.csv"
    table.write_text("level,fault\n" + "".join(f"{index % 5},{int(index == 60)}\n" for index in range(120)))
    settings = ["--set", "label_column=fault", "--set", "table.gaps=keep"]
    added = run(["archive", "add", str(table), "--format", "table", *settings], capsys)
    fields = ("folder=plant", "format=table", "table.label_column=fault", "table.gaps=keep")
    words = " ".join(f"--set synthesis.archive.{field}" for field in fields)
    assert f"Use it with anomseer run {words}\n" in added


def test_files_that_are_no_series_are_told(tmp_path: Path, absent_home: Path, capsys):
    """A table without a label column is left out, and not in silence."""
    folder = tmp_path / "plant"
    folder.mkdir()
    rows = "".join(f"{index % 5},{int(index == 60)}\n" for index in range(120))
    (folder / "labelled.csv").write_text("level,label\n" + rows)
    (folder / "counts.csv").write_text("time,count\n" + rows)
    added = run(["archive", "add", str(folder)], capsys)
    assert f"from {folder}; files that are no series: 1 .csv\n" in added
    assert added.startswith(run(["archive", "list"], capsys))


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["archive", "add"], 'Command "archive add" parameter SOURCE requires an argument.'),
        (["archive", "add", "/no/archive"], "/no/archive does not exist; give an address, a file or a folder"),
        (["archive", "add", "ftp://host/a.zip"], "ftp://host/a.zip: only http and https addresses"),
        (["archive", "add", "/no/archive", "--format", "zip"], "format = 'zip': input should be 'auto', 'tsb-uad'"),
        (["archive", "add", "/no/archive", "--set", "sep=;"], "unknown field sep"),
        (["archive", "add", "/no/archive", "--sha256", "x"], "--sha256 'x' is not a SHA-256"),
        (["archive", "add", "/no/archive", "--name", "a/b"], "'a/b' is no name of an archive"),
        (["archive", "remove", "x"], "Unknown command"),
    ],
)
def test_a_refusal_is_one_line_and_nothing_is_written(
    arguments: list[str], line: str, absent_home: Path, capsys: pytest.CaptureFixture[str]
):
    assert refused(arguments, capsys).startswith(line)
    assert [path for path in absent_home.rglob("*") if path.is_file()] == []
