"""The base of every configuration: typed, bounded, frozen, and readable as a form.

Prefect renders a flow's parameters from this JSON schema and sorts the fields alphabetically unless each one has a
`position`; they keep the order in which they are written. Their titles are their names, the ones `--set` takes.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict


def _keep_names_and_order(schema: dict[str, Any]) -> None:
    for position, (name, field) in enumerate(schema.get("properties", {}).items()):
        field |= {"title": name, "position": position}


class Config(BaseModel):
    """A frozen model that refuses unknown fields. Units stand in brackets at the end of a field's description."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra=_keep_names_and_order)
