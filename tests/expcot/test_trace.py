"""The text: it states the label and the evidence, nothing else, and within its length."""

import dataclasses
import re

import numpy as np
import pytest

from anomseer_core.expcot import write_trace
from anomseer_core.expcot.evidence import number
from anomseer_core.expcot.trace import phrasing_generator
from anomseer_core.expcot.wording.validation import crossing_names
from anomseer_core.series import AnomalyClass, Series
from anomseer_core.synthesis import generate
from tests.expcot.sample_series import sample_series

STYLES = ("full", "brief")
NUMBER = re.compile(r"(?<![A-Za-z])-?\d+(?:\.\d+)?(?:e-?\d+)?")
PAIR = re.compile(r"\[(\d+), ?(\d+)\]")


@pytest.fixture(scope="module")
def cases():
    """(series, style, trace) for both styles of the sample."""
    return [
        (series, style, write_trace(series, style=style))
        for series in list(sample_series())
        for style in ("full", "brief")
    ]


def leaves(value):
    if dataclasses.is_dataclass(value):
        value = [getattr(value, field.name) for field in dataclasses.fields(value)]
    if isinstance(value, list | tuple):
        return [leaf for item in value for leaf in leaves(item)]
    return [value]


def test_a_trace_keeps_the_contract(cases):
    for series, style, trace in cases:
        check_length_and_stages(trace.text, style)
        check_conclusion(series, trace)


def check_length_and_stages(text, style):
    words = len(text.split())
    assert (words <= 60) if style == "brief" else (90 <= words <= 250)
    stages = ("Observation: ", "Validation: ", "Conclusion: ")
    if style == "full":
        stages = ("Observation. ", "\nReasoning & Validation. ", "\nConclusion. ")
    places = [text.find(stage) for stage in stages]
    assert places[0] == 0
    assert places == sorted(places)
    assert text.isascii()
    assert "<" not in text


def check_conclusion(series, trace):
    conclusion = trace.text[trace.text.rindex("Conclusion") :]
    assert str(series.anomaly_class) in conclusion
    stated = [(int(first), int(last)) for first, last in PAIR.findall(conclusion)]
    scale = 1000 / len(series)
    assert stated == list(trace.evidence.intervals)
    assert len(stated) == len(series.intervals)
    for (first, last), (start, stop) in zip(stated, series.intervals, strict=True):
        assert abs(first - start * scale) <= 1
        assert abs(last + 1 - stop * scale) <= 1
    if len(series) == 1000:
        assert stated == [(start, stop - 1) for start, stop in series.intervals]


def test_every_number_in_the_text_is_evidence(cases):
    for series, _, trace in cases:
        fields = [
            leaf for leaf in leaves(trace.evidence) if isinstance(leaf, int | float) and not isinstance(leaf, bool)
        ]
        # The mean and the bounds are read to the spread, not to themselves.
        spread = trace.evidence.observation.std
        bands = [probe.upper - probe.lower for probe in trace.evidence.validation if hasattr(probe, "upper")]
        allowed = {number(leaf, scale) for leaf in fields for scale in (None, spread, 100.0, *bands)}
        # A brief trace says shares in whole percent.
        allowed |= {number(round(trace.evidence.observation.trend_share))}
        allowed |= {number(-leaf) for leaf in fields} | {number(len(series.intervals)), number(100), number(3)}
        assert set(NUMBER.findall(trace.text)) <= allowed, series.id


def test_evidence_is_called_weak_exactly_where_no_threshold_is_crossed(cases):
    for series, style, trace in cases:
        probes = trace.evidence.validation
        if series.is_normal:
            crossed = bool(crossing_names(probes))
            assert ("weak" in trace.text or "does not confirm" in trace.text) == crossed, series.id
            continue
        assert ("weak" in trace.text) == (probes[0].findings.crossing < len(series.intervals)), series.id
        if style == "full":
            check_every_candidate_is_addressed(trace.text.split("\n")[1], probes[0].findings)


def check_every_candidate_is_addressed(validation, findings):
    said, _, missed = validation.replace(" ", "").partition("Itisnotcrossedinside")
    crossed = said.partition("Thethresholdiscrossedinside")[2].partition("merge")[0]
    missed = missed.partition("sotheevidence")[0]
    for support in findings.supports:
        span = f"[{support.first},{support.last}]"
        assert (span in crossed, span in missed) == (support.crosses, not support.crosses)


def test_a_trace_is_the_same_twice(cases):
    for series, style, trace in cases[::6]:
        assert write_trace(series, style=style) == trace


def test_seed_and_id_choose_the_phrasing_and_nothing_else():
    series = next(generate("anomllm", "point", count=1))
    traces = [write_trace(series, seed=seed) for seed in range(8)]
    assert len({trace.text for trace in traces}) > 2
    assert len({trace.evidence for trace in traces}) == 1
    renamed = [Series(f"other-{index}", series.values, series.intervals, series.anomaly_class) for index in range(8)]
    assert len({write_trace(item).text for item in renamed}) > 2


def test_the_phrasing_generator_is_stable_across_processes():
    # First draws of the PCG64 seeded with (0, first eight bytes of SHA-256 of the id).
    assert phrasing_generator(0, "a").integers(1000, size=3).tolist() == [271, 326, 582]


def test_weak_evidence_by_hand():
    # A sine of amplitude 1 never leaves three standard deviations (2.12): the label finds no support.
    series = Series("weak", np.sin(2 * np.pi * np.arange(1000) / 25), ((100, 110),), AnomalyClass.GLOBAL_POINT)
    full, brief = (write_trace(series, style=style).text for style in ("full", "brief"))
    assert "0 samples outside" in full
    assert "It is not crossed inside [100, 109] (|z| 1.41), so the evidence there is weak." in full
    assert "crossed inside [100, 109] (|z| 1.41)." not in full
    assert "The validation is weak, so the visible pattern has to decide." in full
    assert "0 samples outside 3 sigma." in brief
    assert brief.endswith("Conclusion: global point at [100, 109], crossed in 0 of 1 span, weak evidence.")


def test_strong_evidence_by_hand():
    values = np.sin(2 * np.pi * np.arange(1000) / 25)
    values[500] = 10.0
    series = Series("strong", values, ((500, 501),), AnomalyClass.GLOBAL_POINT)
    text = write_trace(series, style="brief").text
    # Mean 0.01, second moment 0.5 + 100 / 1000 = 0.6: z = 9.99 / sqrt(0.6 - 0.0001) = 12.9.
    assert text.startswith("Observation: max |z| 12.9 at 500, period 25, discord ")
    assert "Validation: 1 sample outside 3 sigma. Conclusion" in text
    assert text.endswith("Conclusion: global point at [500, 500], crossed in 1 of 1 span.")


def test_a_noisy_normal_series_admits_what_crosses():
    series = Series("noise", np.random.default_rng(0).normal(size=1000))
    trace = write_trace(series)
    outside = int((np.abs(series.values - series.values.mean()) > 3 * series.values.std()).sum())
    assert outside
    assert f"{outside} sample" in trace.text
    assert "where Gaussian noise would put 2.7" in trace.text
    assert "weak" in trace.text


def test_missing_samples_are_told():
    values = np.sin(np.arange(200) / 5)
    values[[10, 11, 12]] = np.nan
    assert "after interpolating 3 missing samples" in write_trace(Series("s", values)).text


def test_an_unknown_class_is_refused():
    with pytest.raises(ValueError, match="series 's': its class is unknown"):
        write_trace(Series("s", np.arange(100.0), ((1, 2),), AnomalyClass.UNKNOWN))
