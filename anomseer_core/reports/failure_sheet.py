"""The worst cases of one detector as annotated pictures on one sheet, grouped by what went wrong.

The pictures are shared out among the causes that occur (`evaluation/errors.py`), as evenly as their numbers allow, so
that the commonest mistake does not hide the others; a cause shows its worst series first, by affiliation-F1, then
point-wise F1, and where these are equal one task after another.
"""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from anomseer_core.evaluation.errors import CAUSES
from anomseer_core.evaluation.prediction import Prediction
from anomseer_core.rendering import render_annotated
from anomseer_core.rendering.drawing import DPI, fixed_style, to_image
from anomseer_core.reports.figures import stack_pictures
from anomseer_core.series import Series

MOST_CASES = 24
COLUMNS = 2
# A picture is made for a page of its own; 24 of them must fit one screen's width.
SCALE = 2 / 3
# [pixels]
HEADING = 36
# A series is known by its benchmark and its id.
Case = tuple[str, str]


def choose_failures(errors: pd.DataFrame, most: int = MOST_CASES) -> pd.DataFrame:
    """At most so many rows of `series_errors`, those of one cause together, the worst first; empty if all are right."""
    ranked = errors.assign(
        turn=errors.groupby(["cause", "benchmark", "task", "affiliation_f1", "pointwise_f1"]).cumcount()
    ).sort_values(["affiliation_f1", "pointwise_f1", "turn", "benchmark", "task", "series_id"], kind="stable")
    present = {cause: rows for cause in CAUSES if not (rows := ranked[ranked["cause"] == cause]).empty}
    shares = share_out(most, [len(rows) for rows in present.values()])
    chosen = [rows.head(share) for rows, share in zip(present.values(), shares, strict=True)]
    return pd.concat(chosen) if chosen else ranked.head(0)


def share_out(places: int, wanted: Sequence[int]) -> list[int]:
    """As many places for each as for the others, as far as each has use for them; the first ones take the odd ones.

    >>> share_out(24, [100, 2, 100]), share_out(5, [9, 9]), share_out(9, [1, 2])
    ([11, 2, 11], [3, 2], [1, 2])
    """
    shares = [0] * len(wanted)
    while sum(shares) < min(places, sum(wanted)):
        open_places = [place for place, number in enumerate(wanted) if shares[place] < number]
        shares[min(open_places, key=lambda place: (shares[place], place))] += 1
    return shares


def failure_sheet(errors: pd.DataFrame, cases: Mapping[Case, tuple[Series, Prediction]]) -> Image.Image:
    """The sheet of the chosen failures. errors: rows of `choose_failures`; cases: their series and answers.

    Raises ValueError without a failure.
    """
    if errors.empty:
        raise ValueError("no failure to draw: every series is right")
    blocks: list[Image.Image] = []
    for cause, rows in errors.groupby("cause", sort=False):
        pictures = [_draw(row, *cases[row["benchmark"], row["series_id"]]) for row in rows.to_dict("records")]
        width = COLUMNS * pictures[0].width
        blocks += [_heading(f"{cause}: {len(rows)} shown", width), _grid(pictures, width)]
    return stack_pictures(blocks)


def _draw(row: Mapping[str, object], series: Series, answer: Prediction) -> Image.Image:
    named = "no class" if answer.anomaly_class is None else str(answer.anomaly_class)
    title = (
        f"{series.id}: affiliation-F1 {100 * row['affiliation_f1']:.1f}, "
        f"point-wise F1 {100 * row['pointwise_f1']:.1f}, answer: {named}"
    )
    picture = render_annotated(series, {answer.detector: answer.intervals}, title=title)
    size = (round(SCALE * picture.width), round(SCALE * picture.height))
    return picture.resize(size, Image.Resampling.LANCZOS)


def _grid(pictures: Sequence[Image.Image], width: int) -> Image.Image:
    """Row by row, each as high as its highest picture."""
    rows = [pictures[start : start + COLUMNS] for start in range(0, len(pictures), COLUMNS)]
    sheet = Image.new("RGB", (width, sum(max(item.height for item in row) for row in rows)), "white")
    top = 0
    for row in rows:
        for column, picture in enumerate(row):
            sheet.paste(picture, (column * (width // COLUMNS), top))
        top += max(item.height for item in row)
    return sheet


def _heading(text: str, width: int) -> Image.Image:
    with fixed_style():
        figure = Figure(figsize=(width / DPI, HEADING / DPI), dpi=DPI, facecolor="#eeeeee")
        canvas = FigureCanvasAgg(figure)
        figure.text(0.01, 0.5, text, fontsize=12, va="center")
        canvas.draw()
        return to_image(canvas)
