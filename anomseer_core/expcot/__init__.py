"""Expert chain-of-thought: reasoning traces made from a labelled series by classical analysis (paper, section 4.1).

Read `trace.py` first, then `scan.py` (Observation), `probes.py` (Reasoning & Validation), `wording.py` (the text).
"""

from anomseer_core.expcot.trace import Trace, write_trace

__all__ = ["Trace", "write_trace"]
