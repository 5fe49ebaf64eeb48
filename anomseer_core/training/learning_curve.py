"""The learning curve (paper, E.2, Figure 13): what the policy answers on a few fixed series, every so many steps.

The series are a part of the training split that is kept out of training, never a benchmark's held-out ones. Which they
are follows from their ids alone, and fewer are a subset of more: a cold start and a TimerPO run that keep out equally
many keep out the same, whatever their seeds. Whether and how often the policy is asked changes nothing about training:
answers are greedy, and drawing one touches no random state.
"""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from anomseer_core.dialogue import ParseStatus, parse_response
from anomseer_core.metrics import detection_correct, location_scores
from anomseer_core.metrics.localization import NO_ANSWER
from anomseer_core.policy.model import Policy
from anomseer_core.policy.sampling import sample_responses
from anomseer_core.rewards import classification_reward, see
from anomseer_core.training.config import RewardWeights
from anomseer_core.training.engine import forward_arithmetic
from anomseer_core.training.examples import Example, rank_examples
from anomseer_core.training.job import METRICS, TrainingJob, append_line
from anomseer_core.training.metrics import gather_rows
from anomseer_core.training.rollout import grade
from anomseer_core.training.zero import gathered_weights
from anomseer_core.view import VIEW_UNITS

if TYPE_CHECKING:
    import deepspeed


class LearningCurve:
    """Asks a policy the held-out examples; each rank answers its share."""

    def __init__(
        self,
        engine: "deepspeed.DeepSpeedEngine",
        policy: Policy,
        examples: Sequence[Example],
        job: TrainingJob,
        rank: int,
        *,
        max_tokens: int,
        weights: RewardWeights,
    ) -> None:
        self.engine = engine
        self.policy = policy
        self.examples = rank_examples(examples, np.arange(len(examples)), rank, job.launch.ranks)
        self.job = job
        self.rank = rank
        self.max_tokens = max_tokens
        self.weights = weights

    def record_start(self) -> None:
        """The point before any training, as the first line of the metrics; a run that goes on has lines already."""
        path = self.job.folder / METRICS
        # Every rank finds the same: rank 0 writes after a point that all of them have measured.
        if path.exists() and path.stat().st_size:
            return
        metrics = self.measure(0)
        if metrics and self.rank == 0:
            append_line(path, {"step": 0, "metrics": metrics, "time": time.time()})

    def measure(self, step: int) -> dict[str, float]:
        """Metrics `eval/...` after so many steps, equal on every rank; none where the curve has no point.

        A collective call: every rank makes it at every step.
        """
        every = self.job.config.evaluate_every
        if not every or step % every:
            return {}
        with gathered_weights(self.engine):
            answers = self._answer()
        columns = [
            grade_answer(text, example, self.weights) | {"mean_length": float(length)}
            for example, (text, length) in zip(self.examples, answers, strict=True)
        ]
        table = {name: torch.tensor([column[name] for column in columns]) for name in columns[0]}
        return {f"eval/{name}": float(column.mean()) for name, column in gather_rows(table, self.policy.device).items()}

    def _answer(self) -> list[tuple[str, int]]:
        """Greedy responses to this rank's examples, with their lengths. All sampling of the curve happens here."""
        answers: list[tuple[str, int]] = []
        size, device = self.job.launch.micro_responses, self.policy.device
        for start in range(0, len(self.examples), size):
            pictures = [example.picture() for example in self.examples[start : start + size]]
            with torch.no_grad(), forward_arithmetic(device, self.job.launch):
                prompts = self.policy.processor.prompts(pictures).to(device)
                drawn = sample_responses(self.policy, prompts, max_tokens=self.max_tokens)
            texts = self.policy.processor.decode_responses(drawn.ids, drawn.mask)
            answers += zip(texts, drawn.lengths.tolist(), strict=True)
        return answers


def grade_answer(text: str, example: Example, weights: RewardWeights) -> dict[str, float]:
    """One answer against its label: the training reward, and the metrics of the evaluation."""
    response = parse_response(text, VIEW_UNITS)
    shown = see(example.series, response.intervals, example.view)
    is_usable = response.status is not ParseStatus.UNPARSABLE
    location = location_scores(shown.truth, shown.prediction, shown.length) if is_usable else NO_ANSWER
    reward = grade(text, example, weights)
    return {
        "reward": reward.total,
        "format": reward.format,
        "affiliation_f1": location.affiliation.f1,
        "pointwise_f1": location.pointwise.f1,
        "class_accuracy": classification_reward(response, shown.anomaly_class),
        "detection_accuracy": float(detection_correct(shown.truth, shown.prediction if is_usable else None)),
        "unparsable": float(not is_usable),
    }
