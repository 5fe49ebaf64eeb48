"""`python -m infra.contact_sheet PATH`: Diverse at a glance, as docs/diverse.png shows it.

A row for each class and one for the boundary, a column for each severity; labels are shaded.
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from anomseer_core.rendering import LINE_COLOUR, TRUTH_COLOUR
from anomseer_core.series import AnomalyClass
from anomseer_core.synthesis.diverse.sample import INJECTIONS, Channel, draw_channel

SEVERITIES = (0.0, 0.33, 0.67, 1.0)
SEED, LENGTH = 3, 600
# [inches, dots per inch, colours] Small enough for a repository.
SIZE, DPI, COLOURS = (13, 7), 80, 32


def draw(path: Path) -> None:
    rows = [(str(anomaly_class), anomaly_class, False) for anomaly_class in INJECTIONS]
    rows.append(("boundary", AnomalyClass.GLOBAL_POINT, True))
    figure = Figure(figsize=SIZE, dpi=DPI, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    grid = figure.subplots(len(rows), len(SEVERITIES))
    for row, (name, anomaly_class, boundary) in enumerate(rows):
        for column, severity in enumerate(SEVERITIES):
            rng = np.random.default_rng([SEED, row, column])
            channel = draw_channel(rng, anomaly_class, severity, length=LENGTH, boundary=boundary)
            _draw(grid[row, column], channel, f"severity {severity:g}" if not row else "")
        grid[row, 0].set_ylabel(name, fontsize=8)
    canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    image.quantize(COLOURS).save(path, optimize=True)


def _draw(axes: Axes, channel: Channel, title: str) -> None:
    axes.plot(channel.values, color=LINE_COLOUR, linewidth=0.8)
    for start, stop in channel.intervals:
        axes.axvspan(start - 2, stop + 1, color=TRUTH_COLOUR, alpha=0.2, linewidth=0)
    axes.set_title(title, fontsize=9)
    axes.set(xlim=(0, len(channel.base)), xticks=[], yticks=[])


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
