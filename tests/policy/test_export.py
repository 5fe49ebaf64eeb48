"""What ships is small, loads as before, says where it comes from, and is refused where it would mislead."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from anomseer_core.policy import export
from anomseer_core.policy.card import file_digests, read_card, surroundings_digests, write_card
from anomseer_core.policy.export import export_policy
from anomseer_core.policy.model import load_policy
from anomseer_core.policy.model_card import write_page
from anomseer_core.policy.provenance import Measurement, Provenance, SeriesFacts, TrainingFacts, measurement

FACTS = Provenance(
    data=(
        SeriesFacts(generator="anomllm", split="train", tasks=("range", "point"), seed=3407, series=20_000),
        SeriesFacts(generator="diverse", split="train", tasks=("global",), seed=0, series=21_000),
    ),
    training=(TrainingFacts(stage="cold-start", steps=4800, seed=0, seconds=2400.0, commit="0" * 40),),
    machine="two CPU cores",
    measurements=(
        Measurement(
            benchmark="anomllm", profile="strict", measure="affiliation_f1", series=3200, mean=0.5, low=0.45, high=0.55
        ),
    ),
    limits=("It knows one channel.",),
)


@pytest.fixture(scope="module")
def shipped(nano_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_policy(nano_folder, tmp_path_factory.mktemp("package") / "shipped", FACTS)


def test_weights_are_rounded_and_load_as_float32(nano_folder: Path, shipped: Path) -> None:
    stored = load_file(shipped / "model.safetensors")
    assert {tensor.dtype for tensor in stored.values()} == {torch.bfloat16}
    before = dict(load_policy(nano_folder).model.named_parameters())
    after = dict(load_policy(shipped).model.named_parameters())
    assert before.keys() == after.keys()
    for name, weight in after.items():
        assert weight.dtype == torch.float32
        torch.testing.assert_close(weight, before[name].bfloat16().float(), atol=0, rtol=0)
    whole = (nano_folder / "model.safetensors").stat().st_size
    assert (shipped / "model.safetensors").stat().st_size == pytest.approx(whole / 2, rel=0.01)


def test_the_rest_is_the_checkpoint_s_own(nano_folder: Path, shipped: Path) -> None:
    names = {path.name for path in nano_folder.iterdir()}
    assert {path.name for path in shipped.iterdir()} == names | {"README.md"}
    for name in names - {"model.safetensors", "config.json", "card.json"}:
        assert (shipped / name).read_bytes() == (nano_folder / name).read_bytes()
    config = json.loads((shipped / "config.json").read_text())
    assert config.pop("dtype") == "bfloat16"
    assert config == {k: v for k, v in json.loads((nano_folder / "config.json").read_text()).items() if k != "dtype"}


def test_the_cards_tell_the_same_facts(shipped: Path) -> None:
    card = read_card(shipped)
    assert Provenance.model_validate(card["provenance"]) == FACTS
    assert card["files"] == file_digests(shipped)
    assert card["digests"] == surroundings_digests() | {"tokenizer": card["files"]["tokenizer.json"]}
    page = (shipped / "README.md").read_text()
    assert page == write_page(card)
    for text in (
        "41,000 synthetic series",
        "| anomllm | train | range, point | 3407 | 20,000 |",
        "| cold-start | 4,800 | 0 | 40 |",
        "| anomllm | strict | written | affiliation f1 | 3200 | 50.0 | 45.0-55.0 |",
        "before they were rounded",
        "- It knows one channel.",
        "0" * 40,
        "two CPU cores",
    ):
        assert text in page


def test_an_export_is_the_same_twice(nano_folder: Path, shipped: Path, tmp_path: Path) -> None:
    again = export_policy(nano_folder, tmp_path / "again", FACTS)
    assert file_digests(again) == file_digests(shipped)


def test_numbers_of_the_rounded_weights_are_told_as_such(nano_folder: Path, shipped: Path, tmp_path: Path) -> None:
    (item,) = FACTS.measurements
    own = item.model_copy(update={"weights": read_card(shipped)["files"]["model.safetensors"]})
    folder = export_policy(nano_folder, tmp_path / "own", FACTS.model_copy(update={"measurements": (own,)}))
    assert "before they were rounded" not in (folder / "README.md").read_text()
    bare = export_policy(nano_folder, tmp_path / "bare", FACTS.model_copy(update={"measurements": ()}))
    assert "Not evaluated yet." in (bare / "README.md").read_text()


def change_card(folder: Path, **changes: object) -> None:
    write_card(read_card(folder) | changes, folder)


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (
            lambda at: change_card(at, digests=read_card(at)["digests"] | {"prompt": "0" * 64}),
            r"the prompt has changed",
        ),
        (lambda at: (at / "tokenizer.json").write_text("{}"), r"tokenizer\.json is not the one of its card\.json"),
        (lambda at: (at / "generation_config.json").unlink(), r"generation_config\.json is missing"),
        (lambda at: (at / "more.json").write_text("{}"), r"more\.json is not in its card\.json"),
        (lambda at: (at / "card.json").unlink(), r"holds no card\.json"),
        (lambda at: (at / "card.json").write_text("[]"), r"card\.json holds no JSON object"),
        (lambda at: (at / "model.safetensors").unlink(), r"holds no \*\.safetensors weights"),
    ],
)
def test_a_checkpoint_that_would_mislead_is_refused_and_nothing_is_left(
    nano_folder: Path, tmp_path: Path, damage, line: str
) -> None:
    source = Path(shutil.copytree(nano_folder, tmp_path / "source"))
    damage(source)
    with pytest.raises((ValueError, FileNotFoundError), match=line) as refusal:
        export_policy(source, tmp_path / "package" / "shipped", FACTS)
    assert str(source) in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "package").exists()


def test_more_than_25_mb_is_refused_by_name(nano_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert export.LIMIT == 25_000_000
    monkeypatch.setattr(export, "LIMIT", 14_000_000)
    with pytest.raises(ValueError, match=r"model\.safetensors and the rest would be 14\.\d MB .* at most 14 MB"):
        export_policy(nano_folder, tmp_path / "large", FACTS)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_exists_is_not_written_over(nano_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="exists; remove it first"):
        export_policy(nano_folder, tmp_path, FACTS)


def test_a_measure_without_an_interval_is_left_out() -> None:
    row = {"benchmark": "archive", "profile": "strict", "n": 10, "n_anomalous": 7, "unparsable": 0}
    row |= {f"event_f1_anomalous{end}": value for end, value in (("", 0.5), ("_low", 0.25), ("_high", 0.75))}
    row |= {"class_accuracy": float("nan"), "class_accuracy_low": float("nan"), "class_accuracy_high": float("nan")}
    assert measurement(row, "class_accuracy") is None
    assert measurement(row, "unparsable") is None
    found = measurement(row, "event_f1_anomalous")
    assert (found.series, found.mean, found.low, found.high) == (7, 0.5, 0.25, 0.75)
