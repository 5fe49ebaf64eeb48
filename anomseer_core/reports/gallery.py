"""A gallery of traces: for chosen series the model's picture, the evidence drawn on it, and the text with its verdicts.

Which traces are shown follows a rule, so that nobody picks the pretty ones. Of each class, in the order of the traces:
the first with strong evidence (every interval crosses its threshold; of normal views, no probe does), the first with
weak evidence, the first with a claim that does not hold or a number that cannot be read, the first with several
labelled intervals, then the first of all; one that is shown already makes way for the next of its kind.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from anomseer_core.expcot.claims import read_claims
from anomseer_core.expcot.config import ProbeThresholds
from anomseer_core.expcot.shards import SERIES_FILE
from anomseer_core.expcot.statistics import (
    CorpusStatistics,
    Label,
    read_labels,
    rules_of,
    weak_evidence,
)
from anomseer_core.expcot.trace_table import TRACES_FILE, TraceRow, read_traces
from anomseer_core.expcot.verification import verify_trace
from anomseer_core.observer import SILENT, Observer
from anomseer_core.rendering import render
from anomseer_core.reports.config import GalleryConfig
from anomseer_core.reports.evidence_figure import Subject, evidence_figure, subject_of
from anomseer_core.reports.figures import write_png
from anomseer_core.reports.gallery_page import Entry, page
from anomseer_core.series import AnomalyClass, Series, read_series
from anomseer_core.store import Artifact

PAGE = "gallery.html"
PICTURE_FOLDER = "pictures"
STRONG, WEAK, DISPUTED, SEVERAL = "strong evidence", "weak evidence", "disputed claims", "several intervals"
KINDS = (STRONG, WEAK, DISPUTED, SEVERAL)


@dataclass(frozen=True)
class Corpus:
    """A set of traces to show: its two artifacts, and the statistics of the traces."""

    traces: Artifact
    series: Artifact
    statistics: CorpusStatistics

    @property
    def name(self) -> str:
        return self.statistics.name


@dataclass(frozen=True)
class Example:
    """A chosen trace, the class of its label, and all that it is an example of."""

    row: TraceRow
    anomaly_class: AnomalyClass
    kinds: tuple[str, ...]


def write_gallery(folder: Path, corpora: Sequence[Corpus], config: GalleryConfig, observer: Observer = SILENT) -> Path:
    """Write the page and, beside it, its evidence pictures; returns the page. Equal artifacts give an equal page."""
    chosen = [(corpus, *found) for corpus in corpora for found in _find_examples(corpus, config.per_class)]
    (folder / PICTURE_FOLDER).mkdir(parents=True, exist_ok=True)
    entries = []
    for done, (corpus, example, series) in enumerate(chosen, start=1):
        entries.append(_draw(folder / PICTURE_FOLDER, corpus, example, series))
        observer.progress(done, len(chosen), "examples")
    path = folder / PAGE
    about = {corpus.name: corpus.traces.manifest for corpus in corpora}
    path.write_text(page(entries, [corpus.statistics for corpus in corpora], about, config), encoding="utf-8")
    return path


def _find_examples(corpus: Corpus, per_class: int) -> Iterator[tuple[Example, Series]]:
    """The examples of one set of traces, by class, with their series."""
    path = corpus.series.file(SERIES_FILE)
    labels = read_labels(path)
    places = {name: place for place, name in enumerate(labels)}
    for example in choose_examples(read_traces(corpus.traces.file(TRACES_FILE)), labels, per_class):
        place = places[example.row.series_id]
        yield example, next(read_series(path, range(place, place + 1)))


def choose_examples(rows: Iterable[TraceRow], labels: Mapping[str, Label], per_class: int) -> list[Example]:
    """Up to `per_class` traces of each class of label, by the rule above. labels: of the series, by id."""
    # The first ones of each class and kind, as many as could be wanted; kind "" is any.
    first: dict[tuple[AnomalyClass, str], list[Example]] = {}
    for row in rows:
        label = labels[row.series_id].in_view(row.view)
        example = Example(row, label.anomaly_class, kinds_of(row, label))
        for kind in (*example.kinds, ""):
            waiting = first.setdefault((label.anomaly_class, kind), [])
            if len(waiting) < max(per_class, len(KINDS)):
                waiting.append(example)
    return [
        example
        for anomaly_class in AnomalyClass
        for example in _take({kind: first.get((anomaly_class, kind), []) for kind in (*KINDS, "")}, per_class)
    ]


def _take(first: Mapping[str, list[Example]], per_class: int) -> list[Example]:
    """One of each kind, as long as there are any, then the first of all."""
    chosen: list[Example] = []
    for kind in (*KINDS, *[""] * per_class):
        found = next((example for example in first[kind] if example not in chosen), None)
        if found and len(chosen) < per_class:
            chosen.append(found)
    return chosen


def kinds_of(row: TraceRow, label: Label) -> tuple[str, ...]:
    """What a trace could be an example of."""
    kinds = []
    if row.evidence is not None:
        kinds.append(WEAK if any(weak_evidence(row.evidence)) else STRONG)
    if row.verified < row.claims or row.unread:
        kinds.append(DISPUTED)
    if len(label.intervals) > 1:
        kinds.append(SEVERAL)
    return tuple(kinds)


def _draw(folder: Path, corpus: Corpus, example: Example, series: Series) -> Entry:
    """Everything the page says of one example; its evidence picture becomes a file."""
    row, rules = example.row, rules_of(corpus.traces)
    subject = subject_of_trace(series, row, rules)
    shown = row.series_id if len(row.view) == len(series) else f"{row.series_id} [{row.view.start}, {row.view.stop})"
    path = folder / f"{_slug(f'{example.anomaly_class} {row.series_id} {row.view.start}')}.png"
    title = ", ".join((example.anomaly_class, *example.kinds))
    write_png(evidence_figure(subject, title=f"{shown}   {title}"), path)
    return Entry(
        corpus=corpus.name,
        shown=shown,
        anomaly_class=example.anomaly_class,
        kinds=example.kinds,
        labelled=subject.labelled,
        row=row,
        seen=render(series, row.view),
        evidence=path.read_bytes(),
        checked=verify_trace(row.text, series, rules=rules, view=row.view),
        unread=read_claims(row.text).unread,
    )


def subject_of_trace(series: Series, row: TraceRow, rules: ProbeThresholds) -> Subject:
    """What the picture of a trace shows: class and intervals of the trace, or of the label for one from elsewhere."""
    if row.evidence is None:
        return subject_of(series, rules, view=row.view)
    concluded = [(first, last + 1) for first, last in row.evidence["intervals"]]
    anomaly_class = AnomalyClass(row.evidence["anomaly_class"])
    return subject_of(series, rules, view=row.view, anomaly_class=anomaly_class, concluded=concluded)


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")
