"""What a probe's strength says of a series and of each candidate: excursions, strays, supports.

A strength holds one value per sample, rounded as it is shown before it is compared with the threshold. Samples that
cross merge into excursions, and nothing else counts as one.
"""

import numpy as np

from anomseer_core.expcot.evidence import Findings, Support
from anomseer_core.expcot.scan import Scan
from anomseer_core.series import Interval, intervals_from_mask

# [samples] Excursions nearer than this are one.
MERGE_GAP = 5
STRONGEST = 3


def summarise(
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
    wanted = [scan.samples([candidate])[0] for candidate in candidates]
    excursions = merge_excursions(crossed)
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
        strays=sum(not touches(span, wanted) for span in excursions),
        strongest=tuple(scan.span(span) for span in ranked[:STRONGEST]),
        supports=supports,
        crossing=sum(support.crosses for support in supports),
    )


def merge_excursions(crossed: np.ndarray, gap: int = MERGE_GAP) -> list[Interval]:
    """The runs of True in a boolean vector [T], those less than `gap` samples apart joined."""
    merged: list[Interval] = []
    for start, stop in intervals_from_mask(crossed):
        if merged and start - merged[-1][1] < gap:
            merged[-1] = (merged[-1][0], stop)
        else:
            merged.append((start, stop))
    return merged


def touches(span: Interval, others: list[Interval]) -> bool:
    """Whether a half-open span shares a sample with any of the others."""
    return any(span[0] < stop and start < span[1] for start, stop in others)


def _support(
    candidate: Interval, samples: slice, strength: np.ndarray, crossed: np.ndarray, values: np.ndarray
) -> Support:
    strongest = samples.start + int(np.argmax(strength[samples]))
    return Support(candidate[0], candidate[1] - 1, float(values[strongest]), bool(crossed[samples].any()))
