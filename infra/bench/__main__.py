"""`python -m infra.bench [NAME ...]`: run the named benchmarks of this package, or every one of them.

A benchmark is a module of this package with a function `main()`, which prints one table: a title, the line of the
machine and its libraries, figures with their spread, and ratios. `python -m infra.bench.NAME --help` lists the
options of one that has any.
"""

import argparse
import importlib
import pkgutil
from collections.abc import Callable

from infra import bench


def find_benchmarks() -> dict[str, Callable[[], None]]:
    """The `main` of every module of this package that has one, by the module's name."""
    names = sorted(module.name for module in pkgutil.iter_modules(bench.__path__) if module.name != "__main__")
    modules = {name: importlib.import_module(f"{bench.__name__}.{name}") for name in names}
    return {name: module.main for name, module in modules.items() if hasattr(module, "main")}


def run() -> None:
    benchmarks = find_benchmarks()
    parser = argparse.ArgumentParser(prog="python -m infra.bench", description="Run benchmarks.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of: {', '.join(benchmarks)}; all by default")
    names = parser.parse_args().names or list(benchmarks)
    if unknown := [name for name in names if name not in benchmarks]:
        parser.error(f"no benchmark is called {', '.join(unknown)}; there are: {', '.join(benchmarks)}")
    for name in names:
        benchmarks[name]()


if __name__ == "__main__":
    run()
