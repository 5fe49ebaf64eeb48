"""A pretrained policy from the Hugging Face hub: whether it can be had, and its folder in the hub's own cache."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from huggingface_hub import get_hf_file_metadata, hf_hub_url, snapshot_download
from huggingface_hub.errors import EntryNotFoundError, GatedRepoError, HFValidationError, RepositoryNotFoundError

from anomseer_core.policy.folder import CONFIG, require_weights

MEND = "name a folder with --set policy.source=/models/..."
# A reason for each error that is not the lack of a connection; the first that fits is told.
REASONS: tuple[tuple[type[Exception], str], ...] = (
    (GatedRepoError, "its owner restricts who may load it; log in with `hf auth login`"),
    (RepositoryNotFoundError, "the hub has no such model, or shows it only to those who log in"),
    (EntryNotFoundError, f"it has no {CONFIG}"),
    (HFValidationError, "it is neither a folder nor the name of a model on the hub (owner/name)"),
)
Answer = TypeVar("Answer")


def require_reachable(name: str) -> None:
    """Raises FileNotFoundError, in one line with the mend, unless the hub or its cache can give the model `name`.

    Only the cache is asked where it holds all of it. A hub that does not answer is not asked again: the hub's client
    would try for half a minute.
    """
    if not _is_cached(name):
        _ask(name, lambda: get_hf_file_metadata(hf_hub_url(name, CONFIG)))


def download(name: str) -> Path:
    """The folder of a model in the hub's cache, fetched where it is not there. Raises as `require_reachable` does."""
    require_reachable(name)
    return _ask(name, lambda: Path(snapshot_download(name)))


def _is_cached(name: str) -> bool:
    try:
        require_weights(Path(snapshot_download(name, local_files_only=True)))
    except (OSError, ValueError):
        return False
    return True


def _ask(name: str, question: Callable[[], Answer]) -> Answer:
    try:
        return question()
    # The client lets the errors of its HTTP library through, which it has exchanged before.
    except Exception as error:
        reason = next((text for kind, text in REASONS if isinstance(error, kind)), f"no connection ({_first(error)})")
        raise FileNotFoundError(f"cannot fetch {name}: {reason}; {MEND}") from error


def _first(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
