import pytest

from anomseer_core.configurations import nano, paper, tiny
from anomseer_core.pipeline import PipelineConfig
from anomseer_core.settings import load_settings
from anomseer_core.store import ArtifactStore
from flows.evaluation_config import evaluation_of
from flows.overrides import apply_overrides
from flows.run_names import changed_fields, describe_changes, describe_checkpoint, tell_checkpoint
from tasks.connection import Tracking
from tests.tasks.test_tracking import parent_of
from tests.tasks.toy_stages import draw, train


def test_a_named_configuration_is_unchanged():
    assert changed_fields(nano()) == {}
    assert describe_changes({}) == ""


def test_changes_are_told_as_they_are_set():
    changed = changed_fields(apply_overrides(tiny(), ["training.alpha=0", 'synthesis.train.tasks=["point"]']))
    assert changed == {"synthesis.train.tasks": ["point"], "training.alpha": 0.0}
    assert describe_changes(changed) == 'synthesis.train.tasks=["point"] training.alpha=0.0'


def test_many_changes_and_long_values_are_cut():
    text = describe_changes({"a": 1, "b": "/x" * 30, "c": 3, "d": 4, "e": 5})
    assert text == f"a=1 b={('/x' * 30)[:37]}... c=3 and 2 more"


def test_a_configuration_of_another_name_is_not_compared():
    assert changed_fields(PipelineConfig(name="mine")) == {}


def test_the_paper_is_what_a_field_left_out_takes():
    launch = {"gradient_checkpointing": True}
    assert PipelineConfig(name="paper", policy={"preset": "qwen2.5-vl-3b"}, launch=launch) == paper()


def test_an_evaluation_alone_offers_only_what_has_an_effect():
    config = evaluation_of(tiny())
    assert config.evaluation.decoding == tiny().evaluation.decoding
    with pytest.raises(ValueError, match=r"unknown field evaluation\.cold_start"):
        apply_overrides(config, ["evaluation.cold_start=false"])


def test_a_checkpoint_is_told_by_stage_and_run(tracking: Tracking):
    parent = parent_of(tracking)
    made = train(parent, draw(parent))
    checkpoint = ArtifactStore(load_settings().home).open(made.path)
    assert tell_checkpoint(tracking, checkpoint) == "train, of run 'tiny brave-otter'"
    assert describe_checkpoint(checkpoint) == f"train {made.digest[:12]}"
