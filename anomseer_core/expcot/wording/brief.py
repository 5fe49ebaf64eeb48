"""Evidence -> a trace of at most 60 words (for up to 20 intervals), in one phrasing, for small policies.

A policy of a few million parameters spends its capacity on what it sees: no synonyms, and only scale-free numbers,
which can be read from the picture without its ticks. A discord is named where it passes its threshold: which of many
windows of noise recurs least, and how little, nobody reads from a picture. Where no period is, a line takes its place.
How many spans there are is told after them: who writes the number first has to find so many, and on real series a
policy writes too small a one.
"""

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
    number,
)
from anomseer_core.expcot.wording.phrases import plural, spell_spans
from anomseer_core.expcot.wording.validation import crossing_names


def write_brief(evidence: Evidence) -> str:
    """The three stages on one line."""
    return (
        f"Observation: {_observe(evidence.observation)}. Validation: {_validate(evidence)}. "
        f"Conclusion: {_conclude(evidence)}."
    )


def _observe(seen: Observation) -> str:
    line = f"no period, a line explains {round(seen.trend_share)} %"
    period = f"period {number(seen.period)}" if seen.periodic else line
    discord = f"discord {number(seen.discord_score)} at {number(seen.discord[0])}" if seen.dissimilar else "no discord"
    return f"max |z| {number(seen.max_z)} at {number(seen.max_z_position)}, {period}, {discord}"


def _validate(evidence: Evidence) -> str:
    if not evidence.intervals:
        crossed = crossing_names(evidence.validation)
        return f"only weak evidence, by {' and '.join(crossed)}" if crossed else "no threshold is crossed"
    return _probe(evidence.validation[0])


def _crossing(found: Findings) -> str:
    weak = "" if found.crossing == len(found.supports) else ", the rest weak" if found.crossing else ", weak evidence"
    return f"crossed in {number(found.crossing)} of {plural(len(found.supports), 'span')}{weak}"


def _probe(probe: Probe) -> str:
    found = probe.findings
    peak, position, threshold = number(found.peak), number(found.peak_position), number(found.threshold)
    match probe:
        case Envelope():
            return f"{plural(probe.outside, 'sample')} outside {threshold} sigma"
        case Discord():
            return f"discord against {threshold}"
        case Gradient():
            return f"gradient off by {peak} at {position} against {threshold}"
        case Period():
            return f"period {peak} at {position} against [{number(probe.lower)}, {number(probe.upper)}]"
        case Shapelet():
            return (
                f"discord against {threshold}, stable at {number(probe.stable)} of {plural(len(probe.scales), 'scale')}"
            )


def _conclude(evidence: Evidence) -> str:
    if not evidence.intervals:
        return "normal, no interval"
    crossing = _crossing(evidence.validation[0].findings)
    return f"{evidence.anomaly_class} at {spell_spans(evidence.intervals)}, {crossing}"
