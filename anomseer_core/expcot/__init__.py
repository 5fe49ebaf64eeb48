"""Expert chain-of-thought: reasoning traces made from a labelled series by classical analysis (paper, section 4.1).

Read `trace.py` first, then `scan.py` (Observation), `probes.py` (Reasoning & Validation), `wording/` (the text), and
`verification.py`, which checks the numbers of any text.
"""

from importlib import import_module
from typing import Any

# Loaded on demand and by name, so that a stage that only reads traces does not depend on how they are written. Our own
# code imports the modules themselves: their sources then count into the keys of its stages.
_PUBLIC = {
    "Trace": "anomseer_core.expcot.trace",
    "write_trace": "anomseer_core.expcot.trace",
    "Verification": "anomseer_core.expcot.verification",
    "verify_trace": "anomseer_core.expcot.verification",
}
__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)
