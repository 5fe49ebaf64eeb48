"""A policy as a detector: series in, parsed responses out, pictures decoded in batches.

A series longer than one view is answered view by view; `evaluation/answers.py` joins the answers.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import islice

import numpy as np
import torch
from PIL import Image

from anomseer_core.evaluation.answers import ViewAnswer, join_answers, read_answer
from anomseer_core.evaluation.config import DecodingConfig
from anomseer_core.evaluation.prediction import Prediction
from anomseer_core.evaluation.shards import Shard, cut_by_count, detect_shard, predict_in_shards
from anomseer_core.observer import SILENT, Observer
from anomseer_core.policy.answering import PictureAnswer, Sampling, answer_pictures, normal_logprobs
from anomseer_core.policy.model import Policy, load_policy
from anomseer_core.policy.precision import default_device, resolve_precision
from anomseer_core.policy.voting import voted_answers
from anomseer_core.recipe import Recipe, Stage
from anomseer_core.rendering import render
from anomseer_core.series import Series
from anomseer_core.store import Artifact, ArtifactStore
from anomseer_core.view import View, views

STAGE = Stage(
    "policy predictions",
    "predictions",
    modules=("anomseer_core.policy.detector",),
    libraries=("torch", "transformers", "matplotlib", "pillow", "numpy"),
)


class PolicyDetector:
    """Greedy responses, or sampled ones at a temperature above 0, with reasoning or without; or a vote of many. Told of
    events or not.

    precision: the arithmetic, `float32` or `bfloat16`; `auto` takes what suits the processor.
    """

    def __init__(
        self, policy: Policy, config: DecodingConfig, *, name: str = "policy", precision: str = "auto"
    ) -> None:
        self.policy = policy
        self.config = config
        self.name = name
        self.precision = resolve_precision(precision)

    def detect(self, series: Iterable[Series]) -> Iterator[Prediction]:
        pending: list[Series] = []
        answers: dict[str, list[ViewAnswer]] = {}
        pictures = _pictures(series, pending)
        while batch := list(islice(pictures, self.config.batch_size)):
            for (item, _), answer in zip(batch, self._answer(batch), strict=True):
                answers.setdefault(item.id, []).append(answer)
            # A series is complete once all of its views are answered; batches cut across series.
            while pending and len(answers.get(pending[0].id, ())) == len(views(len(pending[0]))):
                done = pending.pop(0)
                yield self._joined(done, answers.pop(done.id))

    def _joined(self, series: Series, answers: list[ViewAnswer]) -> Prediction:
        prediction = join_answers(series, self.name, answers)
        if prediction.intervals or not self.config.told:
            return prediction
        return join_answers(series, self.name, self._asked_again(series, answers))

    def _asked_again(self, series: Series, answers: Sequence[ViewAnswer]) -> list[ViewAnswer]:
        """Told that there is an event after all, the policy names it in the view that is least surely normal.

        Without reasons, since those it gave were for none. Its tokens are those of both answers.
        """
        shown = views(len(series))
        pictures = [render(series, view) for view in shown]
        size = self.config.batch_size
        batches = (pictures[first : first + size] for first in range(0, len(pictures), size))
        sure = [value for batch in batches for value in normal_logprobs(self.policy, batch, self.precision)]
        place = int(np.argmin(sure))
        sampling = Sampling(0.0, self.config.max_response_tokens, direct=True, told=True)
        (named,) = answer_pictures(self.policy, [pictures[place]], [series.id], sampling, self.precision)
        before = answers[place]
        again = ViewAnswer(
            named.text,
            before.tokens + named.tokens,
            read_answer(named.text, shown[place]),
            before.prompt_tokens + named.prompt_tokens,
        )
        return [again if answer is before else answer for answer in answers]

    def _answer(self, batch: Sequence[tuple[Series, View]]) -> list[ViewAnswer]:
        pictures = [render(item, view) for item, view in batch]
        names = [f"{item.id}@{view.start}" for item, view in batch]
        return [
            ViewAnswer(answer.text, answer.tokens, read_answer(answer.text, view), answer.prompt_tokens)
            for (_, view), answer in zip(batch, self._answer_pictures(pictures, names), strict=True)
        ]

    def _answer_pictures(self, pictures: list[Image.Image], names: list[str]) -> list[PictureAnswer]:
        config = self.config
        if config.reasoning == "voted":
            return voted_answers(self.policy, pictures, names, config, self.precision)
        direct = config.reasoning == "skipped"
        sampling = Sampling(config.temperature, config.max_response_tokens, config.seed, direct)
        return answer_pictures(self.policy, pictures, names, sampling, self.precision)


def _pictures(series: Iterable[Series], pending: list[Series]) -> Iterator[tuple[Series, View]]:
    for item in series:
        pending.append(item)
        for view in views(len(item)):
            yield item, view


class NamedDecoding(DecodingConfig):
    """Decoding, the arithmetic it runs in, and the name its predictions carry."""

    detector: str
    precision: str


def predict_policy(
    store: ArtifactStore,
    policy: Artifact,
    series: Artifact,
    config: DecodingConfig,
    observer: Observer = SILENT,
    *,
    name: str = "policy",
) -> Artifact:
    """Predictions of a checkpoint for every series of an artifact, under the name that tables will show.

    A shard is one batch of series, so that a stopped evaluation goes on after its last finished batch.
    """
    policy.verify()
    series.verify()
    named = NamedDecoding(**config.model_dump(), detector=name, precision=resolve_precision("auto"))

    @cache
    def detector() -> PolicyDetector:
        """Loaded when the first shard is missing."""
        return PolicyDetector(load_policy(policy.path, device=default_device()), config, name=name)

    def answer(shard: Shard) -> int:
        return detect_shard(detector(), shard)

    recipe = Recipe(STAGE, {"policy": policy.reference, "series": series.reference}, named)
    machine = torch.cuda.get_device_name(0) if torch.cuda.is_available() else ""
    cut = cut_by_count(config.batch_size)
    return predict_in_shards(store, recipe, series, answer, observer, cut=cut, machine=machine)
