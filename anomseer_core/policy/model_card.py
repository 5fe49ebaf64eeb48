"""The card of a policy that ships, as a page for people: README.md, from card.json and from nothing else."""

from collections.abc import Mapping, Sequence
from typing import Any

from anomseer_core.policy.provenance import Provenance

SHOWN_DIGEST = 12
HEAD = """---
license: apache-2.0
library_name: transformers
pipeline_tag: image-text-to-text
---

# The policy that ships with AnomSeer
"""
USE = """## Use

`anomseer evaluate` and `anomseer serve` take it where no checkpoint is named and none was trained; `shipped` names it.
`--set policy.preset=shipped` starts a training from it. The folder is a plain Hugging Face one of the Qwen2.5-VL
architecture."""


def write_page(card: Mapping[str, Any]) -> str:
    """The page, as markdown. `card` holds its `provenance`, as `policy/export.py` writes it."""
    facts = Provenance.model_validate(card["provenance"])
    parts = [HEAD.strip(), _opening(card, facts), USE, _data(facts), _training(facts), _results(card, facts)]
    limits = "\n".join(f"- {line}" for line in facts.limits)
    return "\n\n".join([*parts, f"## Limits\n\n{limits}", _digests(card)]) + "\n"


def _opening(card: Mapping[str, Any], facts: Provenance) -> str:
    return f"{card['parameters']:,} parameters, stored in bfloat16 and computed in float32. Trained on {facts.machine}."


def _data(facts: Provenance) -> str:
    rows = [
        (f"{item.generator} {item.form}".strip(), item.split, ", ".join(item.tasks), item.seed, f"{item.series:,}")
        for item in facts.data
    ]
    total = sum(item.series for item in facts.data)
    return f"## Data\n\n{total:,} synthetic series, drawn from seeds.\n\n" + _table(
        ("generator", "split", "tasks", "seed", "series"), rows
    )


def _training(facts: Provenance) -> str:
    rows = [
        (item.stage, f"{item.steps:,}", item.seed, f"{item.seconds / 60:,.0f}", f"`{item.commit}`")
        for item in facts.training
    ]
    return "## Training\n\n" + _table(("stage", "steps", "seed", "minutes", "commit"), rows)


def _results(card: Mapping[str, Any], facts: Provenance) -> str:
    if not facts.measurements:
        return "## Results\n\nNot evaluated yet."
    rows = [
        (
            item.benchmark,
            item.profile,
            item.reasoning,
            item.measure.replace("_", " "),
            item.series,
            _percent(item.mean),
            interval,
        )
        for item in facts.measurements
        for interval in (f"{_percent(item.low)}-{_percent(item.high)}",)
    ]
    head = ("benchmark", "profile", "reasoning", "measure", "n", "mean", "95 %")
    note = "Percent, with 95 % bootstrap intervals over held-out series."
    if any(item.weights not in card["files"].values() for item in facts.measurements):
        note += " Measured on the weights before they were rounded to bfloat16."
    return f"## Results\n\n{note}\n\n" + _table(head, rows)


def _digests(card: Mapping[str, Any]) -> str:
    rows = [(name, f"`{digest[:SHOWN_DIGEST]}`") for name, digest in sorted(card["digests"].items())]
    text = "What an answer depends on besides the weights. `card.json` has whole digests, of every file too."
    return f"## Digests\n\n{text}\n\n" + _table(("of the", "begins with"), rows)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
