"""Confusion matrices as pictures: one panel for each detector, shaded by the share of a label's series."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from anomseer_core.evaluation.confusion import accuracy, class_confusion, detection_confusion
from anomseer_core.reports.figures import blank_figure

PANEL_COLUMNS = 4
CELL_INCHES, MARGIN_INCHES = 0.42, 1.5
# [inches] The two lines of the title, the longest of them names benchmark and profile.
TITLE_INCHES, TITLE_WIDTH_INCHES = 0.6, 4.6
DARK = 0.6
COLOURS = "Blues"


def confusion_figures(scores: pd.DataFrame) -> dict[str, Figure]:
    """By name: `classes`, the detectors that name one, where there are any; `detection`, all of them.

    scores: rows of any detectors on one benchmark, under one profile.
    """
    parts = {str(name): part for name, part in scores.groupby("detector", sort=False)}
    classes = {name: matrix for name, part in parts.items() if not (matrix := class_confusion(part)).empty}
    about = f"{scores['benchmark'].iloc[0]}, profile {scores['profile'].iloc[0]}"
    figures = {"detection": matrix_figure({name: detection_confusion(part) for name, part in parts.items()}, about)}
    if classes:
        figures["classes"] = matrix_figure(classes, about)
    return figures


def matrix_figure(matrices: Mapping[str, pd.DataFrame], title: str) -> Figure:
    """A panel for each matrix of counts, by name; labels are rows, answers columns."""
    columns = min(PANEL_COLUMNS, len(matrices))
    lines = -(-len(matrices) // columns)
    height, width = (max(matrix.shape[axis] for matrix in matrices.values()) for axis in (0, 1))
    wide, high = columns * (MARGIN_INCHES + CELL_INCHES * width), lines * (MARGIN_INCHES + CELL_INCHES * height)
    figure = blank_figure(max(wide, TITLE_WIDTH_INCHES), high + TITLE_INCHES)
    figure.suptitle(f"{title}\nlabels are rows, answers columns", x=0.01, ha="left", fontsize=11)
    grid = figure.subplots(lines, columns, squeeze=False).flatten()
    for axes, (name, matrix) in zip(grid, matrices.items(), strict=False):
        _draw_matrix(axes, matrix)
        axes.set_title(f"{name}: {100 * accuracy(matrix):.1f} %", fontsize=9, loc="left")
    for axes in grid[len(matrices) :]:
        axes.remove()
    return figure


def _draw_matrix(axes: Axes, matrix: pd.DataFrame) -> None:
    shares = matrix.div(matrix.sum(axis=1).clip(lower=1), axis=0).to_numpy()
    axes.imshow(shares, cmap=COLOURS, vmin=0, vmax=1, aspect="equal")
    for row, counts in enumerate(matrix.to_numpy()):
        for column, count in enumerate(counts):
            colour = "white" if shares[row, column] > DARK else "black"
            axes.text(column, row, f"{count}" if count else "", ha="center", va="center", fontsize=7, color=colour)
    names = list(matrix.columns)
    axes.set_xticks(range(len(names)), names, fontsize=7, rotation=60, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(matrix.shape[0]), list(matrix.index), fontsize=7)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
