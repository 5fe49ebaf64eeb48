"""A training from elsewhere is filed as its stage would file it; what does not fit together is refused by name."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anomseer_core.observer import SilentObserver
from anomseer_core.policy.card import file_digests, read_card, write_card
from anomseer_core.recipe import digest_json
from anomseer_core.store import MANIFEST, VOLATILE, ArtifactStore
from anomseer_core.training.adoption import AdoptionConfig, file_training, find_inputs, read_training
from tests.training.finished import COMMIT, leave_training, write_lines


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of the machine that trained."""
    home = tmp_path_factory.mktemp("elsewhere")
    leave_training(home)
    return home


@pytest.fixture
def folder(elsewhere: Path, tmp_path: Path) -> Path:
    """The folder of the training as it was brought here, alone."""
    (original,) = (elsewhere / "runs").iterdir()
    return Path(shutil.copytree(original, tmp_path / "brought"))


class Listener(SilentObserver):
    def __init__(self) -> None:
        self.heard: list[tuple[str, int, Any]] = []

    def metrics(self, step, values) -> None:
        self.heard.append(("metrics", step, values["reward"]))

    def completions(self, step, rows) -> None:
        self.heard.append(("completions", step, len(rows)))


def take_in(store: ArtifactStore, folder: Path, *, drifted: bool = False, observer=None):
    training = read_training(AdoptionConfig(folder=str(folder), drifted=drifted))
    return file_training(store, training, find_inputs(store, training), observer or SilentObserver())


def change(path: Path, edit: Callable[[dict], object]) -> None:
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


def test_it_is_filed_under_the_recipe_that_it_was_trained_by(folder: Path, tmp_path: Path) -> None:
    store, listener = ArtifactStore(tmp_path / "home"), Listener()
    artifact = take_in(store, folder, observer=listener)
    recipe = json.loads((folder / "job.json").read_text())["recipe"]
    assert artifact.verify().key == digest_json(recipe)
    assert artifact.manifest["recipe"] == recipe
    assert (artifact.manifest["stage"], artifact.kind, artifact.manifest["commit"]) == ("timerpo", "checkpoint", COMMIT)
    assert artifact.rows == {"steps": 2}
    assert json.loads(artifact.file(VOLATILE).read_text())["wall_seconds"] == 3.0
    assert listener.heard == [("metrics", 1, 0.25), ("metrics", 2, 0.5), ("completions", 1, 1)]
    # Nothing of what it was made from is here.
    assert {role: (item.key, item.digest) for role, item in artifact.inputs.items()} == {
        role: ("", digest) for role, digest in recipe["inputs"].items()
    }


def test_inputs_that_are_here_too_are_linked(folder: Path, elsewhere: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(elsewhere, tmp_path / "home"))
    store = ArtifactStore(home)
    artifact = take_in(store, folder)
    assert {
        role: store.find(item.kind, item.key).digest for role, item in artifact.inputs.items()
    } == artifact.manifest["recipe"]["inputs"]


def test_twice_is_once_and_other_weights_of_the_same_recipe_are_refused(folder: Path, tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path / "home")
    first = take_in(store, folder)
    again = take_in(store, folder)
    assert (again.reused, again.path) == (True, first.path)
    card = read_card(folder / "checkpoint")
    # A card is content: the linked file of the first adoption must not change with it.
    (folder / "checkpoint" / "card.json").unlink()
    write_card(card | {"note": "other"}, folder / "checkpoint")
    with pytest.raises(ValueError, match="holds other weights of the same training; delete it"):
        take_in(store, folder)
    assert first.verify()


def test_a_published_artifact_is_found_beside_the_runs_of_a_whole_home(folder: Path, tmp_path: Path) -> None:
    """As a finished stage leaves it: the checkpoint is an artifact and no longer in the folder of the job."""
    home = tmp_path / "machine"
    published = take_in(ArtifactStore(home), folder)
    job = home / "runs" / "timerpo"
    shutil.move(folder, job)
    shutil.rmtree(job / "checkpoint")
    artifact = take_in(ArtifactStore(tmp_path / "home"), job)
    assert artifact.digest == published.digest
    assert artifact.manifest["machine"] == published.manifest["machine"]
    change(published.path / MANIFEST, lambda manifest: manifest["files"].update({"tokenizer.json": "0" * 64}))
    with pytest.raises(ValueError, match=r"tokenizer\.json was changed; copy the checkpoint again"):
        take_in(ArtifactStore(tmp_path / "other"), job)


def recard(folder: Path, **changes: object) -> None:
    checkpoint = folder / "checkpoint"
    write_card(read_card(checkpoint) | changes, checkpoint)


def digests_of(folder: Path, **changes: str) -> dict[str, str]:
    return read_card(folder / "checkpoint")["digests"] | changes


def lie(key: str, value: object) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        *parents, last = key.split(".")

        def change_one(record: dict) -> None:
            for name in parents:
                record = record[name]
            record[last] = value

        change(folder / "job.json", change_one)

    return edit


def spoil(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (lambda at: (at / "job.json").unlink(), r"holds no job\.json; bring the whole folder"),
        (lambda at: (at / "metrics.jsonl").unlink(), r"holds no metrics\.jsonl; bring the whole folder"),
        (lambda at: shutil.rmtree(at / "checkpoint"), r"holds no checkpoint; bring the whole folder"),
        (lambda at: (at / "checkpoint" / "card.json").unlink(), r"holds no card\.json; bring the whole folder"),
        (lambda at: (at / "checkpoint" / "config.json").unlink(), r"holds no config\.json"),
        (lambda at: (at / "checkpoint" / "generation_config.json").unlink(), r"generation_config\.json is missing"),
        (lambda at: spoil(at / "checkpoint" / "model.safetensors"), r"model\.safetensors is not the one of its card"),
        (lambda at: recard(at, digests=[]), r"card\.json has no digest of the tokenizer; copy it again"),
        (lambda at: recard(at, digests={"tokenizer": "0"}), r"card\.json has no digest of the renderer"),
        (lambda at: recard(at, files=None, digests=digests_of(at, tokenizer="0")), r"tokenizer\.json is not the one"),
        (lambda at: recard(at, stage="cold_start"), r"card\.json and .*job\.json differ in stage"),
        (lambda at: recard(at, config={}), r"card\.json and .*job\.json differ in config"),
        (lambda at: (at / "job.json").write_text("{"), r"job\.json is not JSON"),
        (lambda at: (at / "job.json").write_text("{}"), r"job\.json is damaged or of another version of anomseer"),
        (lie("config", {"stepps": 2}), r"job\.json is damaged or of another version of anomseer"),
        (lie("config", []), r"job\.json is damaged or of another version of anomseer"),
        (lie("recipe", {}), r"job\.json has no recipe; train by a stage"),
        (lie("recipe", {"config": []}), r"job\.json contradicts itself: stage of its recipe"),
        (lie("recipe.stage", "cold-start"), r"contradicts itself: stage of its recipe"),
        (lie("config.alpha", 0.5), r"contradicts itself: config\.method of its recipe is not that of the job"),
        (lie("recipe.inputs", {"policy": "a"}), r"names the inputs policy, not policy, series, traces"),
        (lie("recipe.code", "0" * 64), r"was changed: its recipe is not the one that named timerpo-"),
        (lambda at: (at / "metrics.jsonl").write_text('{"step": 1, "metrics": {}}\n'), r"has no step 2 of 2"),
        (lambda at: (at / "metrics.jsonl").write_text('{"step": 1, "met\n'), r"metrics\.jsonl, line 1 is not the rec"),
        (lambda at: (at / "metrics.jsonl").write_bytes(b"\xff\xfe\n"), r"metrics\.jsonl, line 1 is not the record"),
        (lambda at: write_lines(at / "completions.jsonl", [{"step": 1}]), r"completions\.jsonl, line 1 is not the"),
        (lambda at: write_lines(at / "metrics.jsonl", [{"step": 1, "metrics": {"a": "b"}}]), r"line 1 is not the rec"),
        (lambda at: write_lines(at / "completions.jsonl", [{"step": 1, "rows": [1]}]), r"line 1 is not the record"),
    ],
)
def test_what_does_not_fit_is_refused_on_one_line_and_nothing_is_filed(
    folder: Path, tmp_path: Path, damage: Callable[[Path], object], line: str
) -> None:
    damage(folder)
    store = ArtifactStore(tmp_path / "home")
    with pytest.raises((FileNotFoundError, ValueError), match=line) as refusal:
        take_in(store, folder)
    assert "\n" not in str(refusal.value)
    assert str(folder) in str(refusal.value)
    assert not store.home.exists()


def test_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name in ("file", "absent"):
        with pytest.raises(FileNotFoundError, match=f"{name} is not a folder"):
            read_training(AdoptionConfig(folder=str(tmp_path / name)))


def test_a_card_of_before_files_were_described_is_taken_by_its_tokenizer(folder: Path, tmp_path: Path) -> None:
    checkpoint = folder / "checkpoint"
    write_card({name: value for name, value in read_card(checkpoint).items() if name != "files"}, checkpoint)
    assert take_in(ArtifactStore(tmp_path / "home"), folder).rows == {"steps": 2}


def test_a_drifted_training_is_refused_by_name_unless_it_is_wanted(folder: Path, tmp_path: Path) -> None:
    recard(folder, digests=digests_of(folder, prompt="0" * 64, grammar="0" * 64))
    store = ArtifactStore(tmp_path / "home")
    with pytest.raises(ValueError, match=r"the grammar and the prompt changed since .* adopt it with --drifted"):
        take_in(store, folder)
    assert not store.home.exists()
    artifact = take_in(store, folder, drifted=True)
    assert json.loads(artifact.file(VOLATILE).read_text())["drifted"] == ["grammar", "prompt"]
    assert set(file_digests(artifact.path)) == set(file_digests(folder / "checkpoint"))
