"""One answer from many: direct answers are sampled, and every position of a picture is judged by all of them.

A greedy response follows what is likeliest token by token: it leaves out an event that is less likely than not, and its
borders are those of one guess. Self-consistency (Wang et al. 2023) samples responses and takes the answer that most
give; intervals hardly ever agree as a whole, so here they vote position by position.

- normal: at least `normal_share` of the answers name no interval
- anomalous, elsewise, are the positions that at least `mark_share` of the answers with intervals mark; where none has
  so many, those that most mark
- the class is the one that most of the answers with intervals name, the earlier one of equals; the response has none
  where they name none

Answers that cannot be read have no vote; where none can, the first stands as it is.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from PIL import Image

from anomseer_core.dialogue import ParseStatus, Response, format_response, parse_response
from anomseer_core.evaluation.config import DecodingConfig, VotingConfig
from anomseer_core.policy.answering import PictureAnswer, Sampling, answer_pictures
from anomseer_core.policy.model import Policy
from anomseer_core.series import AnomalyClass, Interval
from anomseer_core.view import VIEW_UNITS


def voted_answers(
    policy: Policy,
    pictures: Sequence[Image.Image],
    names: Sequence[str],
    config: DecodingConfig,
    precision: str,
) -> list[PictureAnswer]:
    """One answer per picture, without reasoning; its tokens are those of all answers that voted.

    names: of the pictures; draws depend on seed and name.
    """
    many = config.voting.answers
    sampling = Sampling(config.voting.temperature, config.max_response_tokens, config.seed, direct=True, answers=many)
    answers = answer_pictures(policy, pictures, names, sampling, precision)
    return [_elected(answers[first : first + many], config.voting) for first in range(0, len(answers), many)]


def _elected(answers: Sequence[PictureAnswer], config: VotingConfig) -> PictureAnswer:
    return PictureAnswer(
        vote([answer.text for answer in answers], config),
        sum(answer.tokens for answer in answers),
        answers[0].prompt_tokens,
        all(answer.finished for answer in answers),
    )


def vote(texts: Sequence[str], config: VotingConfig) -> str:
    """The response that the answers of several responses to one picture come to."""
    read = [parse_response(text, VIEW_UNITS) for text in texts]
    voters = [response for response in read if response.status is not ParseStatus.UNPARSABLE]
    if not voters:
        return texts[0]
    eventful = [response for response in voters if response.intervals]
    # Quotients, since a share times a number may come out above the whole number that it is.
    if (len(voters) - len(eventful)) / len(voters) >= config.normal_share:
        return format_response("", [], AnomalyClass.NORMAL)
    named = _named(eventful)
    response = format_response("", _marked(eventful, config.mark_share), named or AnomalyClass.GLOBAL_POINT)
    return response if named else response[: response.index("<class>")].rstrip()


def _marked(responses: Sequence[Response], share: float) -> list[Interval]:
    """The intervals of the positions that at least that share of the responses mark, or as many as mark any."""
    counts = np.zeros(VIEW_UNITS, dtype=int)
    for response in responses:
        # The intervals of one response are disjoint.
        for start, stop in response.intervals:
            counts[start:stop] += 1
    shares = counts / len(responses)
    marked = shares >= min(share, shares.max())
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marked, [False]]).astype(int)))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def _named(responses: Sequence[Response]) -> AnomalyClass | None:
    """The class most of them name; one that names an interval and no class, or `normal`, has no say."""
    said = (response.anomaly_class for response in responses)
    named = Counter(name for name in said if name not in (None, AnomalyClass.NORMAL))
    return named.most_common(1)[0][0] if named else None
