"""Lists that an answer leaves open: where they are closed, and that going on equals a model without cache."""

import numpy as np
import pytest

from anomseer_core.dialogue import parse_response
from anomseer_core.policy import answering as answering_module
from anomseer_core.policy.answering import Sampling, answer_pictures
from anomseer_core.policy.closing import closed_list
from anomseer_core.policy.model import Policy
from anomseer_core.rendering import render
from anomseer_core.series import Series
from tests import naive_policy

OPENING = "<think></think>\n<answer>"
CLOSING = "]</answer>\n<class"
WAVE = Series(id="a", values=np.sin(np.arange(200) / 5))


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("[[3, 9], [20, 31], crossed in 2 spans", "[[3, 9], [20, 31]"),
        ("[[3, 9], [20, 999999999999", "[[3, 9]"),
        ("[[3, 9], [20, 31]", "[[3, 9], [20, 31]"),  # cut by the limit
        ("[[3, 9], [20, 31, 40], [50, 60]]</answer>\n<class>trend</class>", "[[3, 9]"),
        ("[[3,9],[990, 1000], crossed", "[[3,9],[990, 1000]"),
        ("[[3, 9], none]</answer>\n<class>trend</class>\n<answer>[[4, 5], [", "[[3, 9]"),
    ],
)
def test_a_list_is_closed_behind_its_last_whole_pair(written: str, kept: str):
    assert closed_list(OPENING + written) == OPENING + kept + CLOSING


@pytest.mark.parametrize(
    "text",
    [
        OPENING + "[[3, 9]]</answer>\n<class>trend</class>",
        OPENING + "[[3,9], (12, 14)]</answer>",  # not as we write it, but read
        OPENING + "[]</answer>\n<class>normal</class>",
        OPENING + "[[3, 9",  # no whole pair
        OPENING + "none of [[3, 9]",
        "<think>spans [3, 9], [20, 31], crossed",
        "",
    ],
)
def test_what_can_be_read_or_holds_no_pair_stays(text: str):
    assert closed_list(text) is None


def answers_after(policy: Policy, monkeypatch: pytest.MonkeyPatch, written: str, sampling: Sampling):
    """The answers of a policy whose first responses are all that text."""
    go_on = answering_module._go_on
    said = answering_module.PictureAnswer(written, 99, 7, False)
    calls = []

    def first_as_written(*arguments):
        calls.append(arguments)
        return [said] * sampling.answers if len(calls) == 1 else go_on(*arguments)

    monkeypatch.setattr(answering_module, "_go_on", first_as_written)
    return answer_pictures(policy, [render(WAVE)], ["a"], sampling, "float32")


def test_the_policy_goes_on_from_the_closed_list(policy: Policy, monkeypatch: pytest.MonkeyPatch):
    written = OPENING + "[[3, 9], [20, 31], crossed"
    beginning = policy.processor.tokenizer(closed_list(written), add_special_tokens=False)["input_ids"]
    limit = len(beginning) + 5
    (answer,) = answers_after(policy, monkeypatch, written, Sampling(0.0, limit, direct=True))
    (expected,) = naive_policy.sample(
        policy.model,
        policy.forbidden,
        policy.processor.stop_token_id,
        policy.processor.prompts([render(WAVE)]),
        limit,
        beginning=beginning,
    )
    assert answer.text == policy.processor.tokenizer.decode(expected, skip_special_tokens=True)
    assert answer.tokens == len(expected) <= limit
    assert parse_response(answer.text, 1000).intervals == ((3, 10), (20, 32))


def test_sampled_answers_go_on_with_numbers_of_their_own(policy: Policy, monkeypatch: pytest.MonkeyPatch):
    answers = answers_after(
        policy, monkeypatch, OPENING + "[[3, 9], crossed", Sampling(1.0, 40, seed=1, direct=True, answers=3)
    )
    assert len({answer.text for answer in answers}) == 3
    assert all(answer.text.startswith(OPENING + "[[3, 9]" + CLOSING) for answer in answers)


def test_a_limit_without_room_leaves_the_list_open(policy: Policy, monkeypatch: pytest.MonkeyPatch):
    written = OPENING + "[[3, 9], crossed"
    limit = len(policy.processor.tokenizer(closed_list(written), add_special_tokens=False)["input_ids"])
    (answer,) = answers_after(policy, monkeypatch, written, Sampling(0.0, limit, direct=True))
    assert answer.text == written
