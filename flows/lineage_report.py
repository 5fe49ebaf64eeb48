"""`anomseer lineage`: the verified chain as a tree."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from anomseer_core.settings import Settings
from anomseer_core.store import ArtifactStore
from tasks.connection import connect
from tasks.lineage import ORIGINS, Step, trace_lineage

SHOWN_DIGEST = 12
LINE_STARTS = ("run", "benchmark", "preset", "seed", "folder")


def print_lineage(settings: Settings, run_id: str) -> None:
    database = settings.home / "mlflow" / "mlflow.db"
    if not settings.mlflow_tracking_uri and not database.exists():
        raise FileNotFoundError(f"no run is recorded yet: {database} does not exist; run the pipeline first")
    chain = trace_lineage(connect(settings), ArtifactStore(settings.home), run_id)
    console = Console()
    console.print(build_tree(chain), highlight=False)
    count = sum(1 for _ in chain.artifacts())
    console.print(f"\n{count} artifacts verified: every file has its digest, MLflow and the manifests agree.")


def build_tree(step: Step) -> Tree:
    tree = Tree(_label(step), guide_style="dim")
    for earlier in step.inputs:
        if not _is_told_by_a_sibling(earlier, step.inputs):
            tree.add(build_tree(earlier))
    return tree


def _is_told_by_a_sibling(step: Step, siblings: Sequence[Step]) -> bool:
    """Scores were made from predictions and series, and the predictions from these series: once is enough."""
    return step.seen_above and any(
        step.facts["digest"] == other.facts["digest"] for sibling in siblings for other in sibling.inputs
    )


def _label(step: Step) -> Text:
    label = Text()
    if step.role:
        label.append(f"{step.role}: ", style="dim")
    label.append(step.name, style="bold")
    if digest := step.facts.get("digest"):
        label.append(f"  {step.facts['kind']} {digest[:SHOWN_DIGEST]}", style="cyan")
    if step.seen_above:
        label.append("  (as above)", style="dim")
        return label
    for name in ("run", "commit", *ORIGINS):
        if name in step.facts:
            label.append("\n  " if name in LINE_STARTS else "  ")
            label.append(f"{name} ", style="dim")
            label.append(_shorten(name, step.facts[name]))
    return label


def _shorten(name: str, value: str) -> str:
    """A commit as git abbreviates it, still marked when its checkout had changes."""
    if name != "commit":
        return value
    commit, mark, _ = value.partition("-dirty")
    return commit[:SHOWN_DIGEST] + mark
