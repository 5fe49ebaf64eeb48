"""Whether a folder holds a whole policy: told before anything is published, loaded or trained from it.

Opens the headers of the weights and not the weights, so that a folder of many gigabytes is judged at once.
"""

import json
from collections.abc import Collection, Mapping
from importlib.resources import files
from itertools import takewhile
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

MODEL_TYPE = "qwen2_5_vl"
CONFIG = "config.json"
INDEX = "model.safetensors.index.json"
# The policy that comes with the package, where this version has one.
SHIPPED = Path(str(files("anomseer_core.policy") / "shipped"))
# Of each part, the sets of files of which one must be there.
PARTS: dict[str, tuple[Collection[str], ...]] = {
    "tokenizer": (("tokenizer.json",), ("vocab.json", "merges.txt")),
    "image processor": (("preprocessor_config.json",), ("processor_config.json",)),
}


def is_folder(source: str) -> bool:
    """Whether a policy's source names a folder; otherwise it is the name of a model on the hub."""
    return source.startswith((".", "/")) or Path(source or " ").exists()


def find_shipped() -> Path | None:
    """The folder of the policy that comes with the package; None in a version without."""
    return SHIPPED if SHIPPED.is_dir() else None


def require_shipped() -> Path:
    """Raises FileNotFoundError in a version without a policy, and as `require_weights` does."""
    if find_shipped() is None:
        raise FileNotFoundError(
            "this version of anomseer ships no trained policy; train one with `anomseer run`, or name a folder"
        )
    require_weights(SHIPPED)
    return SHIPPED


def require_weights(folder: Path) -> None:
    """Raises FileNotFoundError or ValueError, naming the file, unless `folder` holds a whole Qwen2.5-VL policy."""
    if not folder.exists():
        raise FileNotFoundError(f"checkpoint folder {folder} does not exist; name one with weights")
    if not folder.is_dir():
        raise ValueError(f"{folder} is a file; name the folder of a checkpoint")
    shards = sorted(folder.glob("*.safetensors"))
    if not shards:
        raise FileNotFoundError(f"checkpoint folder {folder} holds no *.safetensors weights; name a whole checkpoint")
    _require_model_type(folder / CONFIG)
    _require_parts(folder)
    for path in shards:
        _require_header(path)
    _require_indexed(folder)


def _require_model_type(path: Path) -> None:
    _require_file(path)
    found = read_object(path).get("model_type")
    if found != MODEL_TYPE:
        raise ValueError(f"{path}: model_type is {found!r}, not {MODEL_TYPE!r}; name a Qwen2.5-VL checkpoint")


def _require_parts(folder: Path) -> None:
    for part, choices in PARTS.items():
        if not any(all((folder / name).is_file() for name in names) for names in choices):
            wanted = " or ".join("+".join(names) for names in choices)
            raise FileNotFoundError(
                f"checkpoint folder {folder} holds no {part} ({wanted} is missing); name a whole checkpoint"
            )
        for names in choices:
            for path in (folder / name for name in names if name.endswith(".json")):
                if path.is_file():
                    read_object(path)


def _require_header(path: Path) -> None:
    """A header that names more bytes than the file has is refused by the library as well."""
    try:
        with safe_open(path, "np"):
            pass
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path} is damaged ({error}); copy the checkpoint again") from error


def _require_indexed(folder: Path) -> None:
    index = folder / INDEX
    if not index.is_file():
        return
    for name in sorted(set(read_object(index).get("weight_map", {}).values())):
        _require_file(folder / name)


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise FileNotFoundError(f"checkpoint folder {path.parent} holds no {path.name}; name a whole checkpoint")


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object of a checkpoint's file; raises ValueError naming the file when it holds none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON ({error}); copy the checkpoint again") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds no JSON object; copy the checkpoint again")
    return content


def require_loaded(folder: Path, loading_info: Mapping[str, Collection[Any]]) -> None:
    """Raises ValueError unless every tensor of a model came out of its folder, in the shape that its config says.

    Without it a tensor that is missing or of another shape is made up at random, and one too many is left out.
    """
    for name, found, wanted in sorted(loading_info["mismatched_keys"]):
        raise ValueError(
            f"{_file_of(folder, name)}: {name} is {tuple(found)}, but {CONFIG} makes it {tuple(wanted)}; "
            "put the weights and the config of one checkpoint together"
        )
    for key, what in (("missing_keys", "is missing"), ("unexpected_keys", f"has no place in the model of {CONFIG}")):
        names = sorted(loading_info[key])
        if names:
            more = f", and {len(names) - 1} more tensors" if len(names) > 1 else ""
            raise ValueError(f"checkpoint folder {folder}: {names[0]} {what}{more}; name a whole checkpoint")


def _file_of(folder: Path, name: str) -> Path:
    """The file with a tensor. Old checkpoints name their parts differently, so the longest common ending counts."""
    ending = name.split(".")

    def agreement(path: Path) -> int:
        with safe_open(path, "np") as file:
            return max((_common_ending(key.split("."), ending) for key in file.keys()), default=0)  # noqa: SIM118

    return max(sorted(folder.glob("*.safetensors")), key=agreement)


def _common_ending(first: list[str], second: list[str]) -> int:
    pairs = zip(reversed(first), reversed(second), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
