import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from anomseer_core.configurations import tiny
from flows.cli import main


@pytest.fixture(autouse=True)
def untouched_signals() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def absent_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home that nothing has been written to; a refused command leaves it so."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    home = tmp_path / "absent"
    monkeypatch.setenv("ANOMSEER_HOME", str(home))
    return home


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that a refused command says; its exit status is 2."""
    with pytest.raises(SystemExit) as end:
        main(arguments)
    output = capsys.readouterr()
    assert end.value.code == 2
    assert output.out == ""
    assert output.err.startswith("anomseer: error: ")
    assert output.err.count("\n") == 1
    return output.err.removeprefix("anomseer: error: ")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["run", "--config", "mini"], "unknown configuration 'mini'; choose one of nano, "),
        (["run", "--set", "training.alpha=11"], "training.alpha = 11: input should be less than or equal to 10"),
        (["run", "--set", "training.alhpa=1"], "unknown field training.alhpa: did you mean alpha?"),
        (["run", "--set", "synthesis.train.tasks=[]"], "synthesis.train.tasks = []: tuple should have at least 1 item"),
        (["run", "--set", 'synthesis.train.tasks=["pint"]'], "synthesis.train.tasks.0 = 'pint': input should be"),
        (["run", "--set", "synthesis.archive.folder=/no/archive"], "archive /no/archive does not exist"),
        (["run", "--set", "policy.source=/no/weights"], "checkpoint folder /no/weights does not exist"),
        (
            ["run", "--set", "cold_start.batch_size=32", "--set", "launch.ranks=3"],
            "cold_start.batch_size = 32 does not divide among 3 ranks",
        ),
        (["run", "--cofnig", "tiny"], "Unknown option"),
        (["rnu"], "Unknown command"),
        (["run", "extra", "words"], "unexpected extra words; see anomseer --help"),
        (["lineage"], 'Command "lineage" parameter RUN_ID requires an argument.'),
        (["adopt", "/no/training"], "/no/training is not a folder; bring the whole folder of a finished training"),
        (["evaluate", "/no/checkpoint"], "checkpoint folder /no/checkpoint does not exist"),
        (["evaluate", "--set", 'benchmarks=["anomlm"]'], "benchmarks.0 = 'anomlm': input should be 'anomllm'"),
        (["evaluate", "--benchmark", "anomlm"], "benchmarks.0 = 'anomlm': input should be 'anomllm'"),
        (["evaluate", "--detector", "ftf"], "unknown detector ftf: did you mean fft? there are policy, endpoint, "),
        (["evaluate", "/a", "--detector", "fft"], "checkpoint /a has no effect without the detector policy"),
        (["evaluate", "--detector", "endpoint"], "api.openai.com needs a key; set OPENAI_API_KEY, or name another"),
        (
            ["evaluate", "--detector", "fft", "--set", "evaluation.classical.fft.mads=0"],
            "evaluation.classical.fft.mads",
        ),
        (["serve", "/no/checkpoint"], "checkpoint folder /no/checkpoint does not exist"),
        (["serve", "--port", "x"], "Invalid value"),
        (["expcot", "--set", "gallery.per_class=0"], "gallery.per_class = 0: input should be greater than"),
        (["expcot", "--set", "archive.folder=/no/archive"], "archive /no/archive does not exist"),
        (["expcot", "--set", 'benchmarks=["archive"]'], "the archive is the only set of series"),
        (["lineage", "123"], "no run is recorded yet"),
        (["compare", "123"], 'Command "compare" parameter SECOND requires an argument.'),
        (["compare", "123", "/no/scores"], "123 is no folder of scores, and no run is recorded yet"),
        (["compare", "123", "456", "--seed", "x"], "Invalid value"),
        (["seeds", "123", "/no/scores"], "123 is no folder of scores, and no run is recorded yet"),
        (["evaluate", "--set", "evaluation.scoring.profile=theirs"], "evaluation.scoring.profile = 'theirs'"),
        (
            ["run", "--set", "evaluation.scoring.reading=response"],
            "evaluation.scoring: reading = response: the profile strict has one reading",
        ),
        (["up", "--prefect-port", "99999"], "--prefect-port 99999 is no port; choose one from 1 to 65535"),
        (["up", "--mlflow-port", "0"], "--mlflow-port 0 is no port"),
        (["up", "--prefect-port", "5000"], "--prefect-port and --mlflow-port are both 5000"),
        (["up", "--prefect-port", "x"], "Invalid value"),
        (["config", "mini"], "unknown configuration 'mini'"),
    ],
)
def test_a_refusal_is_one_line_and_nothing_is_written(
    arguments: list[str], line: str, absent_home: Path, capsys: pytest.CaptureFixture[str]
):
    assert refused(arguments, capsys).startswith(line)
    assert not absent_home.exists()


@pytest.mark.parametrize("command", ["evaluate", "serve"])
def test_without_any_checkpoint_it_says_so(
    command: str, absent_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("anomseer_core.policy.folder.SHIPPED", absent_home / "shipped")
    line = f"no trained checkpoint in {absent_home / 'artifacts'}, and this version of anomseer ships none; run the"
    assert refused([command], capsys).startswith(line)
    assert refused([command, "shipped"], capsys).startswith("this version of anomseer ships no trained policy; train")
    assert refused(["run", "--set", "policy.preset=shipped"], capsys).startswith("this version of anomseer ships no")
    assert not absent_home.exists()


def test_a_checkpoint_folder_without_weights_is_refused(
    tmp_path: Path, absent_home: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "empty").mkdir()
    for arguments in (["run", "--set", f"policy.source={tmp_path / 'empty'}"], ["evaluate", str(tmp_path / "empty")]):
        assert refused(arguments, capsys).startswith(f"checkpoint folder {tmp_path / 'empty'} holds no *.safetensors")
    assert not absent_home.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["run"],
        ["evaluate"],
        ["serve"],
        ["adopt", "."],
        ["expcot"],
        ["lineage", "123"],
        ["compare", "1", "2"],
        ["seeds", "1", "2"],
        ["up"],
        ["down"],
    ],
    ids=lambda words: words[0],
)
def test_a_home_that_is_no_folder_is_refused_by_every_command(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "file").write_text("")
    for home in (tmp_path / "file", tmp_path / "file" / "below"):
        monkeypatch.setenv("ANOMSEER_HOME", str(home))
        assert (
            refused(arguments, capsys) == f"ANOMSEER_HOME is {home}, but {tmp_path / 'file'} is a file; name a folder\n"
        )


def test_a_policy_from_a_hub_that_does_not_answer_is_refused_before_any_stage(
    absent_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    line = refused(["run", "--config", "paper"], capsys)
    assert line.startswith("cannot fetch Qwen/Qwen2.5-VL-3B-Instruct: no connection (")
    assert line.endswith("; name a folder with --set policy.source=/models/...\n")
    line = refused(["run", "--set", "policy.source=a/b/c"], capsys)
    assert line.startswith("cannot fetch a/b/c: it is neither a folder nor the name of a model on the hub")
    assert not absent_home.exists()


def test_ctrl_c_says_how_to_go_on_and_exits_130(absent_home: Path):
    """Sent as a terminal sends it, while a command works."""
    script = (
        "import os, signal\nfrom flows import cli, services\n"
        "services.down = lambda settings: os.kill(os.getpid(), signal.SIGINT)\ncli.main(['down'])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 130
    assert done.stderr == "anomseer: stopped; run it again to go on from the last finished stage or snapshot\n"


def test_a_cut_database_is_refused_by_name(home: Path, capsys: pytest.CaptureFixture[str]):
    database = home / "mlflow" / "mlflow.db"
    database.write_bytes(database.read_bytes()[:50_000])
    assert refused(["lineage", "123"], capsys).startswith(f"MLflow's database {database} is damaged (")
    database.write_text("no database at all")
    assert refused(["lineage", "1234"], capsys).startswith(f"MLflow's database {database} is damaged (")


def test_a_malformed_row_of_a_small_archive_is_refused_before_any_stage(
    tmp_path: Path, absent_home: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "a.out").write_text("1,0\n2,1\nx,0\n")
    line = refused(["run", "--set", f"synthesis.archive.folder={tmp_path / 'archive'}"], capsys)
    assert line.startswith(f"{tmp_path / 'archive' / 'a.out'}, row 3: ")
    assert not absent_home.exists()


def test_config_prints_what_run_would_take(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as end:
        main(["config", "tiny", "--set", "training.alpha=0"])
    assert not end.value.code
    printed = json.loads(capsys.readouterr().out)
    assert printed["training"].pop("alpha") == 0
    expected = tiny().model_dump(mode="json")
    assert expected["training"].pop("alpha") != 0
    assert printed == expected


def test_a_defect_keeps_its_traceback(absent_home: Path):
    """A ValueError from inside a library is no refusal of ours."""
    script = "from flows import cli\nwith cli.refusals():\n    int('x')\n"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_a_training_that_stops_for_a_known_reason_is_told_on_one_line(absent_home: Path):
    script = (
        "from flows import cli\nfrom anomseer_core.training.failures import TrainingStopped\n"
        "with cli.refusals():\n    raise TrainingStopped('timerpo stopped: rank 1 was killed by SIGKILL')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "anomseer: error: timerpo stopped: rank 1 was killed by SIGKILL\n"


def test_help_answers_at_once():
    """Under a second on an idle machine; three allow for a busy one. What is heavy must not be imported."""
    script = (
        "import sys\nfrom flows import cli\n"
        "try:\n    cli.main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'prefect', 'mlflow', 'pandas', 'deepspeed', 'transformers'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Run the whole pipeline" in done.stdout
    assert time.monotonic() - started < 3
