"""docs/method.md against the code: every function and field that its table names exists, and every field is named."""

import ast
import re
from pathlib import Path

import pytest

import anomseer_core
from anomseer_core.configurations import CONFIGURATIONS
from anomseer_core.training.config import RewardWeights, TimerPOConfig, TransportConfig

CORE = Path(anomseer_core.__file__).parent
DOCUMENT = CORE.parent / "docs" / "method.md"
# What the method's table does not govern: which seed, and what is kept of a run.
BESIDES = {"seed", "completions_every", "rewards", "transport", "weights"}

pytestmark = pytest.mark.skipif(not DOCUMENT.exists(), reason="an installed package has no docs/")


def table(first_heading: str) -> list[list[str]]:
    """The cells of the rows below the heading row that starts with this cell."""
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith(f"| {first_heading} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def spans(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def definitions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def has_field(name: str) -> bool:
    groups = {"rewards": RewardWeights, "transport": TransportConfig}
    group, _, field = name.rpartition(".")
    return field in (groups[group] if group else TimerPOConfig).model_fields


def test_every_function_of_the_table_exists():
    named = [span for row in table("Eq.") for span in spans(row[3]) if ".py: " in span]
    assert len(named) >= len(table("Eq."))
    for span in named:
        file, _, function = span.partition(": ")
        assert function in definitions(CORE / file), span


def test_every_row_has_five_cells_and_names_its_fields():
    for row in table("Eq."):
        assert len(row) == 5, row
        assert spans(row[4]), row
        for name in spans(row[4]):
            assert has_field(name), name


def test_every_field_of_the_method_stands_in_the_table():
    named = {name for row in table("Eq.") for name in spans(row[4])}
    fields = set(TimerPOConfig.model_fields) - BESIDES
    fields |= {f"rewards.{name}" for name in RewardWeights.model_fields}
    fields |= {f"transport.{name}" for name in TransportConfig.model_fields}
    assert fields == named


def test_released_sets_every_field_whose_row_says_that_it_differs():
    """All other fields are the paper's defaults in both."""
    released, paper = CONFIGURATIONS["released"]().training, CONFIGURATIONS["paper"]().training
    assert paper == TimerPOConfig()
    changed = {name for name in TimerPOConfig.model_fields if getattr(released, name) != getattr(paper, name)}
    for group in ("rewards", "transport"):
        ours, theirs = getattr(paper, group), getattr(released, group)
        changed |= {f"{group}.{n}" for n in type(ours).model_fields if getattr(ours, n) != getattr(theirs, n)}
    assert changed - {"rewards", "transport"} == {
        "rewards.rule",
        "rewards.location_metric",
        "normalisation",
        "transport.response_side",
        "transport.marginals",
        "transport.expert_context",
        "transport.expert_tokens",
        "kl_cap",
        "entropy_weight",
        "loss_mean",
        "seed",
    }


def test_every_named_configuration_is_described():
    assert {spans(row[0])[0] for row in table("name")} == set(CONFIGURATIONS)
