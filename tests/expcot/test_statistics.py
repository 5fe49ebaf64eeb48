"""Statistics of traces, counted by hand."""

import math

import pytest

from anomseer_core.expcot.config import ExpCoTConfig, ProbeThresholds
from anomseer_core.expcot.corpus import write_traces
from anomseer_core.expcot.statistics import (
    MEASURES,
    Label,
    corpus_statistics,
    is_blind,
    measure_traces,
    read_labels,
    rules_of,
    summarise_traces,
)
from anomseer_core.expcot.trace_table import TraceRow, read_traces
from anomseer_core.metrics import location_scores
from anomseer_core.series import AnomalyClass, Series, read_series, write_series
from anomseer_core.store import ArtifactStore
from anomseer_core.synthesis.config import AnomLLMConfig
from anomseer_core.synthesis.dataset import synthesize
from anomseer_core.view import View

WHOLE = View(0, 1000)


def row(series_id, evidence=None, *, text="one two three", claims=10, verified=9, unread=1, view=WHOLE):
    return TraceRow(series_id, view, text, evidence, "analysis", claims, verified, unread)


def evidence(anomaly_class, intervals, *findings):
    """One probe for each findings: (excursions, strongest closed spans, whether each candidate crosses)."""
    validation = {
        f"probe-{index}": {
            "findings": {
                "excursions": excursions,
                "strongest": strongest,
                "supports": [{"crosses": crosses} for crosses in crossings],
            }
        }
        for index, (excursions, strongest, crossings) in enumerate(findings)
    }
    return {"anomaly_class": anomaly_class, "intervals": intervals, "validation": validation}


def test_labelled_traces_by_hand():
    labels = {
        "a": Label(AnomalyClass.GLOBAL_POINT, ((100, 110), (200, 210))),
        "b": Label(AnomalyClass.GLOBAL_POINT, ((300, 310),)),
        "calm": Label(AnomalyClass.NORMAL, ()),
        "noisy": Label(AnomalyClass.NORMAL, ()),
    }
    rows = [
        # One of two intervals is crossed, and the strongest of three excursions touches the other one's edge.
        row("a", evidence("global point", [[100, 109], [200, 209]], (3, [[209, 230], [1, 2]], [True, False]))),
        row("b", evidence("global point", [[300, 309]], (1, [[310, 312]], [False])), text="one", claims=4, verified=4),
        row("calm", evidence("normal", [], (0, [], []), (0, [], [])), unread=0),
        row("noisy", evidence("normal", [], (0, [], []), (2, [[5, 6]], [])), text="one two three four five"),
    ]
    found = summarise_traces(rows, labels, name="x")
    assert (found.name, found.blind) == ("x", False)
    point, normal = found.by_class
    assert (point.name, point.traces, point.words_mean, point.words_min, point.words_max) == (
        "global point",
        2,
        2,
        1,
        3,
    )
    assert point.claims_per_trace == 7
    assert point.verified_rate == 13 / 14
    assert point.unread_numbers == 2
    # Of three intervals one is crossed; the strongest excursion of `b` begins where its label has ended.
    assert point.weak == pytest.approx(2 / 3)
    assert point.found == pytest.approx(1 / 3)
    assert point.strongest_found == 0.5
    assert (normal.name, normal.weak) == ("normal", 0.5)
    assert math.isnan(normal.found)
    assert math.isnan(normal.strongest_found)
    # Three intervals and two normal views.
    assert found.total.weak == pytest.approx(3 / 5)
    assert (found.total.name, found.total.traces, found.total.found) == ("all", 4, point.found)
    assert math.isnan(found.total.class_agreement)
    assert found.metrics() == {
        "words_mean": 3,
        "claims_per_trace": 8.5,
        "verified_rate": 31 / 34,
        "unread_numbers": 3,
        "weak": pytest.approx(3 / 5),
        "strongest_found": 0.5,
    }
    assert set(found.metrics()) < set(MEASURES)


def test_blind_traces_are_compared_with_the_label():
    labels = {
        "a": Label(AnomalyClass.GLOBAL_POINT, ((100, 110), (500, 510))),
        "b": Label(AnomalyClass.NORMAL, ()),
        "c": Label(AnomalyClass.TREND, ((0, 10),)),
        "d": Label(AnomalyClass.UNKNOWN, ((20, 30),)),
    }
    rows = [
        row("a", evidence("trend", [[105, 114]], (1, [[105, 114]], [True]))),
        row("b", evidence("normal", [], (0, [], []))),
        row("c", evidence("normal", [], (1, [[0, 9]], []))),
        row("d", evidence("trend", [[20, 29]], (1, [[20, 29]], [True]))),
    ]
    found = summarise_traces(rows, labels, blind=True)
    by_name = {item.name: item for item in found.by_class}
    assert list(by_name) == ["global point", "trend", "normal", "unknown"]
    point = by_name["global point"]
    # Five of ten predicted samples are right, five of twenty labelled ones are found: P 1/2, R 1/4, F1 1/3.
    assert point.pointwise_f1 == pytest.approx(1 / 3)
    expected = location_scores([(100, 110), (500, 510)], [(105, 115)], 1000)
    assert point.affiliation_f1 == pytest.approx(expected.affiliation.f1)
    assert (point.class_agreement, point.found, point.strongest_found) == (0, 0.5, 1)
    # A trace that concludes `normal` points nowhere, whatever a probe has crossed: it only calls that weak.
    assert (by_name["trend"].found, by_name["trend"].strongest_found, by_name["trend"].weak) == (0, 0, 1)
    assert (by_name["trend"].affiliation_f1, by_name["normal"].affiliation_f1) == (0, 1)
    # A label without a class says nothing about the class, but where the anomaly is.
    assert math.isnan(by_name["unknown"].class_agreement)
    assert by_name["unknown"].pointwise_f1 == 1
    assert found.total.class_agreement == pytest.approx(1 / 3)
    assert found.metrics()["class_agreement"] == found.total.class_agreement


def test_labels_are_those_of_the_view():
    labels = {"long": Label(AnomalyClass.TREND, ((1500, 1510),))}
    rows = [
        row("long", evidence("normal", [], (0, [], [])), view=View(0, 1000)),
        row("long", evidence("trend", [[500, 509]], (1, [[500, 509]], [True])), view=View(1000, 2000)),
    ]
    found = summarise_traces(rows, labels, blind=True)
    assert [(item.name, item.traces) for item in found.by_class] == [("trend", 1), ("normal", 1)]
    assert found.total.pointwise_f1 == 1
    assert found.total.class_agreement == 1


def test_foreign_traces_count_in_words_and_claims():
    labels = {"a": Label(AnomalyClass.TREND, ((0, 5),))}
    found = summarise_traces([row("a"), row("a", claims=0, verified=0)], labels).total
    assert (found.traces, found.claims_per_trace, found.verified_rate, found.unread_numbers) == (2, 5, 0.9, 2)
    assert all(math.isnan(value) for value in (found.weak, found.found, found.strongest_found))


def test_no_traces_have_no_means():
    found = summarise_traces([], {})
    assert found.by_class == ()
    assert found.total.traces == found.total.words_min == 0
    assert found.metrics() == {"unread_numbers": 0}


def test_a_trace_without_a_series_is_named():
    with pytest.raises(ValueError, match="about series 'a', which is not among"):
        summarise_traces([row("a")], {})


def test_labels_are_read_without_the_values(tmp_path):
    items = [Series("a", [0.0] * 50, ((3, 5), (9, 20)), "trend"), Series("b", [1.0] * 50)]
    write_series(items, tmp_path / "series.parquet")
    labels = read_labels(tmp_path / "series.parquet")
    assert labels == {item.id: Label(item.anomaly_class, item.intervals) for item in items}


@pytest.mark.parametrize("blind", [False, True])
def test_the_statistics_of_an_artifact(tmp_path, blind):
    store = ArtifactStore(tmp_path)
    series = synthesize(store, AnomLLMConfig(tasks=("range", "noisy-freq"), count=4))
    traces = write_traces(store, series, ExpCoTConfig(blind=blind, rules=ProbeThresholds(discord_window=40)))
    progress = []

    class Listener:
        def progress(self, done, total, unit):
            progress.append((done, total, unit))

    found = corpus_statistics(traces, series, name="here", observer=Listener())
    assert progress == [(done, 8, "traces") for done in range(1, 9)]
    assert is_blind(traces) == found.blind == blind
    assert rules_of(traces).discord_window == 40
    rows = list(read_traces(traces.file("traces.parquet")))
    labels = {item.id: Label(item.anomaly_class, item.intervals) for item in read_series(series.file("series.parquet"))}
    assert repr(found) == repr(summarise_traces(rows, labels, name="here", blind=blind))
    assert found.total.words_mean == sum(len(item.text.split()) for item in rows) / 8
    # What needs no series is the same without them.
    alone = measure_traces(traces)
    assert alone.items() <= found.metrics().items()
    assert {"words_mean", "claims_per_trace", "verified_rate", "unread_numbers", "weak"} == set(alone)
