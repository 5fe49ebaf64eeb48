"""Every method by name and every switch of TimerPO really trains: a small job of one rank each."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from anomseer_core.configurations import CONFIGURATIONS
from anomseer_core.training.config import TransportConfig
from anomseer_core.training.reinforcement import train_timerpo
from anomseer_core.training.supervised import train_supervised
from tests.training.conftest import build_job, read_metrics

SMALL = {"steps": 2, "prompts_per_step": 4, "group_size": 2, "max_response_tokens": 8, "learning_rate": 1e-3}
EVALUATION = {"evaluation_prompts": 2, "evaluate_every": 1}
# A policy from random weights writes no reasoning; its whole responses have distances to learn from.
WHOLE = {"transport": TransportConfig(response_side="whole")}
REINFORCED = [name for name, make in CONFIGURATIONS.items() if make().training.steps]
SWITCHES = {
    "pcgrad": WHOLE | {"integration": "pcgrad", "entropy_weight": 0.01},
    "weighted-sum": WHOLE | {"integration": "weighted_sum"},
    "none": {"integration": "none"},
    "cosine": {"transport": TransportConfig(response_side="whole", alignment="cosine")},
    "clip": {"transport": TransportConfig(response_side="whole", alignment="clip")},
    "mean-cosine": {"transport": TransportConfig(response_side="whole", alignment="mean_cosine", marginals="uniform")},
    "skip": WHOLE | {"equal_rewards": "skip", "kl_weight": 0.1},
    "updates": WHOLE | {"updates_per_batch": 2, "mini_batches": 2},
}


def moved(inputs, folder: Path) -> float:
    """How far the weights went, as a share of where they were."""
    before = load_file(inputs.policy.file("model.safetensors"))
    after = load_file(folder / "checkpoint" / "model.safetensors")
    start = torch.cat([before[name].flatten() for name in before])
    return float((torch.cat([after[name].flatten() for name in before]) - start).norm() / start.norm())


def reinforced(inputs, device: torch.device, folder: Path, config) -> dict[str, float]:
    train_timerpo(build_job(inputs, folder, config), 0, device)
    lines = read_metrics(folder)
    assert [line["step"] for line in lines] == [0, 1, 2]
    assert all(torch.tensor(list(line["metrics"].values())).isfinite().all() for line in lines)
    assert {"loss", "kl", "entropy", "reward", "eval/reward", "completions/mean_length"} <= set(lines[-1]["metrics"])
    return lines[-1]["metrics"]


@pytest.mark.slow
@pytest.mark.parametrize("name", REINFORCED)
def test_a_named_method_trains(inputs, one_process, tmp_path: Path, name: str) -> None:
    config = CONFIGURATIONS[name]().training.model_copy(update=SMALL | EVALUATION)
    metrics = reinforced(inputs, one_process, tmp_path / "job", config)
    assert moved(inputs, tmp_path / "job") > 0
    assert ("transport/cost" in metrics) == config.is_guided


@pytest.mark.slow
@pytest.mark.parametrize("switch", SWITCHES)
def test_a_switch_of_timerpo_trains(inputs, one_process, tmp_path: Path, switch: str) -> None:
    config = CONFIGURATIONS["timerpo"]().training.model_copy(update=SMALL | EVALUATION | SWITCHES[switch])
    metrics = reinforced(inputs, one_process, tmp_path / "job", config)
    assert moved(inputs, tmp_path / "job") > 0
    assert ("gradient_cosine" in metrics) == (switch == "pcgrad")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sft", "sft+grpo", "sft+timerpo", "nano", "tiny"])
def test_a_named_cold_start_teaches(inputs, one_process, tmp_path: Path, name: str) -> None:
    """At the rate of `nano`: a policy from random weights learns nothing at that of pretrained ones."""
    config = CONFIGURATIONS[name]().cold_start.model_copy(
        update={"steps": 6, "batch_size": 4, "learning_rate": 1e-3, "evaluation_tokens": 8} | EVALUATION
    )
    train_supervised(build_job(inputs, tmp_path / "job", config), 0, one_process)
    # What every step teaches where a policy is born.
    told = "border_loss" if config.borders.weight else "loss"
    losses = [line["metrics"][told] for line in read_metrics(tmp_path / "job")[1:]]
    assert losses[-1] < 0.9 * losses[0]
