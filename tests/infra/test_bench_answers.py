"""The benchmark of answers: both sides say the same, and a row has the ratio."""

import pytest

from anomseer_core.configurations import NANO_DECODING
from anomseer_core.policy.folder import require_shipped
from anomseer_core.policy.model import load_policy
from anomseer_core.synthesis import generate
from infra.bench import answers


@pytest.mark.parametrize("reasoning", ["written", "skipped"])
def test_both_sides_write_the_same(reasoning):
    policy = load_policy(require_shipped(), device=answers.CPU)
    config = NANO_DECODING.model_copy(update={"reasoning": reasoning, "batch_size": 2})
    series = [next(generate("anomllm", task, count=1)) for task in ("range", "trend", "freq")]
    ours, theirs = (
        [text.strip() for text in side(policy, config, "float32")(series)]
        for side in (answers.our_answers, answers.peer_answers)
    )
    assert ours == theirs
    assert all(text.startswith("<think></think>") == (reasoning == "skipped") for text in ours)


def test_ratios_are_those_of_a_round():
    rates = answers.Rates(ours=[10.0, 30.0, 20.0], peer=[5.0, 10.0, 20.0])
    assert answers.row("direct", "float32", rates) == [
        "direct",
        "float32",
        "20.0 (10.0-30.0)",
        "10.0 (5.0-20.0)",
        "2.00x (1.00-3.00)",
    ]


@pytest.mark.slow
def test_every_arithmetic_has_both_ways(capsys):
    answers.main(["--count", "1", "--rounds", "1"])
    printed = capsys.readouterr().out
    for arithmetic in answers.arithmetics():
        rows = [line for line in printed.splitlines() if f" {arithmetic.name} " in line]
        assert [line.split()[0] for line in rows] == ["reasoning", "direct"]
