"""One tiny setting for the benchmarks of training."""

import pytest

from infra.bench.grpo_setting import GroupSetting, build_setting


@pytest.fixture(scope="session")
def setting(tmp_path_factory: pytest.TempPathFactory) -> GroupSetting:
    folder = tmp_path_factory.mktemp("bench")
    return build_setting(folder, prompts=4, group=2, tokens=8, micro_responses=4, warm_up=1, threads=1)
