"""Policies over several seeds, and the paired tests between them, from score rows whose detectors are named alike.

`detector_names.py` says which names are seeds of one subject. Baselines have none and stay out.
"""

from collections.abc import Iterable, Sequence

import pandas as pd

from anomseer_core.evaluation.comparison import Side, compare
from anomseer_core.evaluation.detector_names import DIRECT_SUFFIX, VOTED_SUFFIX, by_subject, is_direct, is_told
from anomseer_core.reports import comparison_table, repetition
from anomseer_core.reports.summary import is_policy

GRPO = "grpo"
# What a reinforcement may begin with, as tables call it: the cold start of its own run, or the policy that ships.
STARTS = ("cold-start", "shipped")


def seeds_markdown(scores: pd.DataFrame) -> str:
    """Mean +- deviation of every subject, where one has several seeds; else empty."""
    subjects = _subjects(scores)
    most = max(map(len, subjects.values()), default=0)
    if most < 2:
        return ""
    runs = [
        pd.concat(
            [
                scores[scores["detector"] == names[place]].assign(detector=subject)
                for subject, names in subjects.items()
                if place < len(names)
            ],
            ignore_index=True,
        )
        for place in range(most)
    ]
    return repetition.to_markdown(repetition.over_seeds(runs)).strip()


def pairs_markdown(scores: pd.DataFrame) -> str:
    """Paired tests of each pair of `compared_pairs`; empty where there is none."""
    subjects = _subjects(scores)
    parts = [_compare(scores, subjects, first, second) for first, second in compared_pairs(list(subjects))]
    return "\n\n".join([*parts, comparison_table.LEGEND]) if parts else ""


def compared_pairs(subjects: list[str]) -> list[tuple[str, str]]:
    """First and second: what a policy began with (`STARTS`; without one, the last named) and what came of it; GRPO and
    what earns reasoning besides; with reasons and without, and a vote with one direct answer.

    >>> compared_pairs(["timerpo", "timerpo-direct", "cold-start"])
    [('cold-start', 'timerpo'), ('timerpo', 'timerpo-direct')]
    >>> compared_pairs(["timerpo", "grpo", "cold-start"])
    [('cold-start', 'timerpo'), ('cold-start', 'grpo'), ('grpo', 'timerpo')]
    >>> compared_pairs(["shipped", "timerpo"])
    [('shipped', 'timerpo')]
    """
    written = [name for name in subjects if not is_direct(name)]
    start = next((name for name in (*STARTS, *reversed(written)) if name in written), "")
    from_start = [(start, name) for name in written if name != start]
    from_grpo = [(GRPO, name) for name in written if GRPO in written and name not in (start, GRPO)]
    return from_start + from_grpo + [pair for name in _stems(subjects) for pair in _ways(name, subjects)]


def _stems(subjects: Iterable[str]) -> list[str]:
    """The names without the way of answering, each once."""
    return list(dict.fromkeys(name.removesuffix(DIRECT_SUFFIX).removesuffix(VOTED_SUFFIX) for name in subjects))


def _ways(name: str, subjects: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of ways in which one policy answers: with reasons and without, and one direct answer and a vote of many."""
    ways = [(name, name + DIRECT_SUFFIX), (name, name + VOTED_SUFFIX), (name + DIRECT_SUFFIX, name + VOTED_SUFFIX)]
    return [pair for pair in ways if set(pair) <= set(subjects)]


def _subjects(scores: pd.DataFrame) -> dict[str, list[str]]:
    """Without those told of events: they answer a part of the benchmarks, and know more."""
    return by_subject(name for name in scores["detector"].unique() if is_policy(name) and not is_told(name))


def _compare(scores: pd.DataFrame, subjects: dict[str, list[str]], first: str, second: str) -> str:
    sides = [
        Side(subject, tuple(scores[scores["detector"] == name] for name in subjects[subject]))
        for subject in (first, second)
    ]
    try:
        table = compare(*sides)
    except ValueError as error:
        # Scoring rules may leave every series of one side out; the other tables are true all the same.
        return f"{first} and {second} are not compared: {error}."
    return comparison_table.to_markdown(table, first, second).replace(comparison_table.LEGEND, "").strip()
