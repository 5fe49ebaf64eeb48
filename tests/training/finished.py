"""The folder that a finished training leaves, without the hours: a born policy stands in for the trained one."""

import json
from pathlib import Path

from anomseer_core.expcot.config import ExpCoTConfig
from anomseer_core.expcot.corpus import write_traces
from anomseer_core.policy.birth import create_policy
from anomseer_core.policy.config import PolicyConfig
from anomseer_core.policy.model import load_policy, save_policy
from anomseer_core.recipe import Recipe
from anomseer_core.store import ArtifactStore
from anomseer_core.synthesis.config import AnomLLMConfig
from anomseer_core.synthesis.dataset import synthesize
from anomseer_core.training.config import LaunchConfig, TimerPOConfig
from anomseer_core.training.job import CHECKPOINT, COMPLETIONS, METRICS, Owner, TrainingJob
from anomseer_core.training.stages import TIMERPO, TrainingRecipe

COMMIT = "c" * 40
BORN = PolicyConfig(vocabulary=512)
CONFIG = TimerPOConfig(steps=2, prompts_per_step=4, group_size=3, max_response_tokens=12)
LAUNCH = LaunchConfig(ranks=1, precision="float32", zero_stage=0)


def leave_training(home: Path, start: PolicyConfig = BORN, task: str = "range") -> Path:
    """The folder under `home/runs` of a TimerPO training of two steps, whose inputs are in the store of `home`."""
    store = ArtifactStore(home)
    series = synthesize(store, AnomLLMConfig(split="train", seed=3407, tasks=(task,), count=2))
    traces = write_traces(store, series, ExpCoTConfig(style="brief"))
    policy = create_policy(store, traces, start)
    references = {"policy": policy.reference, "series": series.reference, "traces": traces.reference}
    recipe = Recipe(TIMERPO, references, TrainingRecipe(method=CONFIG, launch=LAUNCH, deepspeed={}))
    job = TrainingJob(
        method="timerpo",
        policy=policy.path,
        series=series.file("series.parquet"),
        traces=traces.file("traces.parquet"),
        folder=home / "runs" / f"timerpo-{recipe.key[:20]}",
        config=CONFIG,
        launch=LAUNCH,
        owner=Owner.this_process(),
        recipe=recipe.describe(),
        commit=COMMIT,
    )
    job.save()
    facts = {"config": CONFIG.model_dump(mode="json"), "launch": LAUNCH.model_dump(mode="json"), "threads": 1}
    save_policy(load_policy(policy.path), job.folder / CHECKPOINT, "timerpo", facts, parent=policy.path)
    write_lines(job.folder / METRICS, [{"step": n, "metrics": {"reward": n / 4, "step_time": 1.5}} for n in (1, 2)])
    row = {"series_id": "a", "response": "<think>", "reward": 0.5}
    write_lines(job.folder / COMPLETIONS, [{"step": 1, "rows": [row]}])
    return job.folder


def write_lines(path: Path, records: list[dict]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
