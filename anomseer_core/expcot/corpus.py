"""The stage that gives a series artifact its traces, from our analysis, a file or an endpoint; and their reader."""

from anomseer_core.expcot.analysis import write_analysed
from anomseer_core.expcot.config import ExpCoTConfig
from anomseer_core.expcot.imported import import_traces
from anomseer_core.expcot.requested import request_traces
from anomseer_core.expcot.trace_table import TRACES_FILE, TraceRow, read_traces
from anomseer_core.fan_out import FanOut, in_process
from anomseer_core.observer import SILENT, Observer
from anomseer_core.store import Artifact, ArtifactStore

__all__ = ["TRACES_FILE", "TraceRow", "read_traces", "write_traces"]
WAYS = {"analysis": write_analysed, "file": import_traces, "endpoint": request_traces}


def write_traces(
    store: ArtifactStore,
    series: Artifact,
    config: ExpCoTConfig,
    observer: Observer = SILENT,
    *,
    fan_out: FanOut = in_process,
) -> Artifact:
    """The traces of every view of every series of an artifact, in its order, from `config.source`.

    fan_out: where the shards of a large artifact are worked on; the artifact is the same wherever that is. Raises
    DamagedArtifact when the series were changed, and ValueError naming a series, a file or an endpoint that it cannot
    use.
    """
    series.verify()
    return WAYS[config.source.kind](store, series, config, observer, fan_out)
