"""Training processes end with whoever started them.

A flow that is killed outright runs no clean-up, and DeepSpeed's launcher sets no parent-death signal. So every rank
watches the owner of its job, and its own launcher, and takes the whole process group down when either is gone.
"""

import os
import signal
import threading
import time

from anomseer_core.training.job import Owner

POLL_SECONDS = 1.0


def watch(owner: Owner) -> None:
    """Start the watch in the background. The process group must be the job's own: it is killed as a whole."""
    parent = os.getppid()
    threading.Thread(target=_watch, args=(owner, parent), name="watchdog", daemon=True).start()


def _watch(owner: Owner, parent: int) -> None:
    while owner.is_alive() and os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os.killpg(os.getpgrp(), signal.SIGKILL)
