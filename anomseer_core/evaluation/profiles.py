"""Scoring profiles: the rules by which an answer becomes numbers, by name (docs/metrics.md sets them side by side).

`strict` is ours: nothing is dropped, what cannot be read is worth 0, nothing is rounded beyond what is stored. The
others follow published evaluations to the digit, so that our numbers can stand beside theirs; what they do not define
(event-level scores, detection, the class where they have none) follows `strict` on the intervals as they read them.

A profile is applied to the answer as our grammar read it, or to the raw response as the published parser reads it. The
latter makes sense for a policy that was asked in that evaluation's format: half-open pairs lose the last sample of our
closed ones, and a list of objects is all that AnomLLM's parser accepts.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from anomseer_core.dialogue import ParseStatus, Response
from anomseer_core.evaluation.answers import ViewAnswer, join_answers, read_answer
from anomseer_core.evaluation.prediction import Prediction, view_texts
from anomseer_core.evaluation.published_readers import (
    IntervalReader,
    read_anomllm,
    read_released,
    read_released_class,
    read_visual_time_anomaly,
)
from anomseer_core.metrics import PRF, LocationScores, class_correct, location_scores
from anomseer_core.metrics.affiliation import Form
from anomseer_core.metrics.localization import NO_ANSWER
from anomseer_core.series import STORED_DECIMALS, AnomalyClass, Series
from anomseer_core.view import VIEW_UNITS, View, views

ProfileName = Literal["strict", "anomllm", "visual_time_anomaly", "released"]


@dataclass(frozen=True)
class Profile:
    """The rules of one evaluation.

    read: how it reads a raw response; None for our grammar. read_class: the same for the class, None for our grammar's.
    decimals: to which the six location numbers of each series are rounded, before any mean.
    excludes_unparsable, excludes_normal: answers and series that its means leave out.
    class_stands_alone: whether a class counts whatever the intervals say, be they unusable or a contradiction.
    """

    name: ProfileName
    read: IntervalReader | None = None
    read_class: Callable[[str], AnomalyClass | None] | None = None
    decimals: int = STORED_DECIMALS
    excludes_unparsable: bool = False
    excludes_normal: bool = False
    class_stands_alone: bool = False

    def counts(self, series: Series, prediction: Prediction) -> bool:
        """Whether the answer enters the means of this evaluation."""
        unparsable = prediction.status is ParseStatus.UNPARSABLE
        return not (unparsable and self.excludes_unparsable) and not (series.is_normal and self.excludes_normal)

    def location(self, series: Series, prediction: Prediction, form: Form) -> LocationScores:
        """The six location numbers, rounded."""
        if prediction.status is ParseStatus.UNPARSABLE:
            return NO_ANSWER
        scores = location_scores(series.intervals, prediction.intervals, len(series), form=form)
        return LocationScores(*(PRF(*(round(float(value), self.decimals) for value in part)) for part in scores))

    def class_correct(self, series: Series, prediction: Prediction) -> bool | None:
        """None where no class is judged: the label knows none, or the detector names places only."""
        if not prediction.claims_class:
            return None
        heeded = self.class_stands_alone or prediction.status is ParseStatus.OK
        return class_correct(series.anomaly_class, prediction.anomaly_class if heeded else None)


STRICT = Profile("strict")
PROFILES: dict[ProfileName, Profile] = {
    profile.name: profile
    for profile in (
        STRICT,
        Profile("anomllm", read=read_anomllm, decimals=3),
        Profile(
            "visual_time_anomaly",
            read=read_visual_time_anomaly,
            decimals=3,
            excludes_unparsable=True,
            excludes_normal=True,
        ),
        Profile("released", read=read_released, read_class=read_released_class, decimals=4, class_stands_alone=True),
    )
}


def choose_profile(name: str, benchmark: str) -> Profile:
    """The profile of that name; of `benchmark`, the one named like the series' benchmark, or `strict` without one."""
    return PROFILES.get(benchmark, STRICT) if name == "benchmark" else PROFILES[name]


def reread(profile: Profile, prediction: Prediction, series: Series) -> Prediction:
    """The prediction as the profile reads its raw response; unchanged when there is none, or where ours is the reading.

    Positions are units of the picture, as in every response. Raises ValueError when the texts are not one for each
    view of the series.
    """
    if profile.read is None or not prediction.response:
        return prediction
    texts, shown = view_texts(prediction), views(len(series))
    if len(texts) != len(shown):
        raise ValueError(f"series {series.id!r} has {len(shown)} views, its response {len(texts)} texts")
    answers = [
        ViewAnswer(text, 0, _reread_view(profile, text, view, series.anomaly_class))
        for text, view in zip(texts, shown, strict=True)
    ]
    return replace(join_answers(series, prediction.detector, answers), tokens=prediction.tokens)


def _reread_view(profile: Profile, text: str, view: View, truth: AnomalyClass) -> Response:
    """One view's text as the profile reads it, in samples; whatever it has no rule for is read by our grammar."""
    ours = read_answer(text, view)
    units = profile.read(text, VIEW_UNITS, truth)
    return replace(
        ours,
        status=ParseStatus.UNPARSABLE if units is None else ParseStatus.OK,
        intervals=tuple(view.to_samples(units or ())),
        anomaly_class=profile.read_class(text) if profile.read_class else ours.anomaly_class,
    )
