"""Evidence -> text, in two styles: `full.py` and `brief.py`."""

from anomseer_core.expcot.wording.brief import write_brief
from anomseer_core.expcot.wording.full import write_full

__all__ = ["write_brief", "write_full"]
