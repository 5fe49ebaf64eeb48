"""`anomseer archive`: bring public sets of real series into the home, and see which are there."""

import shlex
import sys
import time
from typing import TYPE_CHECKING, Annotated

import cyclopts

from anomseer_core.observer import SilentObserver
from anomseer_core.settings import load_settings

if TYPE_CHECKING:
    from anomseer_core.archives.added import AddedArchive

archive = cyclopts.App(
    name="archive", help="Keep archives of real series under a name that archive.folder takes.", help_format="plaintext"
)
SECONDS_BETWEEN_LINES = 2.0
Settings = Annotated[list[str], cyclopts.Parameter(name="--set", negative="", show_default=False)]


@archive.command
def add(
    source: str,
    /,
    *,
    name: str = "",
    sha256: str = "",
    form: Annotated[str, cyclopts.Parameter(name="--format")] = "auto",
    limit_gb: float = 32,
    overrides: Settings = (),
) -> None:
    """Fetch, unpack and read an archive, and keep it. An interrupted download goes on where it stopped.

    Parameters
    ----------
    source
        An http(s) address, a file (zip, tar, gz or a single file of series), or a folder.
    name
        What the archive is called; the name of the file or folder if left out.
    sha256
        The SHA-256 that the file must have.
    form
        The format of its files, where they could be taken for several.
    limit_gb
        An archive that unpacks to more than this is refused. [GB]
    overrides
        How tables of no known archive are read, such as --set table.label_column=fault. May be given several times.
    """
    from flows.cli import refusals

    with refusals(writes=True):
        from anomseer_core.archives.adding import add_archive
        from anomseer_core.archives.config import ArchiveConfig, TableConfig
        from anomseer_core.archives.extraction import GIGABYTE
        from flows.overrides import apply_overrides

        chosen = apply_overrides(ArchiveConfig(), [f"format={form}"])
        # With the group they have elsewhere, which refusals name, or without.
        fields = [override.removeprefix("table.") for override in overrides]
        added = add_archive(
            load_settings().home,
            source,
            name=name,
            sha256=sha256,
            form=chosen.format,
            table=apply_overrides(TableConfig(), fields),
            limit_bytes=round(limit_gb * GIGABYTE),
            observer=ProgressLines(),
        )
        _print([added])
        use = [f"folder={added.name}", *([f"format={form}"] if form != "auto" else [])]
        use += [f"table.{field}" for field in fields]
        told = shlex.join(word for field in use for word in ("--set", f"synthesis.archive.{field}"))
        print(f"\nUse it with anomseer run {told}\nFor evaluate and expcot the fields begin with archive. alone.")


@archive.command(name="list")
def list_() -> None:
    """The archives that are kept, and what is in them."""
    from flows.cli import refusals

    with refusals(writes=True):
        from anomseer_core.archives.added import added_archives

        found = list(added_archives(load_settings().home))
        if not found:
            print("No archive is kept here yet; see anomseer archive add --help")
            return
        _print(found)


class ProgressLines(SilentObserver):
    """An observer that tells now and then how far a transfer or a reading is."""

    def __init__(self) -> None:
        self.told = time.monotonic()

    def progress(self, done: int, total: int, unit: str) -> None:
        if time.monotonic() - self.told >= SECONDS_BETWEEN_LINES:
            self.told = time.monotonic()
            print(f"{time.strftime('%H:%M:%S')}  {done:,} of {total:,} {unit}", file=sys.stderr, flush=True)


def _print(archives: "list[AddedArchive]") -> None:
    """One table for all: a row for each task of each archive, and one for its sum where there are several."""
    from rich.table import Table

    from flows.terminal import plain_console, show

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("Archive", "Part", "Series", "Channels", "Length", "Anomalous", "Events", "Event length"):
        table.add_column(heading, justify="left" if heading in ("Archive", "Part") else "right")
    for item in archives:
        for place, row in enumerate(item.manifest["card"]):
            table.add_row(item.name if place == 0 else "", *_cells(row))
    show(plain_console(), table)
    for item in archives:
        about = item.manifest
        size = f"{about['bytes'] / 10**6:,.1f} MB in {len(about['files']):,} files"
        held = f"; {about['card'][-1]['about']}" if about["card"][-1]["about"] else ""
        ignored = f"; files that are no series: {about['ignored']}" if about.get("ignored") else ""
        print(f"{item.name}: {size}, added {about['added'][:10]} from {about['source']}{held}{ignored}")


def _cells(row: dict) -> tuple[str, ...]:
    return (
        " ".join(dict.fromkeys(filter(None, (row["collection"], row["task"])))),
        f"{row['series']:,}",
        row["channels"],
        _span(row["length_min"], row["length_max"]),
        f"{100 * row['anomalous']:.1f} %",
        f"{row['events']:,}",
        _span(row["event_min"], row["event_max"]),
    )


def _span(low: int, high: int) -> str:
    return f"{low:,}" if low == high else f"{low:,}-{high:,}"
