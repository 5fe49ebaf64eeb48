"""Series -> the picture the model sees (`picture.py`), and annotated pictures for people (`annotated.py`).

No label ever reaches the model's picture: it is the same with and without them.
"""

from anomseer_core.rendering.annotated import render_annotated
from anomseer_core.rendering.drawing import LINE_COLOUR, TRUTH_COLOUR
from anomseer_core.rendering.picture import AXES_CELLS, CELL_COLUMNS, MOST_CHANNELS, WIDTH, render
from anomseer_core.rendering.scale import y_scale

__all__ = [
    "AXES_CELLS",
    "CELL_COLUMNS",
    "LINE_COLOUR",
    "MOST_CHANNELS",
    "TRUTH_COLOUR",
    "WIDTH",
    "render",
    "render_annotated",
    "y_scale",
]
