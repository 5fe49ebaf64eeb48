"""Pictures of evidence; that they read well was judged by looking at them."""

import numpy as np
import pytest
from PIL import Image

from anomseer_core.expcot.config import ProbeThresholds, released_rules
from anomseer_core.expcot.evidence import Envelope, Shapelet
from anomseer_core.expcot.trace import write_trace
from anomseer_core.rendering import render
from anomseer_core.reports.evidence_figure import evidence_figure, subject_of
from anomseer_core.reports.evidence_tracks import scale_tracks, track_of
from anomseer_core.reports.figures import write_png
from anomseer_core.series import AnomalyClass, Series
from anomseer_core.synthesis import generate
from anomseer_core.synthesis.config import ANOMLLM_TASKS, VISUAL_TASKS
from anomseer_core.view import View

RULES = ProbeThresholds()


def one_of_each_task():
    for task in ANOMLLM_TASKS:
        yield from generate("anomllm", task, count=2)
    for task in VISUAL_TASKS:
        yield from generate("visual_time_anomaly", task, count=1)


def awkward():
    rng = np.random.default_rng(0)
    gaps = np.sin(np.arange(1200) / 9)
    gaps[rng.integers(0, 1200, 300)] = np.nan
    gaps[700:760] = np.nan
    yield Series("gaps", gaps, ((300, 360),), AnomalyClass.SHAPELET)
    yield Series("short", rng.normal(size=60), ((3, 4), (40, 50)), AnomalyClass.CONTEXTUAL_POINT)
    yield Series("shortest", rng.normal(size=30), ((7, 8),), AnomalyClass.SHAPELET)
    yield Series("constant", np.full(64, -2.5))
    yield Series("constant-labelled", np.full(64, -2.5), ((3, 9),), AnomalyClass.SEASONAL)
    yield Series("line", np.arange(2000.0), ((0, 1), (1998, 2000)), AnomalyClass.TREND)
    yield Series("tiny", rng.normal(size=60) * 1e-12, ((7, 8),), AnomalyClass.GLOBAL_POINT)
    yield Series("huge", rng.normal(size=300) * 1e200, ((7, 8),), AnomalyClass.TREND)


def strips(figure):
    """Name -> spans of the bars, in view units."""
    axes = figure.axes[1]
    names = [label.get_text() for label in axes.get_yticklabels()]
    spans = {name: [] for name in names}
    for bars in axes.collections:
        for path in bars.get_paths():
            (left, bottom), (right, _) = path.get_extents().get_points()
            spans[names[int(bottom)]].append((left, right))
    return spans


@pytest.mark.parametrize("rules", [RULES, released_rules()], ids=["paper", "released"])
def test_tracks_and_their_excursions_are_those_of_the_evidence(rules):
    for series in one_of_each_task():
        subject = subject_of(series, rules)
        assert list(subject.probes) == list(write_trace(series, rules=rules).evidence.validation)
        for item in subject.probes:
            track, found = track_of(item, subject.scan, rules), item.findings
            assert len(track.values) == len(series)
            assert len(track.excursions) == found.excursions
            assert {subject.scan.span(span) for span in track.excursions} >= set(found.strongest)
            assert found.peak in track.values
            for support in found.supports:
                start, stop = subject.scan.samples([(support.first, support.last + 1)])[0]
                assert support.value in track.values[start:stop]


def test_the_scales_of_a_shapelet_are_drawn_with_their_scores():
    series = next(generate("visual_time_anomaly", "shapelet", count=1))
    subject = subject_of(series, RULES)
    (item,) = subject.probes
    assert isinstance(item, Shapelet)
    for scale, scores in zip(item.scales, scale_tracks(item, subject.scan, RULES), strict=True):
        start, stop = subject.scan.samples([(scale.spans[0][0], scale.spans[0][1] + 1)])[0]
        assert scores.max() == scale.scores[0]
        assert (scores[start:stop] == scale.scores[0]).all()
    figure = evidence_figure(subject)
    assert list(strips(figure)) == ["label", "beyond limit", "top of 62.5", "top of 125", "top of 250"]


def test_the_envelope_by_hand():
    """A sine of amplitude 1 with one sample at 10: mean 0.01, second moment 0.6, bounds 0.01 +- 3 * 0.7745."""
    values = np.sin(2 * np.pi * np.arange(1000) / 25)
    values[500] = 10.0
    subject = subject_of(Series("strong", values, ((500, 501),), AnomalyClass.GLOBAL_POINT), RULES)
    (item,) = subject.probes
    assert isinstance(item, Envelope)
    figure = evidence_figure(subject, title="strong")
    series_axes, strip_axes = figure.axes
    bounds = sorted(line.get_ydata()[0] for line in series_axes.lines if len(line.get_xdata()) == 2)
    assert bounds == pytest.approx([0.01 - 3 * 0.7745, 0.01 + 3 * 0.7745], abs=0.001)
    (outside,) = [line for line in series_axes.lines if line.get_marker() == "."]
    # Sample 500 of 1,000 is drawn in the middle of its unit.
    assert outside.get_xdata().tolist() == [500.5]
    assert outside.get_ydata().tolist() == pytest.approx([10])
    # Bars are widened to 2.5 units, so that they can be seen.
    assert strips(figure) == {"label": [(499.25, 501.75)], "beyond limit": [(499.25, 501.75)]}
    assert strip_axes.get_xlim() == series_axes.get_xlim() == (0, 1000)


def test_a_normal_series_shows_every_probe():
    rng = np.random.default_rng(1)
    series = Series("calm", np.sin(2 * np.pi * np.arange(1000) / 50) + 0.05 * rng.normal(size=1000))
    figure = evidence_figure(subject_of(series, RULES))
    titles = [axes.get_title(loc="left").partition(":")[0].partition(" in ")[0] for axes in figure.axes[2:]]
    # The envelope is a band on the series, and the discord is the middle scale of the shapelet.
    assert titles == ["smoothed gradient", "dominant period", "matrix profile"]
    assert list(strips(figure)) == ["label", "envelope", "gradient", "period", "discord"]


def test_a_conclusion_that_is_not_the_label_has_a_strip_of_its_own():
    series = next(generate("anomllm", "range", count=1))
    blind = subject_of(series, RULES, anomaly_class=AnomalyClass.TREND, concluded=[(100, 150)])
    found = strips(evidence_figure(blind))
    assert list(found) == ["label", "trace", "beyond limit"]
    assert found["trace"] == [(100, 150)]
    nothing = subject_of(series, RULES, anomaly_class=AnomalyClass.NORMAL, concluded=[])
    assert strips(evidence_figure(nothing))["trace"] == []


def test_a_class_nobody_knows_shows_every_probe():
    series = Series("archive", np.random.default_rng(0).normal(size=300), ((20, 30),), AnomalyClass.UNKNOWN)
    subject = subject_of(series, RULES)
    assert len(subject.probes) > 1
    assert subject.labelled == subject.concluded == ((67, 100),)


def test_only_the_view_is_drawn():
    values = np.concatenate([np.zeros(1000), np.sin(np.arange(1000) / 5), np.zeros(1000)])
    series = Series("long", values, ((1500, 1510),), AnomalyClass.SHAPELET)
    subject = subject_of(series, RULES, view=View(1000, 2000))
    assert subject.labelled == ((500, 510),)
    line = evidence_figure(subject).axes[0].lines[0]
    assert np.array_equal(line.get_ydata(), values[1000:2000])


def test_missing_samples_are_told_from_interpolated_ones():
    gaps = next(awkward())
    interpolated, line = evidence_figure(subject_of(gaps, RULES)).axes[0].lines[:2]
    assert np.isnan(line.get_ydata()).sum() == np.isnan(gaps.values).sum()
    assert not np.isnan(interpolated.get_ydata()).any()
    assert interpolated.get_linestyle() != "-"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("series", list(awkward()), ids=lambda series: series.id)
def test_awkward_series_are_drawn(series, tmp_path):
    path = write_png(evidence_figure(subject_of(series, RULES), title=series.id), tmp_path / "picture.png")
    assert np.asarray(Image.open(path).convert("L")).min() < 100


def test_the_x_axis_is_as_wide_as_that_of_the_picture_the_model_sees():
    series = next(generate("anomllm", "freq", count=1))
    figure = evidence_figure(subject_of(series, RULES))
    width = figure.get_size_inches()[0] * 100
    # 25 of 29 cells of 805 pixels.
    assert figure.axes[0].get_position().width * width == pytest.approx(805 * 25 / 29)
    assert render(series).width == 805


def test_equal_subjects_give_equal_pictures(tmp_path):
    series = next(generate("anomllm", "trend", count=2))
    files = [write_png(evidence_figure(subject_of(series, RULES)), tmp_path / name) for name in ("a.png", "b.png")]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_series_of_several_channels_is_refused():
    with pytest.raises(ValueError, match="one channel"):
        subject_of(Series("two", np.zeros((2, 100))), RULES)


def test_smoothed_values_are_drawn_beside_the_raw_ones():
    series = next(generate("anomllm", "noisy-freq", count=1))
    rules = ProbeThresholds(denoise_window=31)
    lines = evidence_figure(subject_of(series, rules)).axes[0].lines
    smoothed, raw = lines[0].get_ydata(), lines[1].get_ydata()
    assert np.array_equal(raw, series.values)
    assert np.abs(np.diff(smoothed)).sum() < np.abs(np.diff(raw)).sum()
