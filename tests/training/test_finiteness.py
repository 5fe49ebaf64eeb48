"""A step that is not a number is not taken: with a real engine of one rank, in a process of its own."""

import json
import os
import socket
import subprocess
import sys

import pytest

# ZeRO stage and the value that spoils the gradient come as arguments; step 2 is the spoilt one.
SCRIPT = """
import json, os, sys, tempfile
import torch
from torch import nn
from anomseer_core.training.config import ColdStartConfig, LaunchConfig
from anomseer_core.training.engine import build_engine, start_distributed
from anomseer_core.training.failures import TrainingStopped
from anomseer_core.training.finiteness import FiniteSteps

os.environ.update(RANK="0", WORLD_SIZE="1", LOCAL_RANK="0", MASTER_ADDR="127.0.0.1", MASTER_PORT=sys.argv[3])
device = start_distributed(0)
torch.manual_seed(0)
module = nn.Linear(3, 1)
engine = build_engine(module, ColdStartConfig(), LaunchConfig(zero_stage=int(sys.argv[1])), accumulation=1)
guard = FiniteSteps(engine, "cold_start.learning_rate")
told, weights = "", []
for step, value in ((1, 1.0), (2, float(sys.argv[2]))):
    guard.begin(step)
    weights.append(module.weight.tolist())
    loss = (engine(torch.ones(2, 3)) * value).mean()
    guard.see(loss=loss, logprobs=torch.zeros(2))
    engine.backward(loss)
    try:
        engine.step()
        guard.require_applied()
    except TrainingStopped as error:
        told = str(error)
weights.append(module.weight.tolist())
print(json.dumps({"told": told, "weights": weights}))
torch.distributed.destroy_process_group()
"""


@pytest.mark.parametrize(("stage", "value"), [(0, "nan"), pytest.param(2, "inf", marks=pytest.mark.slow)])
def test_a_gradient_that_is_not_finite_changes_no_weight(stage: int, value: str, free_port: int) -> None:
    command = [sys.executable, "-c", SCRIPT, str(stage), value, str(free_port)]
    done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ) | {"DS_ACCELERATOR": "cpu"})
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    first, second, third = found["weights"]
    assert first != second
    assert second == third
    assert found["told"] == (
        "step 2 was not taken, its gradient is not finite; not finite before it: loss; "
        "a new training with a lower learning rate (cold_start.learning_rate) may get past it"
    )


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
