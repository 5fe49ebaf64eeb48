"""Pictures: the kept figure beside a fresh matplotlib figure for each series (`tests/naive_picture.py`).

Both draw the same series in turn, and first must agree to the pixel. Rates are of CPU time on one core.
"""

import argparse
import sys
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from anomseer_core.rendering import render
from anomseer_core.series import Series
from anomseer_core.synthesis import generate
from anomseer_core.synthesis.config import ANOMLLM_TASKS
from infra.bench.report import print_report
from infra.bench.rounds import compare, count_all
from tests import naive_picture

HEADERS = ["pictures/s, one core", "ours", "fresh figure", "ours / fresh"]


def main(arguments: Sequence[str] = ()) -> None:
    options = _parser().parse_args(arguments)
    rows = [
        row(name, series, fresh, options.rounds)
        for name, series, fresh in (
            ("AnomLLM, 1,000 samples", anomllm(options.count), naive_picture.picture),
            ("2,000 samples", waves(1, options.count), naive_picture.picture),
            ("3 channels", waves(3, options.count), naive_picture.several),
            ("9 channels", waves(9, options.count), naive_picture.several),
        )
    ]
    title = f"Pictures of 805x124 pixels: {options.count} series of each kind, {options.rounds} rounds"
    print_report(title, HEADERS, rows, ["CPU time, median (lowest-highest); every picture is equal to the pixel"])


def row(name: str, series: Sequence[Series], fresh: Callable[[np.ndarray], Image.Image], rounds: int) -> list[str]:
    """Raises AssertionError when one picture differs."""
    for item in series:
        assert render(item).tobytes() == fresh(item.values).tobytes(), f"{item.id}: the pictures differ"
    return compare(name, count_all(series, render), count_all(series, lambda item: fresh(item.values)), rounds)


def anomllm(count: int) -> list[Series]:
    """Series of all tasks by turns."""
    each = -(-count // len(ANOMLLM_TASKS))
    return [item for task in ANOMLLM_TASKS for item in generate("anomllm", task, count=each)][:count]


def waves(channels: int, count: int) -> list[Series]:
    """Noisy waves of 2,000 samples (700 for several channels)."""
    rng = np.random.default_rng(0)
    length = 2000 if channels == 1 else 700
    values = np.sin(np.arange(length) / 9) + 0.2 * rng.normal(size=(count, channels, length))
    return [Series(f"wave-{index}", item[0] if channels == 1 else item) for index, item in enumerate(values)]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.bench.rendering", description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=24, help="series of each kind (default 24)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each row (default 5)")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
