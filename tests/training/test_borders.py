"""What image tokens are asked in a cold start, and what its steps teach."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from anomseer_core.dialogue import ANSWERABLE_CLASSES, parse_response
from anomseer_core.policy.model import load_policy
from anomseer_core.policy.scoring import ResponseScorer
from anomseer_core.series import AnomalyClass, Series
from anomseer_core.training.borders import (
    AXES_COLUMNS,
    CELL_ROWS,
    BorderHeads,
    BorderScorer,
    BorderTargets,
    anomalous_columns,
    border_targets,
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
        # 756 columns carry 1,000 units.
        ([(0, 1000)], 1000, [(0, 756)]),
        # 500 * 0.756 = 378; 510 * 0.756 = 385.56.
        ([(500, 510)], 1000, [(378, 386)]),
        # One sample of 400 is 2.5 units: 25 to 28 after rounding halves up, 18.9 to 21.168 columns.
        ([(10, 11)], 400, [(19, 21)]),
        # One unit is less than a column and never none.
        ([(3, 4), (999, 1000)], 1000, [(2, 3), (755, 756)]),
        ([], 1000, []),
    ],
)
def test_the_anomalous_pixel_columns_of_a_picture(intervals, length, columns):
    expected = np.zeros(AXES_COLUMNS)
    for start, stop in columns:
        expected[start:stop] = 1
    np.testing.assert_array_equal(anomalous_columns(example(intervals, length)), expected)


def test_the_loss_of_the_borders_equals_a_loop_over_cells():
    torch.manual_seed(0)
    heads, pictures = BorderHeads(8), torch.randn(2 * CELL_ROWS * 29, 8)
    targets = BorderTargets((torch.rand(2, AXES_COLUMNS) < 0.1).float(), torch.tensor([3, 0]))
    inside_losses, class_losses, place_losses = [], [], []
    for picture in range(2):
        tokens = pictures[picture * 116 : (picture + 1) * 116]
        columns = []
        for column in range(29):
            stacked = torch.cat([tokens[row * 29 + column] for row in range(CELL_ROWS)])
            columns.append(functional.gelu(heads.mix(stacked)))
        for row in range(CELL_ROWS):
            for column in range(29):
                place = heads.place(tokens[row * 29 + column])
                place_losses.append(functional.cross_entropy(place, torch.tensor(column)))
        for column in range(1, 28):
            wanted = targets.inside[picture, (column - 1) * 28 : column * 28]
            inside_losses.append(functional.binary_cross_entropy_with_logits(heads.inside(columns[column]), wanted))
        pooled = torch.stack(columns[1:28]).max(dim=0).values
        class_losses.append(functional.cross_entropy(heads.classes(pooled), targets.classes[picture]))
    means = [torch.stack(losses).mean() for losses in (inside_losses, class_losses, place_losses)]
    expected = 4.0 * means[0] + 0.3 * means[1] + 0.3 * means[2]
    torch.testing.assert_close(heads.loss(pictures, targets), expected)


def test_the_targets_of_examples():
    targets = border_targets([example([(500, 510)]), example([])])
    assert targets.inside.sum(dim=1).tolist() == [8, 0]
    assert [ANSWERABLE_CLASSES[place] for place in targets.classes] == [AnomalyClass.TREND, AnomalyClass.NORMAL]


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
