"""Answers without reasoning: what is forced, and that going on from it equals a model without cache or batch."""

import numpy as np
import pytest
import torch

from anomseer_core.dialogue import format_response, parse_response
from anomseer_core.evaluation.config import DecodingConfig
from anomseer_core.policy.answering import Sampling, answer_pictures
from anomseer_core.policy.detector import PolicyDetector
from anomseer_core.policy.direct import begin_responses, direct_beginning, whole_responses
from anomseer_core.policy.model import Policy
from anomseer_core.policy.prompts import PromptBatch
from anomseer_core.policy.sampling import sample_responses, sampling_uniforms
from anomseer_core.rendering import render
from anomseer_core.series import AnomalyClass, Series
from tests import naive_policy

OPENING = "<think></think>\n<answer"


@pytest.mark.parametrize(
    ("intervals", "named"), [([], "normal"), ([(0, 1)], "trend"), ([(7, 12), (100, 1000)], "global point")]
)
def test_every_direct_answer_begins_with_what_is_forced(policy: Policy, intervals, named):
    beginning = direct_beginning(policy.processor, 99)
    ids, mask = policy.processor.encode_responses([format_response("", intervals, AnomalyClass(named))])
    assert ids[mask][: len(beginning)].tolist() == beginning
    assert policy.processor.tokenizer.decode(beginning).startswith(OPENING)


@pytest.mark.parametrize("temperature", [0.0, 0.7])
def test_going_on_equals_a_model_that_reads_prompt_and_beginning_as_one_text(
    small_policy: Policy, unequal_prompts: PromptBatch, temperature: float
):
    policy = small_policy
    beginning = direct_beginning(policy.processor, 99)
    total = len(beginning) + 5
    uniforms = sampling_uniforms(3, 0, ["a", "b", "c"], 1, 5) if temperature else None
    settings = {"uniforms": uniforms, "temperature": temperature or 1.0}
    rest = sample_responses(policy, begin_responses(unequal_prompts, beginning), max_tokens=5, **settings)
    whole = whole_responses(beginning, rest)
    expected = naive_policy.sample(
        policy.model,
        policy.forbidden,
        policy.processor.stop_token_id,
        unequal_prompts,
        total,
        beginning=beginning,
        **settings,
    )
    assert [row[mask].tolist() for row, mask in zip(whole.ids, whole.mask, strict=True)] == expected
    assert torch.equal(whole.lengths, rest.lengths + len(beginning))


def test_the_beginning_is_part_of_the_response(policy: Policy):
    """Its text, its tokens and its limit; the prompt is as long as ever."""
    picture = render(Series(id="a", values=np.sin(np.arange(200) / 5)))
    (written,) = answer_pictures(policy, [picture], ["a"], Sampling(0.0, 24), "float32")
    (direct,) = answer_pictures(policy, [picture], ["a"], Sampling(0.0, 24, direct=True), "float32")
    assert direct.text.startswith(OPENING)
    assert not written.text.startswith(OPENING)
    assert direct.prompt_tokens == written.prompt_tokens
    assert direct.tokens <= 24
    assert parse_response(direct.text, 1000).reasoning == ""


def test_a_limit_without_room_for_an_answer_is_refused(policy: Policy):
    length = len(direct_beginning(policy.processor, 99))
    with pytest.raises(ValueError, match=f"max_response_tokens = {length} leaves nothing to answer"):
        direct_beginning(policy.processor, length)


def test_a_detector_skips_reasoning_where_its_decoding_says_so(policy: Policy):
    config = DecodingConfig(max_response_tokens=24, reasoning="skipped")
    detector = PolicyDetector(policy, config, name=config.detector_name("mine"))
    (answer,) = detector.detect([Series(id="a", values=np.sin(np.arange(200) / 5))])
    assert answer.detector == "mine-direct"
    assert answer.response.startswith(OPENING)
