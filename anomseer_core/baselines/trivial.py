"""Predictors that do not look at the series: the floor, and the ceilings, of every results table.

Affiliation metrics are generous to wide answers and a third of the AnomLLM series are normal, so a number means
nothing beside a model unless these rows stand in the same table. An answer is fixed in the 1,000 units of a picture
and stretched over a series of any length. The oracles are no detectors: they are told whether the series has an
anomaly and answer with nothing when it has none.
"""

from collections.abc import Iterable, Iterator

from anomseer_core.evaluation.config import Baseline
from anomseer_core.evaluation.prediction import Prediction, located
from anomseer_core.series import Interval, Series
from anomseer_core.view import View

# Half-open, in view units. A trend anomaly of AnomLLM can start at 800 at the earliest: hence the last fifth.
ANSWERS: dict[Baseline, tuple[Interval, ...]] = {
    "always-empty": (),
    "whole-series": ((0, 1000),),
    "last-fifth": ((800, 1000),),
    "early-twentieth": ((200, 250),),
    "oracle-whole-series": ((0, 1000),),
    "oracle-middle": ((490, 510),),
    "oracle-trend-onset": ((800, 860),),
}
ORACLES: frozenset[Baseline] = frozenset({"oracle-whole-series", "oracle-middle", "oracle-trend-onset"})


class TrivialDetector:
    """Gives the same answer for every series; an oracle only for those that its label calls anomalous."""

    def __init__(self, name: Baseline) -> None:
        self.name = name
        self.answer = ANSWERS[name]
        self.sees_label = name in ORACLES

    def detect(self, series: Iterable[Series]) -> Iterator[Prediction]:
        for item in series:
            units = () if self.sees_label and item.is_normal else self.answer
            yield located(item, self.name, View(0, len(item)).to_samples(units))
