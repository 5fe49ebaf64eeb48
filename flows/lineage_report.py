"""`anomseer lineage`: the verified chain as a tree."""

from collections.abc import Sequence

from rich.text import Text
from rich.tree import Tree

from anomseer_core.settings import Settings
from anomseer_core.store import ArtifactStore
from flows.terminal import plain_console, show
from tasks.connection import connect
from tasks.lineage import Step, trace_lineage

SHOWN_DIGEST = 12
FACT_LINES = (
    ("run",),
    ("ending",),
    ("benchmark", "split", "tasks", "count", "folder", "preset", "source"),
    ("seed", "commit"),
)


def print_lineage(settings: Settings, run_id: str) -> None:
    database = settings.home / "mlflow" / "mlflow.db"
    if not settings.mlflow_tracking_uri and not database.exists():
        raise FileNotFoundError(f"no run is recorded yet: {database} does not exist; run the pipeline first")
    chain = trace_lineage(connect(settings), ArtifactStore(settings.home), run_id)
    console = plain_console()
    show(console, build_tree(chain))
    count = sum(1 for _ in chain.artifacts())
    console.print(f"\n{count} artifacts verified: every file has its digest, MLflow and the manifests agree.")


def build_tree(step: Step, commit_above: str = "") -> Tree:
    """One branch for each input; a commit is told where it differs from the one above, and where a chain begins."""
    commit = step.facts.get("commit", commit_above)
    tree = Tree(_label(step, tells_commit=commit != commit_above or not step.inputs), guide_style="dim")
    for earlier in step.inputs:
        if not _is_told_by_a_sibling(earlier, step.inputs):
            tree.add(build_tree(earlier, commit))
    return tree


def _is_told_by_a_sibling(step: Step, siblings: Sequence[Step]) -> bool:
    """Scores were made from predictions and series, and the predictions from these series: once is enough."""
    return step.seen_above and any(
        step.facts["digest"] == other.facts["digest"] for sibling in siblings for other in sibling.inputs
    )


def _label(step: Step, *, tells_commit: bool) -> Text:
    label = Text()
    if step.role:
        label.append(f"{step.role}: ", style="dim")
    label.append(step.name, style="bold")
    if digest := step.facts.get("digest"):
        label.append(f"  {step.facts['kind']} {digest[:SHOWN_DIGEST]}", style="cyan")
    if step.seen_above:
        label.append("  (as above)", style="dim")
        return label
    for names in FACT_LINES:
        told = [name for name in names if name in step.facts and (tells_commit or name != "commit")]
        parts = [Text.assemble((f"{name} ", "dim"), step.facts[name]) for name in told]
        if parts:
            label.append("\n  ")
            label.append(Text("  ").join(parts))
    return label
