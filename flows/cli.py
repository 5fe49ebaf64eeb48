"""The `anomseer` command. Heavy imports wait until a command needs them: help answers at once.

A refusal is one line on standard error and exit status 2; a defect keeps its traceback.
"""

import json
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import cyclopts

from anomseer_core.settings import load_settings, require_home
from flows.archive_command import archive

FAILED = 1
REFUSED = 2
app = cyclopts.App(
    name="anomseer",
    help="Classify, localise and explain anomalies in time series: one traceable pipeline.",
    help_format="plaintext",
    version_flags=[],
    # Otherwise it ends the process itself, before we can say what Ctrl-C did.
    suppress_keyboard_interrupt=False,
)
app.command(archive)
Overrides = Annotated[list[str], cyclopts.Parameter(name="--set", negative="", show_default=False)]
Names = Annotated[list[str], cyclopts.Parameter(negative="", show_default=False)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit: 0 done, 1 failed, 2 refused, 130 or 143 stopped by a signal."""
    signal.signal(signal.SIGTERM, _exit_on_signal)
    try:
        app(arguments, print_error=False, exit_on_error=False)
    except cyclopts.UnusedCliTokensError as error:
        sys.exit(_refuse(f"unexpected {' '.join(error.unused_tokens)}; see anomseer --help"))
    except cyclopts.CycloptsError as error:
        sys.exit(_refuse(str(error)))
    except KeyboardInterrupt:
        sys.exit(_stopped(signal.SIGINT))


@app.command
def run(*, config: str = "nano", overrides: Overrides = ()) -> None:
    """Run the whole pipeline: series, expert traces, cold start, TimerPO, evaluation.

    Parameters
    ----------
    config
        Name of the configuration to start from: nano, nano-cold-start, nano-continued, nano-field, nano-brief,
        nano-window, nano-timerpo, tiny, paper, released, sft, grpo, sft+grpo, timerpo or sft+timerpo; `anomseer config
        NAME` prints it.
    overrides
        A field to change, as field=value with the dotted name it has in the configuration, such as
        --set training.alpha=0. May be given several times.
    """
    with refusals(writes=True):
        from flows.preflight import require_runnable

        chosen = _configuration(config, overrides)
        require_runnable(chosen)
    from flows.running import run_pipeline

    with refusals():
        run_pipeline(chosen)


@app.command
def evaluate(
    checkpoint: str = "latest",
    *,
    detector: Names = (),
    benchmark: Names = (),
    config: str = "nano",
    overrides: Overrides = (),
    report: Path | None = None,
) -> None:
    """Evaluate detectors on held-out series: a trained policy, a model behind an API, trivial and classical ones.

    Parameters
    ----------
    checkpoint
        Folder of a checkpoint; `latest`: the newest one trained here, or the shipped one where there is none;
        `shipped`: the one that comes with this package. Several, such as seeds of one method, are joined by commas.
    detector
        What is evaluated beside the trivial predictors: `policy` (the checkpoint), `endpoint` (a model behind an
        OpenAI-compatible API, see `--set endpoint.base_url=...`), or the name of a detector without training, such
        as matrix-profile. May be given several times; the policy and all others if not given.
    benchmark
        What it is evaluated on, such as anomllm. May be given several times; without it, the paper's two and the
        archive.
    config
        Name of the configuration whose held-out series and decoding are used.
    overrides
        A field to change, such as --set anomllm.count=50 or --set evaluation.classical.fft.mads=4. May be given
        several times.
    report
        A file to write the tables to, as markdown, ours beside the paper's where it has the same; of a policy with
        its goals, kinds of mistakes and speed, and a picture of its worst cases beside the file.
    """
    with refusals(writes=True):
        from flows.evaluation_config import choose
        from flows.preflight import require_evaluable

        chosen = choose(_configuration(config, ()), checkpoint, detector, benchmark, overrides)
        require_evaluable(chosen)
    from flows.running import run_evaluation

    with refusals():
        run_evaluation(chosen, report)


@app.command
def serve(checkpoint: str = "latest", *, host: str = "127.0.0.1", port: int = 8000, config: str = "nano") -> None:
    """Serve a trained policy at an OpenAI-compatible address: POST /v1/chat/completions, GET /v1/models.

    Parameters
    ----------
    checkpoint
        Folder of a checkpoint; `latest`: the newest one trained here, or the shipped one where there is none;
        `shipped`: the one that comes with this package.
    host
        Address to listen at; this machine alone if not given.
    port
        Port to listen at; 0 takes any that is free.
    config
        Name of the configuration whose decoding answers requests that do not say how.
    """
    with refusals(writes=True):
        from anomseer_core.store import ArtifactStore
        from flows.evaluation_config import find_checkpoint

        decoding = _configuration(config, ()).evaluation.decoding
        found = find_checkpoint(ArtifactStore(load_settings().home), checkpoint)
        from flows.serving.command import serve as serve_policy

        try:
            serve_policy(found, host=host, port=port, decoding=decoding)
        except KeyboardInterrupt:
            sys.exit(_stopped(signal.SIGINT, "stopped serving"))


@app.command
def adopt(folder: Path, /, *, drifted: bool = False) -> None:
    """Take in a training that ran elsewhere: its checkpoint with its recipe, its metrics and its curves.

    Parameters
    ----------
    folder
        What the training left under `runs`: job.json, metrics.jsonl and checkpoint.
    drifted
        Take it although this code draws, prompts or parses unlike the code that trained it.
    """
    with refusals(writes=True):
        from anomseer_core.training.adoption import AdoptionConfig, read_training

        chosen = AdoptionConfig(folder=str(folder.resolve()), drifted=drifted)
        read_training(chosen)
    from flows.running import run_adoption

    with refusals():
        run_adoption(chosen)


@app.command
def expcot(*, config: str = "paper", overrides: Overrides = ()) -> None:
    """Write expert traces, check every number in them, and show them: statistics, and a page to open in a browser.

    Parameters
    ----------
    config
        Name of the configuration whose series and traces are used.
    overrides
        A field to change, such as --set expcot.blind=true, --set anomllm.count=20, --set gallery.per_class=5 or
        --set 'benchmarks=["anomllm"]'. May be given several times.
    """
    with refusals(writes=True):
        from flows.expcot_config import explanation_of
        from flows.overrides import apply_overrides
        from flows.preflight import require_explainable

        chosen = apply_overrides(explanation_of(_configuration(config, ())), overrides)
        require_explainable(chosen)
    from flows.running import run_expcot

    with refusals():
        run_expcot(chosen)


@app.command
def compare(first: str, second: str, /, *, seed: int = 0) -> None:
    """Compare two detectors on the same series: paired differences, 95 % intervals, p-values, effect sizes.

    Parameters
    ----------
    first
        The folder of a score artifact, or the id of an MLflow run that recorded scores; RUN:DETECTOR chooses one
        detector of a whole evaluation. Several seeds of one detector are joined by commas.
    second
        The same for the other side; differences are second minus first.
    seed
        Seed of the resampling.
    """
    with refusals(writes=True):
        from flows.comparison import print_comparison

        print_comparison(load_settings(), first, second, seed=seed)


@app.command
def seeds(*runs: str) -> None:
    """Average evaluations that differ in their seed: each detector's mean, and its deviation over the runs.

    Parameters
    ----------
    runs
        Two or more, each the folder of a score artifact or the id of an MLflow run that recorded scores; RUN:DETECTOR
        chooses one detector of a whole evaluation.
    """
    with refusals(writes=True):
        from flows.repetition import print_repetition

        print_repetition(load_settings(), runs)


@app.command
def lineage(run_id: str, /) -> None:
    """Print and verify the chain behind a run: from its results back to the generator's seed and the commit.

    Parameters
    ----------
    run_id
        Id of an MLflow run: a whole flow run, or one of its stages.
    """
    from flows.lineage_report import print_lineage

    with refusals(writes=True):
        print_lineage(load_settings(), run_id)


@app.command
def config(name: str = "nano", *, overrides: Overrides = ()) -> None:
    """Print a named configuration as JSON: every field that can be set.

    Parameters
    ----------
    name
        Name of the configuration; `anomseer run --help` lists them.
    overrides
        A field to change before printing.
    """
    with refusals():
        print(json.dumps(_configuration(name, overrides).model_dump(mode="json"), indent=2))


@app.command
def up(*, prefect_port: int = 4200, mlflow_port: int = 5000) -> None:
    """Start Prefect, MLflow and a worker on this machine, and register the deployments.

    Parameters
    ----------
    prefect_port
        Port of Prefect's pages and API.
    mlflow_port
        Port of MLflow's pages and API.
    """
    from flows import services

    with refusals(writes=True):
        services.up(load_settings(), prefect_port=prefect_port, mlflow_port=mlflow_port)


@app.command
def down() -> None:
    """Stop what `anomseer up` started, and nothing else."""
    from flows import services

    with refusals(writes=True):
        services.down(load_settings())


@contextmanager
def refusals(*, writes: bool = False) -> Iterator[None]:
    """End the command with one line: status 2 where our own code refuses what it was given, 1 where something fails.

    writes: the home is looked at first, since the command needs it.
    """
    from anomseer_core.training.failures import TrainingStopped
    from flows.processes import StartFailed
    from flows.terminal import is_user_error

    try:
        if writes:
            require_home(load_settings())
        yield
    except (ValueError, FileNotFoundError) as error:
        if not is_user_error(error):
            raise
        sys.exit(_refuse(str(error)))
    except (StartFailed, TrainingStopped) as error:
        sys.exit(_refuse(str(error), status=FAILED))


def _configuration(name: str, overrides: Sequence[str]):
    from anomseer_core.configurations import CONFIGURATIONS
    from flows.overrides import apply_overrides

    if name not in CONFIGURATIONS:
        raise ValueError(f"unknown configuration {name!r}; choose one of {', '.join(CONFIGURATIONS)}")
    return apply_overrides(CONFIGURATIONS[name](), overrides)


def _refuse(reason: str, *, status: int = REFUSED) -> int:
    print(f"anomseer: error: {' '.join(reason.split())}", file=sys.stderr)
    return status


def _stopped(number: int, said: str = "stopped; run it again to go on from the last finished stage or snapshot") -> int:
    print(f"anomseer: {said}", file=sys.stderr)
    return 128 + number


def _exit_on_signal(number: int, _frame: object) -> None:
    """Let everything unwind: child processes end, MLflow and Prefect hear of it."""
    raise SystemExit(_stopped(number))
