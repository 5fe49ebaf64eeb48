"""What image tokens are asked in a cold start, and what its steps teach."""

import itertools

import numpy as np
import pytest
import torch
from torch.nn import functional

from anomseer_core.dialogue import parse_response
from anomseer_core.policy.model import load_policy
from anomseer_core.policy.scoring import ResponseScorer
from anomseer_core.rendering import CELL_COLUMNS
from anomseer_core.series import AnomalyClass, Series
from anomseer_core.training.borders import (
    AXES_COLUMNS,
    CELL_ROWS,
    NO_DIGIT,
    BorderHeads,
    BorderScorer,
    anomalous_columns,
    border_targets,
    cell_borders,
)
from anomseer_core.training.config import BordersConfig, ColdStartConfig
from anomseer_core.training.examples import Example
from anomseer_core.training.lesson import build_batch, lesson_of
from anomseer_core.view import View


def example(intervals, length=1000) -> Example:
    values = np.sin(np.arange(length) * 0.2)
    anomaly_class = AnomalyClass.TREND if intervals else AnomalyClass.NORMAL
    series = Series(id=f"{intervals}", values=values, intervals=tuple(intervals), anomaly_class=anomaly_class)
    return Example(series, "It rises.", View(0, length))


@pytest.mark.parametrize(
    ("intervals", "length", "columns"),
    [
        # 700 columns carry 1,000 units.
        ([(0, 1000)], 1000, [(0, 700)]),
        ([(500, 510)], 1000, [(350, 357)]),
        # One sample of 400 is 2.5 units: 25 to 28 after rounding halves up, 17.5 (to the even 18) to 19.6 columns.
        ([(10, 11)], 400, [(18, 20)]),
        # One unit is less than a column and never none: 2.1 to 2.8, and 699.3 to 700.
        ([(3, 4), (999, 1000)], 1000, [(2, 3), (699, 700)]),
        # 1.4 to 2.1: both round to the same column, or to two.
        ([(2, 3)], 1000, [(1, 2)]),
        ([], 1000, []),
    ],
)
def test_the_anomalous_pixel_columns_of_a_picture(intervals, length, columns):
    expected = np.zeros(AXES_COLUMNS)
    for start, stop in columns:
        expected[start:stop] = 1
    np.testing.assert_array_equal(anomalous_columns(example(intervals, length)), expected)


def test_the_digits_of_what_begins_and_ends_in_a_cell():
    # A cell is 40 units. Both of the first two begin in cell 3; the first ends in cell 3, the second in cell 4.
    digits = cell_borders(example([(123, 130), (140, 170), (999, 1000)]))
    expected = np.full((25, 2, 3), NO_DIGIT)
    expected[3, 0] = 1, 2, 3
    expected[3, 1] = 1, 2, 9
    expected[4, 1] = 1, 6, 9
    expected[24] = 9, 9, 9
    np.testing.assert_array_equal(digits, expected)


def test_the_loss_of_the_borders_equals_a_loop_over_tokens():
    torch.manual_seed(0)
    heads, pictures = BorderHeads(8), torch.randn(2 * CELL_ROWS * CELL_COLUMNS, 8)
    examples = [example([(123, 130), (140, 170)]), example([])]
    targets = border_targets(examples)
    parts = {name: [] for name in ("inside", "borders", "digits", "place", "classes")}
    for picture in range(2):
        tokens = pictures.view(2, CELL_ROWS, CELL_COLUMNS, 8)[picture]
        for column in range(CELL_COLUMNS):
            for row in range(CELL_ROWS):
                place = heads.place(tokens[row, column])
                parts["place"].append(functional.cross_entropy(place, torch.tensor(column)))
        for cell in range(25):
            column = [tokens[row, cell + 2] for row in range(CELL_ROWS)]
            inside = sum(heads.inside(token) for token in column) / CELL_ROWS
            wanted = targets.inside[picture, cell * 28 : (cell + 1) * 28]
            parts["inside"].append(functional.binary_cross_entropy_with_logits(inside, wanted))
            for token in column:
                wanted = targets.borders[picture, cell]
                parts["borders"].append(functional.binary_cross_entropy_with_logits(heads.borders(token), wanted))
                told = heads.digits(token).view(2, 3, 10)
                for side, place in itertools.product(range(2), range(3)):
                    digit = targets.digits[picture, cell, side, place]
                    if digit != NO_DIGIT:
                        parts["digits"].append(functional.cross_entropy(told[side, place], digit))
        pooled = tokens[:, 2:27].mean(dim=(0, 1))
        parts["classes"].append(functional.cross_entropy(heads.classes(pooled), targets.classes[picture]))
    means = {name: torch.stack(losses).mean() for name, losses in parts.items()}
    # The second picture has none: 0 for it.
    means["digits"] = means["digits"] / 2
    weights = {"inside": 4.0, "borders": 4.0, "digits": 0.5, "place": 0.3, "classes": 0.3}
    expected = sum(weight * means[name] for name, weight in weights.items())
    torch.testing.assert_close(heads.loss(pictures, targets), expected)


def test_normal_pictures_alone_have_no_digits_to_learn():
    heads, targets = BorderHeads(8), border_targets([example([])])
    assert torch.isfinite(heads.loss(torch.randn(CELL_ROWS * CELL_COLUMNS, 8), targets))
    assert targets.borders.sum() == 0


def test_steps_teach_borders_then_answers_then_reasoning():
    borders = BordersConfig(weight=1, alone_steps=2)
    config = ColdStartConfig(steps=2000, batch_size=8, borders=borders, direct_steps=3, direct_share=0.25)
    lessons = [lesson_of(config, step) for step in range(2000)]
    assert [lesson.answers for lesson in lessons[:4]] == [False, False, True, True]
    assert all(lesson.direct.all() for lesson in lessons[:5])
    assert np.mean([lesson.direct.mean() for lesson in lessons[5:]]) == pytest.approx(0.25, abs=0.01)
    np.testing.assert_array_equal(lesson_of(config, 1234).direct, lessons[1234].direct)
    assert not lesson_of(ColdStartConfig(steps=9), 4).direct.any()


def test_borders_alone_reach_the_vision_tower_alone_and_answers_come_without_reasoning(inputs):
    policy = load_policy(inputs.policy.path)
    module = BorderScorer(ResponseScorer(policy))
    examples = [example([(500, 510)]), example([(20, 70)])]
    batch = build_batch(policy.processor, examples, [True, False], policy.device, borders=True)
    texts = policy.processor.decode_responses(batch.ids, batch.mask)
    assert [parse_response(text, 1000).reasoning for text in texts] == ["", "It rises."]
    assert [parse_response(text, 1000).intervals for text in texts] == [((500, 510),), ((20, 70),)]

    scores, loss = module(batch.prompts, batch.ids, batch.mask, batch.index, batch.targets, answers=False)
    loss.backward()
    reached = {name for name, weight in module.named_parameters() if weight.grad is not None}
    assert scores is None
    assert {name.split(".visual.")[0] for name in reached if not name.startswith("heads.")} == {"scorer.model.model"}
    assert "heads.place.weight" in reached

    scores, _ = module(batch.prompts, batch.ids, batch.mask, batch.index, batch.targets, answers=True)
    plain = ResponseScorer(policy)(batch.prompts, batch.ids, batch.mask, batch.index)
    torch.testing.assert_close(scores.logprobs, plain.logprobs)
    scores.logprobs.sum().backward()
    assert policy.model.model.language_model.layers[0].mlp.up_proj.weight.grad is not None


def test_borders_that_weigh_nothing_cannot_be_taught_alone():
    with pytest.raises(ValueError, match="alone_steps = 5 teaches nothing with weight = 0; set weight too"):
        BordersConfig(alone_steps=5)
