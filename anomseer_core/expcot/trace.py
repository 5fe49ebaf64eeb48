"""The expert chain-of-thought of a series: Observation -> Reasoning & Validation -> Conclusion (paper, section 4.1).

A trace is what goes inside `<think>`: no answer and no class block. It is instantiated from the label (class and
intervals, which the conclusion states in closed view units) and from what `scan` and `probe` measure. `wording.py`
turns this evidence, and nothing else, into text.
"""

import hashlib
from dataclasses import dataclass

import numpy as np

from anomseer_core.expcot.config import ProbeThresholds
from anomseer_core.expcot.evidence import Evidence
from anomseer_core.expcot.probes import probe
from anomseer_core.expcot.scan import observe, scan
from anomseer_core.expcot.wording import Style, write_text
from anomseer_core.series import AnomalyClass, Series

DEFAULT_THRESHOLDS = ProbeThresholds()


@dataclass(frozen=True)
class Trace:
    """The reasoning of an expert about one series, and the evidence it is written from."""

    text: str
    evidence: Evidence


def write_trace(
    series: Series, *, style: Style = "full", seed: int = 0, thresholds: ProbeThresholds = DEFAULT_THRESHOLDS
) -> Trace:
    """Analyse a series and write its trace; equal arguments give an equal trace.

    Raises ValueError, naming the series, for a class that is unknown and for values that `scan` refuses.
    """
    if series.anomaly_class is AnomalyClass.UNKNOWN:
        raise ValueError(f"series {series.id!r}: its class is unknown, so no probe can be chosen; leave it out")
    scanned = scan(series, thresholds)
    candidates = scanned.view.to_units(series.intervals)
    evidence = Evidence(
        observation=observe(scanned, thresholds),
        validation=probe(scanned, series.anomaly_class, candidates, thresholds),
        anomaly_class=series.anomaly_class,
        intervals=tuple((start, stop - 1) for start, stop in candidates),
    )
    return Trace(write_text(evidence, style, phrasing_generator(seed, series.id)), evidence)


def phrasing_generator(seed: int, series_id: str) -> np.random.Generator:
    """The generator of a series' phrasings; the id is hashed, since Python's own `hash` differs between processes."""
    digest = hashlib.sha256(series_id.encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:8])])
