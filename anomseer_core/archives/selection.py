"""Which real series enter an evaluation: filtered as TAB filters, spread over the folder, cut to a length.

TAB (Qiu et al. 2025), the paper's real-world benchmark, drops series without an anomaly and those with more than 10 %
of anomalous samples. Its list of series cannot be rebuilt, so the same filter stands in for it here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from anomseer_core.archives.config import ArchiveConfig
from anomseer_core.series import AnomalyClass, Series, merge_intervals


def select(series: Iterable[Series], config: ArchiveConfig) -> list[Series]:
    """Keep series with an event and few enough anomalous samples, take `count` evenly spread, and cut them.

    The filter looks at whole series, as TAB does: a piece with its event has a higher ratio.
    """
    return spread(keep(series, config), config.count)


def keep(series: Iterable[Series], config: ArchiveConfig) -> list[Series]:
    """Those that pass the filter, cut."""
    whole = (item for item in series if not item.is_normal and anomaly_ratio(item) <= config.max_anomaly_ratio)
    return [cut(item, config.max_samples) for item in whole]


def spread(series: Sequence[Series], count: int) -> list[Series]:
    """At most `count` of them, evenly over their order."""
    if len(series) <= count:
        return list(series)
    return [series[position * len(series) // count] for position in range(count)]


def cut(series: Series, max_samples: int) -> Series:
    """The first piece with an event among consecutive pieces of `max_samples`; the last one is aligned to the end.

    A series that is short enough stays whole, and one without an event gives its first piece. An event that crosses
    the border of the piece is cut there. The metadata's `offset` says where the piece begins.
    """
    length = len(series)
    if length <= max_samples:
        return series
    first_event = series.intervals[0][0] if series.intervals else 0
    offset = min(first_event // max_samples * max_samples, length - max_samples)
    shifted = [(start - offset, stop - offset) for start, stop in series.intervals]
    intervals = tuple(merge_intervals(shifted, max_samples))
    return replace(
        series,
        values=series.values[..., offset : offset + max_samples],
        intervals=intervals,
        anomaly_class=series.anomaly_class if intervals else AnomalyClass.NORMAL,
        metadata={**series.metadata, "offset": offset, "original_length": length},
    )


def anomaly_ratio(series: Series) -> float:
    """Share of anomalous samples."""
    return sum(stop - start for start, stop in series.intervals) / len(series)
