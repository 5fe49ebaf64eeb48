"""The GRPO benchmark: both sides run on a tiny setting, its table is right, and without TRL it says so."""

import importlib.util
from pathlib import Path

import pytest

from infra.bench import grpo
from infra.bench.grpo_setting import GroupSetting, build_setting

needs_trl = pytest.mark.skipif(importlib.util.find_spec("trl") is None, reason="trl is an extra of the benchmark")


@pytest.mark.parametrize("side", ["grpo_ours", pytest.param("grpo_trl", marks=needs_trl)])
def test_a_side_times_the_steps_after_the_warm_up(setting: GroupSetting, tmp_path: Path, side: str) -> None:
    path = tmp_path / "setting.json"
    path.write_text(setting.model_dump_json())
    measured = grpo.measure(side, path)
    assert len(measured.seconds) == len(measured.cpu_seconds) == 1
    assert measured.seconds_per_step > 0
    assert measured.cpu_per_step > 0
    assert measured.peak_megabytes > 200


def test_a_side_that_fails_is_reported_with_its_last_lines(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"grpo_ours failed:\n(.|\n)*FileNotFoundError"):
        grpo.measure("grpo_ours", tmp_path / "absent.json")


def test_the_table_sets_both_beside_each_other(setting: GroupSetting, capsys: pytest.CaptureFixture[str]) -> None:
    # Eight samples in 2 and 8 seconds: 4 and 1 a second.
    pairs = [(grpo.Measured([1.0, 3.0], [4.0, 4.0], 1000.0), grpo.Measured([8.0], [10.0], 2000.0))]
    grpo.print_comparison(setting, pairs)
    rows = {line.split("  ")[0]: line.split()[-6:] for line in capsys.readouterr().out.splitlines() if line}
    assert rows["samples/s"] == ["4.00", "(4.00-4.00)", "1.00", "(1.00-1.00)", "4.00x", "(4.00-4.00)"]
    assert rows["CPU seconds a step"][-2:] == ["0.40x", "(0.40-0.40)"]
    assert rows["peak memory, MB"][-2:] == ["0.50x", "(0.50-0.50)"]


def test_without_trl_one_line_says_what_to_install(monkeypatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    grpo.main([])
    output = capsys.readouterr().out
    assert output.count("\n") == 1
    assert "TRL is not installed" in output
    assert "pip install --constraint constraints.txt --editable '.[bench]'" in output


def test_sizes_that_do_not_divide_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="9 prompts x 5 responses do not divide into micro-batches of 20"):
        build_setting(tmp_path, prompts=9, group=5, tokens=3)
