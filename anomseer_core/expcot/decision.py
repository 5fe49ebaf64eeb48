"""The blind decision: class and intervals of a series from its probes alone.

It answers whether the label leaks into the traces, and what the expert is worth as a detector. It sees the scan and
the rules, never the label. The order is the paper's (section 4.1), global, structural, local; the first test that finds
something names the class, and nothing found is `normal`:

    global point      samples decisively far from the median
    trend             the smoothed gradient strays and does not come back: the level has changed
    seasonal          the period strays where the series is smooth
    contextual point  the matrix profile strays where the series is rough
    shapelet          the matrix profile strays where the series is smooth

Two principles make an answer out of excursions. Chance carries a strength over its threshold now and then, but not for
long, while a filter of `width` samples smears an anomaly over as many: an excursion counts from the weight of half a
filter at the threshold (`decisive`). And an interval is what is left of an excursion without the part that the filter
adds: a smoothed step has half its height at its border, a tapered window hears its inner half, a window of the matrix
profile is dissimilar once it reaches a few samples into the anomaly.

The constants were chosen on the train splits of AnomLLM and VisualTimeAnomaly.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from anomseer_core.expcot.config import ProbeThresholds
from anomseer_core.expcot.findings import merge_excursions
from anomseer_core.expcot.periods import track_period
from anomseer_core.expcot.scan import Scan, center_and_spread
from anomseer_core.series import AnomalyClass, Interval, merge_intervals

# Gaussian noise goes this far once in 1.7 million samples.
DECISIVE_DISPERSIONS = 5.0
# In filters at the threshold. Chance seldom reaches 0.4, anomalies of the benchmarks mostly more than 1.
DECISIVE_WEIGHT = 0.5
# The net rise of all excursions over their total: a bump goes up and down (0), a change of level does not (1).
LASTING_SHARE = 0.75
HALF_HEIGHT = 0.5
# A Hann window weighs the outer quarter on either side with less than half. What it hears lasts an eighth of it.
TAPERED_SHARE, HEARD_SHARE = 1 / 4, 1 / 8
# A z-normalised window is dissimilar once about this share of it is anomalous (4 of 50 samples).
REACH_SHARE = 1 / 12
# The roughness of white noise is 2, that of a sine with 11 samples a period 0.3: their geometric mean.
ROUGH = 0.8


@dataclass(frozen=True)
class Decision:
    """intervals: half-open view units, sorted and apart; none for `normal`."""

    anomaly_class: AnomalyClass
    intervals: tuple[Interval, ...]


def decide(scan: Scan, rules: ProbeThresholds) -> Decision:
    """Class and intervals of the first test that finds something."""
    for anomaly_class, find in TESTS:
        if spans := find(scan, rules):
            return Decision(anomaly_class, tuple(scan.units(spans)))
    return Decision(AnomalyClass.NORMAL, ())


def find_outliers(scan: Scan, rules: ProbeThresholds) -> list[Interval]:
    """Spans [samples] beyond k dispersions that go decisively far, if the k-sigma envelope is left at all."""
    if not (scan.distances > rules.envelope_sigmas).any():
        return []
    # Long anomalies inflate mean and standard deviation, and with them the envelope.
    center, spread = center_and_spread(scan.z, rules.dispersion, 0.0)
    distances = np.abs(scan.z - center) / spread
    spans = merge_excursions(distances > rules.envelope_sigmas)
    return [span for span in spans if distances[slice(*span)].max() > DECISIVE_DISPERSIONS]


def find_shifts(scan: Scan, rules: ProbeThresholds) -> list[Interval]:
    """Decisive excursions of the gradient [samples], cut at half their height, if the level does not come back."""
    strength, width = scan.gradient.deviations, scan.gradient.smoothing
    crossed = strength > rules.gradient_sigmas
    spans = decisive(strength, crossed, rules.gradient_sigmas, width)
    steps = np.where(crossed, scan.gradient.values - scan.gradient.center, 0.0)
    # What follows within a filter belongs to the same event.
    rises = [abs(float(steps[slice(*event)].sum())) for event in merge_excursions(crossed, width)]
    if sum(rises) < LASTING_SHARE * float(np.abs(steps).sum()):
        return []
    return [_upper_half(strength, span) for span in spans]


def find_periods(scan: Scan, rules: ProbeThresholds) -> list[Interval]:
    """Decisive excursions of a dominant period [samples], less what the tapered window adds, if the series is smooth.

    Noise inside a wave disturbs the period at its flanks, where the series is smooth: the discords count, too.
    """
    if not scan.periodic:
        return []
    track = track_period(scan, rules)
    excursions = decisive(track.strength, track.crossed, rules.period_mads, track.window)
    spans = [_narrow(span, track.window) for span in excursions]
    straying = merge_intervals([*spans, *find_discords(scan, rules)], len(scan.z))
    return [] if roughness(scan.z, straying) > ROUGH else spans


def find_rough_discords(scan: Scan, rules: ProbeThresholds) -> list[Interval]:
    """The discords [samples], if the series is rough there."""
    spans = find_discords(scan, rules)
    return spans if roughness(scan.z, spans) > ROUGH else []


def find_discords(scan: Scan, rules: ProbeThresholds) -> list[Interval]:
    """What decisive runs of dissimilar windows share [samples]."""
    runs = decisive(scan.discords, scan.discords > rules.discord_score, rules.discord_score, scan.window)
    return merge_intervals((_shared_part(run, len(scan.z), scan.window) for run in runs), len(scan.z))


def decisive(strength: np.ndarray, crossed: np.ndarray, threshold: float, width: int) -> list[Interval]:
    """Excursions of a strength [T] whose sum is at least that of half a filter of `width` samples at the threshold."""
    least = DECISIVE_WEIGHT * threshold * width
    return [span for span in merge_excursions(crossed) if strength[slice(*span)].sum() >= least]


def roughness(z: np.ndarray, spans: list[Interval]) -> float:
    """Squared steps over squared deviations from the mean inside the spans (von Neumann's ratio); 0 without spread."""
    parts = [z[slice(*span)] for span in spans]
    steps = sum(float((np.diff(part) ** 2).sum()) for part in parts)
    spread = sum(float(((part - part.mean()) ** 2).sum()) for part in parts)
    return steps / spread if spread else 0.0


def _upper_half(strength: np.ndarray, span: Interval) -> Interval:
    """From the first to the last sample of a span with half of its greatest strength."""
    inside = strength[slice(*span)]
    high = np.flatnonzero(inside >= HALF_HEIGHT * inside.max())
    return span[0] + int(high[0]), span[0] + int(high[-1]) + 1


def _narrow(span: Interval, window: int) -> Interval:
    """An excursion without the outer quarter of a tapered window on either side, an eighth of one long at least."""
    spare = span[1] - span[0] - round(HEARD_SHARE * window)
    margin = min(round(TAPERED_SHARE * window), max(0, spare // 2))
    return span[0] + margin, span[1] - margin


def _shared_part(run: Interval, length: int, window: int) -> Interval:
    """The anomaly [samples] behind a run of dissimilar windows: the first just reaches it, the last just leaves it.

    A run from the first window on does not tell where the anomaly begins: at the start if it also ends inside that
    window, else where the window just reaches it; and so at the end of the series.
    """
    reach = max(1, round(REACH_SHARE * window))
    start, stop = run[0] + window - reach, run[1] - 1 + reach
    if run[0] == 0 and stop <= start:
        start = 0
    if run[1] == length - window + 1 and stop <= start:
        stop = length
    if start < stop:
        return start, stop
    middle = (start + stop) // 2
    return middle - reach, middle + reach


Test = Callable[[Scan, ProbeThresholds], list[Interval]]
TESTS: tuple[tuple[AnomalyClass, Test], ...] = (
    (AnomalyClass.GLOBAL_POINT, find_outliers),
    (AnomalyClass.TREND, find_shifts),
    (AnomalyClass.SEASONAL, find_periods),
    (AnomalyClass.CONTEXTUAL_POINT, find_rough_discords),
    (AnomalyClass.SHAPELET, find_discords),
)
