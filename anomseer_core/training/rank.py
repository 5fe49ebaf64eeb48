"""The process that DeepSpeed launches, once per rank: `python -m anomseer_core.training.rank JOB`."""

import argparse
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from anomseer_core.refusals import is_raised_in
from anomseer_core.training.claim import hold
from anomseer_core.training.failures import TrainingStopped
from anomseer_core.training.job import TrainingJob
from anomseer_core.training.notices import tell
from anomseer_core.training.watchdog import watch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    # DeepSpeed's launcher passes the rank within the machine as this option.
    parser.add_argument("--local_rank", type=int, default=0)
    parser.add_argument("job", type=Path)
    arguments = parser.parse_args()
    job = TrainingJob.load(arguments.job)
    # Before the imports below: they take seconds, in which the owner may die.
    watch(job.owner)
    tell("process", arguments.local_rank)
    with hold(job.folder), reasons_told(arguments.local_rank):
        run(job, arguments.local_rank)


@contextmanager
def reasons_told(rank: int) -> Iterator[None]:
    """Tell the launcher why training ends where our own code words it; a defect leaves its trace in the output."""
    try:
        yield
    except (TrainingStopped, ValueError, FileNotFoundError) as error:
        if isinstance(error, TrainingStopped) or is_raised_in(error, ("anomseer_core",)):
            tell("stop", rank, str(error))
        raise


def run(job: TrainingJob, local_rank: int) -> None:
    # torch warns about names that DeepSpeed calls, once per call.
    warnings.filterwarnings("ignore", category=FutureWarning, module="torch")
    from torch import distributed

    from anomseer_core.training.engine import start_distributed

    device = start_distributed(local_rank)
    try:
        if job.method == "cold_start":
            from anomseer_core.training.supervised import train_supervised

            train_supervised(job, distributed.get_rank(), device)
        else:
            from anomseer_core.training.reinforcement import train_timerpo

            train_timerpo(job, distributed.get_rank(), device)
    finally:
        distributed.destroy_process_group()


if __name__ == "__main__":
    main()
