"""What a command line makes of an evaluation."""

from pathlib import Path

import pytest

from anomseer_core.archives.config import ArchiveConfig
from anomseer_core.baselines.trivial import ANSWERS
from anomseer_core.config import Config
from anomseer_core.configurations import nano, tiny
from anomseer_core.evaluation.detector_names import is_direct, is_told, subject_of
from anomseer_core.recipe import Recipe, Stage
from anomseer_core.reports.summary import marked
from anomseer_core.store import ArtifactStore
from flows.evaluation_config import (
    BASELINES,
    EvaluationRunConfig,
    choose,
    evaluation_of,
    find_checkpoint,
    find_policies,
    name_policies,
)
from tests.policy.conftest import nano_folder

__all__ = ["nano_folder"]


def chosen(*detectors, checkpoint="latest", benchmarks=(), overrides=()):
    return choose(tiny(), checkpoint, detectors, benchmarks, overrides)


def test_without_names_the_policy_is_evaluated_beside_everything():
    assert chosen() == evaluation_of(tiny())
    assert (chosen().models, chosen().evaluation.baselines) == (("policy",), BASELINES)


def test_named_detectors_stand_beside_the_trivial_ones():
    config = chosen("matrix-profile", "endpoint", "fft", "fft")
    assert config.models == ("endpoint",)
    assert config.evaluation.baselines == (*ANSWERS, "fft", "matrix-profile")
    alone = chosen("fft", overrides=['evaluation.baselines=["fft"]'])
    assert (alone.models, alone.evaluation.baselines) == ((), ("fft",))


def test_benchmarks_may_be_written_with_hyphens():
    assert chosen(benchmarks=["visual-time-anomaly", "anomllm", "anomllm"]).benchmarks == (
        "visual_time_anomaly",
        "anomllm",
    )


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"detectors": ["matrixprofile"]}, "unknown detector matrixprofile: did you mean matrix-profile"),
        ({"detectors": ["fft"], "checkpoint": "/a"}, "checkpoint /a has no effect without the detector policy"),
        ({"overrides": ["endpoint.model=m"]}, "the endpoint's settings have no effect without the detector endpoint"),
        ({"detectors": ["fft"], "overrides": ["evaluation.baselines=[]"]}, "no detector is named"),
        (
            {"detectors": ["endpoint"], "overrides": ["evaluation.decoding.reasoning=skipped"]},
            "no API lets the response of its model be begun",
        ),
        (
            {"overrides": ["evaluation.decoding.reasoning=skipped", "evaluation.direct_too=true"]},
            "direct_too has no effect where decoding.reasoning is skipped",
        ),
        (
            {"overrides": ["evaluation.decoding.told=true", "evaluation.told_too=true"]},
            "told_too has no effect where decoding.told is set",
        ),
        (
            {"detectors": ["endpoint"], "overrides": ["evaluation.decoding.told=true"]},
            "no API takes a choice from its model",
        ),
        (
            {"overrides": ["evaluation.decoding.reasoning=voted", "evaluation.voted_too=true"]},
            "voted_too has no effect where decoding.reasoning is voted",
        ),
        (
            {"overrides": ["evaluation.decoding.reasoning=voted", "evaluation.decoding.temperature=0.4"]},
            "temperature has no effect where answers vote; set voting.temperature",
        ),
        (
            {"overrides": ["evaluation.decoding.voting.answers=4"]},
            "decoding.voting has no effect where nothing votes; set voted_too",
        ),
        (
            {"detectors": ["endpoint"], "overrides": ["evaluation.decoding.reasoning=voted"]},
            "reasoning = voted: no API lets the response of its model be begun",
        ),
        ({"benchmarks": ["anomlm"]}, "benchmarks.0 = 'anomlm': input should be 'anomllm'"),
        ({"detectors": ["endpoint"], "overrides": ["endpoint.base_url=host"]}, "base_url must be an address"),
    ],
)
def test_what_has_no_effect_or_no_meaning_is_refused(arguments, reason):
    with pytest.raises(ValueError, match=reason):
        choose(
            tiny(),
            arguments.get("checkpoint", "latest"),
            arguments.get("detectors", ()),
            arguments.get("benchmarks", ()),
            arguments.get("overrides", ()),
        )


def test_the_form_takes_what_the_command_takes():
    config = choose(nano(), "latest", ["hbos"], ["anomllm"], ["evaluation.classical.hbos.sigmas=2"])
    assert EvaluationRunConfig.model_validate_json(config.model_dump_json()) == config
    assert config.evaluation.classical.hbos.sigmas == 2


def test_a_policy_may_be_asked_twice():
    once, twice = nano().evaluation, choose(nano(), "latest", [], [], ["evaluation.direct_too=true"]).evaluation
    assert once.decodings(eventful=True) == (once.decoding,)
    assert [item.reasoning for item in twice.decodings(eventful=True)] == ["written", "skipped"]
    names = [item.detector_name("timerpo") for item in twice.decodings(eventful=False)]
    assert names == ["timerpo", "timerpo-direct"]


def test_a_policy_may_be_asked_by_a_vote_too():
    overrides = ["evaluation.direct_too=true", "evaluation.voted_too=true", "evaluation.decoding.voting.answers=4"]
    ways = choose(nano(), "latest", [], [], overrides).evaluation.decodings(eventful=False)
    names = [way.detector_name("grpo-seed2") for way in ways]
    assert names == ["grpo-seed2", "grpo-seed2-direct", "grpo-seed2-voted"]
    assert [subject_of(name) for name in names] == ["grpo", "grpo-direct", "grpo-voted"]
    assert [is_direct(name) for name in names] == [False, True, True]
    # Only who votes is known by how votes are counted, and only who does not by the temperature of one response.
    assert [way.voting.answers for way in ways] == [16, 16, 4]
    warm = choose(nano(), "latest", [], [], ["evaluation.voted_too=true", "evaluation.decoding.temperature=0.4"])
    assert [way.temperature for way in warm.evaluation.decodings(eventful=False)] == [0.4, 0.0]


def test_a_policy_may_be_told_of_events_where_there_are_some():
    config = choose(nano(), "latest", [], [], ["evaluation.told_too=true"]).evaluation
    assert [item.told for item in config.decodings(eventful=True)] == [False, True]
    assert config.decodings(eventful=False) == (config.decoding,)
    both = config.model_copy(update={"direct_too": True}).decodings(eventful=True)
    names = [item.detector_name("mine-seed2") for item in both]
    assert names == ["mine-seed2", "mine-seed2-told", "mine-seed2-direct", "mine-seed2-direct-told"]
    assert [subject_of(name) for name in names] == ["mine", "mine-told", "mine-direct", "mine-direct-told"]
    assert [is_told(name) for name in names] == [False, True, False, True]
    assert [is_direct(name) for name in names] == [False, False, True, True]
    assert [marked(name) for name in names[:2]] == ["mine-seed2", "mine-seed2-told *"]
    assert ArchiveConfig().is_eventful
    assert not ArchiveConfig(selection="all").is_eventful


class Transport(Config):
    alignment: str = "transport"


class Method(Config):
    seed: int
    alpha: float = 0.3
    transport: Transport = Transport()


class Trained(Config):
    method: Method


def checkpoint(store, stage, seed, alpha=0.3, parent=None, alignment="transport"):
    def write(directory):
        (directory / "weights").write_text(f"{stage} {seed} {alpha} {alignment}")
        return {}

    inputs = {"policy": parent.reference} if parent else {}
    config = Trained(method=Method(seed=seed, alpha=alpha, transport=Transport(alignment=alignment)))
    return store.produce(Recipe(Stage(stage, "checkpoint", modules=()), inputs, config), write)


@pytest.fixture
def trained(tmp_path):
    """A cold start and two seeds of what came of it."""
    store = ArtifactStore(tmp_path)
    start = checkpoint(store, "cold-start", 0)
    return store, start, *(checkpoint(store, "timerpo", seed, parent=start) for seed in (0, 5))


def test_seeds_are_evaluated_together_with_the_cold_start_they_share(trained):
    store, start, *seeds = trained
    config = evaluation_of(tiny()).model_copy(update={"checkpoint": ",".join(str(item.path) for item in seeds)})
    found = find_policies(store, config)
    assert {name: item.digest for name, item in found.items()} == {
        "timerpo-seed0": seeds[0].digest,
        "timerpo-seed5": seeds[1].digest,
        "cold-start": start.digest,
    }
    assert list(find_policies(store, config.model_copy(update={"cold_start": False}))) == list(found)[:2]
    alone = config.model_copy(update={"checkpoint": f"{seeds[0].path}, {seeds[0].path}"})
    assert list(find_policies(store, alone)) == ["timerpo", "cold-start"]
    assert find_policies(store, config.model_copy(update={"models": ("endpoint",)})) == {}


def test_what_differs_in_more_than_its_seed_is_no_seed(trained):
    store, _, first, _ = trained
    other = checkpoint(store, "timerpo", 1, alpha=0.2)
    assert list(name_policies([first, other])) == [f"timerpo-{item.digest[:8]}" for item in (first, other)]


def test_methods_of_a_stage_have_their_names(trained):
    store, _, *seeds = trained
    plain = [checkpoint(store, "timerpo", seed, alpha=0.0) for seed in (0, 5)]
    cosine = checkpoint(store, "timerpo", 0, alignment="cosine")
    assert list(name_policies([*seeds, *plain, cosine])) == [
        "timerpo-seed0",
        "timerpo-seed5",
        "grpo-seed0",
        "grpo-seed5",
        "timerpo-cosine",
    ]
    assert list(name_policies(plain[:1])) == ["timerpo"]


def test_two_folders_of_one_name_are_refused(trained):
    with pytest.raises(ValueError, match="two checkpoints are called mine"):
        name_policies([Path("/a/mine"), Path("/b/mine")])
    with pytest.raises(ValueError, match="two checkpoints are called timerpo"):
        name_policies([Path("/a/timerpo"), trained[2]])


def test_the_shipped_policy_stands_in_until_one_is_trained_here(nano_folder: Path, tmp_path: Path, monkeypatch):
    store = ArtifactStore(tmp_path)
    monkeypatch.setattr("anomseer_core.policy.folder.SHIPPED", tmp_path / "absent")
    with pytest.raises(FileNotFoundError, match=r"no trained checkpoint in .* this version of anomseer ships none"):
        find_checkpoint(store, "latest")
    monkeypatch.setattr("anomseer_core.policy.folder.SHIPPED", nano_folder)
    assert find_checkpoint(store, "latest") == find_checkpoint(store, "shipped") == nano_folder
    recipe = Recipe(Stage("timerpo", "checkpoint", modules=()), {}, Config())
    trained = store.produce(recipe, lambda folder: {"steps": 1})
    assert find_checkpoint(store, "latest").path == trained.path
    assert find_checkpoint(store, "shipped") == nano_folder
