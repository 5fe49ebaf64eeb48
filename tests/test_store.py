"""The artifact store: whole or not at all, reused by recipe, refused when damaged."""

import json
import multiprocessing
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from anomseer_core.config import Config
from anomseer_core.recipe import Recipe, Stage
from anomseer_core.store import MANIFEST, VOLATILE, ArtifactStore, DamagedArtifact, link_or_copy

STAGE = Stage("example", "series", modules=("anomseer_core.series",))
RACE_SECONDS = 60


class ExampleConfig(Config):
    """The smallest configuration: what it says does not matter here, only that it tells two recipes apart."""

    count: int = 1


def recipe(count=1):
    return Recipe(STAGE, {}, ExampleConfig(count=count))


def write(directory):
    (directory / "part").mkdir()
    (directory / "a.txt").write_text("alpha")
    (directory / "part" / "b.txt").write_text("beta")
    return {"a.txt": 1}


def produce(home):
    return ArtifactStore(home).produce(recipe(), write)


def files_below(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_an_artifact_is_published_with_its_manifest(tmp_path):
    artifact = produce(tmp_path)
    assert files_below(artifact.path) == ["a.txt", MANIFEST, "part/b.txt", VOLATILE]
    assert artifact.path.parent == tmp_path / "artifacts" / "series"
    assert (artifact.kind, artifact.key, artifact.rows) == ("series", recipe().key, {"a.txt": 1})
    assert artifact.inputs == {}
    assert not artifact.reused
    assert artifact.verify() is artifact
    assert set(artifact.manifest["files"]) == {"a.txt", "part/b.txt"}


def test_a_finished_artifact_is_reused_without_writing(tmp_path):
    first = produce(tmp_path)
    again = ArtifactStore(tmp_path).produce(recipe(), lambda directory: pytest.fail("written twice"))
    assert again.reused
    assert (again.path, again.digest) == (first.path, first.digest)


def test_a_failing_write_leaves_nothing(tmp_path):
    def fail(directory):
        write(directory)
        raise OSError("disk full")

    store = ArtifactStore(tmp_path)
    with pytest.raises(OSError, match="disk full"):
        store.produce(recipe(), fail)
    assert files_below(tmp_path) == []
    assert store.find("series", recipe().key) is None
    assert list(store.all()) == []
    assert not store.produce(recipe(), write).reused


def test_content_decides_the_digest_and_volatile_facts_do_not(tmp_path):
    first = ArtifactStore(tmp_path / "one").produce(recipe(), write, volatile=lambda: {"latency": 1})
    second = ArtifactStore(tmp_path / "two").produce(recipe(), write, volatile=lambda: {"latency": 2})
    assert first.digest == second.digest
    assert json.loads(first.file(VOLATILE).read_text())["latency"] == 1
    other = ArtifactStore(tmp_path / "two").produce(recipe(count=2), lambda directory: {})
    assert other.digest != first.digest


def test_a_changed_file_is_named(tmp_path):
    artifact = produce(tmp_path)
    artifact.file("part/b.txt").write_text("bets")
    with pytest.raises(DamagedArtifact, match=r"part/b\.txt was changed; delete"):
        artifact.verify()
    with pytest.raises(DamagedArtifact, match=r"part/b\.txt"):
        ArtifactStore(tmp_path).open(artifact.path)


def test_a_missing_file_is_named(tmp_path):
    artifact = produce(tmp_path)
    artifact.file("a.txt").unlink()
    with pytest.raises(DamagedArtifact, match=r"a\.txt is missing"):
        artifact.verify()


def test_a_foreign_file_is_named(tmp_path):
    artifact = produce(tmp_path)
    artifact.file("c.txt").write_text("gamma")
    with pytest.raises(DamagedArtifact, match=r"c\.txt is not in its manifest"):
        artifact.verify()


@pytest.mark.parametrize("field", ["digest", "recipe"])
def test_a_changed_manifest_is_refused(tmp_path, field):
    artifact = produce(tmp_path)
    manifest = json.loads(artifact.file(MANIFEST).read_text())
    manifest[field] = {"stage": "other"} if field == "recipe" else "0" * 64
    artifact.file(MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(DamagedArtifact, match="manifest was changed"):
        ArtifactStore(tmp_path).open(artifact.path)


def test_a_cut_manifest_is_refused(tmp_path):
    artifact = produce(tmp_path)
    artifact.file(MANIFEST).write_text("{")
    with pytest.raises(DamagedArtifact, match=r"manifest\.json is not JSON"):
        ArtifactStore(tmp_path).find("series", artifact.key)


@pytest.mark.parametrize("text", ["{}", "[]", "null", '{"key": "a"}'])
def test_a_manifest_that_is_none_is_refused(tmp_path, text):
    artifact = produce(tmp_path)
    artifact.file(MANIFEST).write_text(text)
    for look in (lambda store: store.find("series", artifact.key), lambda store: list(store.all())):
        with pytest.raises(DamagedArtifact, match=r"manifest\.json lacks its fields; delete the directory"):
            look(ArtifactStore(tmp_path))


def test_a_deleted_artifact_is_named_with_the_mend(tmp_path):
    with pytest.raises(FileNotFoundError, match="gone does not exist any more; run again to make it anew"):
        ArtifactStore(tmp_path).open(tmp_path / "gone")


def test_what_a_killed_process_was_writing_is_cleared_at_the_next_start(tmp_path):
    script = (
        "import os, sys, time\nfrom pathlib import Path\nfrom anomseer_core.store import ArtifactStore\n"
        "from tests.test_store import recipe\n"
        "def write(folder):\n    (folder / 'half').write_text('half')\n    print(folder, flush=True)\n"
        "    time.sleep(60)\n"
        "ArtifactStore(Path(sys.argv[1])).produce(recipe(), write)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        half = Path(writer.stdout.readline().strip())
        ArtifactStore(tmp_path).produce(recipe(count=2), write)
        assert half.is_dir(), "its process still writes"
        writer.kill()
    foreign = half.parent / "key@another-machine@1@abc"
    foreign.mkdir()
    produce(tmp_path)
    assert list(half.parent.iterdir()) == [foreign]


def test_an_artifact_under_the_key_of_another_is_refused(tmp_path):
    artifact = produce(tmp_path)
    shutil.copytree(artifact.path, artifact.path.with_name(recipe(count=2).key[: len(artifact.path.name)]))
    with pytest.raises(DamagedArtifact, match="names another recipe"):
        ArtifactStore(tmp_path).find("series", recipe(count=2).key)


def test_a_folder_without_a_manifest_is_no_artifact(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"is not an artifact: it has no manifest\.json"):
        ArtifactStore(tmp_path).open(tmp_path)


def test_unknown_kinds_are_named(tmp_path):
    with pytest.raises(ValueError, match="unknown artifact kind 'pictures'; the kinds are series"):
        ArtifactStore(tmp_path).find("pictures", "0" * 64)


def test_all_lists_published_artifacts_only(tmp_path):
    store = ArtifactStore(tmp_path)
    made = {store.produce(recipe(count), write).key for count in (1, 2)}
    (store.root / ".staging" / "half").mkdir(parents=True)
    assert {artifact.key for artifact in store.all()} == made


def test_a_file_gets_a_second_name_or_is_copied_where_that_is_impossible(tmp_path):
    source, linked, there_already = (tmp_path / name for name in ("source", "linked", "there already"))
    source.write_text("weights")
    there_already.write_text("older")
    link_or_copy(source, linked)
    link_or_copy(source, there_already)
    assert linked.samefile(source)
    assert not there_already.samefile(source)
    assert there_already.read_text() == "weights"


def test_two_processes_race_to_publish(tmp_path):
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    answers = context.Queue()
    racers = [context.Process(target=_race, args=(tmp_path, barrier, answers)) for _ in range(2)]
    for racer in racers:
        racer.start()
    digests = [answers.get(timeout=RACE_SECONDS) for _ in racers]
    for racer in racers:
        racer.join(RACE_SECONDS)
    assert [racer.exitcode for racer in racers] == [0, 0]
    assert digests[0] == digests[1]
    (artifact,) = ArtifactStore(tmp_path).all()
    assert artifact.verify().digest == digests[0]
    assert list((tmp_path / "artifacts" / ".staging").iterdir()) == []


def _race(home, barrier, answers):
    def write_together(directory):
        rows = write(directory)
        # Neither publishes before both have written.
        barrier.wait(RACE_SECONDS)
        return rows

    answers.put(ArtifactStore(home).produce(recipe(), write_together).digest)


def test_a_manifest_that_counts_other_rows_is_refused(tmp_path):
    """No digest covers the counts: they are compared with the tables themselves."""

    def write_table(directory):
        pq.write_table(pa.table({"a": [1, 2, 3]}), directory / "t.parquet")
        return {"t.parquet": 3}

    artifact = ArtifactStore(tmp_path).produce(recipe(), write_table)
    assert artifact.verify() is artifact
    manifest = json.loads((artifact.path / MANIFEST).read_text())
    manifest["rows"]["t.parquet"] = 4
    (artifact.path / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(DamagedArtifact, match=r"t\.parquet has 3 rows and its manifest says 4; delete the directory"):
        ArtifactStore(tmp_path).open(artifact.path)
