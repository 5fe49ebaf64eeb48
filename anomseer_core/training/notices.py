"""What a rank says to its launcher: one marked line of JSON on standard output.

Not a file: the most important thing to say may be that the disk is full.
"""

import json
import os
from typing import Literal

from pydantic import BaseModel, ConfigDict

MARK = "anomseer-notice "
# What is written at once to a pipe arrives in one piece up to 4096 bytes on Linux; this leaves room for the fields.
LONGEST_TEXT = 3000


class Notice(BaseModel):
    """kind: `process` gives the id of a rank's process, `warning` goes to the log, `stop` is why training ends."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["process", "warning", "stop"]
    rank: int
    pid: int
    text: str = ""


def tell(kind: Literal["process", "warning", "stop"], rank: int, text: str = "") -> None:
    """Write one notice in one piece, so that lines of other ranks cannot cut it."""
    notice = Notice(kind=kind, rank=rank, pid=os.getpid(), text=" ".join(text.split())[:LONGEST_TEXT])
    # The default of `json` is ASCII, whatever the encoding of the output.
    os.write(1, f"{MARK}{json.dumps(notice.model_dump())}\n".encode())


def read_notice(line: str) -> Notice | None:
    """The notice in a line of output, or None in all others."""
    _, mark, content = line.partition(MARK)
    return Notice.model_validate(json.loads(content)) if mark else None
