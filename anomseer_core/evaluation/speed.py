"""How quickly a detector answers, as the run that makes its predictions measures it.

Wall and processor time are taken around each answer: from the series in memory, through its picture where one is drawn,
to the intervals read from the response. Loading a model is not in it. Their ratio is the number of cores that worked,
whatever else ran on the machine. Both lie among an artifact's volatile facts, beside the machine.
"""

import json
import os
import platform
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anomseer_core.evaluation.prediction import Prediction
from anomseer_core.store import VOLATILE, Artifact

PROCESSORS = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Spent:
    """Wall and processor time [s]; the latter of all threads of this process."""

    seconds: float
    processor_seconds: float


@dataclass(frozen=True)
class Speed:
    """series: answered in so many seconds of wall and processor time; machine: what on."""

    series: int
    seconds: float
    processor_seconds: float
    machine: str

    @property
    def series_per_second(self) -> float:
        return self.series / self.seconds

    @property
    def cores(self) -> float:
        """Cores that worked, on average."""
        return self.processor_seconds / self.seconds


def timed(predictions: Iterator[Prediction]) -> Iterator[tuple[Prediction, Spent]]:
    """Each prediction with the time it took.

    A detector that works in batches spends a batch's time on its first answer, so only sums are comparable.
    """
    wall, processor = time.perf_counter(), time.process_time()
    for prediction in predictions:
        yield (
            prediction,
            Spent(round(time.perf_counter() - wall, 6), round(time.process_time() - processor, 6)),
        )
        wall, processor = time.perf_counter(), time.process_time()


def describe_machine() -> str:
    """The processor and the cores that this process may use, such as `Xeon 8488C, 2 cores`."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return f"{_processor()}, {cores} core{'s' * (cores != 1)}"


def speed_facts(spent: Mapping[str, Spent], machine: str) -> dict[str, Any]:
    """What an artifact of predictions keeps: the seconds of each series, the processor's in all, and the machine."""
    return {
        "seconds": {name: item.seconds for name, item in spent.items()},
        "processor_seconds": round(sum(item.processor_seconds for item in spent.values()), 6),
        "machine": machine,
    }


def read_speed(predictions: Artifact) -> Speed | None:
    """The speed at which predictions were made; None where it was not taken, as behind an API."""
    try:
        facts = json.loads(predictions.file(VOLATILE).read_text(encoding="utf-8"))
        seconds = facts["seconds"]
        speed = Speed(len(seconds), sum(seconds.values()), facts["processor_seconds"], facts["machine"])
    except (FileNotFoundError, KeyError):
        return None
    return speed if speed.series and speed.seconds > 0 else None


def _processor() -> str:
    if PROCESSORS.is_file():
        for line in PROCESSORS.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name" and value.strip():
                return value.strip()
    return platform.processor() or platform.machine()
