"""A vote of the other detectors (the ensemble of the paper's Table 8, which does not say who votes nor how).

Rule: each member marks the samples it finds anomalous; its marks are widened by 1 % of the series on either side, since
some methods mark a middle and others an edge; a sample is anomalous where at least 3 of the 5 members agree. Members
are the five other rows of Table 8, with the parameters they have on their own.

Rules for short, constant, gappy and multichannel series are the members': who finds nothing casts no vote.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from anomseer_core.baselines.config import Classical, EnsembleConfig
from anomseer_core.evaluation.detector import Detector
from anomseer_core.evaluation.prediction import Prediction, located
from anomseer_core.series import Interval, Series, intervals_from_mask, mask_from_intervals


class EnsembleDetector:
    """Asks every member about each series."""

    name: Classical = "ensemble"

    def __init__(self, members: Sequence[Detector], config: EnsembleConfig | None = None) -> None:
        self.members = members
        self.config = config or EnsembleConfig()

    def detect(self, series: Iterable[Series]) -> Iterator[Prediction]:
        for item in series:
            answers = [next(member.detect([item])).intervals for member in self.members]
            yield located(item, self.name, agreed_intervals(answers, len(item), self.config))


def agreed_intervals(
    answers: Sequence[Iterable[Interval]], length: int, config: EnsembleConfig | None = None
) -> list[Interval]:
    """Half-open intervals that enough of the answers, widened, have in common."""
    config = config or EnsembleConfig()
    margin = round(config.tolerance_share * length)
    votes = np.zeros(length, dtype=int)
    for intervals in answers:
        votes += mask_from_intervals([(start - margin, stop + margin) for start, stop in intervals], length)
    return intervals_from_mask(votes >= config.votes)
