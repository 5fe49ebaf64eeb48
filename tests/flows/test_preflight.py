from pathlib import Path

import pytest

from anomseer_core.pipeline import tiny
from flows.overrides import apply_overrides
from flows.preflight import require_runnable


def test_a_missing_file_of_traces_is_refused_before_any_stage(tmp_path: Path):
    path = tmp_path / "traces.jsonl"
    config = apply_overrides(tiny(), ["expcot.source.kind=file", f"expcot.source.path={path}"])
    with pytest.raises(FileNotFoundError, match=r"traces\.jsonl is not a file; name a Parquet or JSONL file"):
        require_runnable(config)
    path.touch()
    require_runnable(config)


def test_adapters_without_their_package_are_refused_before_any_stage(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("anomseer_core.policy.trained_weights.find_spec", lambda name: None)
    config = apply_overrides(tiny(), ["training.weights.lora_rank=8"])
    with pytest.raises(ValueError, match=r"lora_rank = 8 needs the package peft: pip install 'anomseer\[lora\]'"):
        require_runnable(config)
    require_runnable(apply_overrides(config, ["training.steps=0"]))
