"""Recipe keys: what changes them, and what does not."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from anomseer_core import recipe as recipes
from anomseer_core.recipe import Recipe, Reference, Stage, code_digest, digest_json, imported_modules
from anomseer_core.synthesis.config import AnomLLMConfig
from anomseer_core.synthesis.dataset import STAGE

PACKAGE = Path(recipes.__file__).parent


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package whose sources may be edited; recipes read it instead of the installed one."""
    copy = tmp_path / "anomseer_core"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))

    def module_path(name):
        path = copy.joinpath(*name.split(".")[1:])
        return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")

    monkeypatch.setattr(recipes, "module_path", module_path)
    return copy


def key(config=None, inputs=None, stage=STAGE):
    return Recipe(stage, inputs or {}, config or AnomLLMConfig()).key


def edit(path):
    path.write_text(path.read_text() + "\n# another line\n")


def test_equal_recipes_have_equal_keys():
    assert key() == key(AnomLLMConfig())
    assert len(key()) == 64


@pytest.mark.parametrize("change", [{"seed": 43}, {"count": 399}, {"tasks": ("point",)}, {"split": "train"}])
def test_a_config_value_changes_the_key(change):
    assert key(AnomLLMConfig(**change)) != key()


def test_an_input_changes_the_key_by_its_digest_and_role():
    one = key(inputs={"series": Reference("series", "k" * 64, "d" * 64)})
    assert one != key()
    assert one != key(inputs={"series": Reference("series", "k" * 64, "e" * 64)})
    assert one != key(inputs={"traces": Reference("series", "k" * 64, "d" * 64)})
    # Two recipes that led to the same content lead to the same artifact.
    assert one == key(inputs={"series": Reference("series", "x" * 64, "d" * 64)})


def test_the_stage_and_its_libraries_change_the_key():
    assert key(stage=replace(STAGE, name="other")) != key()
    assert key(stage=replace(STAGE, version=2)) != key()
    assert key(stage=replace(STAGE, libraries=("numpy",))) != key()


@pytest.mark.parametrize(
    "source",
    ["synthesis/dataset.py", "synthesis/anomllm.py", "synthesis/config.py", "synthesis/__init__.py", "series.py"],
)
def test_a_source_of_the_stage_changes_the_key(package, source):
    before = key()
    edit(package / source)
    assert key() != before


@pytest.mark.parametrize("source", ["archives/tsb_uad.py", "metrics/__init__.py", "pipeline.py", "settings.py"])
def test_an_unrelated_source_does_not_change_the_key(package, source):
    before = key()
    edit(package / source)
    assert key() == before


@pytest.mark.parametrize("source", ["store.py", "recipe.py", "config.py"])
def test_bookkeeping_does_not_change_the_key(package, source):
    before = key()
    edit(package / source)
    assert key() == before


def test_imports_are_followed_inside_functions_too(package):
    (package / "outer.py").write_text("def late():\n    from anomseer_core import inner\n    return inner\n")
    (package / "inner.py").write_text("import anomseer_core.series\n")
    assert imported_modules(("anomseer_core.outer",)) == [
        "anomseer_core",
        "anomseer_core.inner",
        "anomseer_core.outer",
        "anomseer_core.series",
    ]


def test_a_cycle_of_imports_ends(package):
    (package / "left.py").write_text("from anomseer_core.right import x\n")
    (package / "right.py").write_text("from anomseer_core.left import y\n")
    assert imported_modules(("anomseer_core.left",)) == ["anomseer_core", "anomseer_core.left", "anomseer_core.right"]


def test_relative_imports_are_refused(package):
    (package / "near.py").write_text("from . import series\n")
    with pytest.raises(ValueError, match=r"anomseer_core\.near: relative imports are not followed"):
        code_digest(("anomseer_core.near",))


def test_an_unknown_module_is_named():
    with pytest.raises(ValueError, match=r"no source for module 'anomseer_core\.absent'"):
        code_digest(("anomseer_core.absent",))


def test_digest_json_ignores_the_order_of_keys_and_refuses_nan():
    assert digest_json({"a": 1, "b": 2}) == digest_json({"b": 2, "a": 1})
    assert digest_json([1, 2]) != digest_json([2, 1])
    with pytest.raises(ValueError, match="not JSON compliant"):
        digest_json(float("nan"))


def test_a_stage_needs_no_libraries():
    described = Recipe(Stage("s", "series", ("anomseer_core.series",)), {}, AnomLLMConfig()).describe()
    assert described["libraries"] == {}
    assert described["config"]["seed"] == 42


def test_a_cold_start_does_not_depend_on_what_only_looks_at_it():
    modules = imported_modules(("anomseer_core.training.supervised",))
    assert "anomseer_core.policy.scoring" in modules
    assert not [name for name in modules if name.startswith("anomseer_core.timerpo")]
