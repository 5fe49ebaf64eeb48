from pathlib import Path

import pytest

from anomseer_core.pipeline import tiny
from flows.expcot_config import explanation_of
from flows.overrides import apply_overrides
from flows.preflight import require_explainable, require_runnable


def test_a_missing_file_of_traces_is_refused_before_any_stage(tmp_path: Path):
    path = tmp_path / "traces.jsonl"
    config = apply_overrides(tiny(), ["expcot.source.kind=file", f"expcot.source.path={path}"])
    with pytest.raises(FileNotFoundError, match=r"traces\.jsonl is not a file; name a Parquet or JSONL file"):
        require_runnable(config)
    path.touch()
    require_runnable(config)


def test_an_archive_alone_needs_a_folder_and_one_that_is_not_asked_for_none(tmp_path: Path):
    alone = apply_overrides(tiny(), ['synthesis.benchmarks=["archive"]'])
    with pytest.raises(ValueError, match=r"only benchmark and synthesis\.archive\.folder is empty; name a folder"):
        require_runnable(alone)
    left_out = ['synthesis.benchmarks=["diverse"]', f"synthesis.archive.folder={tmp_path / 'absent'}"]
    require_runnable(apply_overrides(tiny(), left_out))


def test_series_of_several_channels_are_refused_before_any_trace_is_written():
    chosen = ['benchmarks=["diverse"]', 'diverse.tasks=["trend", "multivariate"]']
    with pytest.raises(ValueError, match=r"leave multivariate out of diverse\.tasks"):
        require_explainable(apply_overrides(explanation_of(tiny()), chosen))
    require_explainable(apply_overrides(explanation_of(tiny()), chosen[:1]))
