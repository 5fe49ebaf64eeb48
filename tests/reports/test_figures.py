"""Pictures for people; that they read well was judged by looking at them."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from anomseer_core.baselines.trivial import TrivialDetector
from anomseer_core.evaluation.scores import evaluate
from anomseer_core.reports.figures import (
    choose_examples,
    example_sheet,
    group_bars,
    learning_curves,
    shortened,
    write_png,
)
from anomseer_core.reports.summary import GROUPS, summarise
from anomseer_core.synthesis import generate
from anomseer_core.synthesis.config import ANOMLLM_TASKS


def series(count=2):
    return [item for task in ANOMLLM_TASKS for item in generate("anomllm", task, count=count)]


def metrics(steps, **values):
    return [
        {"step": step + 1, "metrics": {name: value + step for name, value in values.items()}} for step in range(steps)
    ]


def scores(*rows):
    """rows: (id, affiliation-F1, point-wise F1, events), all of them counted."""
    names = ["series_id", "affiliation_f1", "pointwise_f1", "truth_events"]
    return pd.DataFrame(rows, columns=names).assign(counted=True)


def test_learning_curves_draw_what_was_measured():
    figure = learning_curves(metrics(20, loss=1.0, **{"reward": 0.2, "reward/location": 0.1, "seconds/update": 3.0}))
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Loss", "Reward"]
    loss, reward = figure.axes
    raw, smooth = loss.lines
    assert raw.get_ydata().tolist() == [1.0 + step for step in range(20)]
    # A mean over 2 of 20 steps: of the step before and itself, alone at the start.
    assert smooth.get_ydata()[:3].tolist() == [1.0, 1.5, 2.5]
    assert [text.get_text() for text in reward.get_legend().get_texts()] == ["total", "location"]


def test_a_schedule_is_drawn_as_it_is():
    (axes,) = learning_curves(metrics(20, learning_rate=1.0)).axes
    assert [line.get_ydata().tolist() for line in axes.lines] == [[1.0 + step for step in range(20)]]


def test_metrics_may_be_missing_in_some_steps():
    figure = learning_curves([*metrics(2, loss=1.0), {"step": 3, "metrics": {"kl": 0.1}}])
    assert figure.axes[0].lines[0].get_xdata().tolist() == [1, 2]


def test_a_run_of_one_step_shows_a_point():
    (axes,) = learning_curves(metrics(1, loss=1.0)).axes
    assert axes.lines[0].get_marker() == "o"
    assert axes.get_xlim() == (0, 2)


@pytest.mark.parametrize("rows", [[], metrics(3, unheard_of=1.0)])
def test_nothing_to_draw_is_an_error(rows):
    with pytest.raises(ValueError, match=f"no training metric to draw in {len(rows)} rows"):
        learning_curves(rows)


def test_examples_are_the_best_the_median_and_the_worst():
    rows = [(f"s{index}", index / 10, 0.0, 1) for index in range(9)]
    assert choose_examples(scores(*rows), 1) == {"s8": "best", "s4": "median", "s0": "worst"}
    assert list(choose_examples(scores(*rows), 2)) == ["s8", "s7", "s5", "s4", "s1", "s0"]


def test_normal_series_are_examples_only_where_nothing_else_is():
    rows = [("n", 1.0, 1.0, 0), ("a", 0.9, 0.1, 1), ("b", 0.9, 0.2, 1), ("c", 0.1, 0.1, 1)]
    # Equal affiliation-F1: point-wise F1 decides.
    assert choose_examples(scores(*rows), 1) == {"b": "best", "a": "median", "c": "worst"}
    assert choose_examples(scores(rows[0]), 1) == {"n": "best"}


def test_an_answer_that_does_not_count_is_no_example():
    rows = scores(("a", 0.0, 0.0, 1), ("b", 0.5, 0.5, 1), ("c", 0.9, 0.9, 1)).assign(counted=[False, True, True])
    assert choose_examples(rows, 1) == {"c": "best", "b": "worst"}


def test_examples_need_scores():
    with pytest.raises(ValueError, match="no scores"):
        choose_examples(scores(), 1)


def test_the_example_sheet_holds_one_picture_each():
    items, detector = series(), TrivialDetector("whole-series")
    sheet = example_sheet(evaluate(detector, items), items, detector.detect(items))
    single = example_sheet(evaluate(detector, items[:1]), items[:1], detector.detect(items[:1]))
    assert sheet.size == (single.width, 3 * single.height)
    assert sheet.mode == "RGB"


def test_a_long_id_keeps_its_beginning_and_its_end():
    assert shortened("archive/NASA/test/A-5.npy") == "archive/NASA/test/A-5.npy"
    long = f"archive/UCR/{'x' * 60}_4485_4587.txt"
    assert shortened(long) == f"archive/UCR/{'x' * 17}...{'x' * 14}_4485_4587.txt"
    assert len(shortened(long)) == 60


def test_bars_show_every_detector_in_every_group(tmp_path):
    items = series()
    rows = pd.concat([evaluate(TrivialDetector(name), items) for name in ("always-empty", "oracle-middle")])
    summary = summarise(rows)
    figure = group_bars(summary)
    assert [axes.get_title(loc="left") for axes in figure.axes] == [*GROUPS, "Avg"]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["always-empty", "oracle-middle"]
    for axes, group in zip(figure.axes, [*GROUPS, "group_mean"], strict=True):
        assert [bar.get_width() for bar in axes.patches] == pytest.approx((100 * summary[group]).tolist())
    path = write_png(figure, tmp_path / "bars.png")
    assert np.asarray(Image.open(path)).shape[1] == 1200


def test_bars_need_the_grouped_benchmark():
    with pytest.raises(ValueError, match="no anomllm row"):
        group_bars(summarise(evaluate(TrivialDetector("whole-series"), series(1)).assign(benchmark="other")))


def test_pictures_are_saved_as_png(tmp_path):
    path = write_png(Image.new("RGB", (3, 2)), tmp_path / "picture.png")
    assert Image.open(path).format == "PNG"
