"""What the shape of the tree promises: which layer may know which, and how long a module or a function gets."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Every layer, with the layers it may import.
LAYERS = {
    "anomseer_core": set(),
    "mlflow_server": {"anomseer_core"},
    "tasks": {"anomseer_core", "mlflow_server"},
    "flows": {"anomseer_core", "mlflow_server", "tasks"},
}
MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 60
# Besides the settings: each passes the environment on to a child, or fills in what libraries read at import.
MAY_TOUCH_THE_ENVIRONMENT = {
    "anomseer_core/settings.py",
    "anomseer_core/training/launch.py",
    "flows/embedded_api.py",
    "flows/environment.py",
    "flows/running.py",
    "flows/services.py",
    "mlflow_server/__main__.py",
    "tasks/__init__.py",
    "tasks/fan_out.py",
}
SOURCES = sorted(path for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))
IMPORT_CORE_WITHOUT = """
import importlib, pkgutil, sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"prefect", "mlflow", "deepspeed", "peft"}:
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocker())
import anomseer_core
names = [module.name for module in pkgutil.walk_packages(anomseer_core.__path__, "anomseer_core.")]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
print(len(names))
"""


def test_core_imports_without_prefect_mlflow_deepspeed_and_peft() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT_CORE_WITHOUT], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_go_down_only(layer: str) -> None:
    # What `infra` holds is read as data by everyone, and imported by none.
    forbidden = {"infra", *LAYERS} - LAYERS[layer] - {layer}
    upward = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sorted((ROOT / layer).rglob("*.py"))
        for name in imported_names(path)
        if name.partition(".")[0] in forbidden
    ]
    assert upward == []


def test_code_names_the_modules_of_a_lazy_package() -> None:
    # What a stage takes from such a package by attribute would not count into the stage's key.
    lazy = [path.relative_to(ROOT).as_posix() for path in SOURCES if "anomseer_core.expcot" in imported_names(path)]
    assert lazy == []


def test_modules_and_functions_stay_short() -> None:
    long_modules = [path.name for path in SOURCES if len(path.read_text().splitlines()) > MAX_MODULE_LINES]
    assert long_modules == []
    long_functions = [
        f"{path.relative_to(ROOT)}:{node.name}"
        for path in SOURCES
        for node in ast.walk(parse(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno + 1 > MAX_FUNCTION_LINES
    ]
    assert long_functions == []


def test_only_named_modules_touch_the_environment() -> None:
    touching = {
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        for node in ast.walk(parse(path))
        if (isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv") and is_os(node.value))
        or (isinstance(node, ast.ImportFrom) and node.module == "os" and {"environ", "getenv"} & names_of(node))
    }
    assert touching == MAY_TOUCH_THE_ENVIRONMENT


def test_modules_are_named_for_what_they_hold() -> None:
    assert [path.name for path in SOURCES if path.stem in ("utils", "util", "helpers", "common", "misc")] == []


def imported_names(path: Path) -> list[str]:
    names: list[str] = []
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            names.append(node.module or "")
    return names


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def names_of(node: ast.ImportFrom) -> set[str]:
    return {alias.name for alias in node.names}


def is_os(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "os"
