import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomseer_core.configurations import nano, tiny
from flows.overrides import apply_overrides


def test_values_are_json_and_text_stays_text():
    config = apply_overrides(
        tiny(),
        [
            "training.alpha=0",
            "training.integration=none",
            'synthesis.train.tasks=["point", "freq"]',
            "synthesis.archive.folder=2024",
            "evaluation.cold_start=false",
        ],
    )
    assert config.training.alpha == 0
    assert config.training.integration == "none"
    assert config.synthesis.train.tasks == ("point", "freq")
    assert config.synthesis.archive.folder == "2024"
    assert config.evaluation.cold_start is False


def test_fields_that_are_not_named_keep_their_values():
    changed = apply_overrides(nano(), ["training.alpha=1"])
    assert changed.model_copy(update={"training": nano().training}) == nano()
    assert changed.training.model_copy(update={"alpha": nano().training.alpha}) == nano().training


def test_the_later_of_two_assignments_wins():
    assert apply_overrides(tiny(), ["training.seed=1", "training.seed=2"]).training.seed == 2


@given(st.floats(min_value=0, max_value=10))
def test_any_value_in_bounds_arrives(alpha: float):
    assert apply_overrides(tiny(), [f"training.alpha={alpha!r}"]).training.alpha == alpha


@pytest.mark.parametrize(
    ("assignment", "line"),
    [
        ("training.alpha", "--set training.alpha: write it as field=value, for example training.alpha=0"),
        ("training.alpha=11", "training.alpha = 11: input should be less than or equal to 10"),
        ("training.group_size=0", "training.group_size = 0: input should be greater than or equal to 1"),
        ("training.clip=x", "training.clip = 'x': input should be a valid number"),
        ("training.steps=true", "training.steps = True: write a number, not true or false"),
        ("training.clip=false", "training.clip = False: write a number, not true or false"),
        (
            'synthesis.train.tasks=["range", "range"]',
            "synthesis.train.tasks = ['range', 'range']: 'range' is named twice; name each once",
        ),
        (
            'evaluation.baselines=["whole-series", "whole-series"]',
            "evaluation.baselines = ['whole-series', 'whole-series']: 'whole-series' is named twice; name each once",
        ),
        ("synthesis.train.tasks=range", """synthesis.train.tasks = 'range': write a list, such as ["range"]"""),
        ('synthesis.train.tasks={"a": 1}', 'synthesis.train.tasks: write a list, such as ["range"]'),
        ("training.alpha.x=1", "training.alpha.x: training.alpha is a single value without fields of its own"),
    ],
)
def test_one_line_names_field_value_and_bound(assignment: str, line: str):
    with pytest.raises(ValueError, match=rf"^{re.escape(line)}.*\Z"):
        apply_overrides(tiny(), [assignment])


def test_an_unknown_field_lists_the_valid_names_and_the_closest():
    with pytest.raises(ValueError, match=r"unknown field cold_start.step: did you mean steps\? .*batch_size, learning"):
        apply_overrides(tiny(), ["cold_start.step=3"])


def test_a_group_names_its_fields():
    with pytest.raises(ValueError, match=r"launch is a group of fields: launch.ranks, launch.zero_stage"):
        apply_overrides(tiny(), ["launch=2"])


def test_an_unknown_task_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"synthesis.train.tasks.0 = 'pint': input should be 'range', 'point'"):
        apply_overrides(tiny(), ['synthesis.train.tasks=["pint"]'])


@pytest.mark.parametrize(
    ("assignments", "line"),
    [
        (["expcot.source.kind=file"], "expcot.source: kind 'file' needs the path of a Parquet or JSONL file of traces"),
        (
            ["expcot.source.path=a.jsonl"],
            "expcot.source: path has no effect on traces of kind 'analysis'; leave it at ''",
        ),
        (["synthesis.train.seed=42"], "synthesis: train.seed equals anomllm.seed"),
        (
            ["synthesis.train_diverse=1", "synthesis.diverse.split=train"],
            "synthesis: diverse.split is train and train_diverse is not 0",
        ),
    ],
)
def test_a_contradiction_between_fields_names_their_group_alone(assignments: list[str], line: str):
    with pytest.raises(ValueError, match=rf"^{re.escape(line)}"):
        apply_overrides(tiny(), assignments)
