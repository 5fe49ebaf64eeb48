"""Many answers to one picture: what they come to, by hand, and that each is an answer of the policy."""

import numpy as np
import pytest

from anomseer_core.dialogue import format_response, parse_response
from anomseer_core.evaluation.config import DecodingConfig, VotingConfig
from anomseer_core.policy import detector as detector_module
from anomseer_core.policy import voting as voting_module
from anomseer_core.policy.answering import PictureAnswer, Sampling, answer_pictures
from anomseer_core.policy.detector import PolicyDetector
from anomseer_core.policy.folder import require_shipped
from anomseer_core.policy.model import Policy, load_policy
from anomseer_core.policy.voting import vote, voted_answers
from anomseer_core.rendering import render
from anomseer_core.series import AnomalyClass, Series

NORMAL = format_response("", [], AnomalyClass.NORMAL)
ONE = VotingConfig(answers=1)
WAVE = Series(id="wave", values=np.sin(np.arange(200) / 5))
SPIKE = Series(id="spike", values=WAVE.values + 4 * np.eye(1, 200, 77)[0])


@pytest.fixture(scope="module")
def shipped() -> Policy:
    """The trained one: what a policy from random weights writes cannot be read, and has no vote."""
    return load_policy(require_shipped())


def marks(*intervals, kind=AnomalyClass.TREND):
    return format_response("", intervals, kind)


def outcome(texts, **config):
    response = parse_response(vote(texts, VotingConfig(**config)), 1000)
    return list(response.intervals), response.anomaly_class


def test_positions_are_marked_by_share():
    texts = [marks((10, 20)), marks((15, 30)), marks((18, 22), (500, 600)), marks((18, 40))]
    # Marked by one: [10, 15), [30, 40), [500, 600); by all four: [18, 20).
    assert outcome(texts, mark_share=0.25)[0] == [(10, 40), (500, 600)]
    assert outcome(texts, mark_share=0.5)[0] == [(15, 30)]
    assert outcome(texts, mark_share=0.75)[0] == [(18, 22)]
    assert outcome(texts, mark_share=1)[0] == [(18, 20)]


def test_where_too_few_agree_the_most_marked_is_named():
    texts = [marks((10, 20)), marks((30, 40)), marks((35, 50))]
    assert outcome(texts, mark_share=1)[0] == [(35, 40)]


@pytest.mark.parametrize(("normal_share", "is_normal"), [(0.5, True), (0.6, False), (1.0, False)])
def test_normal_wins_with_its_share_and_takes_no_part_elsewise(normal_share, is_normal):
    texts = [NORMAL, NORMAL, marks((10, 20)), marks((10, 30))]
    intervals, kind = outcome(texts, normal_share=normal_share, mark_share=0.6)
    assert (intervals, kind) == (([], AnomalyClass.NORMAL) if is_normal else ([(10, 20)], AnomalyClass.TREND))


def test_the_class_is_that_of_most_and_the_earlier_of_equals():
    shapelet, trend = (marks((1, 2), kind=kind) for kind in (AnomalyClass.SHAPELET, AnomalyClass.TREND))
    assert outcome([trend, shapelet, shapelet, NORMAL])[1] is AnomalyClass.SHAPELET
    assert outcome([shapelet, trend])[1] is AnomalyClass.SHAPELET
    # A contradiction has a place and no class.
    contradiction = shapelet.replace("shapelet", "normal")
    assert outcome([contradiction, contradiction, trend])[1] is AnomalyClass.TREND


def test_what_cannot_be_read_has_no_vote():
    assert outcome(["who knows", "?", NORMAL, marks((3, 4))], normal_share=0.6)[0] == [(3, 4)]
    assert vote(["who knows", "?"], VotingConfig()) == "who knows"


def test_a_share_that_is_met_to_the_letter_is_met():
    # 0.56 * 25 is a little more than 14 in binary.
    texts = [marks((10, 20))] * 14 + [marks((30, 40))] * 11
    assert outcome(texts, mark_share=0.56)[0] == [(10, 20)]
    assert outcome([NORMAL] * 14 + texts[:11], normal_share=0.56)[1] is AnomalyClass.NORMAL


def test_a_class_that_nobody_names_is_not_made_up():
    nameless = marks((1, 2)).partition("<class>")[0]
    assert outcome([nameless, nameless]) == ([(1, 2)], None)
    assert outcome([nameless, marks((1, 2))]) == ([(1, 2)], AnomalyClass.TREND)


def test_a_vote_of_one_is_the_answer_itself(shipped: Policy):
    pictures = [render(WAVE), render(SPIKE)]
    sampling = Sampling(0.7, 64, seed=5, direct=True)
    alone = answer_pictures(shipped, pictures, ["a", "b"], sampling, "float32")
    config = DecodingConfig(
        reasoning="voted", voting={"answers": 1, "temperature": 0.7}, max_response_tokens=64, seed=5
    )
    voted = voted_answers(shipped, pictures, ["a", "b"], config, "float32")
    assert parse_response(voted[1].text, 1000).intervals
    for one, other in zip(alone, voted, strict=True):
        assert (one.tokens, one.prompt_tokens, one.finished) == (other.tokens, other.prompt_tokens, other.finished)
        assert parse_response(one.text, 1000) == parse_response(other.text, 1000)


def test_a_vote_depends_on_seed_and_name_not_on_the_batch(shipped: Policy):
    """Of three answers each, any of which may mark: what they mark together depends on all draws."""
    voting = {"answers": 3, "temperature": 2.0, "normal_share": 1.0, "mark_share": 0.1}
    config = DecodingConfig(reasoning="voted", voting=voting, max_response_tokens=64, batch_size=2)
    together = list(PolicyDetector(shipped, config).detect([WAVE, SPIKE]))
    apart = [prediction for item in (WAVE, SPIKE) for prediction in PolicyDetector(shipped, config).detect([item])]
    assert together == apart
    (other,) = PolicyDetector(shipped, config.model_copy(update={"seed": 1})).detect([SPIKE])
    assert other.response != together[1].response
    (single,) = PolicyDetector(shipped, config.model_copy(update={"voting": ONE})).detect([SPIKE])
    assert together[1].tokens > single.tokens


def test_each_view_has_a_vote_and_told_of_events_the_series_is_asked_about_again(
    shipped: Policy, monkeypatch: pytest.MonkeyPatch
):
    """Three views, whose answers elect none, an interval in the second, or none at all."""
    series = Series(id="long", values=np.sin(np.arange(11_200) / 50))
    config = DecodingConfig(reasoning="voted", voting={"answers": 2}, told=True, max_response_tokens=64)
    asked: list[Sampling] = []

    def answer_for(elected):
        def answer(policy, pictures, names, sampling, precision):
            asked.append(sampling)
            if sampling.told:
                return [PictureAnswer(marks((500, 600)), 10, 100, finished=True)]
            texts = [text for name in names for text in [elected.get(name, NORMAL)] * sampling.answers]
            return [PictureAnswer(text, 10, 100, finished=True) for text in texts]

        return answer

    monkeypatch.setattr(voting_module, "answer_pictures", answer_for({"long@3600": marks((100, 200))}))
    (found,) = PolicyDetector(shipped, config, name=config.detector_name("mine")).detect([series])
    # Units 100 to 200 of [3600, 7600) are samples 4000 to 4400.
    assert (found.detector, found.intervals, found.tokens) == ("mine-voted-told", ((4000, 4400),), 60)
    assert asked == [Sampling(1.0, 64, 0, direct=True, answers=2)]
    monkeypatch.setattr(voting_module, "answer_pictures", answer_for({}))
    monkeypatch.setattr(detector_module, "answer_pictures", answer_for({}))
    monkeypatch.setattr(detector_module, "normal_logprobs", lambda *_: [-0.1, -0.9, -0.2])
    (found,) = PolicyDetector(shipped, config, name="mine").detect([series])
    assert (found.intervals, found.tokens) == (((5600, 6000),), 70)
    assert asked[-1] == Sampling(0.0, 64, direct=True, told=True)
