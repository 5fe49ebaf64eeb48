"""Slow, obvious versions of the interval functions, sample by sample."""


def merge_intervals(intervals, length):
    inside = [any(start <= sample < stop for start, stop in intervals) for sample in range(length)]
    return intervals_from_mask(inside)


def intervals_from_mask(mask):
    runs = []
    for sample, value in enumerate(mask):
        if not value:
            continue
        if runs and runs[-1][1] == sample:
            runs[-1] = (runs[-1][0], sample + 1)
        else:
            runs.append((sample, sample + 1))
    return runs
