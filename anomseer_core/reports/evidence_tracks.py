"""What a probe measured along a view, as a track to draw: its values, its limits, and where they are crossed.

Every value comes from the functions that the probes themselves call, and the limits from their evidence, so that a
picture cannot tell another story than the trace beside it.
"""

from dataclasses import dataclass

import numpy as np

from anomseer_core.expcot.config import ProbeThresholds
from anomseer_core.expcot.evidence import Discord, Envelope, Gradient, Period, Probe, Scale, Shapelet, number, shown
from anomseer_core.expcot.findings import merge_excursions
from anomseer_core.expcot.periods import track_period
from anomseer_core.expcot.scan import Scan, standardised_discords
from anomseer_core.expcot.subsequences import best_window_scores
from anomseer_core.series import Interval


@dataclass(frozen=True)
class Track:
    """One probe along the samples of a view.

    name: of the probe; title: what the values [T] are. limits: the values that must be exceeded, or left, to count.
    excursions: merged half-open samples beyond the limits, as the evidence counts them.
    """

    name: str
    title: str
    values: np.ndarray
    limits: tuple[float, ...]
    excursions: tuple[Interval, ...]


def track_of(probe: Probe, scan: Scan, rules: ProbeThresholds) -> Track:
    """The track of a probe that was run on this scan by these rules."""
    threshold = probe.findings.threshold
    match probe:
        case Envelope():
            title = f"distance from the mean, |z|; limit {number(threshold)}"
            return _above("envelope", title, shown(np.abs(scan.z)), threshold)
        case Gradient():
            smoothing = f"smoothing {number(probe.smoothing)} units"
            title = f"smoothed gradient: distance from its centre [dispersions]; {smoothing}, limit {number(threshold)}"
            return _above("gradient", title, scan.gradient.deviations, threshold)
        case Period():
            return _period_track(probe, scan, rules)
        case Discord() | Shapelet():
            name, windows = type(probe).__name__.lower(), _windows(probe)
            title = f"matrix profile: score of the best window over each sample; {windows}, limit {number(threshold)}"
            return _above(name, title, best_window_scores(scan.discords, len(scan.z)), threshold)


def _windows(probe: Discord | Shapelet) -> str:
    window = f"window {number(probe.window)} units"
    if isinstance(probe, Discord):
        return window
    half, _, double = (number(scale.window) for scale in probe.scales)
    return f"{window} (dotted {half}, dashed {double})"


def scale_tracks(probe: Shapelet, scan: Scan, rules: ProbeThresholds) -> tuple[np.ndarray, ...]:
    """The scores of the best window over each sample [T], at every window length of a shapelet probe."""
    return tuple(_scale_track(scale, scan, rules) for scale in probe.scales)


def _scale_track(scale: Scale, scan: Scan, rules: ProbeThresholds) -> np.ndarray:
    window = round(scale.window / scan.units_per_sample)
    scores = scan.discords if window == scan.window else standardised_discords(scan.z, window, rules.dispersion)
    return best_window_scores(scores, len(scan.z))


def _period_track(probe: Period, scan: Scan, rules: ProbeThresholds) -> Track:
    track = track_period(scan, rules)
    title = (
        f"dominant period in windows of {number(probe.window)} units [units]; typical {number(probe.typical)}, "
        f"tolerated {number(probe.lower)} to {number(probe.upper)}"
    )
    return Track("period", title, track.periods, (track.lower, track.upper), tuple(merge_excursions(track.crossed)))


def _above(name: str, title: str, values: np.ndarray, limit: float) -> Track:
    return Track(name, title, values, (limit,), tuple(merge_excursions(values > limit)))
