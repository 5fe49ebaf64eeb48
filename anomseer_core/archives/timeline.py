"""Times of samples: read, put in order, and turned into the regular steps that a series is made of.

Steps count as regular when each differs from their median by at most 1 %. Where they are not, or where values are
missing, `gaps` decides: `refuse` names the first row; `interpolate` puts the series on a grid of the median step, by
straight lines between the samples beside each point, never across a gap of more than `longest_gap` steps; `keep`
takes the rows as they are, in order of time. Only `keep` takes a time that is there twice. A label moves to the
nearest point of the grid, and none gets lost.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from anomseer_core.archives.config import TableConfig

TOLERATED = 0.01
# The share of numbers above which a column of times is one of numbers with a mistake in it.
MOSTLY = 0.5
MEND = "mend it, or set table.gaps to interpolate or keep"


@dataclass(frozen=True)
class Samples:
    """Rows of one table. where: what errors call it; rows `[T]`: their numbers in the file; values `[V, T]`, NaN where
    missing; labels: mask `[T]` or None; times: `[T]` numbers or datetime64[ns], or None."""

    where: str
    rows: np.ndarray
    values: np.ndarray
    labels: np.ndarray | None = None
    times: np.ndarray | None = None


def parse_times(cells: pd.Series, where: str, time_format: str) -> np.ndarray:
    """A column of numbers, ISO 8601 texts or dates -> float64 `[T]` or datetime64[ns] `[T]` (UTC).

    Raises ValueError naming the first row that is none of these.
    """
    if not time_format:
        numbers = pd.to_numeric(cells, errors="coerce") if not _is_dates(cells) else None
        if numbers is not None and numbers.notna().all() and np.isfinite(numbers.astype(float)).all():
            return numbers.to_numpy(dtype=np.float64)
        if numbers is not None and numbers.notna().mean() > MOSTLY:
            _refuse_time((~np.isfinite(numbers.astype(float))).to_numpy(), cells, where)
    try:
        parsed = pd.to_datetime(cells, format=time_format or "ISO8601", utc=True, errors="coerce")
    except ValueError as error:
        raise ValueError(f"{where}: table.time_format {time_format!r} is no format of times ({error})") from error
    _refuse_time(parsed.isna().to_numpy(), cells, where)
    return parsed.dt.tz_localize(None).to_numpy(dtype="datetime64[ns]")


def _refuse_time(wrong: np.ndarray, cells: pd.Series, where: str) -> None:
    if wrong.any():
        first = int(np.argmax(wrong))
        raise ValueError(
            f"{where}, row {cells.index[first]}: {str(cells.iloc[first])[:40]!r} is no time; write ISO 8601 "
            "(2024-03-01T12:30:00) or numbers, or set table.time_format"
        )


def regular(samples: Samples, config: TableConfig) -> Samples:
    """The samples in order of time, with regular steps and without missing values as `config.gaps` says.

    Raises ValueError naming the row of what cannot be mended: a time that is there twice, a gap, a missing value.
    """
    samples = _in_order(samples)
    if config.gaps == "keep":
        return samples
    if samples.times is not None:
        _refuse_repeated(samples)
    positions = _positions(samples)
    missing = np.isnan(samples.values)
    if config.gaps == "refuse":
        _refuse_irregular(samples, positions)
        if missing.any():
            first = int(np.argmax(missing.any(axis=0)))
            raise ValueError(f"{samples.where}, row {samples.rows[first]}: a value is missing; {MEND}")
        return samples
    if not missing.any() and np.allclose(np.diff(positions), 1, rtol=0, atol=TOLERATED):
        return samples
    return _on_grid(samples, positions, config.longest_gap)


def _is_dates(cells: pd.Series) -> bool:
    return pd.api.types.is_datetime64_any_dtype(cells)


def _in_order(samples: Samples) -> Samples:
    if samples.times is None:
        return samples
    order = np.argsort(samples.times, kind="stable")
    samples = replace(
        samples,
        rows=samples.rows[order],
        values=samples.values[:, order],
        labels=None if samples.labels is None else samples.labels[order],
        times=samples.times[order],
    )
    return samples


def _refuse_repeated(samples: Samples) -> None:
    same = np.flatnonzero(samples.times[1:] == samples.times[:-1])
    if len(same):
        one, other = sorted(samples.rows[same[0] : same[0] + 2].tolist())
        raise ValueError(
            f"{samples.where}, row {other}: the time of row {one} stands there again; remove one of them, or set "
            "table.gaps to keep"
        )


def _positions(samples: Samples) -> np.ndarray:
    """The times in median steps after the first one; without times, the places in the file."""
    if samples.times is None or len(samples.times) < 2:
        return np.arange(samples.values.shape[1], dtype=np.float64)
    elapsed = (samples.times - samples.times[0]).astype(np.float64)
    return elapsed / np.median(np.diff(elapsed))


def _refuse_irregular(samples: Samples, positions: np.ndarray) -> None:
    steps = np.diff(positions)
    irregular = np.abs(steps - 1) > TOLERATED
    if irregular.any():
        first = int(np.argmax(irregular))
        raise ValueError(
            f"{samples.where}, row {samples.rows[first + 1]}: it follows after {steps[first]:.3g} times the usual step "
            f"({int(irregular.sum())} of {len(steps)} steps are irregular); {MEND}"
        )


def _on_grid(samples: Samples, positions: np.ndarray, longest_gap: int) -> Samples:
    channels = []
    last = round(positions[-1])
    for values in samples.values:
        known = np.flatnonzero(~np.isnan(values))
        if not len(known):
            raise ValueError(f"{samples.where}: a column has no values at all; name the others in table.value_columns")
        # What lies before the first value and after the last one is a gap too.
        edges = np.concatenate([[-1.0], positions[known], [last + 1.0]])
        widths = np.diff(edges)
        if widths.max() > longest_gap + 1:
            place = min(int(np.argmax(widths)), len(known) - 1)
            raise ValueError(
                f"{samples.where}, row {samples.rows[known[place]]}: a gap of {widths.max() - 1:.3g} steps is beside "
                f"it, more than table.longest_gap = {longest_gap}; cut the series there, or raise it"
            )
        channels.append((positions[known], values[known]))
    grid = np.arange(last + 1, dtype=np.float64)
    values = np.stack([np.interp(grid, *channel) for channel in channels])
    return replace(
        samples,
        rows=samples.rows[_nearest(positions, grid)],
        values=values,
        labels=None if samples.labels is None else _labels_on_grid(samples.labels, positions, len(grid)),
        times=None if samples.times is None else _times_on_grid(samples.times, positions, grid),
    )


def _labels_on_grid(labels: np.ndarray, positions: np.ndarray, length: int) -> np.ndarray:
    moved = labels[_nearest(positions, np.arange(length, dtype=np.float64))]
    moved[np.clip(np.round(positions[labels]).astype(int), 0, length - 1)] = True
    return moved


def _nearest(positions: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """For each point of the grid the index of the sample nearest to it; of two, the earlier one."""
    after = np.clip(np.searchsorted(positions, grid), 1, max(1, len(positions) - 1))
    before = after - 1
    after = np.minimum(after, len(positions) - 1)
    return np.where(positions[after] - grid < grid - positions[before], after, before)


def _times_on_grid(times: np.ndarray, positions: np.ndarray, grid: np.ndarray) -> np.ndarray:
    if len(times) < 2:
        return times
    elapsed = (times - times[0]).astype(np.float64)
    step = np.median(np.diff(elapsed))
    if times.dtype.kind == "M":
        return times[0] + np.round(grid * step).astype("timedelta64[ns]")
    return times[0] + grid * step
