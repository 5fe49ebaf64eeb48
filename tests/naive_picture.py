"""The model's picture as anybody would draw it: a new matplotlib figure each time, drawn as a whole."""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.transforms import ScaledTranslation
from PIL import Image

from anomseer_core.rendering import y_scale


def picture(values: np.ndarray, style: str = "default") -> Image.Image:
    scale = y_scale(values, style)
    heights = scale.heights(values)
    positions = (np.arange(len(values)) + 0.5) * 1000 / len(values)
    font = FontProperties(fname=str(Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"), size=6)
    figure = Figure(figsize=(8.05, 1.24), dpi=100)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((2 / 29, 17 / 124, 25 / 29, 102 / 124))
    axes.set(xlim=(0, 1000), ylim=(0, 1), yticks=[], xticks=range(0, 1001, 200))
    axes.tick_params(length=2, width=0.6, pad=1.5)
    for label in axes.get_xticklabels():
        label.set_fontproperties(font)
    for spine in axes.spines.values():
        spine.set_linewidth(0.6)
    axes.plot(positions, heights, color="steelblue", linewidth=0.9, zorder=3)
    lonely = alone(heights)
    axes.plot(positions[lonely], heights[lonely], "o", color="steelblue", markersize=1.2, zorder=3)
    ticks = [(tick - scale.low) / (scale.high - scale.low) for tick in scale.ticks]
    axes.plot([0] * len(ticks), ticks, color="black", ls="", marker=0, ms=1.5, mew=0.6, clip_on=False, zorder=3)
    beside = axes.transData + ScaledTranslation(-2.2 / 72, 0, figure.dpi_scale_trans)
    for tick, label in zip(ticks, scale.labels, strict=True):
        axes.text(0, tick, label, fontproperties=font, transform=beside, ha="right", va="center_baseline")
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def several(channels: np.ndarray) -> Image.Image:
    """A row of axes for each channel [V, T], whole pixels high and two apart."""
    font = FontProperties(fname=str(Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"), size=6)
    figure = Figure(figsize=(8.05, 1.24), dpi=100)
    canvas = FigureCanvasAgg(figure)
    count = len(channels)
    for row, values in enumerate(channels):
        top, bottom = 5 + round(row * 104 / count), 5 + round((row + 1) * 104 / count) - 2
        axes = figure.add_axes((2 / 29, (124 - bottom) / 124, 25 / 29, (bottom - top) / 124))
        axes.set(xlim=(0, 1000), ylim=(0, 1), yticks=[], xticks=range(0, 1001, 200) if row == count - 1 else [])
        axes.tick_params(length=2, width=0.6, pad=1.5)
        for label in axes.get_xticklabels():
            label.set_fontproperties(font)
        for spine in axes.spines.values():
            spine.set_linewidth(0.6)
        # The scale leaves 0.05 of 1.1 at either end; two pixels of the mean height of the rows are wanted.
        margin = max(0.0, 2 * count / 102 - 0.05 / 1.1)
        heights = margin + (1 - 2 * margin) * y_scale(values).heights(values)
        positions = (np.arange(len(values)) + 0.5) * 1000 / len(values)
        axes.plot(positions, heights, color="steelblue", linewidth=0.9, zorder=3)
        lonely = alone(heights)
        axes.plot(positions[lonely], heights[lonely], "o", color="steelblue", markersize=1.2, zorder=3)
        beside = axes.transData + ScaledTranslation(-2.2 / 72, 0, figure.dpi_scale_trans)
        axes.text(0, 0.5, str(row), fontproperties=font, transform=beside, ha="right", va="center_baseline")
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def alone(values: np.ndarray) -> list[int]:
    """Indices of samples with a missing neighbour, or none, on both sides."""
    present = [not np.isnan(value) for value in values]
    return [
        index
        for index, here in enumerate(present)
        if here and not any(present[max(0, index - 1) : index]) and not any(present[index + 1 : index + 2])
    ]
