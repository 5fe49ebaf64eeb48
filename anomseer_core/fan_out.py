"""Work that is cut into shards: core says what is done to each, whoever calls says where it is done.

`in_process` does it here, one shard after another; `tasks/fan_out.py` spreads shards over processes.
"""

from collections.abc import Callable, Generator, Sequence
from typing import Protocol, TypeVar

Shard = TypeVar("Shard")
Result = TypeVar("Result")


class FanOut(Protocol):
    """Applies a function to every shard and yields the results in the order of the shards.

    Function, shards and results must be picklable, and a result may depend on its shard alone. What the function
    raises is raised here. Closing the generator ends work that is still under way.
    """

    def __call__(
        self, function: Callable[[Shard], Result], shards: Sequence[Shard], /
    ) -> Generator[Result, None, None]: ...


def in_process(function: Callable[[Shard], Result], shards: Sequence[Shard], /) -> Generator[Result, None, None]:
    """All of it in the calling thread."""
    for shard in shards:
        yield function(shard)
