"""Many answers to one picture: what they come to, by hand, and that each is an answer of the policy."""

import numpy as np
import pytest

from anomseer_core.dialogue import format_response, parse_response
from anomseer_core.evaluation.config import DecodingConfig, VotingConfig
from anomseer_core.policy.answering import Sampling, answer_pictures
from anomseer_core.policy.detector import PolicyDetector
from anomseer_core.policy.model import Policy
from anomseer_core.policy.voting import vote, voted_answers
from anomseer_core.rendering import render
from anomseer_core.series import AnomalyClass, Series

NORMAL = format_response("", [], AnomalyClass.NORMAL)
WAVE, LINE = Series(id="wave", values=np.sin(np.arange(200) / 5)), Series(id="line", values=np.arange(200.0))


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


def test_a_vote_of_one_is_the_answer_itself(policy: Policy):
    pictures = [render(WAVE), render(LINE)]
    sampling = Sampling(0.7, 24, seed=5, direct=True)
    alone = answer_pictures(policy, pictures, ["a", "b"], sampling, "float32")
    voted = voted_answers(
        policy,
        pictures,
        ["a", "b"],
        VotingConfig(answers=1, temperature=0.7),
        seed=5,
        max_tokens=24,
        precision="float32",
    )
    for one, other in zip(alone, voted, strict=True):
        assert (one.tokens, one.prompt_tokens, one.finished) == (other.tokens, other.prompt_tokens, other.finished)
        assert parse_response(one.text, 1000).intervals == parse_response(other.text, 1000).intervals


def test_a_vote_depends_on_seed_and_name_not_on_the_batch(policy: Policy):
    config = DecodingConfig(reasoning="voted", voting={"answers": 3}, max_response_tokens=24, batch_size=2)
    together = list(PolicyDetector(policy, config).detect([WAVE, LINE]))
    apart = [prediction for item in (WAVE, LINE) for prediction in PolicyDetector(policy, config).detect([item])]
    assert together == apart
    one = config.model_copy(update={"voting": VotingConfig(answers=1)})
    assert all(
        voted.tokens > single.tokens
        for voted, single in zip(together, PolicyDetector(policy, one).detect([WAVE, LINE]), strict=True)
    )
