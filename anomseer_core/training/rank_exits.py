"""Which rank ended first, and by which signal.

DeepSpeed's launcher tells the exit status of one rank and not whose it is, and the ranks that are left fail a moment
later because a peer is gone. So the end of every rank is noted as it happens (Linux; elsewhere nothing is known).
"""

import os
import select
import signal
import threading
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RankExit:
    """signal_number: 0 when the rank ended by itself."""

    rank: int
    signal_number: int

    def tell(self) -> str:
        name = signal.Signals(self.signal_number).name
        hint = ", as the system does when memory runs out" if self.signal_number == signal.SIGKILL else ""
        return f"rank {self.rank} was killed by {name}{hint}"


class RankExits:
    """Watches processes that are not this one's children; `first` is the one that ended before the others."""

    def __init__(self) -> None:
        self._ended: list[RankExit] = []

    @property
    def first(self) -> RankExit | None:
        return self._ended[0] if self._ended else None

    def watch(self, rank: int, pid: int) -> None:
        if not hasattr(os, "pidfd_open"):
            return
        try:
            handle = os.pidfd_open(pid)
        except OSError:
            return
        threading.Thread(target=self._wait, args=(rank, pid, handle), daemon=True).start()

    def _wait(self, rank: int, pid: int, handle: int) -> None:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        poll.poll()
        # Until its parent asks, which takes DeepSpeed's launcher up to a second, the process keeps its exit status.
        self._ended.append(RankExit(rank, _signal_of(pid)))
        os.close(handle)


def _signal_of(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    # proc(5): the last field is the exit status in the form of waitpid.
    status = int(fields[-1])
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
