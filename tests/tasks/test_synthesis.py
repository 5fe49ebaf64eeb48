"""What the tasks that make series leave in MLflow besides them: the dataset card, as a table and a picture."""

import json
from pathlib import Path

from anomseer_core.archives.config import ArchiveConfig
from anomseer_core.synthesis.config import AnomLLMConfig
from tasks.connection import Tracking
from tasks.stages import StageResult
from tasks.synthesis import read_archive_series, synthesize_series
from tests.tasks.test_tracking import parent_of


def card_of(tracking: Tracking, result: StageResult) -> list[dict]:
    pictures = [item.path for item in tracking.client.list_artifacts(result.run_id, "pictures")]
    assert pictures == ["pictures/dataset_card.png"]
    table = json.loads(Path(tracking.client.download_artifacts(result.run_id, "dataset_card.json")).read_text())
    return [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]


def test_every_set_of_series_leaves_its_card(tracking: Tracking, tmp_path: Path):
    parent = parent_of(tracking)
    drawn = synthesize_series.fn(parent, AnomLLMConfig(count=2, tasks=("point", "freq")))
    assert [(row["task"], row["series"], row["length_max"], row["about"]) for row in card_of(tracking, drawn)] == [
        ("point", 2, 1000, ""),
        ("freq", 2, 1000, ""),
        ("all", 4, 1000, ""),
    ]
    (tmp_path / "ECG").mkdir()
    (tmp_path / "ECG" / "a.out").write_text("".join(f"{row % 9},{int(row == 70)}\n" for row in range(120)))
    (row,) = card_of(tracking, read_archive_series.fn(parent, ArchiveConfig(folder=str(tmp_path / "ECG"))))
    assert (row["task"], row["events"], row["length_min"]) == ("archive", 1, 120)
    assert row["about"] == "1 of 1980 series of TSB-UAD; a proxy of the paper's TSB-UAD (TAB's copy, 1,635 series)"


def test_a_set_that_is_reused_leaves_no_second_card(tracking: Tracking):
    parent, config = parent_of(tracking), AnomLLMConfig(count=1, tasks=("point",))
    synthesize_series.fn(parent, config)
    again = synthesize_series.fn(parent, config)
    assert again.reused
    assert tracking.client.list_artifacts(again.run_id, "pictures") == []
