"""A training job on disk: what the launcher hands to the processes it starts, and what they hand back.

Everything lives in one private folder per recipe, `HOME/runs/<key>`: `job.json` in, `metrics.jsonl` and
`completions.jsonl` out as lines, `snapshots/` to go on from while it is unfinished, `checkpoint/` at the end.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import psutil
from pydantic import BaseModel, ConfigDict

from anomseer_core.store import write_json
from anomseer_core.training.config import ColdStartConfig, LaunchConfig, TimerPOConfig
from anomseer_core.training.failures import must_be_written

JOB = "job.json"
METRICS = "metrics.jsonl"
COMPLETIONS = "completions.jsonl"
CHECKPOINT = "checkpoint"


class Owner(BaseModel):
    """The process a job belongs to: a process id alone may be given to another process later."""

    model_config = ConfigDict(frozen=True)

    pid: int
    started: float

    @classmethod
    def this_process(cls) -> "Owner":
        return cls(pid=os.getpid(), started=psutil.Process().create_time())

    def is_alive(self) -> bool:
        try:
            process = psutil.Process(self.pid)
            return process.create_time() == self.started and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False


class TrainingJob(BaseModel):
    """policy, series, traces: the input folders and files; folder: the job's own.

    recipe: what the stage's artifact is known by; empty outside of a stage. commit: of the code that trains.
    snapshot_every: steps between two snapshots, 0 for none; start: the finished steps of the one it goes on from.
    """

    model_config = ConfigDict(frozen=True)

    method: Literal["cold_start", "timerpo"]
    policy: Path
    series: Path
    traces: Path
    folder: Path
    config: ColdStartConfig | TimerPOConfig
    launch: LaunchConfig
    owner: Owner
    recipe: Mapping[str, Any] = {}
    commit: str = ""
    snapshot_every: int = 0
    start: int = 0

    @property
    def identity(self) -> Mapping[str, Any]:
        """What must be equal for one job to go on with the work of another."""
        if self.recipe:
            return self.recipe
        fields = self.model_dump(mode="json", include={"policy", "series", "traces", "config", "launch"})
        settings = {"method": fields.pop("config"), "launch": fields.pop("launch")}
        return {"stage": self.method, "inputs": fields, "config": settings}

    def save(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / JOB
        with must_be_written(JOB, self.folder):
            write_json(path, self.model_dump(mode="json"))
        return path

    @classmethod
    def load(cls, path: Path) -> "TrainingJob":
        fields = json.loads(path.read_text(encoding="utf-8"))
        model = ColdStartConfig if fields["method"] == "cold_start" else TimerPOConfig
        fields["config"] = model.model_validate(fields["config"])
        return cls.model_validate(fields)


def append_line(path: Path, record: dict[str, Any]) -> None:
    """Add one JSON line and hand it to the operating system at once: a killed process loses no finished step.

    Raises TrainingStopped when the disk takes no more.
    """
    with must_be_written(path.name, path.parent), open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")
