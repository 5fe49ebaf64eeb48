"""The expert chain-of-thought of a series: Observation -> Reasoning & Validation -> Conclusion (paper, section 4.1).

A trace is what goes inside `<think>`: no answer and no class block. It is instantiated from the label (class and
intervals, which the conclusion states in closed view units) and from what `scan` and `probe` measure. `wording/`
turns this evidence, and nothing else, into text.

A blind trace never sees the label: `decide` names class and intervals from the probes alone. It answers whether
the label leaks into the reasoning, and what the expert is worth as a detector.
"""

import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np

from anomseer_core.expcot.config import ProbeThresholds
from anomseer_core.expcot.decision import decide
from anomseer_core.expcot.evidence import Evidence
from anomseer_core.expcot.probes import probe
from anomseer_core.expcot.scan import Scan, observe, scan
from anomseer_core.expcot.wording import write_brief, write_full
from anomseer_core.series import AnomalyClass, Interval, Series
from anomseer_core.view import View

Style = Literal["full", "brief"]
DEFAULT_RULES = ProbeThresholds()


@dataclass(frozen=True)
class Trace:
    """The reasoning of an expert about one view of a series, and the evidence it is written from."""

    text: str
    evidence: Evidence


def write_trace(
    series: Series,
    *,
    style: Style = "full",
    blind: bool = False,
    seed: int = 0,
    rules: ProbeThresholds = DEFAULT_RULES,
    view: View | None = None,
) -> Trace:
    """Analyse a series and write its trace; equal arguments give an equal trace.

    blind: class and intervals come from the probes instead of the label. view: the samples to write about, all of
    them if not given. Raises ValueError, naming the series, for a labelled interval of unknown class (unless blind)
    and for values that `scan` refuses.
    """
    return write_scanned(scan(series, rules, view), series, style=style, blind=blind, seed=seed, rules=rules)


def write_scanned(
    scanned: Scan, series: Series, *, style: Style, blind: bool, seed: int, rules: ProbeThresholds
) -> Trace:
    """`write_trace` for a view that is scanned already, by the same rules."""
    anomaly_class, candidates = _decided(scanned, rules) if blind else _labelled(series, scanned.view)
    evidence = Evidence(
        observation=observe(scanned, rules),
        validation=probe(scanned, anomaly_class, candidates, rules),
        anomaly_class=anomaly_class,
        intervals=tuple((start, stop - 1) for start, stop in candidates),
    )
    if style == "brief":
        return Trace(write_brief(evidence), evidence)
    return Trace(write_full(evidence, phrasing_generator(seed, series.id)), evidence)


def phrasing_generator(seed: int, series_id: str) -> np.random.Generator:
    """The generator of a series' phrasings; the id is hashed, since Python's own `hash` differs between processes."""
    digest = hashlib.sha256(series_id.encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:8])])


def _labelled(series: Series, view: View) -> tuple[AnomalyClass, list[Interval]]:
    """What the label says of the view; a view without a labelled interval is normal."""
    candidates = view.to_units(series.intervals)
    if candidates and series.anomaly_class is AnomalyClass.UNKNOWN:
        raise ValueError(f"series {series.id!r}: its class is unknown, so no probe can be chosen; leave it out")
    return (series.anomaly_class if candidates else AnomalyClass.NORMAL), candidates


def _decided(scanned: Scan, rules: ProbeThresholds) -> tuple[AnomalyClass, list[Interval]]:
    decision = decide(scanned, rules)
    return decision.anomaly_class, list(decision.intervals)
