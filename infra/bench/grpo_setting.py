"""What both sides of the GRPO benchmark are given, weights, prompts and sizes, and the clock they report by."""

import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch
from pydantic import Field

from anomseer_core.config import Config
from anomseer_core.expcot.config import ExpCoTConfig
from anomseer_core.expcot.corpus import write_traces
from anomseer_core.policy.birth import create_policy
from anomseer_core.policy.config import PolicyConfig
from anomseer_core.policy.precision import resolve_precision
from anomseer_core.store import ArtifactStore
from anomseer_core.synthesis.config import AnomLLMConfig
from anomseer_core.synthesis.dataset import synthesize
from anomseer_core.training.config import LaunchConfig, TimerPOConfig
from anomseer_core.training.examples import Example, load_examples
from anomseer_core.training.job import Owner, TrainingJob

TASKS = ("range", "point", "freq", "trend")


class GroupSetting(Config):
    """One GRPO step: the files it needs, and its sizes. Every response has exactly `tokens` tokens."""

    policy: Path
    series: Path
    traces: Path
    prompts: int
    group: int
    tokens: int = Field(ge=8)
    micro_responses: int
    steps: int
    warm_up: int
    threads: int
    precision: str

    def examples(self) -> list[Example]:
        return load_examples(self.series, self.traces)[: self.prompts]

    def job(self, *, alpha: float = 0.0) -> TrainingJob:
        """The step as a training job of ours on one rank; GRPO with alpha 0."""
        config = TimerPOConfig(
            steps=self.steps,
            prompts_per_step=self.prompts,
            group_size=self.group,
            max_response_tokens=self.tokens,
            alpha=alpha,
        )
        launch = LaunchConfig(ranks=1, zero_stage=0, precision=self.precision, micro_responses=self.micro_responses)
        return TrainingJob(
            method="timerpo",
            policy=self.policy,
            series=self.series,
            traces=self.traces,
            folder=self.policy / "run",
            config=config,
            launch=launch,
            owner=Owner.this_process(),
        )


def build_setting(
    folder: Path,
    *,
    prompts: int,
    group: int,
    tokens: int,
    micro_responses: int = 20,
    steps: int = 1,
    warm_up: int = 1,
    threads: int = 0,
) -> GroupSetting:
    """Series, their traces and a freshly born nano policy under `folder`; 0 threads takes one per core."""
    if prompts * group > micro_responses and (prompts * group % micro_responses or micro_responses % group):
        raise ValueError(
            f"{prompts} prompts x {group} responses do not divide into micro-batches of {micro_responses} with whole "
            "groups; choose other numbers"
        )
    store = ArtifactStore(folder)
    series = synthesize(store, AnomLLMConfig(split="train", seed=3407, tasks=TASKS, count=-(-prompts // len(TASKS))))
    traces = write_traces(store, series, ExpCoTConfig(style="brief"))
    return GroupSetting(
        policy=create_policy(store, traces, PolicyConfig()).path,
        series=series.file("series.parquet"),
        traces=traces.file("traces.parquet"),
        prompts=prompts,
        group=group,
        tokens=tokens,
        micro_responses=micro_responses,
        steps=steps,
        warm_up=warm_up,
        threads=threads or len(os.sched_getaffinity(0)),
        precision=resolve_precision("auto"),
    )


@dataclass
class StepClock:
    """Times steps, leaving out the first `warm_up`; `report` is what a side prints as its last line."""

    warm_up: int
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)

    @contextmanager
    def step(self) -> Iterator[None]:
        started, used = time.perf_counter(), time.process_time()
        yield
        self.seconds.append(time.perf_counter() - started)
        self.cpu_seconds.append(time.process_time() - used)

    def report(self) -> None:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        measured = {"seconds": self.seconds[self.warm_up :], "cpu_seconds": self.cpu_seconds[self.warm_up :]}
        print(json.dumps(measured | {"peak_megabytes": peak}), flush=True)


def read_setting() -> GroupSetting:
    """The setting named on the command line of a side; its threads are set."""
    setting = GroupSetting.model_validate_json(Path(sys.argv[1]).read_text(encoding="utf-8"))
    torch.set_num_threads(setting.threads)
    return setting
