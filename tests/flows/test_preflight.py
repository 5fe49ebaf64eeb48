from pathlib import Path

import pytest

from anomseer_core.configurations import tiny
from flows.overrides import apply_overrides
from flows.preflight import require_runnable


def test_a_missing_file_of_traces_is_refused_before_any_stage(tmp_path: Path):
    path = tmp_path / "traces.jsonl"
    config = apply_overrides(tiny(), ["expcot.source.kind=file", f"expcot.source.path={path}"])
    with pytest.raises(FileNotFoundError, match=r"traces\.jsonl is not a file; name a Parquet or JSONL file"):
        require_runnable(config)
    path.touch()
    require_runnable(config)
