"""Evidence -> the words of a full trace (90-250 words), for pretrained policies; `brief.py` writes the short style.

Every sentence is written from `Evidence` alone and every number passes through `number`, so text and fields cannot
disagree. Where a candidate interval does not cross its probe's threshold the text says that the evidence is weak; it
never invents a crossing. Strengths are scale-free (z-scores, ratios, periods, positions): a reader of the picture must
guess raw levels from its ticks, so only the mean, the standard deviation and the envelope state them.

The paper's scan exits early: a global candidate ends it, else a structural one does. Here every level is always
computed; what was found sooner decides how the later levels are introduced. People smoothed the paper's traces; ours
vary by the phrasings below, which `claims.py` can all read.
"""

import numpy as np

from anomseer_core.expcot.evidence import Evidence
from anomseer_core.expcot.wording.observation import spell_observation
from anomseer_core.expcot.wording.phrases import pick, spell_spans
from anomseer_core.expcot.wording.validation import spell_normal_validation, spell_validation


def write_full(evidence: Evidence, generator: np.random.Generator) -> str:
    """The three stages, a line each; the generator chooses between equivalent phrasings."""
    validate = spell_validation if evidence.intervals else spell_normal_validation
    return "\n".join(
        (
            f"Observation. {spell_observation(evidence.observation, generator)}",
            f"Reasoning & Validation. {validate(evidence, generator)}",
            f"Conclusion. {_conclude(evidence, generator)}",
        )
    )


def _conclude(evidence: Evidence, generator: np.random.Generator) -> str:
    if not evidence.intervals:
        return pick(
            generator,
            "Nothing shows where an anomaly would begin or end. The series is normal, with no anomalous interval.",
            "Taken together the scan and the probes mark no anomaly. The series is normal, with no anomalous interval.",
            "Integrating the scan and the validation, no anomaly is established: the series is normal.",
        )
    found = evidence.validation[0].findings
    if found.crossing == len(found.supports):
        weight = pick(
            generator,
            "The scan and the validation converge.",
            "The validation supports every candidate.",
            "Integrating the scan and the validation, the evidence is consistent.",
        )
    elif found.crossing:
        weight = "The validation supports some candidates and is weak for the others."
    else:
        weight = "The validation is weak, so the visible pattern has to decide."
    verdict = pick(
        generator,
        "The anomaly is classified as",
        "I conclude that the anomaly is of class",
        "Therefore the anomaly is classified as",
    )
    return f"{weight} {verdict} {evidence.anomaly_class}, located at {spell_spans(evidence.intervals)}."
