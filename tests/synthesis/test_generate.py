"""`generate`: the choices it names and the published sizes and seeds it falls back to."""

import time
from collections.abc import Iterator

import numpy as np
import pytest

from anomseer_core.synthesis import generate
from anomseer_core.synthesis.config import ANOMLLM_TASKS


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("anomlm", "point"), {}, "unknown benchmark 'anomlm'; choose one of anomllm, visual_time_anomaly, diverse"),
        (("anomllm", "global"), {}, "unknown anomllm task 'global'; choose one of range, point, freq, trend"),
        (("visual_time_anomaly", "point"), {}, "choose one of global, contextual, seasonal, trend, shapelet"),
        (("anomllm", "point"), {"split": "test"}, "unknown split 'test'; choose one of train, eval"),
        (("anomllm", "point"), {"count": 0}, "count must be at least 1, not 0"),
        (("visual_time_anomaly", "trend"), {"count": 101}, "lower the count"),
        (("anomllm", "point"), {"seed": -1}, r"seed must be in \[0, 2\*\*32\), not -1"),
        (("anomllm", "point"), {"seed": 2**32}, "seed must be in"),
        (("diverse", "point"), {}, "unknown diverse task 'point'; choose one of global, contextual, trend, seasonal"),
        (
            ("diverse", "trend"),
            {"form": "fixed"},
            "diverse has no form 'fixed'; only visual_time_anomaly and field come in forms",
        ),
        (
            ("visual_time_anomaly", "trend"),
            {"form": "best"},
            "unknown form of visual_time_anomaly 'best'; choose one of faithful, fixed",
        ),
    ],
)
def test_a_wrong_argument_is_named_at_the_call(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        generate(*arguments, **options)


@pytest.mark.parametrize(
    ("benchmark", "task", "published"),
    [
        ("anomllm", "freq", {"train": 3407, "eval": 42}),
        ("visual_time_anomaly", "trend", {"train": 0, "eval": 0}),
        ("diverse", "trend", {"train": 0, "eval": 0}),
    ],
)
def test_the_published_seed_of_the_split_is_the_default(benchmark, task, published):
    for split, seed in published.items():
        default = next(generate(benchmark, task, split=split))
        given = next(generate(benchmark, task, split=split, seed=seed))
        assert np.array_equal(default.values, given.values)
        assert default.metadata["seed"] == seed


def test_the_published_size_is_the_default():
    assert sum(1 for _ in generate("anomllm", "freq")) == 400
    assert sum(1 for _ in generate("visual_time_anomaly", "trend")) == 100
    assert sum(1 for _ in generate("diverse", "trend")) == 90


def test_series_are_streamed():
    stream = generate("anomllm", "point", count=100_000)
    assert isinstance(stream, Iterator)
    assert next(stream).id.endswith("/0000")
    assert next(stream).id.endswith("/0001")


def test_anomllm_is_complete():
    """Eight tasks, two splits of 400 series each; `range` too comes from the seed of its split."""
    assert len(ANOMLLM_TASKS) == 8
    for split in ("train", "eval"):
        assert sum(1 for task in ANOMLLM_TASKS for _ in generate("anomllm", task, split=split)) == 3200
    train, evaluation = (next(generate("anomllm", "range", split=split)) for split in ("train", "eval"))
    assert (train.metadata["seed"], evaluation.metadata["seed"]) == (3407, 42)
    assert not np.array_equal(train.values, evaluation.values)


def test_a_whole_split_takes_seconds():
    started = time.process_time()
    assert sum(1 for task in ANOMLLM_TASKS for _ in generate("anomllm", task)) == 3200
    assert time.process_time() - started < 10
