"""What tables call a policy: `timerpo`, `timerpo-seed3`, and after either `-direct` where reasoning is skipped or
`-voted` where direct answers vote, `-told` where the policy knew that every series holds an event.
"""

import re
from collections.abc import Iterable

DIRECT_SUFFIX, VOTED_SUFFIX, TOLD_SUFFIX = "-direct", "-voted", "-told"
_SEEDED = re.compile(r"(?P<stage>.+)-seed(?P<seed>\d+)(?P<way>(-direct|-voted)?(-told)?)")


def seeded_name(stage: str, seed: int) -> str:
    """A policy that stands beside others of the same method."""
    return f"{stage}-seed{seed}"


def is_direct(name: str) -> bool:
    """Whether no reasons are written: directly, or in a vote of direct answers."""
    return name.removesuffix(TOLD_SUFFIX).endswith((DIRECT_SUFFIX, VOTED_SUFFIX))


def is_told(name: str) -> bool:
    return name.endswith(TOLD_SUFFIX)


def subject_of(name: str) -> str:
    """The name without its seed: what several seeds are runs of.

    >>> subject_of("timerpo-seed3-direct"), subject_of("cold-start")
    ('timerpo-direct', 'cold-start')
    """
    found = _SEEDED.fullmatch(name)
    return found["stage"] + found["way"] if found else name


def by_subject(names: Iterable[str]) -> dict[str, list[str]]:
    """The names of each subject, in their order."""
    subjects: dict[str, list[str]] = {}
    for name in names:
        subjects.setdefault(subject_of(name), []).append(name)
    return subjects
