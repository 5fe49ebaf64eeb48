"""A folder that is not a whole policy is refused by the name of the file, before anything is loaded."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from anomseer_core.policy.birth import create_policy
from anomseer_core.policy.config import PolicyConfig
from anomseer_core.policy.folder import require_weights
from anomseer_core.policy.model import load_policy
from anomseer_core.store import ArtifactStore

UP = "model.layers.0.mlp.up_proj.weight"


@pytest.fixture
def folder(nano_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(nano_folder, tmp_path / "copy"))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def test_a_whole_folder_is_taken(folder: Path) -> None:
    require_weights(folder)


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (lambda at: cut(at / "model.safetensors"), r"model\.safetensors is damaged \(.*\); copy the checkpoint again"),
        (lambda at: (at / "model.safetensors").write_bytes(b""), r"model\.safetensors is damaged"),
        (lambda at: (at / "model.safetensors").unlink(), r"holds no \*\.safetensors weights"),
        (lambda at: (at / "config.json").unlink(), r"holds no config\.json"),
        (lambda at: (at / "config.json").write_text("{}"), r"config\.json: model_type is None, not 'qwen2_5_vl'"),
        (lambda at: (at / "config.json").write_text("[]"), r"config\.json holds no JSON object"),
        (lambda at: cut(at / "config.json"), r"config\.json is not JSON"),
        (lambda at: (at / "tokenizer.json").unlink(), r"holds no tokenizer \(tokenizer\.json or vocab\.json\+merges"),
        (lambda at: cut(at / "tokenizer.json"), r"tokenizer\.json is not JSON"),
        (lambda at: (at / "preprocessor_config.json").unlink(), r"holds no image processor \(preprocessor_config"),
        (
            lambda at: (at / "model.safetensors.index.json").write_text(
                json.dumps({"weight_map": {"a": "model-2.safetensors"}})
            ),
            r"holds no model-2\.safetensors",
        ),
    ],
)
def test_damage_is_named_and_nothing_is_adopted(
    folder: Path, tmp_path: Path, damage: Callable[[Path], object], line: str
) -> None:
    damage(folder)
    store = ArtifactStore(tmp_path / "home")
    with pytest.raises((FileNotFoundError, ValueError), match=line) as refusal:
        create_policy(store, None, PolicyConfig(source=str(folder)))
    assert str(folder) in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert list(store.all()) == []


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("text")
    with pytest.raises(ValueError, match=r"README\.md is a file; name the folder of a checkpoint"):
        require_weights(tmp_path / "README.md")


def change_weights(folder: Path, change: Callable[[dict], None]) -> None:
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            lambda tensors: tensors.update({UP: tensors[UP][:-1].clone()}),
            r"model\.safetensors: \S*up_proj\.weight is \(703, 256\), but config\.json makes it \(704, 256\)",
        ),
        (lambda tensors: tensors.pop(UP), r"layers\.0\.mlp\.up_proj\.weight is missing; name a whole"),
        (
            lambda tensors: tensors.update(extra=torch.zeros(2), more=torch.zeros(2)),
            r"extra has no place in the model of config\.json, and 1 more tensors",
        ),
    ],
)
def test_weights_of_another_shape_than_the_config_are_refused_by_name(
    folder: Path, change: Callable[[dict], None], line: str
) -> None:
    change_weights(folder, change)
    with pytest.raises(ValueError, match=line) as refusal:
        load_policy(folder)
    assert str(folder) in str(refusal.value)
    assert "\n" not in str(refusal.value)
