"""The probes that read the matrix profile: one window length (contextual point), or three (shapelet).

Discords of one scale do not overlap. A shapelet that is real stands out whatever the window: the strongest discord of
half and of double the length is compared with that of the middle one (paper, Appendix C.2 (v): cross-scale stability).
"""

import numpy as np
from scipy.ndimage import maximum_filter1d

from anomseer_core.expcot.config import ProbeThresholds
from anomseer_core.expcot.evidence import Discord, Scale, Shapelet, stored
from anomseer_core.expcot.findings import summarise, touches
from anomseer_core.expcot.scan import Scan
from anomseer_core.series import Interval

DISCORDS = 3
# [samples] z-normalised windows shorter than this all look alike.
SHORTEST_SCALE = 4
# Longer windows would leave hardly any without an overlap to compare with.
LONGEST_SCALE_SHARE = 3


def probe_discord(scan: Scan, candidates: list[Interval], rules: ProbeThresholds) -> Discord:
    """Windows whose standardised matrix profile exceeds the threshold; a sample takes the score of its best window."""
    strongest = int(np.argmax(scan.discords))
    return Discord(
        findings=summarise(scan, candidates, rules.discord_score, best_window_scores(scan.discords, len(scan.z))),
        window=stored(scan.window * scan.units_per_sample),
        span=scan.span((strongest, strongest + scan.window)),
    )


def probe_shapelet(scan: Scan, candidates: list[Interval], rules: ProbeThresholds) -> Shapelet:
    """The strongest discords at half, once and double the window: as many as candidates, one to three."""
    count = min(max(1, len(candidates)), DISCORDS)
    wanted = scan.samples(candidates)
    tops: dict[int, Interval] = {}
    scales = []
    for window in scale_windows(scan):
        scores = scan.discords_at(window)
        spans = strongest_discords(scores, count, len(scan.z))
        if scores[spans[0][0]] > rules.discord_score:
            tops[window] = spans[0]
        scales.append(
            Scale(
                window=stored(window * scan.units_per_sample),
                spans=tuple(scan.span(span) for span in spans),
                scores=tuple(float(scores[start]) for start, _ in spans),
                matching=sum(touches(span, wanted) for span in spans),
            )
        )
    return Shapelet(
        findings=summarise(scan, candidates, rules.discord_score, best_window_scores(scan.discords, len(scan.z))),
        window=stored(scan.window * scan.units_per_sample),
        scales=tuple(scales),
        stable=sum(touches(top, [tops[scan.window]]) for top in tops.values()) if scan.window in tops else 0,
    )


def scale_windows(scan: Scan) -> tuple[int, int, int]:
    """Half, once and double the window [samples], inside what short series allow."""
    half = max(SHORTEST_SCALE, scan.window // 2)
    return half, scan.window, min(2 * scan.window, len(scan.z) // LONGEST_SCALE_SHARE)


def strongest_discords(scores: np.ndarray, count: int, length: int) -> list[Interval]:
    """Up to `count` windows with the highest scores [T - window + 1], highest first, no two overlapping (samples)."""
    window = length - len(scores) + 1
    remaining = scores.copy()
    spans: list[Interval] = []
    while len(spans) < count and np.isfinite(remaining).any():
        start = int(np.argmax(remaining))
        spans.append((start, start + window))
        remaining[max(0, start - window + 1) : start + window] = -np.inf
    return spans


def best_window_scores(scores: np.ndarray, length: int) -> np.ndarray:
    """The highest score of the windows that hold each sample [T], from the scores [T - window + 1]."""
    window = length - len(scores) + 1
    padded = np.full(length, -np.inf)
    padded[: len(scores)] = scores
    # Window i holds the samples i to i + window - 1: look back over `window` scores.
    return maximum_filter1d(padded, window, origin=(window - 1) // 2, mode="constant", cval=-np.inf)
