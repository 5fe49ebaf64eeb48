"""`--set a.b=c`: one field of a named configuration changed, under the name it has in the form."""

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import ValidationError

from anomseer_core.config import Config

AnyConfig = TypeVar("AnyConfig", bound=Config)


def apply_overrides(config: AnyConfig, assignments: Sequence[str]) -> AnyConfig:
    """The configuration with every `a.b=c` of `assignments` applied, in order.

    A value is read as JSON, and as a string where it is none or where the field is text. Raises ValueError with one
    line that names the field, and the valid names or the bound.
    """
    fields = config.model_dump()
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        if not equals:
            raise ValueError(f"--set {assignment}: write it as field=value, for example training.alpha=0")
        names = path.strip().split(".")
        annotation = _find_field(config, names)
        _assign(fields, names, text if annotation is str else _parse(text))
    try:
        return type(config).model_validate(fields)
    except ValidationError as error:
        raise ValueError(explain(error)) from error


def explain(error: ValidationError) -> str:
    """The first complaint of a validation on one line: field, value, and what is allowed."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
    reason = _reason(first)
    # The fields of a whole group are many, and what is said about it names those that matter.
    if field and isinstance(first["input"], Mapping | Config):
        return f"{field}: {reason}"
    return f"{field} = {first['input']!r}: {reason}" if field else reason


def _reason(complaint: Mapping[str, Any]) -> str:
    """What is wrong: the words of our own validators without pydantic's preface, or pydantic's."""
    if complaint["type"] == "value_error":
        return str(complaint["ctx"]["error"])
    if complaint["type"] == "tuple_type":
        item = complaint["input"] if isinstance(complaint["input"], str) else "range"
        return f"write a list, such as {json.dumps([item])}"
    return complaint["msg"][0].lower() + complaint["msg"][1:]


def _find_field(config: Config, names: Sequence[str]) -> Any:
    """The annotation of a field by its path of names; raises ValueError naming what is valid instead."""
    model: Any = type(config)
    for depth, name in enumerate(names):
        valid = list(model.model_fields)
        if name not in valid:
            raise ValueError(_unknown(".".join(names[: depth + 1]), name, valid))
        annotation = model.model_fields[name].annotation
        is_group = isinstance(annotation, type) and issubclass(annotation, Config)
        path = ".".join(names[: depth + 1])
        if is_group and depth == len(names) - 1:
            raise ValueError(
                f"{path} is a group of fields: {', '.join(f'{path}.{n}' for n in annotation.model_fields)}"
            )
        if not is_group and depth < len(names) - 1:
            raise ValueError(f"{'.'.join(names)}: {path} is a single value without fields of its own")
        model = annotation
    return model


def _unknown(path: str, name: str, valid: Sequence[str]) -> str:
    close = get_close_matches(name, valid, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"unknown field {path}: {hint}the names there are {', '.join(valid)}"


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _assign(fields: dict[str, Any], names: Sequence[str], value: Any) -> None:
    for name in names[:-1]:
        fields = fields[name]
    fields[names[-1]] = value
