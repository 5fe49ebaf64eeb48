"""What an adopted training leaves in MLflow, beside inputs that were made here and inputs that were not."""

from pathlib import Path

from anomseer_core.settings import load_settings
from anomseer_core.store import ArtifactStore
from anomseer_core.synthesis.config import AnomLLMConfig
from anomseer_core.synthesis.dataset import synthesize
from anomseer_core.training.adoption import AdoptionConfig
from tasks.connection import Tracking
from tasks.lineage import trace_lineage
from tasks.stages import run_stage
from tasks.training import adopt_training
from tests.tasks.test_tracking import parent_of
from tests.training.finished import leave_training


def test_inputs_that_a_run_here_recorded_are_linked(home: Path, tracking: Tracking, tmp_path: Path):
    parent = parent_of(tracking)
    # The very series of the training, made anew.
    config = AnomLLMConfig(split="train", seed=3407, tasks=("range",), count=2)
    series = run_stage(parent, "anomllm-train", lambda store, inputs, observer: synthesize(store, config, observer))
    result = adopt_training.fn(parent, AdoptionConfig(folder=str(leave_training(tmp_path / "elsewhere"))))

    run = tracking.client.get_run(result.run_id)
    names = {item.dataset.name for item in run.inputs.dataset_inputs}
    assert names == {"anomllm-train", "policy from elsewhere", "traces from elsewhere"}
    step = trace_lineage(tracking, ArtifactStore(load_settings().home), result.run_id)
    assert (step.name, step.facts["digest"]) == ("timerpo", result.digest)
    told = {item.role: (item.name, item.facts.get("digest")) for item in step.inputs}
    assert told["series"] == ("anomllm-train", series.digest)
    assert all(told[role][0].startswith(kind) for role, kind in (("policy", "checkpoint "), ("traces", "traces ")))
    assert len(list(step.artifacts())) == 2
