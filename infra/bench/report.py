"""What a benchmark prints: a title, the machine and its libraries, and figures with their spread in one table."""

import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

LIBRARIES = ("numpy", "scipy", "stumpy", "numba", "torch", "transformers", "deepspeed", "trl", "peft")
REPOSITORY = Path(__file__).parents[2]
CPU_FACTS = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Spread:
    """The median of several measurements, with the lowest and the highest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(statistics.median(values), min(values), max(values))

    def text(self, digits: int = 2, unit: str = "") -> str:
        return f"{self.median:.{digits}f}{unit} ({self.low:.{digits}f}-{self.high:.{digits}f})"


def environment_line() -> str:
    """Processor, cores and how busy they are, library versions and the commit, in one line."""
    versions = ", ".join(f"{name} {version}" for name in LIBRARIES if (version := installed_version(name)))
    return f"{machine()}; Python {platform.python_version()}, {versions}; commit {commit()}"


def machine() -> str:
    lines = CPU_FACTS.read_text().splitlines() if CPU_FACTS.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{models[0] if models else platform.machine()}, {os.cpu_count()} cores{load}"


def installed_version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def commit() -> str:
    """The commit of this checkout, `+` when tracked files differ from it; `unknown` outside a checkout."""
    git = ["git", "-C", str(REPOSITORY)]
    try:
        name = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
        changed = subprocess.run([*git, "diff", "--quiet", "HEAD"], check=False).returncode
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return name.stdout.strip() + ("+" if changed else "")


def print_report(title: str, headers: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str] = ()) -> None:
    """One table on the standard output; notes follow it, one to a line."""
    print(f"\n{title}\n{environment_line()}\n\n{format_table(headers, rows)}\n")
    for note in notes:
        print(note)


def format_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their longest cell: the first to the left, the others to the right."""
    table = [headers, ["-" * max(map(len, column)) for column in zip(headers, *rows, strict=True)], *rows]
    return "\n".join(_line(row, [len(cell) for cell in table[1]]) for row in table)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(row, widths, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]).rstrip()
