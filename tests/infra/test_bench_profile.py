"""The profile of a step: its parts, what they count, and its table."""

import pytest
import torch

from infra.bench import profile
from infra.bench.grpo_setting import GroupSetting
from infra.bench.report import Spread


def test_every_part_is_timed_and_its_work_counted(setting: GroupSetting) -> None:
    measured = profile.profile(setting, rounds=1)
    before = ["rendering", "sampling", "rewards", "scoring", "expert", "transport", "reference"]
    assert list(measured.operations) == [*before, "forward", "backward", "optimizer"]
    assert all(part.median > 0 for part in measured.seconds.values())
    # The reference, the old scores and the forward pass do the same work; the backward pass multiplies twice for each
    # product, and attention makes its scores again.
    operations = measured.operations
    assert operations["rendering"] == operations["rewards"] == operations["optimizer"] == 0
    assert operations["reference"] == operations["scoring"] == operations["forward"] > 0
    assert 1.9 < operations["backward"] / operations["forward"] < 2.3
    assert measured.product > 0


def test_attention_on_a_cpu_is_counted() -> None:
    # Two products of [6, 4] by [4, 6] and [6, 6] by [6, 4] for 3 sequences of 2 heads: 2 * 6 * 6 * 4 operations each.
    query = torch.randn(3, 2, 6, 4)
    count = profile.FlopCount()
    with count.part("attention"):
        torch.nn.functional.scaled_dot_product_attention(query, query, query)
    assert count.totals == {"attention": 2 * 3 * 2 * 2 * 6 * 6 * 4}


def test_the_table_sets_each_part_beside_a_product(setting: GroupSetting, capsys: pytest.CaptureFixture[str]) -> None:
    spreads = {"sampling": Spread(3.0, 2.0, 4.0), "rewards": Spread(1.0, 1.0, 1.0)}
    profile.print_profile(setting, profile.Profile(spreads, spreads, {"sampling": 6e9, "rewards": 0.0}, 20.0))
    rows = {line.split()[0]: line.split() for line in capsys.readouterr().out.splitlines() if line}
    # 6 GFLOP in 3 CPU seconds are 2 a second, a tenth of 20; the step takes 4 seconds.
    assert rows["sampling"][-4:] == ["75%", "6.0", "2", "10.0%"]
    assert rows["rewards"][-4:] == ["25%", "-", "-", "-"]
    assert rows["step"][1] == "4.00"
    assert rows["step"][-4:] == ["100%", "6.0", "2", "7.5%"]


@pytest.mark.slow
def test_the_command_prints_a_table_and_leaves_the_threads_as_they_were(
    setting: GroupSetting, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(profile, "build_setting", lambda folder, **sizes: asked.append(sizes) or setting)
    threads = torch.get_num_threads()
    profile.main(["--prompts", "4", "--group", "2", "--tokens", "8", "--rounds", "1", "--threads", "1"])
    assert asked == [{"prompts": 4, "group": 2, "tokens": 8, "threads": 1}]
    assert "of a product" in capsys.readouterr().out
    assert torch.get_num_threads() == threads
