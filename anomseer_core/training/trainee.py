"""The policy that is trained: loaded, with gradients reaching what is trained, and switched to training and back."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from anomseer_core.policy.model import Policy, load_policy
from anomseer_core.policy.trained_weights import choose_weights
from anomseer_core.training.job import TrainingJob


def load_trainee(job: TrainingJob, device: torch.device) -> Policy:
    """The policy of a job, ready to be wrapped: gradients reach what is trained, and no more is kept than is asked."""
    policy = load_policy(job.policy, device=device)
    choose_weights(policy.model, job.config.weights, job.config.seed)
    if job.launch.gradient_checkpointing:
        policy.model.activation_checkpointing_enable({"use_reentrant": False})
    return policy


@contextmanager
def training_mode(module: nn.Module, *identity: int) -> Iterator[None]:
    """Dropout and gradient checkpointing are on inside; what is dropped follows from numbers, such as seed and step."""
    device = next(module.parameters()).device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(int(np.random.SeedSequence(identity).generate_state(1)[0]))
        module.train()
        try:
            yield
        finally:
            module.eval()
