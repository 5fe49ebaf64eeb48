"""How the page of a gallery looks, and the words that open it."""

from anomseer_core.rendering import WIDTH
from anomseer_core.reports.evidence_figure import (
    CONCLUDED_COLOUR,
    FIGURE_WIDTH,
    FOUND_COLOUR,
    MODEL_PLOT_LEFT,
    PLOT_LEFT,
)
from anomseer_core.view import VIEW_UNITS

# [percent of the evidence picture] Where the model's picture stands, so that both plots have one x-axis.
SEEN_WIDTH, SEEN_LEFT = 100 * WIDTH / FIGURE_WIDTH, 100 * (PLOT_LEFT - MODEL_PLOT_LEFT) / FIGURE_WIDTH
HOLDS, REFUTED, PARAMETER, UNREAD = "holds", "refuted", "parameter", "unread"
STYLE = f"""
body {{ font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: {FIGURE_WIDTH:.0f}px; margin: 2em auto;
  padding: 0 1em; }}
h1 {{ font-size: 1.6em; }} h2 {{ border-bottom: 2px solid #ccc; margin-top: 2em; }}
h3 {{ font-size: 1em; margin: 2em 0 .3em; }} h3 small {{ color: #666; font-weight: normal; }}
nav a {{ margin-right: 1em; }}
table {{ border-collapse: collapse; margin: 1em 0; font-size: 13px; }}
caption {{ text-align: left; font-weight: bold; padding: .2em 0; }}
th, td {{ padding: .15em .7em; text-align: right; white-space: nowrap; border-bottom: 1px solid #e5e5e5; }}
th:first-child, td:first-child {{ text-align: left; font-weight: normal; padding-left: 0; }}
thead th {{ font-weight: bold; border-bottom: 2px solid #ccc; }}
tbody tr:last-child > * {{ border-top: 2px solid #ccc; }}
.claims tbody tr:last-child > * {{ border-top: none; }}
.note {{ color: #555; font-size: 13px; }}
img {{ display: block; width: 100%; }}
img.seen {{ width: {SEEN_WIDTH:.2f}%; margin-left: {SEEN_LEFT:.2f}%; }}
.trace {{ white-space: pre-wrap; background: #fafafa; border: 1px solid #e5e5e5; padding: .7em 1em; margin: .5em 0;
  overflow-wrap: anywhere; }}
mark {{ color: inherit; background: none; padding: 0 1px; }}
mark.{HOLDS} {{ background: #e2f2e5; border-bottom: 2px solid #55a868; }}
mark.{REFUTED} {{ background: #f9dcdc; border-bottom: 2px dashed #c44e52; }}
mark.{PARAMETER} {{ border-bottom: 1px dotted #888; }}
mark.{UNREAD} {{ background: #fff1c2; outline: 1px dashed #b8860b; }}
.swatch {{ display: inline-block; width: 1.2em; height: .8em; vertical-align: baseline; }}
img, .trace {{ break-inside: avoid; }} h2, h3, img.seen {{ break-after: avoid; }}
@media print {{ body {{ font-size: 11px; margin: 0; padding: 0; max-width: none; }} details, nav {{ display: none; }}
  table, .note {{ font-size: 10px; }}
  * {{ print-color-adjust: exact; -webkit-print-color-adjust: exact; }} }}
"""


def _swatch(colour: str) -> str:
    return f'<span class="swatch" style="background:{colour}"></span>'


INTRODUCTION = f"""<p>Each example shows the picture the model sees, the same view with the evidence of its trace drawn
on it, and the trace. In the pictures {_swatch("#f5d9da")} shades the label, {_swatch(FOUND_COLOUR)} is what crosses a
limit of the probe, {_swatch(CONCLUDED_COLOUR)} what a trace concludes where that is not the label; dashed lines are
limits, dots the strongest value inside each interval (orange where it crosses). Where samples are missing a dotted line
shows what the probes saw, and a dark line where they saw the series smoothed. Positions are units of the view, 0 to
{VIEW_UNITS}. In the texts <mark class="{HOLDS}">a claim that holds</mark>, <mark class="{REFUTED}">a claim that does
not</mark>, <mark class="{PARAMETER}">a number of the method</mark>, <mark class="{UNREAD}">a number that cannot be
read</mark>; hover for what is true.</p>"""
