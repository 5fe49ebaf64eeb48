"""Labelled series from a seed: the synthetic benchmarks, drawn again rather than downloaded."""

from collections.abc import Iterator, Sequence
from typing import Literal, get_args

from anomseer_core.series import Series
from anomseer_core.synthesis import anomllm, visual_time_anomaly
from anomseer_core.synthesis.config import (
    ANOMLLM_TASKS,
    DIVERSE_TASKS,
    FIELD_TASKS,
    VISUAL_TASKS,
    FieldForm,
    Split,
    VisualForm,
)
from anomseer_core.synthesis.diverse import stream as diverse_stream
from anomseer_core.synthesis.field import stream as field_stream

Benchmark = Literal["anomllm", "visual_time_anomaly", "diverse", "field"]
SEED_LIMIT = 2**32
# The first is what `generate` draws when none is named.
FORMS: dict[str, tuple[str, ...]] = {"visual_time_anomaly": get_args(VisualForm), "field": get_args(FieldForm)}

_GENERATORS = {
    "anomllm": (anomllm, ANOMLLM_TASKS),
    "visual_time_anomaly": (visual_time_anomaly, VISUAL_TASKS),
    "diverse": (diverse_stream, DIVERSE_TASKS),
    "field": (field_stream, FIELD_TASKS),
}


def generate(
    benchmark: Benchmark,
    task: str,
    *,
    split: Split = "eval",
    count: int | None = None,
    seed: int | None = None,
    form: VisualForm | FieldForm | None = None,
) -> Iterator[Series]:
    """Stream the first `count` series of one task, in the order of the published data.

    count: None takes the published size of a split (AnomLLM 400, Diverse 90, Field 100, VisualTimeAnomaly 100, which
    is also its limit).
    seed: None takes the published seed of the split; with it the series equal the published ones, except for
    AnomLLM's `range`, whose published data cannot be drawn again.
    form: of VisualTimeAnomaly (`faithful`, as released, or `fixed`) and Field (`plain`, `brief` or `window`) alone;
    None takes the first.
    Raises ValueError, naming the choices, for an unknown benchmark, task or split, or a number out of bounds.
    """
    _check_choice("benchmark", benchmark, get_args(Benchmark))
    generator, tasks = _GENERATORS[benchmark]
    _check_choice(f"{benchmark} task", task, tasks)
    _check_choice("split", split, get_args(Split))
    count = generator.PUBLISHED_COUNT if count is None else count
    seed = generator.PUBLISHED_SEEDS[split] if seed is None else seed
    if count < 1:
        raise ValueError(f"count must be at least 1, not {count}")
    if not 0 <= seed < SEED_LIMIT:
        raise ValueError(f"seed must be in [0, 2**32), not {seed}")
    if forms := FORMS.get(benchmark):
        form = forms[0] if form is None else form
        _check_choice(f"form of {benchmark}", form, forms)
        return generator.series_stream(task, split=split, count=count, seed=seed, form=form)
    if form is not None:
        raise ValueError(f"{benchmark} has no form {form!r}; only {' and '.join(FORMS)} come in forms")
    return generator.series_stream(task, split=split, count=count, seed=seed)


def _check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ValueError(f"unknown {name} {value!r}; choose one of {', '.join(choices)}")
