"""The identity of an artifact before it exists: what goes in, what is done to it, and by which code.

Two runs with equal recipes make equal artifacts, so an artifact with the same key is reused (DESIGN section 3: the
only cache). The key covers the digests of the inputs, the stage's own config, the source of every `anomseer_core`
module the stage can import, and the versions of the libraries that shape its output. Nothing else: a change in the
reports never retrains a model.
"""

import ast
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from anomseer_core.config import Config

PACKAGE = "anomseer_core"
# They file artifacts and never touch their content; the curve and the metrics of a training only look at it.
BOOKKEEPING = frozenset(
    {
        "anomseer_core.store",
        "anomseer_core.recipe",
        "anomseer_core.config",
        "anomseer_core.training.learning_curve",
        "anomseer_core.training.metrics",
    }
)


@dataclass(frozen=True)
class Stage:
    """A step of the pipeline: `(input artifacts, config) -> artifact` of one kind.

    modules: the modules whose imports, followed inside `anomseer_core`, make up the stage's code.
    libraries: the distributions whose version shapes the output.
    version: raised when the files of an artifact change their meaning.
    """

    name: str
    kind: str
    modules: tuple[str, ...]
    libraries: tuple[str, ...] = ()
    version: int = 1


@dataclass(frozen=True)
class Reference:
    """A finished artifact as its users name it: by content digest, and by the key to find it again."""

    kind: str
    key: str
    digest: str


@dataclass(frozen=True)
class Recipe:
    """What a stage is about to do. `inputs` maps a role ("series", "policy") to a finished artifact."""

    stage: Stage
    inputs: Mapping[str, Reference]
    config: Config

    def describe(self) -> dict[str, Any]:
        return {
            "stage": self.stage.name,
            "kind": self.stage.kind,
            "version": self.stage.version,
            "inputs": {role: reference.digest for role, reference in sorted(self.inputs.items())},
            "config": self.config.model_dump(mode="json"),
            "code": code_digest(self.stage.modules),
            "libraries": {name: metadata.version(name) for name in sorted(self.stage.libraries)},
        }

    @property
    def key(self) -> str:
        return digest_json(self.describe())


@dataclass(frozen=True)
class RecordedRecipe:
    """A recipe that was carried out elsewhere: what its record says, where `Recipe` says what this code would do.

    inputs: by role; a reference without a key is known by its digest alone.
    """

    stage: Stage
    inputs: Mapping[str, Reference]
    record: Mapping[str, Any]

    def describe(self) -> dict[str, Any]:
        return dict(self.record)

    @property
    def key(self) -> str:
        return digest_json(self.describe())


def digest_json(value: Any) -> str:
    """SHA-256 of the canonical JSON text of a value."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def code_digest(modules: tuple[str, ...]) -> str:
    """SHA-256 over the sources of the modules and of everything they import inside the package, lazily or not."""
    sources = {name: hashlib.sha256(module_path(name).read_bytes()).hexdigest() for name in imported_modules(modules)}
    return digest_json(sources)


def imported_modules(modules: tuple[str, ...]) -> list[str]:
    """The transitive closure of the package's modules that the given ones import, without the bookkeeping."""
    seen: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in seen or name in BOOKKEEPING:
            continue
        seen.add(name)
        parts = name.split(".")
        # Importing a.b.c runs a and a.b too.
        waiting += [".".join(parts[:end]) for end in range(1, len(parts))]
        waiting += _direct_imports(name)
    return sorted(seen)


@cache
def module_path(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ValueError(f"no source for module {name!r}")
    return Path(spec.origin)


def _direct_imports(name: str) -> list[str]:
    found: list[str] = []
    for node in ast.walk(ast.parse(module_path(name).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if _in_package(alias.name)]
        elif isinstance(node, ast.ImportFrom) and node.level:
            raise ValueError(f"{name}: relative imports are not followed; write the absolute name")
        elif isinstance(node, ast.ImportFrom) and node.module and _in_package(node.module):
            found.append(node.module)
            found += [f"{node.module}.{alias.name}" for alias in node.names if _is_module(node.module, alias.name)]
    return found


def _in_package(name: str) -> bool:
    return name == PACKAGE or name.startswith(PACKAGE + ".")


def _is_module(package: str, name: str) -> bool:
    path = module_path(package)
    if path.name != "__init__.py":
        return False
    return (path.parent / f"{name}.py").exists() or (path.parent / name / "__init__.py").exists()
