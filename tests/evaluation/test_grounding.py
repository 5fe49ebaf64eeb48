"""Grounding: claims of a response against its series and against another one."""

import numpy as np

from anomseer_core.dialogue import format_response
from anomseer_core.evaluation.answers import ViewAnswer, join_answers, read_answer
from anomseer_core.evaluation.detector import Detector
from anomseer_core.evaluation.grounding import Grounding, GroundingScorer
from anomseer_core.evaluation.prediction import Prediction
from anomseer_core.evaluation.scores import evaluate
from anomseer_core.expcot import write_trace
from anomseer_core.series import AnomalyClass, Series
from anomseer_core.synthesis import generate
from anomseer_core.view import View, views


def spiked(identifier: str, at: int, size: float, length: int = 1000) -> Series:
    values = np.sin(2 * np.pi * np.arange(length) / 25)
    values[at] = size
    return Series(identifier, values, ((at, at + 1),), AnomalyClass.GLOBAL_POINT, benchmark="b", task="t")


def answer(series: Series, text: str) -> Prediction:
    return Prediction(series.id, "d", response=text)


def test_claims_are_checked_here_and_elsewhere():
    scorer = GroundingScorer()
    first, second = spiked("a", 300, 8.0), spiked("b", 700, 8.0)
    # The standard deviation is that of both: sqrt(0.5 + 64 / 1000) = 0.751. The spike is at 300 in one of them only.
    text = "standard deviation 0.751, the most extreme value, at 300, has |z| 10.6 in 5 ways"
    assert scorer.score(first, answer(first, text)) == Grounding(3, 3, 1, 0, 0)
    assert scorer.score(second, answer(second, text)) == Grounding(3, 2, 1, 3, 3)


def test_the_partner_is_of_the_same_task():
    scorer = GroundingScorer()
    other = spiked("a", 300, 8.0)
    scorer.score(other, answer(other, "mean 0"))
    stranger = Series("c", other.values, other.intervals, other.anomaly_class, benchmark="b", task="another")
    assert scorer.score(stranger, answer(stranger, "mean 0")) == Grounding(1, 1, 0, 0, 0)


def test_what_cannot_be_grounded_has_no_number():
    scorer = GroundingScorer()
    short, many = Series("short", np.arange(10.0)), Series("many", np.zeros((2, 100)))
    assert scorer.score(short, answer(short, "mean 4.5")) is None
    assert scorer.score(many, answer(many, "mean 0")) is None
    assert scorer.score(spiked("a", 3, 8.0), Prediction("a", "d")) is None


def test_every_view_of_a_long_series_is_checked_in_its_own_units():
    series = spiked("long", 9200, 9.0, length=10_000)
    texts = [
        format_response(write_trace(series, view=view).text, view.to_units(series.intervals), label)
        for view, label in zip(
            views(len(series)), (AnomalyClass.NORMAL, AnomalyClass.NORMAL, AnomalyClass.GLOBAL_POINT), strict=True
        )
    ]
    pairs = zip(texts, views(len(series)), strict=True)
    joined = join_answers(series, "d", [ViewAnswer(text, 1, read_answer(text, view)) for text, view in pairs])
    # A unit of the picture is four samples.
    assert joined.intervals == ((9200, 9204),)
    found = GroundingScorer().score(series, joined)
    assert found.claims == found.claims_verified > 20
    assert found.numbers_unread == 0


class Expert:
    name = "expert"

    def detect(self, series):
        for item in series:
            spans = View(0, len(item)).to_units(item.intervals)
            yield Prediction(
                item.id, "expert", response=format_response(write_trace(item).text, spans, item.anomaly_class)
            )


def test_the_expert_is_grounded_and_stands_clear_of_chance():
    series = [item for task in ("range", "noisy-point", "freq") for item in generate("anomllm", task, count=6)]
    expert: Detector = Expert()
    rows = evaluate(expert, series)
    assert (rows["claims"] == rows["claims_verified"]).all()
    assert rows["numbers_unread"].sum() == 0
    chance = rows["chance_verified"].sum() / rows["chance_claims"].sum()
    assert 0.05 < chance < 0.75
