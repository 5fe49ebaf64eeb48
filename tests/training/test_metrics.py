"""What a step reports, by hand: shares and means over all responses, extremes, and the running count of tokens."""

import json

import pytest
import torch

from anomseer_core.training.metrics import TokenCount, gather_rows, guidance_metrics, response_metrics


def columns(**values) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(row, dtype=torch.float64) for name, row in values.items()}


def test_rewards_and_lengths_by_hand():
    # Lengths 4, 10, 6, 10; the two of ten were cut by the limit.
    found = response_metrics(
        columns(
            total=[1.0, 0.0, 0.5, 0.5],
            format=[1, 0, 1, 0],
            classification=[1, 0, 0, 0],
            location=[0.25, 0.25, 0.0, 1.0],
            prompt=[100, 100, 120, 120],
            length=[4, 10, 6, 10],
            terminated=[1, 0, 1, 0],
        )
    )
    assert found == {
        "reward": 0.5,
        "reward/format": 0.5,
        "reward/classification": 0.25,
        "reward/location": 0.375,
        "completions/mean_length": 7.5,
        "completions/min_length": 4,
        "completions/max_length": 10,
        "completions/mean_terminated_length": 5.0,
        "completions/min_terminated_length": 4,
        "completions/max_terminated_length": 6,
        "completions/clipped_ratio": 0.5,
        "num_tokens": 30 + 440,
    }


def test_lengths_without_a_terminated_response_are_zero():
    same = [1.0, 1.0]
    found = response_metrics(
        columns(
            total=same, format=same, classification=same, location=same, prompt=same, length=[5, 5], terminated=[0, 0]
        )
    )
    assert found["completions/mean_terminated_length"] == 0
    assert found["completions/clipped_ratio"] == 1


def test_guidance_by_hand():
    # Groups (0, 1) and (2, 2): deviations 1/2 and 0.
    found = guidance_metrics(columns(distance=[0, 1, 2, 2], reasoning_reward=[1.0, 0.5, 0.25, 0.25]), 2)
    assert found == {"transport/cost": 1.25, "transport/cost_spread": 0.25, "reasoning_reward": 0.5}


def test_the_rows_of_one_rank_are_gathered_as_they_are(one_process):
    table = {"first": torch.tensor([1, 2]), "second": torch.tensor([True, False])}
    gathered = gather_rows(table, one_process)
    assert {name: column.tolist() for name, column in gathered.items()} == {"first": [1, 2], "second": [1, 0]}


def test_tokens_are_counted_on_from_the_metrics_of_the_run(tmp_path):
    path = tmp_path / "metrics.jsonl"
    count = TokenCount(path)
    assert [count.add(5), count.add(7)] == [5, 12]
    lines = [{"step": 0, "metrics": {"eval/reward": 1.0}}, {"step": 1, "metrics": {"num_tokens": 12.0}}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert TokenCount(path).add(1) == pytest.approx(13)
