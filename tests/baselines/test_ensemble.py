"""The vote."""

import pytest
from pydantic import ValidationError

from anomseer_core.baselines.config import EnsembleConfig
from anomseer_core.baselines.ensemble import agreed_intervals

EXACT = EnsembleConfig(tolerance_share=0.0)


def test_three_of_five_agree():
    answers = [[(10, 20)], [(12, 22)], [(14, 24)], [(90, 95)], []]
    assert agreed_intervals(answers, 100, EXACT) == [(14, 20)]


def test_marks_are_widened_by_a_share_of_the_series():
    # One sample on either side of each: [9, 12), [11, 14) and [10, 13) have sample 11 in common.
    answers = [[(10, 11)], [(12, 13)], [(11, 12)]]
    assert agreed_intervals(answers, 100, EnsembleConfig()) == [(11, 12)]
    assert agreed_intervals(answers, 100, EXACT) == []
    assert agreed_intervals([[(0, 1)]] * 3, 100, EnsembleConfig()) == [(0, 2)]


def test_one_member_has_one_vote():
    assert agreed_intervals([[(10, 11), (11, 12), (12, 13)], [], []], 100, EnsembleConfig()) == []


def test_more_votes_than_members_are_refused():
    with pytest.raises(ValidationError, match="3 votes cannot come from 2 members"):
        EnsembleConfig(members=("fft", "hbos"))
