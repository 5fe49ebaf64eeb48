"""The dataset card: Table 3's numbers counted by hand, parts and proxies named, examples drawn."""

import numpy as np
import pytest

from anomseer_core import synthesis
from anomseer_core.reports.dataset_card import describe, examples_figure
from anomseer_core.series import AnomalyClass, Series


def series(task, length, *intervals, channels=1, **about):
    anomaly_class = AnomalyClass.TREND if intervals else AnomalyClass.NORMAL
    values = np.arange(float(length * channels)).reshape(channels, length)
    values = values[0] if channels == 1 else values
    return Series(f"{task}-{length}", values, intervals, anomaly_class, benchmark="b", task=task, metadata=about)


def test_the_numbers_of_a_set():
    # Task t: ratios 0.3 (of 10), 0 (of 20), 0.25 (of 40); events of 1, 2, 10 samples.
    given = [
        series("t", 10, (0, 1), (4, 6)),
        series("t", 20),
        series("u", 100, (0, 50), channels=3),
        series("t", 40, (5, 15)),
    ]
    card = describe(iter(given))
    first = card.iloc[0].to_dict()
    assert first | {"about": ""} == {
        "benchmark": "b",
        "collection": "",
        "task": "t",
        "series": 3,
        "channels": "1",
        "length_min": 10,
        "length_median": 20,
        "length_max": 40,
        "normal": 1,
        "anomalous": round((0.3 + 0 + 0.25) / 3, 4),
        "anomalous_min": 0.0,
        "anomalous_max": 0.3,
        "events": 3,
        "event_min": 1,
        "event_median": 2,
        "event_max": 10,
        "classes": "normal 1, trend 2",
        "about": "",
    }
    assert card["task"].tolist() == ["t", "u", "all"]
    total = card.iloc[-1]
    assert (total.series, total.channels, total.events, total.event_max, total.length_max) == (4, "1-3", 4, 50, 100)


def test_parts_and_proxies_are_called_so():
    nab = {"collection": "NAB", "published_series": 58, "proxy_of": "X"}
    card = describe(
        [series("a", 9, (0, 1), **nab), series("b", 9, **nab), series("c", 9, collection="KPI", published_series=0)]
    )
    assert card["about"].tolist() == ["2 of 58 series of NAB; a proxy of X"] * 2 + [
        "",
        "2 of 58 series of NAB; a proxy of X",
    ]
    assert card["collection"].tolist() == ["NAB", "NAB", "KPI", "all"]


def test_normal_series_only_and_none():
    (row,) = describe([series("t", 10)]).to_dict("records")
    assert (row["events"], row["event_min"], row["event_median"], row["event_max"], row["anomalous"]) == (
        0,
        0,
        0,
        0,
        0.0,
    )
    with pytest.raises(ValueError, match="there are no series to describe"):
        describe([])


def test_a_published_set():
    """BENCHMARKS of AnomLLM's point task: 117 of 400 normal, ratio 0.032, lengths 5-165, median 18."""
    (row,) = describe(synthesis.generate("anomllm", "point")).to_dict("records")
    assert (row["series"], row["normal"], row["length_min"], row["length_max"]) == (400, 117, 1000, 1000)
    assert (row["event_min"], row["event_median"], row["event_max"]) == (5, 18, 165)
    assert row["anomalous"] == pytest.approx(0.032, abs=5e-4)


def test_the_card_has_a_row_a_task_and_one_for_all_and_a_picture_of_each():
    items = [series("t", 10, (0, 1)), series("u", 10)]
    assert describe(items)["series"].tolist() == [1, 1, 2]
    titles = [axes.get_title(loc="left") for axes in examples_figure(items).axes]
    assert titles == ["t-10   trend", "u-10   normal"]


def test_an_anomalous_example_of_each_task_is_drawn_and_at_most_eight():
    given = [
        series(f"t{task}", length, *events) for task in range(20) for length, events in ((10, ()), (30, ((3, 9),)))
    ]
    figure = examples_figure(given)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == [f"t{place}-30   trend" for place in (0, 2, 5, 7, 10, 12, 15, 17)]
    assert all(len(axes.patches) == 1 for axes in figure.axes)
    figure.canvas.draw()


def test_long_series_are_drawn_by_their_outline():
    """Every stretch keeps its lowest and its highest value: no spike is lost."""
    values = np.zeros(230_400)
    values[123_456] = 9
    values[77] = np.nan
    figure = examples_figure([Series("long", values, ((5, 6),), AnomalyClass.UNKNOWN)])
    (line,) = figure.axes[0].lines
    assert len(line.get_xdata()) < 2000
    assert np.nanmax(line.get_ydata()) == 9
    place = line.get_xdata()[np.nanargmax(line.get_ydata())]
    assert abs(place - 123_456) < 400


def test_channels_without_values_and_constants_are_drawn():
    values = np.stack([np.full(50, np.nan), np.zeros(50), np.arange(50.0)])
    figure = examples_figure([Series("wide", values)])
    figure.canvas.draw()
    assert len(figure.axes[0].lines) == 3
