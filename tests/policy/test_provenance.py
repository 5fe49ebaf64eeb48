"""What a card says of the series that a policy was trained on."""

from pathlib import Path

from anomseer_core.policy.provenance import describe_series
from anomseer_core.store import ArtifactStore
from anomseer_core.synthesis.config import FieldConfig, MixedConfig, VisualTimeAnomalyConfig
from anomseer_core.synthesis.dataset import synthesize


def test_series_of_two_forms_are_two_facts(tmp_path: Path) -> None:
    plain = FieldConfig(tasks=("steady",), count=2)
    visual = VisualTimeAnomalyConfig(split="train", form="fixed", tasks=("trend",), count=1, seed=1)
    parts = (plain, plain.model_copy(update={"form": "brief"}), visual)
    facts = list(describe_series(synthesize(ArtifactStore(tmp_path), MixedConfig(parts=parts))))
    assert [(item.generator, item.series, item.form) for item in facts] == [
        ("field", 2, ""),
        ("field", 2, "brief"),
        ("visual_time_anomaly", 1, ""),
    ]
    assert facts[0] != facts[1]
