"""Evidence -> the words of a trace.

Every sentence is written from `Evidence` alone and every number passes through `number`, so text and fields cannot
disagree. Where a candidate interval does not cross its probe's threshold the text says that the evidence is weak; it
never invents a crossing. Style `full` (90-250 words) is for pretrained policies, `brief` (at most 60) for small ones;
both bounds hold for up to 20 intervals. The paper's traces are smoothed by people; ours vary in phrasing only.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

from anomseer_core.expcot.evidence import (
    Discord,
    Envelope,
    Evidence,
    Findings,
    Gradient,
    Observation,
    Period,
    Probe,
    Shapelet,
    Support,
    number,
)

Style = Literal["full", "brief"]

# With more candidates than this, single values would drown the text: only the intervals are listed.
MOST_DETAILED = 5
# With more than this, a brief trace writes its pairs without a space, so that each counts as one word.
MOST_SPACED = 12


def write_text(evidence: Evidence, style: Style, generator: np.random.Generator) -> str:
    """The three stages of a trace; the generator chooses between equivalent phrasings."""
    if style == "brief":
        return _brief(evidence)
    validation = _validate_normal(evidence, generator) if not evidence.intervals else _validate(evidence, generator)
    stages = (
        f"Observation. {_observe(evidence.observation, generator)}",
        f"Reasoning & Validation. {validation}",
        f"Conclusion. {_conclude(evidence, generator)}",
    )
    return "\n".join(stages)


def _pick(generator: np.random.Generator, *phrasings: str) -> str:
    return phrasings[int(generator.integers(len(phrasings)))]


def _span(span: Sequence[int]) -> str:
    return f"[{number(span[0])}, {number(span[1])}]"


def _spans(spans: Iterable[Sequence[int]]) -> str:
    return ", ".join(map(_span, spans))


def _plural(count: int, noun: str) -> str:
    return f"{number(count)} {noun}" if count == 1 else f"{number(count)} {noun}s"


# Observation


def _observe(seen: Observation, generator: np.random.Generator) -> str:
    return " ".join(
        (
            f"Global scan: {_global_scan(seen, generator)}",
            f"Structural scan: {_structural_scan(seen, generator)}",
            f"Local scan: {_local_scan(seen, generator)}",
        )
    )


def _global_scan(seen: Observation, generator: np.random.Generator) -> str:
    missing = f", after interpolating {_plural(seen.missing, 'missing sample')}" if seen.missing else ""
    if not seen.std:
        return f"every value is {number(seen.mean)}{missing}, so there is no spread and no outlier."
    values = _pick(
        generator,
        f"the values have mean {number(seen.mean)} and standard deviation {number(seen.std)}{missing}",
        f"mean {number(seen.mean)}, standard deviation {number(seen.std)}{missing}",
    )
    extreme = _pick(
        generator,
        f"the largest |z| is {number(seen.max_z)}, at {number(seen.max_z_position)}",
        f"the most extreme value, at {number(seen.max_z_position)}, has |z| {number(seen.max_z)}",
    )
    verdict = "a candidate outlier" if seen.extreme else "so no value stands out globally"
    histogram = f"the highest histogram-based outlier score is {number(seen.histogram_score)}"
    return f"{values}; {extreme}, {verdict}; {histogram}."


def _structural_scan(seen: Observation, generator: np.random.Generator) -> str:
    strays = f"the smoothed gradient strays by at most {number(seen.gradient_peak)} dispersions"
    shift = f"at {number(seen.gradient_position)}, a candidate shift" if seen.shifting else "so the trend is stable"
    slope = f"{strays}, {shift}"
    period, share = number(seen.period), number(seen.period_share)
    if not seen.period:
        return f"{slope}; the spectrum has no peak, so there is no period."
    if not seen.periodic:
        return f"{slope}; no period dominates, the strongest ({period} units) holds only {share}% of the power."
    season = _pick(
        generator,
        f"the FFT shows a dominant period of {period} units with {share}% of the power",
        f"a period of {period} units dominates the spectrum with {share}% of its power",
    )
    return f"{slope}; {season}."


def _local_scan(seen: Observation, generator: np.random.Generator) -> str:
    window, score = number(seen.discord_window), number(seen.discord_score)
    if not seen.discord_score:
        return f"every window of {window} units recurs almost exactly, so the matrix profile has no discord."
    found = _pick(
        generator,
        f"by matrix profile with windows of {window} units the most dissimilar subsequence is {_span(seen.discord)}",
        f"the top discord of the matrix profile (window {window} units) is {_span(seen.discord)}",
    )
    verdict = "a candidate" if seen.dissimilar else "not a distinct one"
    return f"{found}, with standardised score {score}, {verdict}."


# Reasoning & Validation


def _validate(evidence: Evidence, generator: np.random.Generator) -> str:
    (probe,) = evidence.validation
    opening = _pick(
        generator,
        f"I suspect a {evidence.anomaly_class} anomaly and test",
        f"The pattern suggests a {evidence.anomaly_class} anomaly, so I test",
    )
    caution = isinstance(probe, Period) and not evidence.observation.periodic
    sentences = (
        f"{opening} {_probe(probe)}.",
        "Without a dominant period this says little." if caution else "",
        *_supports(probe),
        _excursions(probe.findings),
    )
    return " ".join(filter(None, sentences))


def _probe(probe: Probe) -> str:
    found = probe.findings
    threshold, peak, position = number(found.threshold), number(found.peak), number(found.peak_position)
    match probe:
        case Envelope():
            return (
                f"the {threshold}-sigma envelope {_bounds(probe)}: {_plural(probe.outside, 'sample')} outside, where "
                f"Gaussian noise would put {number(probe.expected)}"
            )
        case Discord():
            return (
                f"the matrix profile with windows of {number(probe.window)} units: the strongest discord, "
                f"{_span(probe.span)}, scores {peak} against a threshold of {threshold}"
            )
        case Gradient():
            return (
                f"the gradient smoothed over {number(probe.smoothing)} units: its centre is {number(probe.center)} per "
                f"unit, its dispersion {number(probe.dispersion)}, the threshold {threshold} dispersions, and the "
                f"largest deviation {peak}, at {position}"
            )
        case Period():
            return (
                f"the dominant period in windows of {number(probe.window)} units: typically {number(probe.typical)} "
                f"with dispersion {number(probe.dispersion)}, tolerated within {_bounds(probe)} ({threshold} "
                f"dispersions), and farthest off at {position} with {peak}"
            )
        case Shapelet():
            discords = ", ".join(
                f"{_span(span)} ({number(score)})" for span, score in zip(probe.spans, probe.scores, strict=True)
            )
            return (
                f"subsequences of {number(probe.window)} units: the most pronounced discords are {discords}, against a "
                f"threshold of {threshold}, and {number(probe.matching)} of these touch a candidate"
            )


def _bounds(probe: Envelope | Period) -> str:
    return f"[{number(probe.lower)}, {number(probe.upper)}]"


def _quantity(probe: Probe) -> str:
    match probe:
        case Envelope():
            return "|z|"
        case Discord() | Shapelet():
            return "discord score"
        case Gradient():
            return "deviation"
        case Period():
            return "period"


def _supports(probe: Probe) -> tuple[str, str]:
    """What the probe says inside every candidate: first where it crosses, then where it does not."""
    found = probe.findings
    quantity = _quantity(probe)
    strong = [support for support in found.supports if support.crosses]
    weak = [support for support in found.supports if not support.crosses]
    detailed = len(found.supports) <= MOST_DETAILED
    crossed = f"The threshold is crossed inside {_candidates(strong, quantity, detailed)}." if strong else ""
    missed = (
        f"It is not crossed inside {_candidates(weak, quantity, detailed)}, so the evidence there is weak."
        if weak
        else ""
    )
    return crossed, missed


def _candidates(supports: Sequence[Support], quantity: str, detailed: bool) -> str:
    spans = [_span((support.first, support.last)) for support in supports]
    if detailed:
        spans = [f"{span} ({quantity} {number(item.value)})" for span, item in zip(spans, supports, strict=True)]
    return ", ".join(spans)


def _excursions(found: Findings) -> str:
    if not found.excursions:
        return ""
    strongest = _span(found.strongest[0])
    if found.excursions == 1:
        return (
            f"The exceedances merge into one span, {strongest}, {'away from' if found.strays else 'at'} the candidates."
        )
    strays = f"{number(found.strays)} of them away from the candidates" if found.strays else "all at the candidates"
    return f"The exceedances merge into {number(found.excursions)} spans, the strongest {strongest}, {strays}."


def _validate_normal(evidence: Evidence, generator: np.random.Generator) -> str:
    opening = _pick(generator, "I test every probe", "No candidate is obvious, so I test every probe")
    statements = "; ".join(_normal_statement(probe) for probe in evidence.validation)
    return f"{opening}: {statements}. {_normal_verdict(evidence.validation)}"


def _normal_statement(probe: Probe) -> str:
    found = probe.findings
    threshold, peak = number(found.threshold), number(found.peak)
    match probe:
        case Envelope():
            return (
                f"{_plural(probe.outside, 'sample')} outside the {threshold}-sigma envelope {_bounds(probe)}, where "
                f"Gaussian noise would put {number(probe.expected)}"
            )
        case Gradient():
            return f"the smoothed gradient deviates by at most {peak} dispersions (threshold {threshold})"
        case Period():
            return (
                f"the period in sliding windows is typically {number(probe.typical)}, farthest off with {peak} "
                f"(tolerated within {_bounds(probe)})"
            )
        case _:
            return f"the top discord scores {peak} (threshold {threshold})"


def _normal_verdict(probes: Sequence[Probe]) -> str:
    crossed = [_name(probe) for probe in probes if probe.findings.excursions]
    if not crossed:
        return "No threshold is crossed."
    if len(crossed) == len(probes):
        return "Every threshold is crossed somewhere, so the validation does not confirm that the series is normal."
    return f"Only {' and '.join(crossed)} crossed a threshold: weak evidence, which the other probes do not share."


def _name(probe: Probe) -> str:
    return f"the {type(probe).__name__.lower()}"


# Conclusion


def _conclude(evidence: Evidence, generator: np.random.Generator) -> str:
    if not evidence.intervals:
        return _pick(
            generator,
            "Nothing shows where an anomaly would begin or end. The series is normal, with no anomalous interval.",
            "Taken together the scan and the probes mark no anomaly. The series is normal, with no anomalous interval.",
        )
    found = evidence.validation[0].findings
    if found.crossing == len(found.supports):
        weight = _pick(generator, "The scan and the validation converge.", "The validation supports every candidate.")
    elif found.crossing:
        weight = "The validation supports some candidates and is weak for the others."
    else:
        weight = "The validation is weak, so the visible pattern has to decide."
    verdict = _pick(generator, "The anomaly is classified as", "I conclude that the anomaly is of class")
    return f"{weight} {verdict} {evidence.anomaly_class}, located at {_spans(evidence.intervals)}."


# Brief


def _brief(evidence: Evidence) -> str:
    seen = evidence.observation
    period = f"period {number(seen.period)}" if seen.periodic else "no period"
    observation = f"max |z| {number(seen.max_z)} at {number(seen.max_z_position)}, {period}"
    score = number(seen.discord_score)
    discord = f"discord {score} at {number(seen.discord[0])}" if seen.discord_score else "no discord"
    validation = _brief_validation(evidence)
    return (
        f"Observation: {observation}, {discord}. Validation: {validation}. Conclusion: {_brief_conclusion(evidence)}."
    )


def _brief_validation(evidence: Evidence) -> str:
    if not evidence.intervals:
        crossed = [_name(probe) for probe in evidence.validation if probe.findings.excursions]
        return f"only weak evidence, by {' and '.join(crossed)}" if crossed else "no threshold is crossed"
    found = evidence.validation[0].findings
    inside = f"in {number(found.crossing)} of {_plural(len(found.supports), 'span')}"
    weak = "" if found.crossing == len(found.supports) else ", the rest weak" if found.crossing else ", weak evidence"
    return f"{_brief_probe(evidence.validation[0])} {inside}{weak}"


def _brief_probe(probe: Probe) -> str:
    match probe:
        case Envelope():
            return f"{number(probe.outside)} outside {_bounds(probe)}, crossed"
        case Discord() | Shapelet():
            return f"discord above {number(probe.findings.threshold)}"
        case Gradient():
            return f"gradient {number(probe.findings.peak)} against {number(probe.findings.threshold)}, crossed"
        case Period():
            return f"period outside {_bounds(probe)}"


def _brief_conclusion(evidence: Evidence) -> str:
    if not evidence.intervals:
        return "normal, no interval"
    spans = _spans(evidence.intervals)
    if len(evidence.intervals) > MOST_SPACED:
        spans = spans.replace(" ", "").replace("],[", "], [")
    return f"{evidence.anomaly_class} at {spans}"
