"""What each quantity of the grammar of claims truly is, and how exact a statement of it must be.

The table at the end has one line per quantity of `claims.py`: its kind, and the function that computes it from the
facts of the series. A function is also given the claim, since some quantities depend on what else the text says: the
strongest |z| inside a span, the samples outside the envelope of a stated k.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from anomseer_core.expcot.claims import FIRST, LAST, Claim
from anomseer_core.expcot.evidence import SLOPE_UNITS, Envelope, Findings
from anomseer_core.expcot.facts import ATTAINED, REACH, Facts
from anomseer_core.expcot.probes import probe_envelope
from anomseer_core.expcot.subsequences import strongest_discords
from anomseer_core.series import Interval

# One value, or a pair; None where nothing can be computed.
Truth = tuple[float, ...] | None
Compute = Callable[[Facts, Claim], Truth]


class ClaimKind(StrEnum):
    """What kind of statement a number makes; its tolerance hangs on it (`verification.py`)."""

    STATISTIC = "statistic"
    Z_SCORE = "z-score"
    BOUND = "bound"
    RATIO = "ratio"
    PERIOD = "period"
    DISCORD = "discord"
    TIMESTAMP = "timestamp"
    COUNT = "count"
    INTERVAL = "interval"
    PARAMETER = "parameter"


@dataclass(frozen=True)
class Tolerance:
    """The largest of: a share of the true value, an absolute error, a share of the series' standard deviation."""

    relative: float = 0.0
    absolute: float = 0.0
    deviations: float = 0.0

    def size(self, true: float, std: float) -> float:
        return max(self.relative * abs(true), self.absolute, self.deviations * std)


K = ClaimKind
# Those of a reader of the picture: 5 units are four pixels, and a value read to 5 % is read well.
POSITION = Tolerance(absolute=REACH)
READ_WELL = Tolerance(relative=0.05)
TOLERANCES = {
    K.STATISTIC: Tolerance(relative=0.05, deviations=0.05),
    K.Z_SCORE: Tolerance(relative=0.05, absolute=0.1),
    K.BOUND: Tolerance(deviations=0.1),
    K.RATIO: Tolerance(relative=0.05, absolute=0.2),
    K.PERIOD: READ_WELL,
    K.DISCORD: POSITION,
    K.TIMESTAMP: POSITION,
    # Exact up to nine, then within a tenth.
    K.COUNT: Tolerance(relative=0.1),
    K.INTERVAL: POSITION,
    K.PARAMETER: READ_WELL,
}


@dataclass(frozen=True)
class Quantity:
    """A quantity of the grammar. tolerance: where that of its kind does not fit its unit."""

    kind: ClaimKind
    compute: Compute
    tolerance: Tolerance | None = None

    def allows(self, true: float, std: float) -> float:
        return (self.tolerance or TOLERANCES[self.kind]).size(true, std)


def _one(value: float | None) -> Truth:
    return None if value is None else (float(value),)


def _nearest(stated: Sequence[float], options: Sequence[Sequence[float]]) -> Truth:
    """The option nearest to what is stated, by the sum of its errors; None without an option."""
    if not options:
        return None
    best = min(options, key=lambda option: sum(abs(a - b) for a, b in zip(stated, option, strict=True)))
    return tuple(float(value) for value in best)


def _closed(spans: Sequence[Interval]) -> list[tuple[int, int]]:
    return [(start, stop - 1) for start, stop in spans]


def _labelled_interval(facts: Facts, claim: Claim) -> Truth:
    return _nearest(claim.values, _closed(facts.labelled))


def _labelled_position(facts: Facts, claim: Claim) -> Truth:
    """The position inside a labelled interval that is nearest to the stated one."""
    (stated,) = claim.values
    return _nearest(claim.values, [(min(max(stated, first), last),) for first, last in _closed(facts.labelled)])


def _envelope(facts: Facts, claim: Claim) -> Envelope:
    """The envelope of the k that the text states with it, else that of the rules."""
    sigmas = claim.context.get("sigmas") or facts.rules.envelope_sigmas
    return probe_envelope(facts.scan, [], facts.rules.model_copy(update={"envelope_sigmas": sigmas}))


def _outside_position(facts: Facts, claim: Claim) -> Truth:
    near = facts.near("envelope", claim.values[0])
    if near is not None and near > facts.rules.envelope_sigmas:
        return claim.values
    return (facts.seen.max_z_position,)


def _inside(quantity: str) -> Compute:
    def compute(facts: Facts, claim: Claim) -> Truth:
        return _one(facts.inside(quantity, claim.context["interval" + FIRST], claim.context["interval" + LAST]))

    return compute


def _peak(quantity: str) -> Compute:
    return lambda facts, claim: (facts.attained(quantity, claim.values[0]),)


def _discord(facts: Facts, claim: Claim) -> Truth:
    """Of the discords that match the top one's score, for there may be several, the one that starts nearest."""
    scores = facts.scan.discords
    spans = strongest_discords(scores, MOST_DISCORDS, len(facts.scan.z))
    matching = [span for span in spans if scores[span[0]] >= ATTAINED * scores[spans[0][0]]]
    first, last = min(map(facts.scan.span, matching), key=lambda span: abs(span[0] - claim.values[0]))
    return float(first), float(last)


def _discord_start(facts: Facts, claim: Claim) -> Truth:
    return _discord(facts, claim)[:1]


def _discord_position(facts: Facts, claim: Claim) -> Truth:
    """A position anywhere in the top discord."""
    first, last = facts.seen.discord
    return (min(max(claim.values[0], first), last),)


def _subsequence_score(facts: Facts, claim: Claim) -> Truth:
    """The score of a stated window, whose length is that of the nearest scale."""
    first, last = claim.context["subsequence" + FIRST], claim.context["subsequence" + LAST]
    window = facts.samples(last + 1 - first)
    scales = [facts.samples(scale) for scale in facts.scales]
    near = [scale for scale in scales if abs(scale - window) * facts.scan.units_per_sample <= REACH]
    window = min(near, key=lambda scale: abs(scale - window), default=window)
    if not 3 <= window <= len(facts.scan.z) // 2:
        return None
    scores, start = facts.scan.discords_at(window), facts.samples(first)
    beside = scores[max(0, start - 1) : start + 2]
    return _one(beside.max()) if len(beside) else None


def _rise(sign: int) -> Compute:
    def compute(facts: Facts, claim: Claim) -> Truth:
        rise = sign * facts.seen.trend_rise
        return (rise,) if rise > 0 else None

    return compute


def _window(facts: Facts, claim: Claim) -> Truth:
    """The nearest window length of the method."""
    windows = (*facts.scales, facts.seen.discord_window, facts.period.window)
    return _nearest(claim.values, [(item,) for item in windows])


def _threshold(facts: Facts, claim: Claim) -> Truth:
    rules = facts.rules
    known = (rules.envelope_sigmas, rules.gradient_sigmas, rules.period_mads, rules.discord_score)
    return _nearest(claim.values, [(item,) for item in known])


def _as_stated(_: Facts, claim: Claim) -> Truth:
    """The argument of another claim, which is checked there."""
    return claim.values


def _of_findings(probe: str, compute: Callable[[Findings, Claim], Truth]) -> Compute:
    return lambda facts, claim: compute(getattr(facts, probe).findings, claim)


# So many equal discords are told apart.
MOST_DISCORDS = 20
# Shares are in percent, slopes in standard deviations per `SLOPE_UNITS`.
SHARE = Tolerance(relative=0.05, absolute=2.0)
SLOPE = Tolerance(relative=0.05, absolute=0.005)

QUANTITIES: dict[str, Quantity] = {
    # Global
    "mean": Quantity(K.STATISTIC, lambda facts, _: (facts.scan.mean,)),
    "std": Quantity(K.STATISTIC, lambda facts, _: (facts.scan.std,)),
    "median": Quantity(K.STATISTIC, lambda facts, _: (float(np.median(facts.values)),)),
    "minimum": Quantity(K.STATISTIC, lambda facts, _: (float(facts.values.min()),)),
    "maximum": Quantity(K.STATISTIC, lambda facts, _: (float(facts.values.max()),)),
    "constant": Quantity(K.STATISTIC, lambda facts, _: None if facts.scan.std else (facts.scan.mean,)),
    "missing": Quantity(K.COUNT, lambda facts, _: (facts.scan.missing,)),
    "max_z": Quantity(K.Z_SCORE, lambda facts, _: (facts.seen.max_z,)),
    "max_z_position": Quantity(K.TIMESTAMP, _peak("envelope")),
    "local_z": Quantity(
        K.Z_SCORE, lambda facts, claim: _one(facts.near("envelope", claim.context["local_z_position"]))
    ),
    "local_z_position": Quantity(K.PARAMETER, _as_stated),
    "histogram_score": Quantity(K.RATIO, lambda facts, _: (facts.seen.histogram_score,)),
    "envelope": Quantity(K.BOUND, lambda facts, claim: (_envelope(facts, claim).lower, _envelope(facts, claim).upper)),
    "sigmas": Quantity(K.PARAMETER, lambda facts, _: (facts.rules.envelope_sigmas,)),
    "outside": Quantity(K.COUNT, lambda facts, claim: (_envelope(facts, claim).outside,)),
    "outside_position": Quantity(K.TIMESTAMP, _outside_position),
    "expected": Quantity(K.COUNT, lambda facts, claim: (_envelope(facts, claim).expected,)),
    # Structural
    "gradient_peak": Quantity(K.RATIO, lambda facts, _: (facts.seen.gradient_peak,)),
    "gradient_position": Quantity(K.TIMESTAMP, _peak("gradient")),
    "gradient_center": Quantity(K.STATISTIC, lambda facts, _: (facts.gradient.center,), SLOPE),
    "gradient_dispersion": Quantity(K.STATISTIC, lambda facts, _: (facts.gradient.dispersion,), SLOPE),
    "gradient_units": Quantity(K.PARAMETER, lambda *_: (SLOPE_UNITS,)),
    "gradient_std": Quantity(K.STATISTIC, lambda facts, _: (facts.gradient_std,), READ_WELL),
    "smoothing": Quantity(K.PARAMETER, lambda facts, _: (facts.gradient.smoothing,)),
    "trend_share": Quantity(K.RATIO, lambda facts, _: (facts.seen.trend_share,), SHARE),
    "trend_rise": Quantity(K.RATIO, _rise(1)),
    "trend_fall": Quantity(K.RATIO, _rise(-1)),
    "period": Quantity(K.PERIOD, lambda facts, _: _one(facts.seen.period or None)),
    "period_share": Quantity(K.RATIO, lambda facts, _: (facts.seen.period_share,), SHARE),
    "period_typical": Quantity(K.PERIOD, lambda facts, _: (facts.period.typical,)),
    "period_dispersion": Quantity(K.PERIOD, lambda facts, _: (facts.period.dispersion,)),
    "period_band": Quantity(K.BOUND, lambda facts, _: (facts.period.lower, facts.period.upper), READ_WELL),
    "period_mads": Quantity(K.PARAMETER, lambda facts, _: (facts.rules.period_mads,)),
    "period_farthest": Quantity(K.PERIOD, lambda facts, _: (facts.period.findings.peak,)),
    "period_position": Quantity(K.TIMESTAMP, _peak("period")),
    # Local
    "discord": Quantity(K.DISCORD, _discord),
    "discord_start": Quantity(K.DISCORD, _discord_start),
    "discord_position": Quantity(K.DISCORD, _discord_position),
    "discord_score": Quantity(K.Z_SCORE, lambda facts, _: (facts.seen.discord_score,)),
    "subsequence": Quantity(K.PARAMETER, _as_stated),
    "subsequence_score": Quantity(K.Z_SCORE, _subsequence_score),
    "stable": Quantity(K.COUNT, lambda facts, _: (facts.shapelet.stable,)),
    "scales": Quantity(K.PARAMETER, lambda facts, _: (len(facts.scales),)),
    "scale_short": Quantity(K.PARAMETER, lambda facts, _: (facts.scales[0],)),
    "scale_long": Quantity(K.PARAMETER, lambda facts, _: (facts.scales[-1],)),
    "window": Quantity(K.PARAMETER, _window),
    "threshold": Quantity(K.PARAMETER, _threshold),
    # Candidates
    "inside_z": Quantity(K.Z_SCORE, _inside("envelope")),
    "inside_discord": Quantity(K.Z_SCORE, _inside("discord")),
    "inside_deviation": Quantity(K.RATIO, _inside("gradient")),
    "inside_period": Quantity(K.PERIOD, _inside("period")),
    "candidates": Quantity(K.COUNT, lambda facts, _: (len(facts.candidates),)),
    "interval": Quantity(K.INTERVAL, _labelled_interval),
    "position": Quantity(K.TIMESTAMP, _labelled_position),
    **{
        f"{probe}_{name}": Quantity(kind, _of_findings(probe, compute))
        for probe in ("envelope", "discord", "gradient", "period")
        for name, kind, compute in (
            ("excursions", K.COUNT, lambda found, _: (found.excursions,)),
            ("strays", K.COUNT, lambda found, _: (found.strays,)),
            ("crossing", K.COUNT, lambda found, _: (found.crossing,)),
            ("strongest", K.INTERVAL, lambda found, claim: _nearest(claim.values, found.strongest)),
        )
    },
}
