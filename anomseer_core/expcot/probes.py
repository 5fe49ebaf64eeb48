"""Reasoning & Validation (paper, section 4.1 and Appendix C.2): one targeted probe per anomaly class.

    global point      k-sigma envelope; samples outside merge into excursions
    contextual point  matrix profile: the standardised discord against 3.5
    trend             smoothed gradient against k dispersions; exceedances merge
    seasonal          dominant period in sliding windows against median +- k x 1.4826 MAD, mapped back, merged
    shapelet          the most pronounced discords that do not overlap
    normal            all of them (the period where there is one): what stays under its threshold, and what does not

The class and the candidate intervals are the label's; what the probe finds is measured on the series alone, and each
candidate is told apart as supported or weak. Departures: period windows are two dominant periods long instead of the
authors' 100 samples, tapered and zero-padded, so that they resolve shifts of a few percent; a deviating window is
mapped to its centre instead of its whole length, which would widen every interval by a window.
"""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import maximum_filter1d
from scipy.special import erfc

from anomseer_core.expcot.config import ProbeThresholds
from anomseer_core.expcot.evidence import (
    Discord,
    Envelope,
    Findings,
    Gradient,
    Period,
    Probe,
    Shapelet,
    Support,
    shown,
    stored,
)
from anomseer_core.expcot.scan import MAD_SCALE, Scan
from anomseer_core.series import AnomalyClass, Interval, intervals_from_mask

# [samples] Excursions nearer than this are one.
MERGE_GAP = 5
STRONGEST = 3
# [samples] Sliding windows: two periods, or the authors' length without a period; at least this long.
UNPERIODIC_WINDOW, SHORTEST_WINDOW = 100, 16
# Windows overlap by fifteen sixteenths and are zero-padded to four times their length.
STEPS_PER_WINDOW, PADDING = 16, 4
# The period of a noise-free series hardly varies; less than this share of it is below the estimate's resolution.
PERIOD_FLOOR = 0.02
DISCORDS = 3


def probe(
    scan: Scan, anomaly_class: AnomalyClass, candidates: list[Interval], thresholds: ProbeThresholds
) -> tuple[Probe, ...]:
    """The evidence for a class at candidate intervals (half-open view units); for `normal` that of every probe."""
    match anomaly_class:
        case AnomalyClass.GLOBAL_POINT:
            return (probe_envelope(scan, candidates, thresholds.envelope_sigmas),)
        case AnomalyClass.CONTEXTUAL_POINT:
            return (probe_discord(scan, candidates, thresholds.discord_score),)
        case AnomalyClass.TREND:
            return (probe_gradient(scan, candidates, thresholds.gradient_sigmas),)
        case AnomalyClass.SEASONAL:
            return (probe_period(scan, candidates, thresholds.period_mads),)
        case AnomalyClass.SHAPELET:
            return (probe_shapelet(scan, candidates, thresholds.discord_score),)
        case AnomalyClass.NORMAL:
            period = (probe_period(scan, [], thresholds.period_mads),) if scan.periodic else ()
            return (
                probe_envelope(scan, [], thresholds.envelope_sigmas),
                probe_gradient(scan, [], thresholds.gradient_sigmas),
                *period,
                probe_discord(scan, [], thresholds.discord_score),
            )
        case _:
            raise ValueError(
                f"no probe belongs to the class {anomaly_class!r}; give the series one of the five classes"
            )


def probe_envelope(scan: Scan, candidates: list[Interval], sigmas: float) -> Envelope:
    """Samples outside `[mean - k std, mean + k std]`."""
    distances = shown(np.abs(scan.z))
    return Envelope(
        findings=_findings(scan, candidates, sigmas, distances),
        lower=stored(scan.mean - sigmas * scan.std),
        upper=stored(scan.mean + sigmas * scan.std),
        outside=int((distances > sigmas).sum()),
        expected=stored(len(distances) * float(erfc(sigmas / math.sqrt(2)))),
    )


def probe_discord(scan: Scan, candidates: list[Interval], threshold: float) -> Discord:
    """Windows whose standardised matrix profile exceeds the threshold; a sample takes the score of its best window."""
    strongest = int(np.argmax(scan.discords))
    return Discord(
        findings=_findings(scan, candidates, threshold, _per_sample(scan)),
        window=stored(scan.window * scan.units_per_sample),
        span=scan.span((strongest, strongest + scan.window)),
    )


def probe_gradient(scan: Scan, candidates: list[Interval], dispersions: float) -> Gradient:
    """Samples whose smoothed gradient is more than k dispersions from its centre."""
    per_unit = scan.std / scan.units_per_sample
    return Gradient(
        findings=_findings(scan, candidates, dispersions, scan.gradient.deviations),
        center=stored(scan.gradient.center * per_unit),
        dispersion=stored(scan.gradient.dispersion * per_unit),
        smoothing=stored(scan.gradient.smoothing * scan.units_per_sample),
    )


def probe_period(scan: Scan, candidates: list[Interval], mads: float) -> Period:
    """Samples at whose window the dominant period leaves `median +- k x 1.4826 MAD`."""
    samples, window = sliding_periods(scan)
    periods = shown(samples * scan.units_per_sample)
    typical = float(np.median(periods))
    dispersion = max(MAD_SCALE * float(np.median(np.abs(periods - typical))), PERIOD_FLOOR * typical)
    lower, upper = (float(edge) for edge in shown(np.array([-1.0, 1.0]) * mads * dispersion + typical))
    return Period(
        findings=_findings(
            scan,
            candidates,
            mads,
            np.abs(periods - typical) / dispersion,
            crossed=(periods < lower) | (periods > upper),
            values=periods,
        ),
        typical=typical,
        dispersion=stored(dispersion),
        lower=lower,
        upper=upper,
        window=stored(window * scan.units_per_sample),
    )


def probe_shapelet(scan: Scan, candidates: list[Interval], threshold: float) -> Shapelet:
    """As many of the highest discords as there are candidates, three at most, no two overlapping."""
    remaining = scan.discords.copy()
    starts: list[int] = []
    while len(starts) < min(DISCORDS, len(candidates)) and np.isfinite(remaining).any():
        start = int(np.argmax(remaining))
        starts.append(start)
        remaining[max(0, start - scan.window + 1) : start + scan.window] = -np.inf
    spans = [(start, start + scan.window) for start in starts]
    wanted = scan.view.to_samples(candidates)
    return Shapelet(
        findings=_findings(scan, candidates, threshold, _per_sample(scan)),
        window=stored(scan.window * scan.units_per_sample),
        spans=tuple(scan.span(span) for span in spans),
        scores=tuple(float(scan.discords[start]) for start in starts),
        matching=sum(_touches(span, wanted) for span in spans),
    )


def sliding_periods(scan: Scan) -> tuple[np.ndarray, int]:
    """(dominant period [samples] around every sample [T], window [samples]), by tapered, zero-padded periodograms.

    The peak is refined by a parabola through the logarithms of its neighbours. A flat window counts as one long period.
    """
    length = len(scan.z)
    window = round(2 * scan.period) if scan.periodic else UNPERIODIC_WINDOW
    window = min(max(window, SHORTEST_WINDOW), length // 2)
    step = max(1, window // STEPS_PER_WINDOW)
    pieces = sliding_window_view(scan.z, window)[::step]
    pieces = (pieces - pieces.mean(axis=1, keepdims=True)) * np.hanning(window + 2)[1:-1]
    size = 2 ** math.ceil(math.log2(PADDING * window))
    power = np.abs(np.fft.rfft(pieces, size, axis=1)) ** 2
    # A window shows no period longer than itself.
    lowest = math.ceil(size / window)
    peaks = lowest + np.argmax(power[:, lowest:-1], axis=1)
    periods = size / (peaks + _parabola_offset(power, peaks))
    nearest = np.round((np.arange(length) - window / 2) / step).astype(int)
    return periods[np.clip(nearest, 0, len(periods) - 1)], window


def _parabola_offset(power: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    rows = np.arange(len(peaks))
    left, middle, right = (np.log(np.maximum(power[rows, peaks + side], 1e-300)) for side in (-1, 0, 1))
    curvature = left - 2 * middle + right
    offset = np.divide(0.5 * (left - right), curvature, out=np.zeros_like(curvature), where=curvature < -1e-9)
    return np.clip(offset, -0.5, 0.5)


def _per_sample(scan: Scan) -> np.ndarray:
    """The highest discord score of the windows that hold each sample [T]."""
    scores = np.full(len(scan.z), -np.inf)
    scores[: len(scan.discords)] = scan.discords
    # Window i holds the samples i to i + window - 1: look back over `window` scores.
    return maximum_filter1d(scores, scan.window, origin=(scan.window - 1) // 2, mode="constant", cval=-np.inf)


def _findings(
    scan: Scan,
    candidates: list[Interval],
    threshold: float,
    strength: np.ndarray,
    *,
    crossed: np.ndarray | None = None,
    values: np.ndarray | None = None,
) -> Findings:
    """Excursions of a strength [T] over its threshold, and what they say of each candidate (half-open view units).

    crossed: where the threshold is exceeded, if not by the strength; values: what is reported, if not the strength.
    """
    crossed = strength > threshold if crossed is None else crossed
    values = strength if values is None else values
    wanted = [scan.view.to_samples([candidate])[0] for candidate in candidates]
    excursions = _merge(intervals_from_mask(crossed))
    ranked = sorted(excursions, key=lambda span: -float(strength[slice(*span)].max()))
    peak = int(np.argmax(strength))
    supports = tuple(
        _support(candidate, slice(*span), strength, crossed, values)
        for candidate, span in zip(candidates, wanted, strict=True)
    )
    return Findings(
        threshold=threshold,
        peak=float(values[peak]),
        peak_position=scan.unit(peak),
        excursions=len(excursions),
        strays=sum(not _touches(span, wanted) for span in excursions),
        strongest=tuple(scan.span(span) for span in ranked[:STRONGEST]),
        supports=supports,
        crossing=sum(support.crosses for support in supports),
    )


def _support(
    candidate: Interval, samples: slice, strength: np.ndarray, crossed: np.ndarray, values: np.ndarray
) -> Support:
    strongest = samples.start + int(np.argmax(strength[samples]))
    return Support(candidate[0], candidate[1] - 1, float(values[strongest]), bool(crossed[samples].any()))


def _merge(spans: list[Interval]) -> list[Interval]:
    merged: list[Interval] = []
    for start, stop in spans:
        if merged and start - merged[-1][1] < MERGE_GAP:
            merged[-1] = (merged[-1][0], stop)
        else:
            merged.append((start, stop))
    return merged


def _touches(span: Interval, others: list[Interval]) -> bool:
    return any(span[0] < stop and start < span[1] for start, stop in others)
