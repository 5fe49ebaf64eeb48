"""What a set of traces is like, by the class of the label: length, claims, weak evidence, and how the probes compare.

Counted as the text counts: evidence is weak at a labelled interval inside which the probe's threshold is not crossed,
and for a normal view when any probe's threshold is crossed. `found` is the share of labelled intervals that the
evidence reaches by itself (a crossing inside; of a blind trace, an interval that touches it), `strongest_found` the
share of anomalous views whose strongest excursion touches the label. A trace from elsewhere has no evidence fields: it
counts in words and claims alone.

Blind traces are compared with the label, which is what the labelled traces conclude: class, affiliation-F1 and
point-wise F1 with the rules of the evaluation.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from anomseer_core.expcot.config import ProbeThresholds
from anomseer_core.expcot.findings import touches
from anomseer_core.expcot.shards import SERIES_FILE
from anomseer_core.expcot.trace_table import TRACES_FILE, TraceRow, read_traces
from anomseer_core.metrics import class_correct, location_scores
from anomseer_core.observer import SILENT, Observer
from anomseer_core.series import AnomalyClass, Interval
from anomseer_core.store import Artifact
from anomseer_core.view import View

TOTAL = "all"
# Of a whole set of traces, the numbers that become metrics; the table holds the rest.
MEASURES = (
    "words_mean",
    "claims_per_trace",
    "verified_rate",
    "unread_numbers",
    "weak",
    "strongest_found",
    "class_agreement",
    "affiliation_f1",
    "pointwise_f1",
)


@dataclass(frozen=True)
class Label:
    """What is known of a series: half-open samples, and the class of what they hold."""

    anomaly_class: AnomalyClass
    intervals: tuple[Interval, ...]

    def in_view(self, view: View) -> "Label":
        """The label of what the view shows, in samples from its start."""
        shown = tuple((start - view.start, stop - view.start) for start, stop in view.clip(self.intervals))
        return Label(self.anomaly_class if shown else AnomalyClass.NORMAL, shown)


@dataclass(frozen=True)
class TraceStatistics:
    """The traces of one class, or of all. Shares lie in [0, 1]; NaN where there is nothing to count.

    name: of the class; traces, words and claims count; unread_numbers: numbers in all texts that no rule could read.
    The last three are NaN unless the traces are blind.
    """

    name: str
    traces: int
    words_mean: float
    words_min: int
    words_max: int
    claims_per_trace: float
    verified_rate: float
    unread_numbers: int
    weak: float
    found: float
    strongest_found: float
    class_agreement: float
    affiliation_f1: float
    pointwise_f1: float


@dataclass(frozen=True)
class CorpusStatistics:
    """The statistics of one set of traces. name: of its series; by_class: of the classes that occur."""

    name: str
    blind: bool
    by_class: tuple[TraceStatistics, ...]
    total: TraceStatistics

    def metrics(self) -> dict[str, float]:
        """What is worth comparing between runs."""
        return _measured(self.total)


def corpus_statistics(
    traces: Artifact, series: Artifact, *, name: str = "", observer: Observer = SILENT
) -> CorpusStatistics:
    """The statistics of a traces artifact, streamed.

    Raises ValueError, naming it, for a trace whose series is not in the series artifact; DamagedArtifact for changed
    files.
    """
    traces.verify()
    series.verify()
    rows = _observed(read_traces(traces.file(TRACES_FILE)), traces.rows[TRACES_FILE], observer)
    return summarise_traces(rows, read_labels(series.file(SERIES_FILE)), name=name, blind=is_blind(traces))


def measure_traces(traces: Artifact) -> dict[str, float]:
    """The metrics of a traces artifact that need no series."""
    tally = _Tally(is_blind(traces))
    for row in read_traces(traces.file(TRACES_FILE)):
        tally.add(row, None)
    return _measured(tally.result(TOTAL))


def summarise_traces(
    rows: Iterable[TraceRow], labels: Mapping[str, Label], *, name: str = "", blind: bool = False
) -> CorpusStatistics:
    """The statistics of traces, given the labels of their series by id."""
    tallies: dict[AnomalyClass, _Tally] = {}
    total = _Tally(blind)
    for row in rows:
        if row.series_id not in labels:
            raise ValueError(f"a trace is about series {row.series_id!r}, which is not among the series")
        label = labels[row.series_id].in_view(row.view)
        for tally in (tallies.setdefault(label.anomaly_class, _Tally(blind)), total):
            tally.add(row, label)
    by_class = tuple(tallies[item].result(str(item)) for item in AnomalyClass if item in tallies)
    return CorpusStatistics(name, blind, by_class, total.result(TOTAL))


def read_labels(path: Path) -> dict[str, Label]:
    """The labels of a series file by id; the values stay unread."""
    labels: dict[str, Label] = {}
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=["id", "anomaly_class", "intervals"]):
            for row in batch.to_pylist():
                spans = tuple((item["start"], item["stop"]) for item in row["intervals"])
                labels[row["id"]] = Label(AnomalyClass(row["anomaly_class"]), spans)
    return labels


def is_blind(traces: Artifact) -> bool:
    """Whether the label was withheld; traces from a file never say so."""
    return bool(traces.manifest["recipe"]["config"].get("blind", False))


def rules_of(traces: Artifact) -> ProbeThresholds:
    """The rules by which the traces were written or checked."""
    return ProbeThresholds.model_validate(traces.manifest["recipe"]["config"]["rules"])


@dataclass
class _Tally:
    """Counts over the traces added so far; each list holds one entry per trace, interval or view."""

    blind: bool
    words: list[int] = field(default_factory=list)
    claims: int = 0
    verified: int = 0
    unread: int = 0
    weak: list[bool] = field(default_factory=list)
    found: list[bool] = field(default_factory=list)
    strongest: list[bool] = field(default_factory=list)
    agreements: list[bool] = field(default_factory=list)
    affiliation: list[float] = field(default_factory=list)
    pointwise: list[float] = field(default_factory=list)

    def add(self, row: TraceRow, label: Label | None) -> None:
        """label: of the view; without it nothing is compared with one."""
        self.words.append(row.words)
        self.claims += row.claims
        self.verified += row.verified
        self.unread += row.unread
        if row.evidence is None:
            return
        self.weak += weak_evidence(row.evidence)
        if label is not None:
            self._compare(row.evidence, row.view, label)

    def _compare(self, evidence: Mapping[str, Any], view: View, label: Label) -> None:
        whole = View(0, len(view))
        concluded = whole.to_samples(_half_open(evidence["intervals"]))
        if label.intervals:
            supports = next(iter(_findings(evidence)))["supports"]
            reached = [touches(span, concluded) for span in label.intervals] if self.blind else _crossing(supports)
            self.found += reached
            self.strongest.append(_strongest_touches(evidence, whole.to_units(label.intervals)))
        if self.blind:
            agrees = class_correct(label.anomaly_class, AnomalyClass(evidence["anomaly_class"]))
            self.agreements += [] if agrees is None else [agrees]
            scores = location_scores(label.intervals, concluded, len(view))
            self.affiliation.append(scores.affiliation.f1)
            self.pointwise.append(scores.pointwise.f1)

    def result(self, name: str) -> TraceStatistics:
        return TraceStatistics(
            name=name,
            traces=len(self.words),
            words_mean=_mean(self.words),
            words_min=min(self.words, default=0),
            words_max=max(self.words, default=0),
            claims_per_trace=self.claims / len(self.words) if self.words else float("nan"),
            verified_rate=self.verified / self.claims if self.claims else float("nan"),
            unread_numbers=self.unread,
            weak=_mean(self.weak),
            found=_mean(self.found),
            strongest_found=_mean(self.strongest),
            class_agreement=_mean(self.agreements),
            affiliation_f1=_mean(self.affiliation),
            pointwise_f1=_mean(self.pointwise),
        )


def weak_evidence(evidence: Mapping[str, Any]) -> list[bool]:
    """Whether the evidence of a trace is weak: one entry per interval of its conclusion, one for a normal trace."""
    found = _findings(evidence)
    if not evidence["intervals"]:
        return [any(item["excursions"] for item in found)]
    return [not crosses for crosses in _crossing(found[0]["supports"])]


def _findings(evidence: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What each probe of a trace reports."""
    return [item["findings"] for item in evidence["validation"].values()]


def _crossing(supports: Iterable[Mapping[str, Any]]) -> list[bool]:
    return [bool(support["crosses"]) for support in supports]


def _strongest_touches(evidence: Mapping[str, Any], labelled: list[Interval]) -> bool:
    """Whether the strongest excursion of the one probe of a class touches the label (view units)."""
    found = _findings(evidence)
    if not evidence["intervals"] or not found[0]["strongest"]:
        return False
    return touches(_half_open(found[0]["strongest"])[0], labelled)


def _half_open(closed: Iterable[Iterable[int]]) -> list[Interval]:
    return [(first, last + 1) for first, last in closed]


def _mean(values: list[Any]) -> float:
    return float(np.mean(values)) if values else float("nan")


def _measured(total: TraceStatistics) -> dict[str, float]:
    values = {name: float(getattr(total, name)) for name in MEASURES}
    return {name: value for name, value in values.items() if value == value}


def _observed(rows: Iterable[TraceRow], count: int, observer: Observer) -> Iterator[TraceRow]:
    for done, row in enumerate(rows, start=1):
        observer.progress(done, count, "traces")
        yield row
