"""What both kinds of pictures share: matplotlib's own defaults, one font, and a canvas as an image.

matplotlib is not thread-safe: draw in processes, not in threads. Pixels are stable for one matplotlib version.
"""

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from pathlib import Path

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.font_manager import FontProperties
from PIL import Image

DPI = 100
LINE_COLOUR, TRUTH_COLOUR = "steelblue", "#c44e52"


@cache
def font(points: float) -> FontProperties:
    """DejaVu Sans as matplotlib ships it, whatever fonts the machine has."""
    return FontProperties(fname=str(Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"), size=points)


def to_image(canvas: FigureCanvasAgg) -> Image.Image:
    width, height = canvas.get_width_height()
    return Image.frombuffer("RGBA", (width, height), canvas.buffer_rgba(), "raw", "RGBA", 0, 1).convert("RGB")


def fixed_style(*prefixes: str) -> AbstractContextManager[None]:
    """matplotlib's own defaults, so that nobody's matplotlibrc changes a pixel; all of them, or these groups alone."""
    wanted = _defaults(*prefixes or ("",))
    # Nearly always they hold already, and a context costs as much as drawing the labels.
    if prefixes and all(matplotlib.rcParams[key] == value for key, value in wanted.items()):
        return nullcontext()
    return matplotlib.rc_context(wanted)


@cache
def _defaults(*prefixes: str) -> dict[str, object]:
    defaults = matplotlib.rcParamsDefault
    return {key: defaults[key] for key in defaults if key.startswith(prefixes) and key != "backend"}
