"""The groups of AnomLLM's tasks in the paper's tables (Table 1).

A group is the unweighted mean of its tasks, and the average that of the four groups; inside a task every series counts
the same.
"""

import numpy as np
import pandas as pd

from anomseer_core.synthesis.config import AnomLLMTask

GROUPED_BENCHMARK = "anomllm"
GROUPS: dict[str, tuple[AnomLLMTask, ...]] = {
    "Frequency": ("freq", "noisy-freq"),
    "Trend": ("trend", "flat-trend", "noisy-trend"),
    "Range": ("range",),
    "Point": ("point", "noisy-point"),
}
AVERAGE = "Avg"


PARTS = (*GROUPS, AVERAGE)


def task_weights(tasks: pd.Series) -> np.ndarray:
    """How much each series, given by its task, weighs in the mean of each of `PARTS`: float64 `[n, 5]`.

    A column sums to 1, or is 0 where one of its tasks has no series.
    """
    sizes = tasks.value_counts()
    shares = {group: dict.fromkeys(members, 1 / len(members)) for group, members in GROUPS.items()}
    shares[AVERAGE] = {task: share / len(GROUPS) for group in GROUPS for task, share in shares[group].items()}
    columns = [
        (tasks.map(shares[part]).fillna(0.0) / tasks.map(sizes)).to_numpy(dtype=float)
        if set(shares[part]) <= set(sizes.index)
        else np.zeros(len(tasks))
        for part in PARTS
    ]
    return np.stack(columns, axis=1)
