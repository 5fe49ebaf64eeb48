"""Resume state through a real engine of one rank: each ZeRO stage goes on as if it had not stopped."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from anomseer_core.training.resume import require_shapes
from anomseer_core.training.snapshots import Snapshot, UnusableSnapshot, require_whole, snapshot_path, written_snapshots

# Four steps of AdamW with a decaying rate through a layer with dropout, a snapshot after each but the last.
# Arguments: folder, finished steps to go on from, ZeRO stage, width of the layers, whether one is frozen, port.
SCRIPT = """
import json, os, sys
from pathlib import Path
import torch
from torch import nn
from anomseer_core.training.config import ColdStartConfig, LaunchConfig
from anomseer_core.training.engine import build_engine, start_distributed
from anomseer_core.training.job import Owner, TrainingJob
from anomseer_core.training.resume import ResumeState
from anomseer_core.training.trainee import training_mode

folder, start, stage, width, frozen, port = Path(sys.argv[1]), *map(int, sys.argv[2:])
os.environ.update(RANK="0", WORLD_SIZE="1", LOCAL_RANK="0", MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
start_distributed(0)
config = ColdStartConfig(steps=4, learning_rate=0.1)
launch = LaunchConfig(ranks=1).model_copy(update={"zero_stage": stage})
job = TrainingJob(
    method="cold_start", policy=folder, series=folder, traces=folder, folder=folder, config=config, launch=launch,
    owner=Owner.this_process(), snapshot_every=1, start=start,
)
torch.manual_seed(0)
module = nn.Sequential(nn.Linear(3, width), nn.Dropout(0.5), nn.Linear(width, width), nn.Linear(width, 1))
module[2].requires_grad_(not frozen)
engine = build_engine(module, config, launch, accumulation=1, schedule=lambda step: 1 / (1 + step))
losses = []
for step in ResumeState(engine, job, 0).remaining_steps():
    with training_mode(module, config.seed, step, 0):
        loss = (engine(torch.full((8, 3), 1.0 + step)) ** 2).mean()
        engine.backward(loss)
    engine.step()
    losses.append([step + 1, loss.item(), engine.get_lr()[0]])
print(json.dumps(losses))
torch.distributed.destroy_process_group()
"""


def train(
    folder: Path, start: int, stage: int, *, width: int = 5, frozen: bool = False
) -> subprocess.CompletedProcess[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", SCRIPT, *map(str, (folder, start, stage, width, int(frozen), port))]
    return subprocess.run(command, capture_output=True, text=True, env=dict(os.environ) | {"DS_ACCELERATOR": "cpu"})


def losses_of(done: subprocess.CompletedProcess[str]) -> list:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("stage", [0, 2, 3])
def test_what_comes_after_a_snapshot_is_what_came_without_one(tmp_path: Path, stage: int, frozen: bool) -> None:
    unbroken = losses_of(train(tmp_path, 0, stage, frozen=frozen))
    assert [step for step, *_ in unbroken] == [1, 2, 3, 4]
    assert written_snapshots(tmp_path) == [snapshot_path(tmp_path, 3), snapshot_path(tmp_path, 2)]
    snapshot = require_whole(snapshot_path(tmp_path, 2))
    middle = {"2.weight": (5, 5), "2.bias": (5,)}
    assert snapshot.shapes == {"0.weight": (5, 3), "0.bias": (5,), **middle, "3.weight": (1, 5), "3.bias": (1,)}
    assert not any(name.endswith(".py") for name in snapshot.files)
    assert losses_of(train(tmp_path, 2, stage, frozen=frozen)) == unbroken[2:]


@pytest.mark.slow
def test_a_snapshot_of_another_policy_is_refused_by_name(tmp_path: Path) -> None:
    losses_of(train(tmp_path, 0, 2))
    done = train(tmp_path, 2, 2, width=6)
    assert "step-00000002: 0.bias is (5,) there and (6,) in the policy; delete" in done.stderr


def test_shapes_are_compared_both_ways() -> None:
    snapshot = Snapshot(step=1, lengths={}, shapes={"a": (2, 3), "b": (1,)}, files={})
    require_shapes(snapshot, {"a": (2, 3), "b": (1,)}, Path("s"))
    with pytest.raises(UnusableSnapshot, match=r"s: a is \(2, 3\) there and \(3, 2\) in the policy"):
        require_shapes(snapshot, {"a": (3, 2), "b": (1,)}, Path("s"))
    with pytest.raises(UnusableSnapshot, match=r"b is \(1,\) there and absent in the policy"):
        require_shapes(snapshot, {"a": (2, 3)}, Path("s"))
    with pytest.raises(UnusableSnapshot, match=r"c is absent there and \(4,\) in the policy"):
        require_shapes(snapshot, {"a": (2, 3), "b": (1,), "c": (4,)}, Path("s"))
