"""The update on a real engine: what PCGrad does to the gradient, and that no cut of a step changes one."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from anomseer_core.policy.model import load_policy
from anomseer_core.policy.scoring import ResponseScorer
from anomseer_core.store import ArtifactStore
from anomseer_core.timerpo import compose
from anomseer_core.timerpo.gradient_projection import inner_product, project_conflicting
from anomseer_core.training.config import LaunchConfig, TimerPOConfig, TransportConfig
from anomseer_core.training.engine import build_engine
from anomseer_core.training.examples import load_examples
from anomseer_core.training.finiteness import FiniteSteps
from anomseer_core.training.reinforcement import TimerPOTrainer, train_timerpo
from anomseer_core.training.rollout import collect_rollout, score_responses
from anomseer_core.training.stages import reinforce
from anomseer_core.training.update import Experience, PolicyUpdate, flat_gradient, lay_gradient
from tests.training.conftest import build_job, read_metrics

TIMERPO = TimerPOConfig(steps=1, prompts_per_step=4, group_size=2, max_response_tokens=8, learning_rate=1e-3)
PROMPTS, GROUP = 4, 2
# AdamW keeps a tenth of its first gradient.
FIRST_MOMENT = 0.1
NO_CLIP = 1e9


@dataclass
class Workbench:
    """An experience of a born policy with rewards of our choice: its own answers would earn nothing, all alike."""

    device: torch.device
    policy: object
    experience: Experience

    def gradient(self, *, chunk: int = 100, experience: Experience | None = None, **fields) -> torch.Tensor:
        """The gradient [D] that AdamW was given by one update, and the metrics it reported in `self.metrics`."""
        config = TIMERPO.model_copy(update={"gradient_clip": NO_CLIP} | fields)
        launch = LaunchConfig(ranks=1, precision="float32", zero_stage=0, micro_responses=chunk)
        passes = -(-PROMPTS // max(1, chunk // GROUP))
        before = [parameter.detach().clone() for parameter in self.policy.model.parameters()]
        engine = build_engine(
            ResponseScorer(self.policy), config, launch, accumulation=1 if config.integration == "pcgrad" else passes
        )
        self.metrics = PolicyUpdate(engine, FiniteSteps(engine, "lr"), config, launch, self.device).run(
            experience or self.experience
        )
        moments = [engine.optimizer.state[parameter]["exp_avg"].flatten() for parameter in engine.module.parameters()]
        with torch.no_grad():
            for parameter, value in zip(self.policy.model.parameters(), before, strict=True):
                parameter.copy_(value)
        return torch.cat(moments) / FIRST_MOMENT


@pytest.fixture(scope="module")
def bench(inputs, one_process: torch.device) -> Workbench:
    policy = load_policy(inputs.policy.path)
    examples = load_examples(inputs.series.file("series.parquet"), inputs.traces.file("traces.parquet"))[:PROMPTS]
    rollout = collect_rollout(policy, examples, TIMERPO, 0)
    reference = score_responses(ResponseScorer(policy), rollout, 100)
    rewards, reasoning = torch.rand(2, PROMPTS, GROUP, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    composition = compose(rewards, reasoning, alpha=1.0, integration="pcgrad")
    return Workbench(one_process, policy, Experience(rollout, composition, None, reference.logprobs))


def relative_distance(first: torch.Tensor, second: torch.Tensor) -> float:
    return float((first - second).norm() / first.norm())


def test_a_gradient_is_one_vector_and_finds_its_way_back():
    # d(x y + 3 x) = (y + 3, x); z takes no part.
    x, y, z = (torch.nn.Parameter(torch.tensor([value])) for value in (2.0, 5.0, 7.0))
    gradient = flat_gradient((x * y + 3 * x).sum(), [x, y, z])
    assert gradient.tolist() == [8.0, 2.0, 0.0]
    lay_gradient(gradient, [x, y, z])
    assert [parameter.grad.item() for parameter in (x, y, z)] == [8.0, 2.0, 0.0]


def test_chunks_change_no_gradient(bench: Workbench) -> None:
    """Three prompts in one chunk and one in the next, against all in one."""
    for fields in ({"loss_mean": "token", "entropy_weight": 0.01}, {"integration": "pcgrad", "alpha": 1.0}):
        whole = bench.gradient(**fields)
        terms = bench.metrics
        assert relative_distance(whole, bench.gradient(chunk=3 * GROUP, **fields)) < 1e-4
        assert bench.metrics == pytest.approx(terms, abs=1e-4)
        assert whole.norm() > 1e-3


def test_pcgrad_projects_the_two_gradients(bench: Workbench) -> None:
    """Both objectives alone, through DeepSpeed's own backward; then PCGrad's gradient is made from them by hand."""
    alpha, composition = 0.5, bench.experience.composition
    task = bench.gradient(
        experience=replace(bench.experience, composition=replace(composition, final=composition.main))
    )
    found = []
    for sign in (1.0, -1.0):
        final = sign * alpha * composition.reasoning
        alone = replace(bench.experience, composition=replace(composition, final=final))
        reasoning = bench.gradient(experience=alone, kl_weight=0.0)
        signed = replace(bench.experience, composition=replace(composition, reasoning=sign * composition.reasoning))
        joined = bench.gradient(experience=signed, integration="pcgrad", alpha=alpha)
        assert relative_distance(sum(project_conflicting(task, reasoning)), joined) < 1e-4
        conflict = bool(inner_product(task, reasoning) < 0)
        assert bench.metrics["gradient_conflict"] == conflict
        assert bench.metrics["grad_norm"] == pytest.approx(float(inner_product(joined, joined).sqrt()), rel=1e-4)
        # What is no conflict is a plain sum.
        assert (relative_distance(task + reasoning, joined) < 1e-4) == (not conflict)
        found.append(conflict)
    assert sorted(found) == [False, True]


def test_pcgrad_clips_the_joined_gradient(bench: Workbench) -> None:
    fields = {"integration": "pcgrad", "alpha": 1.0}
    free, clipped = bench.gradient(**fields), bench.gradient(gradient_clip=0.01, **fields)
    assert clipped.norm().item() == pytest.approx(0.01, rel=1e-3)
    assert relative_distance(free / free.norm(), clipped / clipped.norm()) < 1e-4


def test_a_dropped_group_gives_no_gradient(bench: Workbench) -> None:
    """Cleared from the loss, and still among the responses it is averaged over: two halves make the whole."""
    composition = bench.experience.composition
    half = torch.tensor([True, False, True, False])
    parts = [
        bench.gradient(experience=replace(bench.experience, composition=replace(composition, kept=kept)))
        for kept in (half, ~half)
    ]
    assert relative_distance(bench.gradient(), sum(parts)) < 1e-4


def test_mini_batches_are_the_prompts_in_turn(bench: Workbench) -> None:
    first, second = bench.experience.parts(2)
    assert [example.name for part in (first, second) for example in part.rollout.examples] == [
        example.name for example in bench.experience.rollout.examples
    ]
    assert torch.equal(second.reference_logprobs, bench.experience.reference_logprobs[2 * GROUP :])
    assert torch.equal(second.composition.main, bench.experience.composition.main[2:])
    assert second.rollout.texts == bench.experience.rollout.texts[2 * GROUP :]
    assert second.old_logprobs is None


@pytest.mark.slow
def test_pcgrad_on_two_ranks_equals_one(inputs, one_process, tmp_path: Path) -> None:
    """Whole gradients are summed before they are projected. Entropy and whole responses give both objectives one."""
    config = TIMERPO.model_copy(
        update={
            "integration": "pcgrad",
            "alpha": 1.0,
            "entropy_weight": 0.1,
            "transport": TransportConfig(response_side="whole"),
        }
    )
    job = build_job(inputs, tmp_path / "one", config, micro_responses=100)
    train_timerpo(job, 0, one_process)
    store = ArtifactStore(tmp_path / "two")
    launch = LaunchConfig(ranks=2, precision="float32", zero_stage=0, micro_responses=2)
    arguments = {"policy": inputs.policy, "series": inputs.series, "traces": inputs.traces}
    two = reinforce(store, **arguments, config=config, launch=launch)
    (folder,) = (store.home / "runs").iterdir()
    before = load_file(inputs.policy.file("model.safetensors"))
    trained = [load_file(job.folder / "checkpoint" / "model.safetensors"), load_file(two.file("model.safetensors"))]
    moved = [torch.cat([(after[name] - before[name]).flatten() for name in before]) for after in trained]
    # AdamW's first step is the sign of a gradient, hence noise where that is nearly nothing.
    assert relative_distance(*moved) < 0.05
    (one_line,), (two_line,) = read_metrics(job.folder), read_metrics(folder)
    for name in ("loss", "grad_norm", "gradient_cosine", "entropy", "num_tokens", "completions/min_length"):
        assert two_line["metrics"][name] == pytest.approx(one_line["metrics"][name], rel=1e-3, abs=1e-5)
    assert one_line["metrics"]["grad_norm"] > 1e-3


@pytest.mark.parametrize("stage", [1, 2])
def test_pcgrad_is_refused_where_gradients_are_cut_up(inputs, empty_store: ArtifactStore, stage: int) -> None:
    config = TIMERPO.model_copy(update={"integration": "pcgrad"})
    arguments = {"policy": inputs.policy, "series": inputs.series, "traces": inputs.traces}
    with pytest.raises(ValueError, match=r"training.integration = pcgrad .* launch.zero_stage = \d cuts up; set"):
        reinforce(empty_store, **arguments, config=config, launch=LaunchConfig(ranks=1, zero_stage=stage))
    assert not (empty_store.home / "runs").exists()


def test_mini_batches_must_divide(inputs, empty_store: ArtifactStore) -> None:
    config = TIMERPO.model_copy(update={"mini_batches": 3})
    arguments = {"policy": inputs.policy, "series": inputs.series, "traces": inputs.traces}
    line = "training.prompts_per_step = 4 does not divide among 1 ranks of 3 mini-batches each; choose a multiple of 3"
    with pytest.raises(ValueError, match=line):
        reinforce(empty_store, **arguments, config=config, launch=LaunchConfig(ranks=1))


def test_steps_of_deepspeed_are_as_many_as_a_batch_has_updates(inputs, one_process, tmp_path: Path) -> None:
    """Two passes over two mini-batches in chunks of one prompt: four steps, and every chunk is used."""
    config = TIMERPO.model_copy(update={"mini_batches": 2, "updates_per_batch": 2, "alpha": 0.0})
    job = build_job(inputs, tmp_path / "job", config, micro_responses=1)
    trainer = TimerPOTrainer(job, one_process)
    examples = load_examples(job.series, job.traces)[:PROMPTS]
    metrics, rows = trainer.step(examples, 0)
    assert trainer.engine.global_steps == 4
    # Plain GRPO reports nothing of an expert that it did not ask.
    assert {"reward_std", "frac_reward_zero_std", "step_time", "seconds/sampling", "num_tokens"} <= set(metrics)
    assert not {name for name in metrics if "reasoning" in name or "transport" in name}
    for row in rows:
        assert row["advantage"] == pytest.approx(row["advantage_main"], abs=1e-12)
