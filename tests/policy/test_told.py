"""A policy that is told of events: which picture it is asked about again, and that it then names an interval."""

import numpy as np
import pytest
import torch

from anomseer_core.dialogue import format_response
from anomseer_core.evaluation.config import DecodingConfig
from anomseer_core.evaluation.prediction import VIEW_SEPARATOR
from anomseer_core.policy import detector as detector_module
from anomseer_core.policy.answering import PictureAnswer, Sampling, answer_pictures, normal_logprobs
from anomseer_core.policy.detector import PolicyDetector
from anomseer_core.policy.direct import ANSWERS, begin_responses, direct_beginning, empty_answer_token
from anomseer_core.policy.model import Policy
from anomseer_core.policy.prompts import PromptBatch
from anomseer_core.policy.sampling import sample_responses
from anomseer_core.rendering import render
from anomseer_core.series import AnomalyClass, Series
from tests import naive_policy

OPENING = "<think></think>\n<answer"
WAVE = Series(id="wave", values=np.sin(np.arange(200) / 5))


def test_one_token_tells_an_empty_answer_from_all_others(policy: Policy):
    beginning = direct_beginning(policy.processor, 99)
    empty = empty_answer_token(policy.processor, beginning)
    rows = [policy.processor.tokenizer(text, add_special_tokens=False)["input_ids"] for text in ANSWERS]
    assert [row[len(beginning)] == empty for row in rows] == [True, False, False]


def test_a_response_does_not_begin_with_what_it_must_not(small_policy: Policy, unequal_prompts: PromptBatch):
    free = sample_responses(small_policy, unequal_prompts, max_tokens=3)
    first = sorted({int(row[0]) for row in free.ids})
    bound = sample_responses(small_policy, unequal_prompts, max_tokens=3, not_first=first)
    assert not set(first) & {int(row[0]) for row in bound.ids}
    # It alone is bound: behind the first token anything may stand.
    expected = naive_policy.sample(
        small_policy.model,
        torch.cat([small_policy.forbidden, torch.tensor(first)]),
        small_policy.processor.stop_token_id,
        unequal_prompts,
        1,
    )
    assert bound.ids[:, 0].tolist() == [row[0] for row in expected]


def test_how_sure_it_is_that_a_picture_is_normal(policy: Policy):
    pictures = [render(WAVE), render(Series(id="line", values=np.arange(200.0)))]
    beginning = direct_beginning(policy.processor, 99)
    prompts = begin_responses(policy.processor.prompts(pictures), beginning)
    ids = torch.full((2, 1), empty_answer_token(policy.processor, beginning))
    mask, index = torch.ones_like(ids, dtype=torch.bool), torch.arange(2)
    with torch.no_grad():
        expected, _, _ = naive_policy.score(policy.model, policy.forbidden, prompts, ids, mask, index)
    assert normal_logprobs(policy, pictures, "float32") == pytest.approx(expected.tolist(), abs=1e-4)


def test_told_it_names_an_interval_or_nothing_readable(policy: Policy):
    beginning = direct_beginning(policy.processor, 99)
    empty = policy.processor.tokenizer.decode([*beginning, empty_answer_token(policy.processor, beginning)])
    (told,) = answer_pictures(policy, [render(WAVE)], ["a"], Sampling(0.0, 24, direct=True, told=True), "float32")
    assert told.text.startswith(OPENING)
    assert not told.text.startswith(empty)


def said(intervals, kind=AnomalyClass.TREND):
    return PictureAnswer(format_response("why", intervals, kind), tokens=10, prompt_tokens=100, finished=True)


def test_the_view_least_surely_normal_is_asked_about_again(policy: Policy, monkeypatch: pytest.MonkeyPatch):
    """Three views, all called normal: the second is asked about again, and the others keep their answers."""
    series = Series(id="long", values=np.sin(np.arange(11_200) / 50))
    asked: list[tuple[int, Sampling]] = []

    def answer(policy, pictures, names, sampling, precision):
        asked.append((len(pictures), sampling))
        return [said([(500, 600)])] if sampling.told else [said([], AnomalyClass.NORMAL)] * len(pictures)

    monkeypatch.setattr(detector_module, "answer_pictures", answer)
    sure = iter([[-0.1, -0.9], [-0.2]])
    monkeypatch.setattr(detector_module, "normal_logprobs", lambda *_: next(sure))
    config = DecodingConfig(max_response_tokens=24, told=True, batch_size=2)
    (found,) = PolicyDetector(policy, config, name=config.detector_name("mine")).detect([series])
    assert [(count, sampling.told) for count, sampling in asked] == [(2, False), (1, False), (1, True)]
    assert asked[2][1] == Sampling(0.0, 24, direct=True, told=True)
    # Units 500 to 600 of [3600, 7600) are samples 5600 to 6000.
    assert (found.detector, found.intervals) == ("mine-told", ((5600, 6000),))
    assert (found.anomaly_class, found.tokens, found.prompt_tokens) == (AnomalyClass.TREND, 40, 400)
    assert ["normal" in text for text in found.response.split(VIEW_SEPARATOR)] == [True, False, True]


@pytest.mark.parametrize(("told", "intervals"), [(True, [(100, 200)]), (False, [])])
def test_who_found_something_or_knows_nothing_is_not_asked_again(
    policy: Policy, monkeypatch: pytest.MonkeyPatch, told, intervals
):
    monkeypatch.setattr(detector_module, "answer_pictures", lambda *_: [said(intervals)])
    monkeypatch.setattr(detector_module, "normal_logprobs", lambda *_: pytest.fail("asked again"))
    (found,) = PolicyDetector(policy, DecodingConfig(max_response_tokens=24, told=told)).detect([WAVE])
    assert len(found.intervals) == len(intervals)
