"""A scanned series as the checker of claims sees it: its probes, computed when a claim first needs them."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from scipy.signal import find_peaks

from anomseer_core.expcot.config import ProbeThresholds
from anomseer_core.expcot.evidence import Discord, Envelope, Findings, Gradient, Observation, Period, Shapelet
from anomseer_core.expcot.periods import probe_period, track_period
from anomseer_core.expcot.probes import RunProbe, probe_envelope, probe_gradient
from anomseer_core.expcot.scan import Scan, observe
from anomseer_core.expcot.subsequences import probe_discord, probe_shapelet, scale_windows
from anomseer_core.series import Interval
from anomseer_core.view import VIEW_UNITS

# [units] How far from a stated position its value is looked for.
REACH = 5
# An extreme counts as attained where this share of it is reached.
ATTAINED = 0.95


PROBES: dict[str, RunProbe] = {
    "envelope": probe_envelope,
    "discord": probe_discord,
    "gradient": probe_gradient,
    "period": probe_period,
}


class Facts:
    """A scanned series and its probes, each computed when a claim first needs it.

    labelled: the intervals of the label; stated: the closed ones that the text itself gives, the candidates of which
    its counts speak. Both in view units.
    """

    def __init__(
        self, scan: Scan, rules: ProbeThresholds, labelled: Sequence[Interval], stated: Sequence[Sequence[float]]
    ) -> None:
        self.scan = scan
        self.rules = rules
        self.labelled = labelled
        # Merged, since a text names its intervals twice: in the validation and in the conclusion.
        self.candidates = sorted({span for pair in stated if (span := half_open(*pair))})

    @cached_property
    def seen(self) -> Observation:
        return observe(self.scan, self.rules)

    @cached_property
    def envelope(self) -> Envelope:
        return probe_envelope(self.scan, self.candidates, self.rules)

    @cached_property
    def discord(self) -> Discord:
        return probe_discord(self.scan, self.candidates, self.rules)

    @cached_property
    def gradient(self) -> Gradient:
        return probe_gradient(self.scan, self.candidates, self.rules)

    @cached_property
    def period(self) -> Period:
        return probe_period(self.scan, self.candidates, self.rules)

    @cached_property
    def shapelet(self) -> Shapelet:
        return probe_shapelet(self.scan, self.candidates, self.rules)

    @cached_property
    def values(self) -> np.ndarray:
        """The values [T], missing samples interpolated."""
        return self.scan.mean + self.scan.std * self.scan.z

    @cached_property
    def gradient_std(self) -> float:
        """Standard deviation of the smoothed gradient [values per unit]."""
        return float(self.scan.gradient.values.std()) * self.scan.std / self.scan.units_per_sample

    def inside(self, quantity: str, first: float, last: float) -> float | None:
        """The strongest value of a probe inside a closed span; None outside of the view."""
        span = half_open(first, last)
        return self._findings(quantity, [span]).supports[0].value if span else None

    def near(self, quantity: str, position: float) -> float | None:
        return self.inside(quantity, position - REACH, position + REACH)

    def attained(self, quantity: str, position: float) -> float:
        """The nearest to a stated position of the peaks that match the highest one of a probe; there may be several."""
        strength = self._strengths(quantity)
        walled = np.concatenate([[-np.inf], strength, [-np.inf]])
        _, found = find_peaks(walled, height=ATTAINED * float(strength.max()), plateau_size=1)
        edges = zip(found["left_edges"] - 1, found["right_edges"] - 1, strict=True)
        spans = [(self.scan.unit(int(left)), self.scan.unit(int(right))) for left, right in edges]
        return min((min(max(position, first), last) for first, last in spans), key=lambda peak: abs(peak - position))

    def _strengths(self, quantity: str) -> np.ndarray:
        """How far each sample [T] is from what the probe expects."""
        match quantity:
            case "envelope":
                return self.scan.distances
            case "gradient":
                return self.scan.gradient.deviations
            case _:
                return track_period(self.scan, self.rules).strength

    @cached_property
    def scales(self) -> tuple[float, ...]:
        """The window lengths of the shapelet probe, shortest first [units]."""
        return tuple(window * self.scan.units_per_sample for window in scale_windows(self.scan))

    def samples(self, units: float) -> int:
        return round(units / self.scan.units_per_sample)

    def _findings(self, quantity: str, candidates: list[Interval]) -> Findings:
        return PROBES[quantity](self.scan, candidates, self.rules).findings


def half_open(first: float, last: float) -> Interval | None:
    """A closed pair as a half-open interval clipped to the view; None where nothing is left."""
    start, stop = max(0, int(first)), min(VIEW_UNITS, int(last) + 1)
    return (start, stop) if start < stop else None
