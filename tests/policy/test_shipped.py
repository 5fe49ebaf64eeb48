"""The policy that ships with the package is one of today's code: fails when either changes without the other."""

from pathlib import Path

import pytest
import torch

from anomseer_core.policy.card import MODEL_CARD, file_digests, read_card, surroundings_digests
from anomseer_core.policy.export import LIMIT
from anomseer_core.policy.folder import find_shipped, require_shipped
from anomseer_core.policy.model import load_policy
from anomseer_core.policy.model_card import write_page
from anomseer_core.store import file_digest


@pytest.fixture
def shipped() -> Path:
    if find_shipped() is None:
        pytest.skip("anomseer_core/policy/shipped is not there yet: no weights are committed")
    return require_shipped()


def test_its_card_has_the_digests_of_today(shipped: Path) -> None:
    expected = surroundings_digests() | {"tokenizer": file_digest(shipped / "tokenizer.json")}
    assert read_card(shipped)["digests"] == expected


def test_its_files_are_those_of_its_cards(shipped: Path) -> None:
    card = read_card(shipped)
    assert file_digests(shipped) == card["files"]
    assert (shipped / MODEL_CARD).read_text(encoding="utf-8") == write_page(card)
    assert card["provenance"]["measurements"], "evaluate it, and ship it with its scores"
    assert sum(path.stat().st_size for path in shipped.iterdir()) <= LIMIT


def test_it_loads(shipped: Path) -> None:
    policy = load_policy(shipped)
    assert {weight.dtype for weight in policy.model.parameters()} == {torch.float32}
    assert sum(weight.numel() for weight in policy.model.parameters()) == read_card(shipped)["parameters"]


def test_a_version_without_one_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("anomseer_core.policy.folder.SHIPPED", tmp_path / "shipped")
    assert find_shipped() is None
    with pytest.raises(FileNotFoundError, match="this version of anomseer ships no trained policy; train one"):
        require_shipped()
    (tmp_path / "shipped").mkdir()
    with pytest.raises(FileNotFoundError, match=r"holds no \*\.safetensors weights"):
        require_shipped()
