"""Which real series enter an evaluation: filtered as TAB filters, spread over the folder, cut to a length.

TAB (Qiu et al. 2025), the paper's real-world benchmark ("TSB-UAD": TAB's copy of it, 1,635 univariate series), drops
series without an anomaly and those with more than 10 % of anomalous samples. Its list of series cannot be rebuilt, so
the same filter on another archive stands in for it: a proxy, which the metadata of each such series says.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from anomseer_core.archives.config import ArchiveConfig
from anomseer_core.archives.tab import COLLECTION as TAB
from anomseer_core.series import AnomalyClass, Series, merge_intervals

Item = TypeVar("Item")
PROXY = "the paper's TSB-UAD (TAB's copy, 1,635 series)"


def parts(series: Series, config: ArchiveConfig) -> list[Series]:
    """The series as it is, or its channels, as `config.channels` says; nothing where it keeps too many together.

    A channel that the archive calls anomalous in some events keeps those; where it does not say, it keeps all.
    """
    if series.values.ndim == 1:
        return [series]
    if config.channels == "apart":
        return [_channel(series, index) for index in range(len(series.values))]
    return [series] if len(series.values) <= config.most_channels else []


def keeps(series: Series, config: ArchiveConfig) -> bool:
    """Whether a whole series passes: a piece with its event has a higher ratio, and TAB looks at whole series."""
    if config.file_list and config.file_list not in series.metadata.get("lists", ()):
        return False
    return config.selection == "all" or (not series.is_normal and anomaly_ratio(series) <= config.max_anomaly_ratio)


def spread(items: Sequence[Item], count: int) -> list[Item]:
    """At most `count` of them, evenly over their order."""
    if len(items) <= count:
        return list(items)
    return [items[position * len(items) // count] for position in range(count)]


def cut(series: Series, max_samples: int) -> Series:
    """The first piece with an event among consecutive pieces of `max_samples`; the last one is aligned to the end.

    A series that is short enough stays whole, as does every one at 0, and one without an event gives its first piece.
    An event that crosses the border of the piece is cut there. The metadata's `offset` says where the piece begins.
    """
    length = len(series)
    if not max_samples or length <= max_samples:
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
        metadata={
            **series.metadata,
            # A reader may have cut something off already.
            "offset": series.metadata.get("offset", 0) + offset,
            "original_length": series.metadata.get("original_length", length),
        },
    )


def call_proxy(series: Series, config: ArchiveConfig) -> Series:
    """The series, marked as what it stands in for: TAB's filter on what is not TAB."""
    if config.selection != "tab" or series.metadata.get("collection") == TAB.name:
        return series
    return replace(series, metadata={**series.metadata, "proxy_of": PROXY})


def anomaly_ratio(series: Series) -> float:
    """Share of anomalous samples."""
    return sum(stop - start for start, stop in series.intervals) / len(series)


def _channel(series: Series, index: int) -> Series:
    shown = series.metadata.get("event_channels")
    events = series.intervals
    if shown:
        events = tuple(event for event, channels in zip(events, shown, strict=True) if index in channels)
    return replace(
        series,
        id=f"{series.id}@{index}",
        values=series.values[index],
        intervals=events,
        anomaly_class=series.anomaly_class if events else AnomalyClass.NORMAL,
        anomalous_channels=(),
        metadata={**series.metadata, "channel": index},
    )
