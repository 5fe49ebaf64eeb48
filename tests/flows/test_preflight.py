from pathlib import Path

import pytest

from anomseer_core.configurations import CONFIGURATIONS, tiny
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


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_named_configuration_runs_or_says_what_is_missing(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The pretrained policies come from the hub, which these tests never ask."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    config = apply_overrides(CONFIGURATIONS[name](), ["launch.ranks=2"])
    if config.policy.preset in ("nano", "shipped"):
        require_runnable(config)
        return
    with pytest.raises(FileNotFoundError, match=r"cannot fetch Qwen/Qwen2.5-VL-3B-Instruct: .*name a folder with"):
        require_runnable(config)


def test_a_policy_from_random_weights_is_not_reinforced_before_it_was_taught():
    config = apply_overrides(CONFIGURATIONS["grpo"](), ["policy.preset=nano"])
    with pytest.raises(ValueError, match=r"policy.preset = nano is born from random weights .* set cold_start.steps"):
        require_runnable(config)
    require_runnable(apply_overrides(CONFIGURATIONS["sft+grpo"](), ["policy.preset=nano", "launch.ranks=2"]))


def test_pcgrad_is_refused_at_a_stage_that_cuts_gradients_up():
    config = apply_overrides(tiny(), ["training.integration=pcgrad", "launch.ranks=2"])
    with pytest.raises(ValueError, match=r"training.integration = pcgrad .* launch.zero_stage = 2"):
        require_runnable(config)
    require_runnable(apply_overrides(config, ["launch.zero_stage=0"]))


def test_adapters_without_their_package_are_refused_before_any_stage(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("anomseer_core.policy.trained_weights.find_spec", lambda name: None)
    config = apply_overrides(tiny(), ["training.weights.lora_rank=8"])
    with pytest.raises(ValueError, match=r"lora_rank = 8 needs the package peft: pip install 'anomseer\[lora\]'"):
        require_runnable(config)
    require_runnable(apply_overrides(config, ["training.steps=0"]))


def test_more_channels_than_a_picture_shows_are_refused_before_training(tmp_path: Path):
    (tmp_path / "a.out").write_text("".join(f"{index % 7},{int(50 <= index < 55)}\n" for index in range(600)))
    chosen = [f"synthesis.archive.folder={tmp_path}", "synthesis.archive.most_channels=38", "launch.ranks=2"]
    with pytest.raises(ValueError, match=r"archive.most_channels = 38: a picture shows at most 9 channels"):
        require_runnable(apply_overrides(tiny(), chosen))
    require_runnable(apply_overrides(tiny(), [*chosen, "synthesis.archive.channels=apart"]))
