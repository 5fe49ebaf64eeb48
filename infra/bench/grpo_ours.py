"""Our side of the GRPO benchmark: `TimerPOTrainer.step` with alpha 0 on one rank, DeepSpeed's optimizer included."""

import dataclasses
import os

import torch

from anomseer_core.policy.model import Policy
from infra.bench.grpo_setting import GroupSetting, StepClock, read_setting


def run(setting: GroupSetting) -> StepClock:
    """Pictures are drawn anew in every step, as in training."""
    from torch import distributed

    from anomseer_core.training.engine import start_distributed
    from anomseer_core.training.reinforcement import TimerPOTrainer

    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0", "RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}
    device = start_distributed(0)
    trainer = TimerPOTrainer(setting.job(), device)
    trainer.policy = without_stopping(trainer.policy)
    examples, clock = setting.examples(), StepClock(setting.warm_up)
    for step in range(setting.warm_up + setting.steps):
        with clock.step():
            metrics, _ = trainer.step(examples, step)
    assert metrics["completions/mean_length"] == setting.tokens
    distributed.destroy_process_group()
    return clock


def without_stopping(policy: Policy) -> Policy:
    """The same policy, whose responses run to the length limit: the stop token cannot be sampled."""
    stop = torch.tensor([policy.processor.stop_token_id])
    return dataclasses.replace(policy, forbidden=torch.cat([policy.forbidden, stop]))


if __name__ == "__main__":
    run(read_setting()).report()
