"""`python -m infra.contact_sheet diverse|field PATH`: a generator at a glance, as docs/diverse.png and field.png show.

Diverse: a row for each class and one for the boundary, a column for each severity. Field: a row for each kind of
signal, a column for each class. Labels are shaded.
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from anomseer_core.rendering import LINE_COLOUR, TRUTH_COLOUR
from anomseer_core.series import AnomalyClass, Interval
from anomseer_core.synthesis.config import FIELD_TASKS
from anomseer_core.synthesis.diverse.sample import INJECTIONS, draw_channel
from anomseer_core.synthesis.field.faults import FAULTS
from anomseer_core.synthesis.field.signals import draw_signal
from anomseer_core.synthesis.field.stream import draw_of_class, with_faults

SEVERITIES = (0.0, 0.33, 0.67, 1.0)
SEED, LENGTH, FIELD_LENGTH = 3, 600, 1500
# [inches, dots per inch, colours] Small enough for a repository.
WIDTH, ROW_HEIGHT, DPI, COLOURS = 13, 7 / 6, 80, 32


def draw_diverse(path: Path) -> None:
    rows = [(str(anomaly_class), anomaly_class, False) for anomaly_class in INJECTIONS]
    rows.append(("boundary", AnomalyClass.GLOBAL_POINT, True))
    figure, grid = build_grid([name for name, _, _ in rows], [f"severity {severity:g}" for severity in SEVERITIES])
    for row, (_, anomaly_class, boundary) in enumerate(rows):
        for column, severity in enumerate(SEVERITIES):
            rng = np.random.default_rng([SEED, row, column])
            channel = draw_channel(rng, anomaly_class, severity, length=LENGTH, boundary=boundary)
            _draw(grid[row, column], channel.values, channel.intervals)
    save(figure, path)


def draw_field(path: Path) -> None:
    figure, grid = build_grid(FIELD_TASKS, [str(anomaly_class) for anomaly_class in FAULTS])
    for row, kind in enumerate(FIELD_TASKS):
        for column, anomaly_class in enumerate(FAULTS):
            rng = np.random.default_rng([SEED, row, column])
            signal = draw_signal(rng, kind, FIELD_LENGTH)
            faults = draw_of_class(rng, signal, anomaly_class, rng.uniform(), wanted=2, form="plain")
            if faults:
                _draw(grid[row, column], with_faults(signal, faults), [(fault.start, fault.stop) for fault in faults])
            else:
                grid[row, column].axis("off")
    save(figure, path)


def build_grid(rows: tuple[str, ...] | list[str], columns: list[str]) -> tuple[Figure, np.ndarray]:
    """A figure and its axes [rows, columns], named at the left and at the top."""
    figure = Figure(figsize=(WIDTH, ROW_HEIGHT * len(rows)), dpi=DPI, layout="constrained")
    grid = figure.subplots(len(rows), len(columns))
    for axes, name in zip(grid[:, 0], rows, strict=True):
        axes.set_ylabel(name, fontsize=8)
    for axes, name in zip(grid[0], columns, strict=True):
        axes.set_title(name, fontsize=9)
    return figure, grid


def save(figure: Figure, path: Path) -> None:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    image.quantize(COLOURS).save(path, optimize=True)


def _draw(axes: Axes, values: np.ndarray, intervals: list[Interval]) -> None:
    axes.plot(values, color=LINE_COLOUR, linewidth=0.8)
    edge = len(values) / 300
    for start, stop in intervals:
        axes.axvspan(start - edge, stop - 1 + edge, color=TRUTH_COLOUR, alpha=0.2, linewidth=0)
    axes.set(xlim=(0, len(values)), xticks=[], yticks=[])


if __name__ == "__main__":
    {"diverse": draw_diverse, "field": draw_field}[sys.argv[1]](Path(sys.argv[2]))
