"""The benchmark of an evaluation's processes: the same shards either way, and a row with the ratio."""

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
def test_the_table_has_the_ratio(capsys):
    evaluation.main(["--detector", "threshold", "--count", "8"])
    (row,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("threshold ")]
    assert row.split()[1] == "64"
    assert "x (" in row
