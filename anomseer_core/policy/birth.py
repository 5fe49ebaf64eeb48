"""The policy before any training: born from a config and its own tokenizer (nano), or taken from a folder or hub."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from pydantic import Field
from transformers import Qwen2_5_VLForConditionalGeneration

from anomseer_core.dialogue import ANSWERABLE_CLASSES, format_response
from anomseer_core.expcot.trace_table import TRACES_FILE, read_traces
from anomseer_core.observer import SILENT, Observer
from anomseer_core.policy.config import PolicyConfig
from anomseer_core.policy.folder import is_folder, require_weights
from anomseer_core.policy.hub import download
from anomseer_core.policy.model import build_policy, count_parameters, save_policy
from anomseer_core.policy.presets import build_nano_config, build_nano_image_processor, is_born, name_source
from anomseer_core.policy.prompts import PolicyProcessor
from anomseer_core.policy.tokenizer import SPECIAL_TOKENS, train_tokenizer
from anomseer_core.recipe import Recipe, Stage, digest_json
from anomseer_core.series import AnomalyClass
from anomseer_core.store import Artifact, ArtifactStore, file_digest, link_or_copy
from anomseer_core.view import VIEW_UNITS

LIBRARIES = ("torch", "transformers", "tokenizers")
BIRTH = Stage("create-policy", "checkpoint", modules=("anomseer_core.policy.birth",), libraries=LIBRARIES)
ADOPTION = Stage("adopt-policy", "checkpoint", modules=())


class AdoptedPolicy(PolicyConfig):
    """A policy from elsewhere, known by the content of its files."""

    digest: str = Field(description="Digest of the names and contents of its files.")


def create_policy(
    store: ArtifactStore, traces: Artifact | None, config: PolicyConfig, observer: Observer = SILENT
) -> Artifact:
    """The initial policy as a checkpoint artifact. Only `nano` reads the traces: its tokenizer is trained on them."""
    if is_born(config):
        if traces is None:
            raise ValueError("the nano policy is born from expert traces; give them, or name a policy.source")
        traces.verify()
        recipe = Recipe(BIRTH, {"traces": traces.reference}, config)
        return store.produce(recipe, lambda folder: _write_nano(folder, traces, config))
    source = resolve_source(config)
    files = {path.relative_to(source).as_posix(): path for path in sorted(source.rglob("*")) if path.is_file()}
    digest = digest_json({name: file_digest(path) for name, path in files.items()})
    recipe = Recipe(ADOPTION, {}, AdoptedPolicy(**config.model_dump(), digest=digest))
    return store.produce(recipe, lambda folder: _link_files(files, folder))


def resolve_source(config: PolicyConfig) -> Path:
    """The folder of a trained policy: the named one, the shipped one, or the hub's, downloaded once into its cache.

    Raises FileNotFoundError or ValueError when it holds no whole policy, or the hub cannot be reached.
    """
    name = name_source(config)
    folder = Path(name) if is_folder(name) else download(name)
    require_weights(folder)
    return folder


def _write_nano(folder: Path, traces: Artifact, config: PolicyConfig) -> Mapping[str, int]:
    tokenizer = train_tokenizer(_corpus(traces), config.vocabulary)
    processor = PolicyProcessor(tokenizer, build_nano_image_processor())
    token_ids = {token: tokenizer.convert_tokens_to_ids(token) for token in SPECIAL_TOKENS}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = Qwen2_5_VLForConditionalGeneration(build_nano_config(config.vocabulary, token_ids))
    save_policy(build_policy(model, processor), folder, "born", {"config": config.model_dump(mode="json")})
    return {"parameters": count_parameters(model)}


def _corpus(traces: Artifact) -> Iterator[str]:
    """What the policy will write: each trace, and answers of every class and digit."""
    for row in read_traces(traces.file(TRACES_FILE)):
        yield format_response(row.text, [], AnomalyClass.NORMAL)
    for start in range(0, VIEW_UNITS, 37):
        for name in ANSWERABLE_CLASSES:
            yield format_response("", [(start, start + 10)], name)


def _link_files(files: Mapping[str, Path], folder: Path) -> Mapping[str, int]:
    for name, path in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        link_or_copy(path, target)
    return {"files": len(files)}
