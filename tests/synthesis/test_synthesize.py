"""The stage `synthesize`: what it writes, and that the same seed gives the same digest."""

from types import SimpleNamespace

import numpy as np
import pytest
from pydantic import ValidationError

from anomseer_core.series import read_series
from anomseer_core.store import ArtifactStore
from anomseer_core.synthesis import generate
from anomseer_core.synthesis.config import AnomLLMConfig, DiverseConfig, MixedConfig, VisualTimeAnomalyConfig
from anomseer_core.synthesis.dataset import SERIES_FILE, synthesize

SMALL = AnomLLMConfig(tasks=("point", "trend"), count=3)


def test_the_artifact_holds_the_tasks_in_order(tmp_path):
    artifact = synthesize(ArtifactStore(tmp_path), SMALL).verify()
    assert (artifact.kind, artifact.rows) == ("series", {SERIES_FILE: 6})
    stored = list(read_series(artifact.file(SERIES_FILE)))
    drawn = [series for task in ("point", "trend") for series in generate("anomllm", task, count=3)]
    assert [series.id for series in stored] == [series.id for series in drawn]
    for before, after in zip(drawn, stored, strict=True):
        np.testing.assert_allclose(after.values, before.values, rtol=0, atol=5e-7)
        assert after.intervals == before.intervals


@pytest.mark.parametrize(
    "config",
    [
        SMALL,
        VisualTimeAnomalyConfig(tasks=("seasonal", "global"), count=3),
        DiverseConfig(tasks=("shapelet", "multivariate"), count=3),
    ],
)
def test_the_same_seed_twice_gives_the_same_digest(tmp_path, config):
    once = synthesize(ArtifactStore(tmp_path / "one"), config)
    again = synthesize(ArtifactStore(tmp_path / "two"), config)
    assert (once.key, once.digest) == (again.key, again.digest)
    other = synthesize(ArtifactStore(tmp_path / "two"), config.model_copy(update={"seed": 7}))
    assert other.key != once.key
    assert other.digest != once.digest


def test_the_form_of_visual_time_anomaly_reaches_the_series(tmp_path):
    config = VisualTimeAnomalyConfig(tasks=("seasonal",), count=2, form="fixed")
    artifact = synthesize(ArtifactStore(tmp_path), config)
    stored = read_series(artifact.file(SERIES_FILE))
    assert [series.metadata["base_frequency"] for series in stored] == [0.04, 0.04]


def test_a_mixture_holds_the_parts_in_order(tmp_path):
    diverse = DiverseConfig(split="train", tasks=("shapelet",), count=2)
    calls = []
    artifact = synthesize(
        ArtifactStore(tmp_path),
        MixedConfig(parts=(SMALL, diverse)),
        SimpleNamespace(progress=lambda *call: calls.append(call)),
    )
    stored = [series.id for series in read_series(artifact.file(SERIES_FILE))]
    drawn = [series.id for task in SMALL.tasks for series in generate("anomllm", task, count=3)]
    assert stored == [*drawn, "diverse/train/shapelet/0000", "diverse/train/shapelet/0001"]
    assert calls == [(3, 8, "series"), (6, 8, "series"), (8, 8, "series")]


def test_a_second_call_reuses_the_artifact(tmp_path):
    store = ArtifactStore(tmp_path)
    first = synthesize(store, SMALL)
    assert not first.reused
    assert synthesize(store, SMALL).reused


def test_progress_is_told_after_every_task(tmp_path):
    calls = []
    synthesize(ArtifactStore(tmp_path), SMALL, SimpleNamespace(progress=lambda *call: calls.append(call)))
    assert calls == [(3, 6, "series"), (6, 6, "series")]


@pytest.mark.parametrize(
    ("config", "fields"),
    [
        (AnomLLMConfig, {"tasks": ()}),
        (AnomLLMConfig, {"tasks": ("wave",)}),
        (AnomLLMConfig, {"count": 0}),
        (VisualTimeAnomalyConfig, {"count": 101}),
        (VisualTimeAnomalyConfig, {"sed": 1}),
        (VisualTimeAnomalyConfig, {"form": "best"}),
        (DiverseConfig, {"tasks": ("point",)}),
    ],
)
def test_a_configuration_is_checked_when_it_is_made(config, fields):
    with pytest.raises(ValidationError):
        config(**fields)
