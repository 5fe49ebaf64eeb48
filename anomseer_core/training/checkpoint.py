"""What the ranks hand back: the trained policy as a plain Hugging Face folder, written once, by rank 0."""

import torch
from torch import distributed

from anomseer_core.policy.model import Policy, save_policy
from anomseer_core.policy.trained_weights import merge_adapters
from anomseer_core.training.job import CHECKPOINT, TrainingJob
from anomseer_core.training.zero import whole_weights


def save_checkpoint(policy: Policy, job: TrainingJob, rank: int) -> None:
    """Rank 0 writes `job.folder/checkpoint`; the others help to gather the weights, and wait for it."""
    weights = merge_adapters(whole_weights(policy.model, job.launch), job.config.weights)
    if rank == 0:
        facts = {
            "config": job.config.model_dump(mode="json"),
            "launch": job.launch.model_dump(mode="json"),
            "threads": torch.get_num_threads(),
        }
        save_policy(policy, job.folder / CHECKPOINT, job.method, facts, parent=job.policy, weights=weights)
    distributed.barrier()
