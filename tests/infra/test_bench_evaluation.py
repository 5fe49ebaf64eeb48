"""The benchmark of an evaluation's processes: the same shards either way, and a row with the ratio."""

import subprocess
import sys

import pytest

from anomseer_core.evaluation.shards import cut_by_samples
from anomseer_core.fan_out import in_process
from anomseer_core.store import ArtifactStore
from anomseer_core.synthesis.config import AnomLLMConfig
from anomseer_core.synthesis.dataset import synthesize
from infra.bench import evaluation


def test_shards_are_an_evaluations_own_and_all_are_written(tmp_path):
    series = synthesize(ArtifactStore(tmp_path), AnomLLMConfig(tasks=("point",), count=40))
    shards = evaluation.cut(series, "threshold", "one")
    assert [shard.rows for shard in shards] == cut_by_samples([1000] * 40)
    assert evaluation.seconds(in_process, shards) > 0
    assert all(shard.target.is_file() for shard in shards)


@pytest.mark.slow
def test_the_table_has_the_ratio():
    """In a process of its own: Prefect reads its settings once."""
    command = [sys.executable, "-m", "infra.bench.evaluation", "--detector", "threshold", "--count", "8"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (row,) = [line for line in done.stdout.splitlines() if line.startswith("threshold ")]
    assert row.split()[1] == "64"
    assert "x (" in row
