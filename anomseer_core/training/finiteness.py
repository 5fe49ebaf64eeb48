"""Training stops before a step that is not a number.

A gradient with an infinity or a NaN in it would spoil every weight. DeepSpeed's ZeRO stages find it when they sum the
gradient's norm over the ranks, and leave the step out; stage 0 takes the step, so it is looked at before. Either way
all ranks agree, no weight changes, and no snapshot is written.
"""

from typing import TYPE_CHECKING, Any

import torch
from torch import distributed

from anomseer_core.training.failures import TrainingStopped

if TYPE_CHECKING:
    import deepspeed


class FiniteSteps:
    """Watches the steps of an engine, and what they are computed from."""

    def __init__(self, engine: "deepspeed.DeepSpeedEngine", field: str) -> None:
        """field: the name of the learning rate among the settings."""
        self.engine = engine
        self.field = field
        self.step = 0
        self._is_finite: dict[str, torch.Tensor] = {}
        if engine.zero_optimization_stage() == 0:
            engine.basic_optimizer.register_step_pre_hook(self._before_step)

    def begin(self, step: int) -> None:
        """A 1-based step begins."""
        self.step = step
        self._is_finite = {}

    def see(self, **parts: torch.Tensor) -> None:
        """Remember whether these parts of the step are finite; asks nothing of the device yet."""
        for name, values in parts.items():
            finite = torch.isfinite(values.detach()).all()
            self._is_finite[name] = self._is_finite[name] & finite if name in self._is_finite else finite

    def require_applied(self) -> None:
        """After an optimiser step. Raises TrainingStopped when it was left out."""
        if not self.engine.was_step_applied():
            self._stop()

    def _before_step(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        # The gradients are summed over the ranks by now, so every rank sees the same.
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        finite = [torch.isfinite(parameter.grad).all() for parameter in parameters if parameter.grad is not None]
        if finite and not bool(torch.stack(finite).all()):
            self._stop()

    def _stop(self) -> None:
        mine = [name for name, finite in self._is_finite.items() if not bool(finite)]
        everywhere: list[Any] = [None] * distributed.get_world_size()
        distributed.all_gather_object(everywhere, mine)
        parts = sorted({name for names in everywhere for name in names})
        cause = f"not finite before it: {', '.join(parts)}" if parts else "all it is computed from is finite"
        raise TrainingStopped(
            f"step {self.step} was not taken, its gradient is not finite; {cause}; "
            f"a new training with a lower learning rate ({self.field}) may get past it"
        )
