"""From a trained checkpoint to the folder that ships: facts from the manifests behind it, numbers from its scores."""

from pathlib import Path
from typing import Any

import pytest

from anomseer_core.evaluation.baseline_predictions import predict_baseline
from anomseer_core.evaluation.config import BaselineConfig, DecodingConfig, ScoringConfig
from anomseer_core.evaluation.scores import score_predictions
from anomseer_core.policy.birth import create_policy
from anomseer_core.policy.card import read_card
from anomseer_core.policy.config import PolicyConfig
from anomseer_core.policy.detector import predict_policy
from anomseer_core.store import Artifact, ArtifactStore
from anomseer_core.synthesis.config import AnomLLMConfig
from anomseer_core.synthesis.dataset import synthesize
from anomseer_core.training.adoption import AdoptionConfig, file_training, find_inputs, read_training
from infra.ship import ship
from tests.training.finished import COMMIT, leave_training

WORDS = {"machine": "two CPU cores", "limit": ["It knows one channel."]}

STAGE = {"stage": "timerpo", "steps": 2, "seed": 0, "seconds": 3.0, "commit": COMMIT}


def data_of(task: str) -> dict[str, Any]:
    return {"generator": "anomllm", "split": "train", "tasks": [task], "seed": 3407, "series": 2, "form": ""}


def train_in(home: Path, monkeypatch: pytest.MonkeyPatch, *start: Any) -> tuple[ArtifactStore, Artifact]:
    """The store of a home that is now the one in use, and the checkpoint of a training there."""
    monkeypatch.setenv("ANOMSEER_HOME", str(home))
    training = read_training(AdoptionConfig(folder=str(leave_training(home, *start))))
    store = ArtifactStore(home)
    return store, file_training(store, training, find_inputs(store, training))


def test_a_policy_is_shipped_evaluated_and_shipped_with_its_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store, checkpoint = train_in(tmp_path / "home", monkeypatch)

    ship(checkpoint.path, tmp_path / "shipped", **WORDS)
    facts = read_card(tmp_path / "shipped")["provenance"]
    assert facts["data"] == [data_of("range")]
    assert facts["training"] == [STAGE]
    assert (facts["machine"], facts["measurements"]) == ("two CPU cores", [])

    numbers = []
    # Of other series each: equal answers of both to the same ones would be one artifact of scores.
    asked = ((tmp_path / "shipped", 2, "written"), (checkpoint.path, 3, "skipped"), (checkpoint.path, 4, "voted"))
    for source, count, reasoning in asked:
        held_out = synthesize(store, AnomLLMConfig(tasks=("point",), count=count))
        policy = create_policy(store, None, PolicyConfig(source=str(source)))
        decoding = DecodingConfig(max_response_tokens=48, reasoning=reasoning)
        answers = predict_policy(store, policy, held_out, decoding)
        numbers.append(score_predictions(store, answers, held_out, ScoringConfig()).path)

    for name, scores, (_, count, reasoning) in zip(("rounded", "whole", "voted"), numbers, asked, strict=True):
        rounded = name == "rounded"
        ship(checkpoint.path, tmp_path / name, **WORDS, scores=[scores])
        card = read_card(tmp_path / name)
        measured = {item["measure"]: item for item in card["provenance"]["measurements"]}
        assert measured["affiliation_f1"]["series"] == count
        assert {item["reasoning"] for item in measured.values()} == {reasoning}
        weights = {item["weights"] for item in measured.values()}
        assert (weights == {card["files"]["model.safetensors"]}) == rounded
        assert ("before they were rounded" in (tmp_path / name / "README.md").read_text()) != rounded

    guess = score_predictions(
        store, predict_baseline(store, held_out, BaselineConfig(name="always-empty")), held_out, ScoringConfig()
    )
    for target, scores, line in (
        ("whole", [], f"{tmp_path / 'whole'} exists; remove it first"),
        ("other", [guess.path], f"{guess.path} holds scores of a detector without training; name those of this policy"),
        ("other", [answers.path], f"{answers.path} is a predictions artifact; name the folder of scores"),
    ):
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            ship(checkpoint.path, tmp_path / target, **WORDS, scores=scores)
        assert end.value.code == 2
        assert capsys.readouterr().err == f"ship: error: {line}\n"
    assert not (tmp_path / "other").exists()


def test_what_begins_with_a_shipped_policy_tells_of_its_training_and_data_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second home knows nothing of the first one's artifacts."""
    start = PolicyConfig(vocabulary=512)
    for name, task in (("first", "range"), ("second", "point"), ("third", "point")):
        _, checkpoint = train_in(tmp_path / name, monkeypatch, start, task)
        ship(checkpoint.path, tmp_path / f"{name}-shipped", **WORDS)
        start = PolicyConfig(source=str(tmp_path / f"{name}-shipped"))
    facts = read_card(tmp_path / "third-shipped")["provenance"]
    assert facts["training"] == [STAGE] * 3
    # Those of `point` were seen by two trainings and are told once.
    assert facts["data"] == [data_of("range"), data_of("point")]


def test_a_copy_of_a_shipped_policy_is_shipped_again_as_its_card_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where it was trained is gone: numbers and limits still find their way to its card."""
    store, trained = train_in(tmp_path / "first", monkeypatch)
    ship(trained.path, tmp_path / "shipped", **WORDS)
    born = store.find("checkpoint", trained.inputs["policy"].key)
    with pytest.raises(SystemExit):
        ship(born.path, tmp_path / "born", **WORDS)
    assert "was not trained here" in capsys.readouterr().err

    monkeypatch.setenv("ANOMSEER_HOME", str(tmp_path / "second"))
    store = ArtifactStore(tmp_path / "second")
    copy = create_policy(store, None, PolicyConfig(source=str(tmp_path / "shipped")))
    ship(copy.path, tmp_path / "again", machine="two CPU cores", limit=["It knows little."])
    before, after = read_card(tmp_path / "shipped"), read_card(tmp_path / "again")
    assert after["provenance"] == before["provenance"] | {"limits": ["It knows little."]}
    assert after["files"] == before["files"]
