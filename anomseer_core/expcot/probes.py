"""Reasoning & Validation (paper, section 4.1 and Appendix C.2): one targeted probe per anomaly class.

    global point      k-sigma envelope; samples outside merge into excursions (here)
    contextual point  matrix profile: the standardised discord against 3.5 (`subsequences.py`)
    trend             smoothed gradient against k dispersions; exceedances merge (here)
    seasonal          dominant period in sliding windows against median +- k x 1.4826 MAD, mapped back (`periods.py`)
    shapelet          the most pronounced discords, and whether they persist at other window lengths (`subsequences.py`)
    normal            all five (the period where there is one): what stays under its threshold, and what does not

The class and the candidate intervals are given; what the probe finds is measured on the series alone, and each
candidate is told apart as supported or weak. `findings.py` says how.
"""

import math
from collections.abc import Callable

from scipy.special import erfc

from anomseer_core.expcot.config import ProbeThresholds
from anomseer_core.expcot.evidence import SLOPE_UNITS, Envelope, Gradient, Probe, stored
from anomseer_core.expcot.findings import summarise
from anomseer_core.expcot.periods import probe_period
from anomseer_core.expcot.scan import Scan
from anomseer_core.expcot.subsequences import probe_discord, probe_shapelet
from anomseer_core.series import AnomalyClass, Interval

RunProbe = Callable[[Scan, list[Interval], ProbeThresholds], Probe]

# The authors' code takes the envelope beyond this max |z|, whatever the class.
RELEASED_ENVELOPE_Z = 5.0


def probe(
    scan: Scan, anomaly_class: AnomalyClass, candidates: list[Interval], rules: ProbeThresholds
) -> tuple[Probe, ...]:
    """The evidence for a class at candidate intervals (half-open view units); for `normal` that of every probe."""
    if anomaly_class not in PROBES and anomaly_class is not AnomalyClass.NORMAL:
        raise ValueError(f"no probe belongs to the class {anomaly_class!r}; give the series one of the five classes")
    if rules.routing == "released":
        return (released_probe(scan, anomaly_class)(scan, candidates, rules),)
    if anomaly_class is AnomalyClass.NORMAL:
        applicable = (run for run in PROBES.values() if run is not probe_period or scan.periodic)
        return tuple(run(scan, [], rules) for run in applicable)
    return (PROBES[anomaly_class](scan, candidates, rules),)


def released_probe(scan: Scan, anomaly_class: AnomalyClass) -> RunProbe:
    """The one probe the authors' code runs: outliers first, then by class, else the matrix profile."""
    if scan.distances.max() > RELEASED_ENVELOPE_Z:
        return probe_envelope
    if anomaly_class in (AnomalyClass.TREND, AnomalyClass.SEASONAL):
        return PROBES[anomaly_class]
    return probe_discord


def probe_envelope(scan: Scan, candidates: list[Interval], rules: ProbeThresholds) -> Envelope:
    """Samples outside `[mean - k std, mean + k std]`."""
    sigmas = rules.envelope_sigmas
    return Envelope(
        findings=summarise(scan, candidates, sigmas, scan.distances),
        lower=stored(scan.mean - sigmas * scan.std, scan.std),
        upper=stored(scan.mean + sigmas * scan.std, scan.std),
        outside=int((scan.distances > sigmas).sum()),
        expected=stored(len(scan.z) * float(erfc(sigmas / math.sqrt(2)))),
    )


def probe_gradient(scan: Scan, candidates: list[Interval], rules: ProbeThresholds) -> Gradient:
    """Samples whose smoothed gradient is more than k dispersions from its centre."""
    # Slopes are told in standard deviations per 100 units: the picture shows no others.
    per_hundred = SLOPE_UNITS / scan.units_per_sample
    return Gradient(
        findings=summarise(scan, candidates, rules.gradient_sigmas, scan.gradient.deviations),
        center=stored(scan.gradient.center * per_hundred),
        dispersion=stored(scan.gradient.dispersion * per_hundred),
        smoothing=stored(scan.gradient.smoothing * scan.units_per_sample),
    )


# Also the order in which a normal series is tested: global, structural, local.
PROBES: dict[AnomalyClass, RunProbe] = {
    AnomalyClass.GLOBAL_POINT: probe_envelope,
    AnomalyClass.TREND: probe_gradient,
    AnomalyClass.SEASONAL: probe_period,
    AnomalyClass.CONTEXTUAL_POINT: probe_discord,
    AnomalyClass.SHAPELET: probe_shapelet,
}
