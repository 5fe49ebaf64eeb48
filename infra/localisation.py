"""What finding the borders of an anomaly depends on: variants of the birth of `nano`, each on the same CPU time.

`python -m infra.localisation [--minutes M] [--variant NAME ...]` trains the part that reads pictures on the borders
alone (`training/borders.py`), from random weights and on fresh series, and reads the columns that the image tokens call
anomalous as intervals. What no image token knows no answer can say: the table bounds every policy built on top.

Variants differ in one thing from `nano` each. Time is CPU time of one process on one thread, evaluation not counted.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

import numpy as np
import torch
from transformers import Qwen2_5_VLForConditionalGeneration
from transformers.image_utils import OPENAI_CLIP_MEAN, OPENAI_CLIP_STD
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from anomseer_core.metrics import location_scores
from anomseer_core.policy.patch_embedding import use_linear_patch_embedding
from anomseer_core.policy.precision import autocast, resolve_precision
from anomseer_core.policy.presets import build_nano_config
from anomseer_core.policy.tokenizer import SPECIAL_TOKENS
from anomseer_core.series import Series, intervals_from_mask
from anomseer_core.synthesis import generate
from anomseer_core.synthesis.config import ANOMLLM_TASKS, UNIVARIATE_DIVERSE_TASKS
from anomseer_core.training.borders import AXES_COLUMNS, BorderHeads, border_targets
from anomseer_core.training.examples import Example
from anomseer_core.view import VIEW_UNITS, View
from infra.bench.report import print_report

FRESH_SEED = 1_000_000
EVALUATED = 40


@dataclass(frozen=True)
class Variant:
    """How pictures are cut and normalised, how wide weights are born, and the optimiser's steps."""

    patch: int = 28
    merge: int = 1
    frames: int = 1
    mean: Sequence[float] = (1.0, 1.0, 1.0)
    deviation: Sequence[float] = (0.3, 0.3, 0.3)
    initial_deviation: float = 0.05
    batch: int = 16
    learning_rate: float = 1e-3


VARIANTS = {
    "nano": Variant(),
    "four patches of two frames a cell, as Qwen": Variant(patch=14, merge=2, frames=2),
    "normalised as photographs, as Qwen": Variant(mean=OPENAI_CLIP_MEAN, deviation=OPENAI_CLIP_STD),
    "born with deviation 0.02, as Qwen": Variant(initial_deviation=0.02),
    "batches of 4": Variant(batch=4),
    "batches of 64": Variant(batch=64),
    "learning rate 3e-4": Variant(learning_rate=3e-4),
    "learning rate 2e-3": Variant(learning_rate=2e-3),
}


class BorderReader(torch.nn.Module):
    """A vision tower and the heads that ask its image tokens."""

    def __init__(self, variant: Variant) -> None:
        super().__init__()
        config = build_nano_config(512, {token: place for place, token in enumerate(SPECIAL_TOKENS)})
        vision = config.vision_config
        vision.patch_size = vision.spatial_patch_size = variant.patch
        vision.spatial_merge_size, vision.temporal_patch_size = variant.merge, variant.frames
        for part in (config, config.text_config, vision):
            part.initializer_range = variant.initial_deviation
        model = Qwen2_5_VLForConditionalGeneration(config)
        use_linear_patch_embedding(model)
        self.visual = model.model.visual
        self.heads = BorderHeads(vision.out_hidden_size)
        self.processor = Qwen2VLImageProcessorPil(
            patch_size=variant.patch,
            merge_size=variant.merge,
            temporal_patch_size=variant.frames,
            image_mean=list(variant.mean),
            image_std=list(variant.deviation),
        )

    def forward(self, examples: Sequence[Example]) -> torch.Tensor:
        """Image tokens [P * R * C, H]."""
        patches = self.processor(images=[example.picture() for example in examples], return_tensors="pt")
        return self.visual(patches["pixel_values"], grid_thw=patches["image_grid_thw"]).pooler_output


def train(variant: Variant, minutes: float, precision: str) -> tuple[BorderReader, int]:
    """A reader after so much CPU time, and how many pictures that were."""
    torch.manual_seed(0)
    reader = BorderReader(variant)
    optimizer = torch.optim.AdamW(reader.parameters(), lr=variant.learning_rate, weight_decay=0.01)
    stream, seen, started = fresh_examples(), 0, time.process_time()
    while (spent := (time.process_time() - started) / 60 / minutes) < 1:
        rise = min(1.0, (seen + 1) / 400)
        for group in optimizer.param_groups:
            group["lr"] = variant.learning_rate * rise * 0.5 * (1 + np.cos(np.pi * spent))
        examples = list(islice(stream, variant.batch))
        with autocast(torch.device("cpu"), precision):
            loss = reader.heads.loss(reader(examples), border_targets(examples))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(reader.parameters(), 1.0)
        optimizer.step()
        seen += variant.batch
    return reader, seen


def fresh_examples() -> Iterator[Example]:
    """Series of every AnomLLM and Diverse task in turn, never the same twice."""
    tasks = [("anomllm", task) for task in ANOMLLM_TASKS] + [("diverse", task) for task in UNIVARIATE_DIVERSE_TASKS]
    streams = [generate(benchmark, task, split="train", count=10**6, seed=FRESH_SEED) for benchmark, task in tasks]
    for stream in cycle(streams):
        yield whole(next(stream))


def whole(series: Series) -> Example:
    return Example(series, "", View(0, len(series)))


@torch.no_grad()
def score(reader: BorderReader, series: Sequence[Series], precision: str) -> tuple[float, float]:
    """Mean affiliation-F1 and point-wise F1 of what the columns say, in percent."""
    examples = [whole(item) for item in series]
    with autocast(torch.device("cpu"), precision):
        inside = reader.heads.inside_logits(reader(examples), len(examples)) > 0
    scores = []
    for item, columns in zip(series, inside.numpy(), strict=True):
        units = [
            (round(start * VIEW_UNITS / AXES_COLUMNS), round(stop * VIEW_UNITS / AXES_COLUMNS))
            for start, stop in intervals_from_mask(columns)
        ]
        found = View(0, len(item)).to_samples(units)
        scores.append(location_scores(item.intervals, found, len(item)))
    means = [np.mean([getattr(row, name).f1 for row in scores]) for name in ("affiliation", "pointwise")]
    return 100 * float(means[0]), 100 * float(means[1])


def evaluation_series() -> dict[str, list[Series]]:
    """The first series of the eval split of each task, by group."""
    anomllm = {task: list(generate("anomllm", task, split="eval", count=EVALUATED)) for task in ANOMLLM_TASKS}
    groups = {
        "frequency": anomllm["freq"] + anomllm["noisy-freq"],
        "trend": anomllm["trend"] + anomllm["flat-trend"] + anomllm["noisy-trend"],
        "range": anomllm["range"],
        "point": anomllm["point"] + anomllm["noisy-point"],
    }
    diverse = (generate("diverse", task, split="eval", count=EVALUATED) for task in UNIVARIATE_DIVERSE_TASKS)
    return groups | {"diverse": [item for stream in diverse for item in stream]}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m infra.localisation", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=4.0, help="CPU time of each variant [min]")
    parser.add_argument("--variant", action="append", choices=VARIANTS, help="one of these alone; may be repeated")
    options = parser.parse_args()
    torch.set_num_threads(1)
    precision, held_out = resolve_precision("auto"), evaluation_series()
    rows = []
    for name in options.variant or VARIANTS:
        reader, seen = train(VARIANTS[name], options.minutes, precision)
        scores = [score(reader, series, precision) for series in held_out.values()]
        rows.append([name, f"{seen:,}", *(f"{affiliation:.0f} / {pointwise:.0f}" for affiliation, pointwise in scores)])
    print_report(
        f"Columns called anomalous after {options.minutes:g} CPU minutes, affiliation-F1 / point-wise F1 in percent",
        ["variant", "pictures", *held_out],
        rows,
        [f"First {EVALUATED} series of the eval split of each task; one thread, {precision}."],
    )


if __name__ == "__main__":
    main()
