"""Reasoning & Validation in words: what is suspected, what the probe measures, and what it says of every candidate."""

from collections.abc import Sequence

import numpy as np

from anomseer_core.expcot.evidence import (
    SLOPE_UNITS,
    Discord,
    Envelope,
    Evidence,
    Findings,
    Gradient,
    Period,
    Probe,
    Shapelet,
    Support,
    number,
)
from anomseer_core.expcot.wording.phrases import pick, plural, spell_span, spell_spans
from anomseer_core.series import AnomalyClass

# With more candidates than this, single values would drown the text: only the intervals are listed.
MOST_DETAILED = 5
# The opening of the validation names at most so many intervals.
MOST_NAMED = 3
# A period of this share of its window may be a longer one, cut off.
CAPPED_SHARE = 0.95

SUSPICIONS = {
    AnomalyClass.GLOBAL_POINT: "values {place} leave the range of all others",
    AnomalyClass.CONTEXTUAL_POINT: "the values {place} are plausible globally but break the local pattern",
    AnomalyClass.TREND: "the slope {place} departs from the rest of the series",
    AnomalyClass.SEASONAL: "the oscillation {place} has another period than the rest",
    AnomalyClass.SHAPELET: "the shape of the cycle {place} differs from the others",
}
# What a probe's threshold is crossed by, and what its exceedances are called; `claims.py` reads both.
QUANTITIES = {
    Envelope: "|z|",
    Discord: "discord score",
    Shapelet: "discord score",
    Gradient: "deviation",
    Period: "period",
}
NAMES = {
    Envelope: "the envelope",
    Gradient: "the gradient",
    Period: "the period",
    Discord: "the matrix profile",
    Shapelet: "the matrix profile",
}
EXCEEDANCES = {
    Envelope: "samples beyond the envelope",
    Discord: "high discord scores",
    Shapelet: "high discord scores",
    Gradient: "gradient exceedances",
    Period: "deviating periods",
}


def spell_validation(evidence: Evidence, generator: np.random.Generator) -> str:
    (probe,) = evidence.validation
    caution = isinstance(probe, Period) and not evidence.observation.periodic
    sentences = (
        f"{_suspect(evidence, generator)} {_probe(probe)}.",
        "Without a dominant period this says little." if caution else "",
        *_supports(probe),
        _excursions(probe),
    )
    return " ".join(filter(None, sentences))


def _suspect(evidence: Evidence, generator: np.random.Generator) -> str:
    """Why this class: what the eye sees, where the probe agrees; a mere suspicion where it does not."""
    name, found = evidence.anomaly_class, evidence.validation[0].findings
    bare = pick(generator, f"I suspect a {name} anomaly and test", f"A {name} anomaly is suspected; I test")
    if found.crossing < len(found.supports):
        return bare
    few = len(evidence.intervals) <= MOST_NAMED
    place = f"within {spell_spans(evidence.intervals)}" if few else f"at {number(len(evidence.intervals))} places"
    seen = SUSPICIONS[name].format(place=place)
    return pick(
        generator,
        f"{seen[0].upper()}{seen[1:]}, which suggests a {name} anomaly. To validate I take",
        f"I observe that {seen}, so I suspect a {name} anomaly and test",
        bare,
    )


def _probe(probe: Probe) -> str:
    found = probe.findings
    threshold, peak, position = number(found.threshold), number(found.peak), number(found.peak_position)
    match probe:
        case Envelope():
            return f"the {threshold}-sigma envelope {_bounds(probe)}: {_outside(probe)}"
        case Discord():
            return (
                f"the matrix profile with windows of {number(probe.window)} units: the strongest discord, "
                f"{spell_span(probe.span)}, scores {peak} against a threshold of {threshold}"
            )
        case Gradient():
            return (
                f"the gradient smoothed over {number(probe.smoothing)} units: its centre is {number(probe.center)} and "
                f"its dispersion {number(probe.dispersion)} standard deviations per {SLOPE_UNITS} units, and it "
                f"deviates most at {position}, by {peak} dispersions against a threshold of {threshold}"
            )
        case Period():
            return (
                f"the dominant period in windows of {number(probe.window)} units: typically {number(probe.typical)} "
                f"with dispersion {number(probe.dispersion)}, tolerated within {_bounds(probe)} ({threshold} "
                f"dispersions), and farthest off at {position}, where it is {peak}{_capped(probe)}"
            )
        case Shapelet():
            return (
                f"subsequences of {_scales(probe)}: {_discords(probe)}, against a threshold of {threshold}; "
                f"{_stability(probe)}"
            )


def _capped(probe: Period) -> str:
    """A window shows no period longer than itself."""
    return ", as long as the window" if probe.findings.peak >= CAPPED_SHARE * probe.window else ""


def _bounds(probe: Envelope | Period) -> str:
    scale = probe.upper - probe.lower
    return f"[{number(probe.lower, scale)}, {number(probe.upper, scale)}]"


def _outside(probe: Envelope) -> str:
    noise = f"Gaussian noise would put {number(probe.expected)}"
    return f"{plural(probe.outside, 'sample')} outside, where {noise}"


def _scales(probe: Shapelet) -> str:
    return f"{', '.join(number(scale.window) for scale in probe.scales)} units"


def _discords(probe: Shapelet) -> str:
    """The strongest discord of every scale."""
    tops = [f"{spell_span(scale.spans[0])} (score {number(scale.scores[0])})" for scale in probe.scales]
    return f"the most pronounced are {', '.join(tops)}"


def _stability(probe: Shapelet) -> str:
    scales = number(len(probe.scales))
    if probe.stable == len(probe.scales):
        return f"they agree on one place at {number(probe.stable)} of {scales} scales, so it is stable"
    return f"they agree on one place at {number(probe.stable)} of {scales} scales only"


def _supports(probe: Probe) -> tuple[str, str]:
    """What the probe says inside every candidate: first where it crosses, then where it does not."""
    found = probe.findings
    strong = [support for support in found.supports if support.crosses]
    weak = [support for support in found.supports if not support.crosses]
    quantity = QUANTITIES[type(probe)] if len(found.supports) <= MOST_DETAILED else ""
    crossed = f"The threshold is crossed inside {_candidates(strong, quantity)}." if strong else ""
    missed = f"It is not crossed inside {_candidates(weak, quantity)}, so the evidence there is weak." if weak else ""
    return crossed, missed


def _candidates(supports: Sequence[Support], quantity: str) -> str:
    """Their spans, each with its strongest value where a quantity is named."""
    if not quantity:
        return spell_spans([(item.first, item.last) for item in supports])
    return ", ".join(f"{spell_span((item.first, item.last))} ({quantity} {number(item.value)})" for item in supports)


def _excursions(probe: Probe) -> str:
    found, subject = probe.findings, EXCEEDANCES[type(probe)]
    if not found.excursions:
        return ""
    strongest, reached = spell_span(found.strongest[0]), f"{number(found.crossing)} of {_all_candidates(found)}"
    if found.excursions == 1:
        return f"The {subject} merge into one span, {strongest}, {f'at {reached}' if found.crossing else 'at none'}."
    strays = f"{number(found.strays)} of them at no candidate" if found.strays else f"which reach {reached}"
    return f"The {subject} merge into {number(found.excursions)} spans, the strongest {strongest}, {strays}."


def _all_candidates(found: Findings) -> str:
    return plural(len(found.supports), "candidate")


def spell_normal_validation(evidence: Evidence, generator: np.random.Generator) -> str:
    seen = evidence.observation
    surprised = seen.extreme or seen.shifting or seen.dissimilar
    bare = pick(generator, "I test every probe", "Every probe is tested")
    opening = bare if surprised else pick(generator, bare, "No candidate is obvious, so I test every probe")
    statements = "; ".join(_normal_statement(probe) for probe in evidence.validation)
    return f"{opening}: {statements}. {_normal_verdict(evidence.validation)}"


def _normal_statement(probe: Probe) -> str:
    found = probe.findings
    threshold, peak = number(found.threshold), number(found.peak)
    match probe:
        case Envelope():
            return f"the {threshold}-sigma envelope {_bounds(probe)} has {_outside(probe)}"
        case Gradient():
            return f"the smoothed gradient deviates by at most {peak} dispersions (threshold {threshold})"
        case Period():
            return (
                f"the period in sliding windows is typically {number(probe.typical)}, farthest off where it is {peak} "
                f"(tolerated within {_bounds(probe)})"
            )
        case Discord():
            return f"the top discord scores {peak} (threshold {threshold})"
        case Shapelet():
            return _normal_scales(probe)


def _normal_scales(probe: Shapelet) -> str:
    if not any(scale.scores[0] for scale in probe.scales):
        return f"windows of {_scales(probe)} all recur almost exactly"
    return f"with windows of {_scales(probe)}, {_discords(probe)}"


def _normal_verdict(probes: Sequence[Probe]) -> str:
    crossed = crossing_names(probes)
    if not crossed:
        return "No threshold is crossed."
    if len(crossed) == len({NAMES[type(probe)] for probe in probes}):
        return "Every threshold is crossed somewhere, so the validation does not confirm that the series is normal."
    if len(crossed) == 1:
        return f"Only {crossed[0]} crosses its threshold: weak evidence, which the other probes do not share."
    return f"Thresholds are crossed by {' and '.join(crossed)}, so the evidence for a normal series is weak."


def crossing_names(probes: Sequence[Probe]) -> list[str]:
    """What crossed its threshold anywhere, such as `the envelope`."""
    return list(dict.fromkeys(NAMES[type(probe)] for probe in probes if _crosses(probe)))


def _crosses(probe: Probe) -> bool:
    """Of a shapelet any scale counts, since the text states them all."""
    if isinstance(probe, Shapelet):
        return any(scale.scores[0] > probe.findings.threshold for scale in probe.scales)
    return bool(probe.findings.excursions)
