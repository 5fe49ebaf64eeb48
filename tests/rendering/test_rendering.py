"""The picture the model sees, and the annotated one."""

import hashlib
import itertools
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from anomseer_core.rendering import render, render_annotated, y_scale
from anomseer_core.rendering.picture import row_edges
from anomseer_core.series import AnomalyClass, Series
from anomseer_core.view import View
from tests import naive_picture

TIME = np.arange(1000)
WAVE = np.sin(TIME / 7) + 0.1 * np.random.default_rng(0).normal(size=1000)
GAPS = np.where(np.random.default_rng(1).uniform(size=400) < 0.3, np.nan, 1e4 * np.sin(np.arange(400) / 9))


def unlabelled(values):
    return Series("s", values)


def pixels(image):
    return np.asarray(image).astype(int)


def blue(image):
    """Boolean [124, 805]: pixels where the line is drawn."""
    red, _, blue_channel = np.moveaxis(pixels(image), -1, 0)
    return blue_channel - red > 60


def test_the_picture_is_805_by_124_rgb():
    image = render(unlabelled(WAVE))
    assert (image.size, image.mode) == ((805, 124), "RGB")


def test_labels_do_not_reach_the_picture():
    labelled = Series("other", WAVE, ((100, 200), (300, 301)), AnomalyClass.TREND, metadata={"note": "x"})
    assert render(labelled).tobytes() == render(unlabelled(WAVE)).tobytes()


@pytest.mark.parametrize(
    ("values", "style"),
    [
        (WAVE, "default"),
        (WAVE, "anomllm"),
        (1e6 + WAVE, "default"),
        (GAPS, "default"),
        (np.full(50, np.nan), "default"),
        (np.full(30, -7.0), "default"),
        (WAVE[:1], "default"),
        (np.tile(WAVE, 2) * 1e-9, "default"),
    ],
)
def test_the_kept_figure_draws_what_a_new_one_draws(values, style):
    # Twice, with another picture between: nothing of it may stay behind.
    first = render(unlabelled(values), style=style).tobytes()
    render(unlabelled(np.cos(TIME / 3) * 1e5))
    assert render(unlabelled(values), style=style).tobytes() == first
    assert naive_picture.picture(values, style).tobytes() == first


def test_someones_matplotlibrc_changes_nothing(tmp_path):
    (tmp_path / "matplotlibrc").write_text(
        "lines.linewidth: 5\nfont.family: serif\nfigure.facecolor: black\nsavefig.dpi: 30\npath.simplify: False\n"
        "axes.facecolor: yellow\nxtick.direction: in\ntext.hinting: none\nlines.antialiased: False\ntext.color: red\n"
    )
    program = (
        "import hashlib, numpy as np, matplotlib\n"
        "from anomseer_core.rendering import render\n"
        "from anomseer_core.series import Series\n"
        "assert matplotlib.rcParams['lines.linewidth'] == 5\n"
        "print(hashlib.sha256(render(Series('s', np.sin(np.arange(1000) / 7))).tobytes()).hexdigest())\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    expected = hashlib.sha256(render(unlabelled(np.sin(TIME / 7))).tobytes()).hexdigest()
    assert ran.stdout.strip() == expected


def test_the_axes_span_whole_cells_of_the_model():
    # 812 = 29 * 28 columns: the frame stands on the borders 2 * 28 = 56 and 27 * 28 = 756.
    resized = render(unlabelled(np.full(9, np.nan))).resize((812, 112), Image.Resampling.BICUBIC)
    rows = pixels(resized)[20:80].mean(axis=(0, 2))
    assert int(np.argmin(rows[:400])) in (55, 56)
    assert 400 + int(np.argmin(rows[400:])) in (755, 756)


@pytest.mark.parametrize(("length", "sample"), [(1000, 0), (1000, 321), (1000, 999), (30, 7), (1500, 1200), (2000, 17)])
def test_a_sample_is_drawn_in_the_middle_of_its_units(length, sample):
    values = np.zeros(length)
    values[sample] = 1.0
    upper_part = blue(render(unlabelled(values)))[10:30]
    columns = np.flatnonzero(upper_part.any(axis=0))
    # A cell is 805 / 29 = 27.76 wide; the axes begin at the third and span 25.
    expected = 805 / 29 * (2 + 25 * (sample + 0.5) / length)
    assert columns.mean() == pytest.approx(expected, abs=1.5)


def test_a_view_is_drawn_like_a_series_of_its_own():
    values = np.cumsum(np.random.default_rng(2).normal(size=2300))
    assert render(unlabelled(values), View(1300, 2300)).tobytes() == render(unlabelled(values[1300:])).tobytes()


def test_missing_samples_are_gaps_and_lonely_ones_dots():
    values = np.zeros(100)
    values[40:61] = np.nan
    values[50] = 0.0
    line = blue(render(unlabelled(values))).any(axis=0)
    column = [int(805 / 29 * (2 + 25 * (sample + 0.5) / 100)) for sample in (20, 45, 50, 55, 80)]
    assert [bool(line[place - 1 : place + 2].any()) for place in column] == [True, False, True, False, True]


def test_the_anomllm_style_fixes_the_limits():
    scale = y_scale(np.array([5.0, 9.0]), "anomllm")
    assert (scale.low, scale.high, scale.labels) == (-1, 1, ("-1", "0", "1"))
    # What lies outside is clipped, not drawn over the margins.
    assert not blue(render(unlabelled(np.full(100, 1.02)), style="anomllm"))[:4].any()


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        # Limits -0.05 and 1.05: multiples of 0.5.
        ([0.0, 1.0], ("0", "0.5", "1")),
        # Limits -2600 and 2600: multiples of 2000 keep four digits within the margin.
        ([-2400.0, 2400.0], ("-2000", "0", "2000")),
        ([0.0, 4e4], ("0", "20k", "40k")),
        ([-3e-7, 0.0], ("-300n", "-200n", "-100n", "0")),
        ([0.012, 0.018], ("0.012", "0.014", "0.016", "0.018")),
        # Ticks 999999, 1000000, 1000001: only the round one can be written, its neighbour as a step.
        ([999_998.9, 1_000_001.1], ("", "1M", "+1")),
        # 1234566, 1234567, 1234568: none can, so the lowest is rounded.
        ([1_234_565.9, 1_234_568.1], ("1.2M", "+1", "")),
        # A constant is drawn in the middle of 5 % either side: 40 +- 2.
        ([40.0, 40.0], ("38", "40", "42")),
        ([0.0, 0.0], ("-1", "0", "1")),
        # Beyond the prefixes nothing short can be written but zero.
        ([-1e300, 1e300], ("", "0", "")),
    ],
)
def test_tick_labels(values, labels):
    assert y_scale(np.array(values)).labels == labels


@settings(max_examples=40, deadline=None)
@given(st.floats(-1, 1), st.floats(-1, 1), st.integers(-340, 308), st.integers(0, 14))
def test_any_values_are_drawn_inside_the_picture(first, second, power, closeness):
    with np.errstate(under="ignore"):
        values = np.array([first, first + (second - first) * 10.0**-closeness]) * 10.0**power
    scale = y_scale(values)
    heights = scale.heights(values)
    assert np.all((heights > 0) & (heights < 1))
    assert 2 <= len(scale.ticks) <= 5
    assert scale.low <= scale.ticks[0] < scale.ticks[-1] <= scale.high
    # No label is cut off at the left border.
    assert (pixels(render(unlabelled(values)))[:, 0] == 255).all()


def test_too_many_channels_and_views_beyond_the_end_are_refused():
    with pytest.raises(ValueError, match=r"series 's': one picture shows at most 9 channels, not 10; choose some"):
        render(unlabelled(np.zeros((10, 50))))
    with pytest.raises(ValueError, match=r"view \[0, 60\) ends after its 50 samples"):
        render(unlabelled(np.zeros((2, 50))), View(0, 60))


def channels_of(count, length=700):
    """Waves, walks, constants and gaps at all sizes."""
    rng = np.random.default_rng(count)
    values = np.array([10.0**row * np.sin(np.arange(length) / (9 + row)) for row in range(count)])
    values[1::4] = np.cumsum(rng.normal(size=values[1::4].shape), axis=-1)
    values[2::4] = 7.0
    values[3::4][:, rng.uniform(size=length) < 0.3] = np.nan
    return values


@pytest.mark.parametrize("count", range(2, 10))
def test_the_kept_figure_draws_several_channels_as_a_new_one_does(count):
    values = channels_of(count)
    first = render(unlabelled(values))
    assert (first.size, first.mode) == ((805, 124), "RGB")
    render(unlabelled(-values[:, ::-1]))
    assert render(unlabelled(values)).tobytes() == first.tobytes()
    assert naive_picture.several(values).tobytes() == first.tobytes()


def test_one_channel_of_a_table_is_drawn_like_a_series():
    assert render(unlabelled(WAVE[None])).tobytes() == render(unlabelled(WAVE)).tobytes()


def test_labels_and_anomalous_channels_do_not_reach_the_picture():
    values = channels_of(4)
    labelled = Series("x", values, ((9, 40),), AnomalyClass.SEASONAL, anomalous_channels=(1, 3), metadata={"a": 1})
    assert render(labelled).tobytes() == render(unlabelled(values)).tobytes()
    other = channels_of(4)
    other[3] = np.arange(700)
    changed = np.argwhere((pixels(render(unlabelled(values))) != pixels(render(unlabelled(other)))).any(axis=-1))
    top, bottom = row_edges(4)[3]
    # A channel changes its own row alone.
    assert top <= changed[:, 0].min()
    assert changed[:, 0].max() <= bottom


@pytest.mark.parametrize("count", range(1, 10))
def test_rows_share_the_height_evenly(count):
    edges = row_edges(count)
    assert (edges[0][0], edges[-1][1]) == (5, 107)
    heights = [bottom - top for top, bottom in edges]
    assert max(heights) - min(heights) <= 1
    assert [after[0] - before[1] for before, after in itertools.pairwise(edges)] == [2] * (count - 1)


@pytest.mark.parametrize("count", [2, 5, 9])
@pytest.mark.parametrize(("length", "sample"), [(1000, 321), (30, 7), (2000, 17)])
def test_a_sample_of_any_channel_is_drawn_in_the_middle_of_its_units(count, length, sample):
    values = np.zeros((count, length))
    values[:, sample] = 1.0
    picture = blue(render(unlabelled(values)))
    for top, bottom in row_edges(count):
        columns = np.flatnonzero(picture[top : (top + bottom) // 2].any(axis=0))
        assert columns.mean() == pytest.approx(805 / 29 * (2 + 25 * (sample + 0.5) / length), abs=1.5)


def test_a_view_of_several_channels_is_drawn_like_a_series_of_its_own():
    values = np.cumsum(np.random.default_rng(2).normal(size=(3, 2300)), axis=-1)
    assert render(unlabelled(values), View(1300, 2300)).tobytes() == render(unlabelled(values[:, 1300:])).tobytes()


def test_the_annotated_picture_shows_truth_and_each_detector():
    series = Series("s", WAVE, ((500, 600),), AnomalyClass.SEASONAL)
    none = pixels(render_annotated(series, {"a": [], "b": []}))
    some = pixels(render_annotated(series, {"a": [], "b": [(250, 251)]}, title="s"))
    assert none.shape == some.shape
    assert none.shape[1] == 1200
    changed = np.argwhere((none != some).any(axis=-1))
    assert len(changed)
    # Only the strip of b: its "none" left, and a bar at a quarter of the axes (0.16 + 0.82 / 4 of 1200 pixels).
    assert changed[:, 0].min() > none.shape[0] - 80
    assert abs(changed[:, 1].max() - 1200 * (0.16 + 0.82 * 0.2505)) < 4
    assert render_annotated(series, {}).height < render_annotated(series, {"a": []}).height


def test_the_annotated_picture_takes_channels_and_long_names():
    series = Series("m", np.zeros((3, 2500)), ((10, 20),), AnomalyClass.UNKNOWN)
    assert render_annotated(series, {"a detector with a name much longer than the margin": [(0, 2500)]}).mode == "RGB"
    crowded = render_annotated(Series("m", np.zeros((38, 100))), {})
    assert crowded.height == render_annotated(Series("m", np.zeros(100)), {}).height


def test_the_annotated_picture_shades_the_anomalous_channels():
    plain, first, both = (
        pixels(render_annotated(Series("m", np.zeros((4, 100)), *label), {}))
        for label in (
            (((40, 60),), AnomalyClass.TREND, "", "", "", (0, 1, 2, 3)),
            (((40, 60),), AnomalyClass.TREND, "", "", "", (1,)),
            (((40, 60),), AnomalyClass.TREND),
        )
    )
    # Channels unknown: all are shaded.
    assert np.array_equal(plain, both)
    assert 0 < (first[:, 700] != 255).any(axis=-1).sum() < (both[:, 700] != 255).any(axis=-1).sum()
