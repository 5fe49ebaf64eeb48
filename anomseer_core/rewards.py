"""The task reward of one response (paper, section 4.2, Eq. 1):

    r = lambda_fmt * r_fmt + lambda_cls * r_cls + lambda_loc * r_loc

Decided where the paper is silent: an unparsable response earns nothing at all; a class that contradicts the intervals
counts as the wrong class; location is the affiliation-F1, or with `six` the mean of all six location numbers as in the
authors' code, with the empty rules of `metrics.localization`. Departures from that code: format means the whole
grammar (theirs asks for the three blocks anywhere), and an unusable answer does not collect the class reward. Their own
reading is `released_rewards.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from anomseer_core.dialogue import ParseStatus, Response
from anomseer_core.metrics import class_correct, location_scores
from anomseer_core.series import AnomalyClass, Interval, Series
from anomseer_core.training.config import RewardWeights
from anomseer_core.view import View


@dataclass(frozen=True)
class Reward:
    """total: the weighted sum. format, classification, location: the unweighted parts, each in [0, 1]."""

    total: float
    format: float
    classification: float
    location: float


def score(response: Response, series: Series, weights: RewardWeights, view: View | None = None) -> Reward:
    """Eq. 1 for one response.

    view: what the picture showed. With one, the response's intervals are its units, and only the labels inside it
    count; without, they are samples of the whole series.
    Raises ValueError under the rule `released`, which reads the text itself.
    """
    if weights.rule != "grammar":
        raise ValueError(f"rewards.rule = {weights.rule} reads the text of a response: use released_rewards.score_text")
    if response.status is ParseStatus.UNPARSABLE:
        return weigh(0.0, 0.0, 0.0, weights)
    shown = see(series, response.intervals, view)
    return weigh(
        format_reward(response),
        classification_reward(response, shown.anomaly_class),
        location_reward(shown.truth, shown.prediction, shown.length, weights),
        weights,
    )


def weigh(format_part: float, classification: float, location: float, weights: RewardWeights) -> Reward:
    """The weighted sum of Eq. 1."""
    total = weights.format * format_part + weights.classification * classification + weights.location * location
    return Reward(total=total, format=format_part, classification=classification, location=location)


@dataclass(frozen=True)
class Shown:
    """What one picture shows, in samples from its first: the labelled and the predicted intervals, and the class."""

    truth: list[Interval]
    prediction: list[Interval]
    length: int
    anomaly_class: AnomalyClass


def see(series: Series, prediction: Sequence[Interval], view: View | None) -> Shown:
    """Label and prediction inside the view; with one, the prediction is in its units, without, in samples."""
    shown = view or View(0, len(series))
    samples = prediction if view is None else view.to_samples(prediction)
    truth = _local(series.intervals, shown)
    anomaly_class = series.anomaly_class if truth else AnomalyClass.NORMAL
    return Shown(truth, _local(samples, shown), len(shown), anomaly_class)


def format_reward(response: Response) -> float:
    """r_fmt: 1 for a response that follows the grammar to the letter."""
    return float(response.well_formed)


def classification_reward(response: Response, truth: AnomalyClass) -> float:
    """r_cls: 1 for the right class, stated consistently with the intervals.

    Where the label only says that something is anomalous (`unknown`), any anomaly class is right.
    """
    if response.status is not ParseStatus.OK or response.anomaly_class is None:
        return 0.0
    correct = class_correct(truth, response.anomaly_class)
    return float(response.anomaly_class is not AnomalyClass.NORMAL if correct is None else correct)


def location_reward(
    truth: Sequence[Interval], prediction: Sequence[Interval], length: int, weights: RewardWeights
) -> float:
    """r_loc: the affiliation-F1, or the mean of six, over `[0, length)`."""
    scores = location_scores(truth, prediction, length)
    if weights.location_metric == "six":
        return sum(scores.affiliation + scores.pointwise) / 6
    return scores.affiliation.f1


def _local(intervals: Sequence[Interval], view: View) -> list[Interval]:
    """Samples of the series -> samples counted from the start of the view."""
    return [(start - view.start, stop - view.start) for start, stop in view.clip(intervals)]
