"""How far weights move when they begin to learn late, and the learning rate then."""

import pytest
import torch
from torch import nn

from anomseer_core.training.config import ColdStartConfig, LaunchConfig
from anomseer_core.training.engine import build_engine, forget_moments
from anomseer_core.training.supervised import cosine_schedule

RATE = 1e-3


class TwoParts(nn.Module):
    """The sum of one weight, or of both."""

    def __init__(self) -> None:
        super().__init__()
        self.early = nn.Parameter(torch.zeros(1))
        self.late = nn.Parameter(torch.zeros(1))

    def forward(self, *, both: bool) -> torch.Tensor:
        return self.early.sum() + self.late.sum() * float(both)


@pytest.mark.parametrize("stage", [0, 2])
@pytest.mark.parametrize("forgotten", [True, False])
def test_a_late_weight_moves_by_the_learning_rate_once_moments_are_forgotten(
    one_process: torch.device, stage: int, forgotten: bool
) -> None:
    config = ColdStartConfig(learning_rate=RATE, weight_decay=0)
    launch = LaunchConfig(ranks=1, zero_stage=stage, precision="float32")
    engine = build_engine(TwoParts(), config, launch, accumulation=1)
    for step in range(301):
        if step == 300 and forgotten:
            forget_moments(engine)
        engine.backward(engine(both=step == 300))
        engine.step()
    # AdamW: 0.1 g / sqrt(0.001 g^2), corrected for 301 steps: sqrt(1 - 0.999^301) = 0.510. Corrected for one
    # step, it is the rate.
    expected = RATE if forgotten else RATE * 0.1 / 0.001**0.5 * 0.510
    assert engine.module.late.item() == pytest.approx(-expected, rel=0.01)


def test_the_rate_rises_again_where_weights_begin_to_learn():
    once, again = cosine_schedule(100, 0.05), cosine_schedule(100, 0.05, again=40)
    assert [once(step) for step in (0, 1, 4)] == pytest.approx([0.2, 0.4, 1.0])
    assert once(99) < 0.001
    assert [again(step) / once(step) for step in (0, 4, 39, 40, 41, 44, 90)] == pytest.approx([1, 1, 1, 0.2, 0.4, 1, 1])
