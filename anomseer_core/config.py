"""The base of every configuration: typed, bounded, frozen, and readable as a form.

Prefect renders a flow's parameters from this JSON schema and sorts the fields alphabetically unless each one has a
`position`; they keep the order in which they are written. Their titles are their names, the ones `--set` takes.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo, field_validator

AnySequence = TypeVar("AnySequence", bound=Sequence[Any])


def _keep_names_and_order(schema: dict[str, Any]) -> None:
    for position, (name, field) in enumerate(schema.get("properties", {}).items()):
        field |= {"title": name, "position": position}


def _require_unique(values: AnySequence) -> AnySequence:
    twice = [value for place, value in enumerate(values) if value in values[:place]]
    if twice:
        raise ValueError(f"{twice[0]!r} is named twice; name each once")
    return values


# The mark of a list whose items must differ: Annotated[tuple[X, ...], Unique].
Unique = AfterValidator(_require_unique)


class Config(BaseModel):
    """A frozen model that refuses unknown fields. Units stand in brackets at the end of a field's description."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra=_keep_names_and_order)

    @field_validator("*", mode="before")
    @classmethod
    def _take_no_truth_for_a_number(cls, value: Any, about: ValidationInfo) -> Any:
        """Python's True is 1, and a switch is no count."""
        if isinstance(value, bool) and cls.model_fields[about.field_name].annotation in (int, float):
            raise ValueError("write a number, not true or false")
        return value


def flatten(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested fields under dotted names; lists stay values."""
    fields: dict[str, Any] = {}
    for name, value in config.items():
        if isinstance(value, Mapping):
            fields |= flatten(value, f"{prefix}{name}.")
        else:
            fields[prefix + name] = value
    return fields
