"""What can be refused before any stage starts: a run must not fail at its tenth minute for a mistyped folder."""

from pathlib import Path

from anomseer_core.archives.added import open_archive
from anomseer_core.archives.config import ArchiveConfig
from anomseer_core.archives.registry import find_sources, read_source
from anomseer_core.endpoint.config import EndpointConfig
from anomseer_core.expcot.config import TraceSource
from anomseer_core.pipeline import PipelineConfig
from anomseer_core.policy.config import PolicyConfig
from anomseer_core.settings import load_settings
from anomseer_core.store import ArtifactStore
from flows.evaluation_config import EvaluationRunConfig, find_policies
from flows.expcot_config import ExpCoTRunConfig

# A second or two of reading; larger archives are read by their stage alone.
READ_AT_ONCE_BYTES = 16 * 2**20


def require_runnable(config: PipelineConfig) -> None:
    """Raises FileNotFoundError or ValueError, naming the field's value and the mend."""
    data = config.synthesis
    if "archive" in data.benchmarks:
        require_archive(data.archive)
        require_drawable(data.archive)
    if data.benchmarks == ("archive",) and not data.archive.folder:
        raise ValueError("the archive is the only benchmark and synthesis.archive.folder is empty; name a folder")
    require_traces(config.expcot.source)
    require_policy(config.policy)
    require_first_answers(config)
    require_packages(config)
    require_ranks(config)


def require_evaluable(config: EvaluationRunConfig) -> None:
    """Raises FileNotFoundError or ValueError, as `require_runnable` does."""
    if "archive" in config.benchmarks:
        require_archive(config.archive)
        if config.models:
            require_drawable(config.archive)
    if config.benchmarks == ("archive",) and not config.archive.folder:
        raise ValueError("the archive is the only benchmark and archive.folder is empty; name a folder of real series")
    find_policies(ArtifactStore(load_settings().home), config)
    if "endpoint" in config.models:
        require_endpoint(config.endpoint)


def require_explainable(config: ExpCoTRunConfig) -> None:
    """Raises FileNotFoundError or ValueError, as `require_runnable` does."""
    if "archive" in config.benchmarks:
        require_archive(config.archive)
    if config.benchmarks == ("archive",) and not config.archive.folder:
        raise ValueError("the archive is the only set of series and archive.folder is empty; name a folder")
    if "diverse" in config.benchmarks and "multivariate" in config.diverse.tasks:
        raise ValueError("a trace describes one channel; leave multivariate out of diverse.tasks")
    require_traces(config.expcot.source)


def require_drawable(config: ArchiveConfig) -> None:
    """A model is shown all channels of a series in one picture."""
    from anomseer_core.rendering import MOST_CHANNELS

    if config.folder and config.channels == "together" and config.most_channels > MOST_CHANNELS:
        raise ValueError(
            f"archive.most_channels = {config.most_channels}: a picture shows at most {MOST_CHANNELS} channels; lower "
            "it, set archive.channels to apart, or evaluate detectors that need no picture"
        )


def require_endpoint(config: EndpointConfig) -> None:
    """The package must be there, and a key where the address is known to want one; nothing is asked."""
    from anomseer_core.endpoint.client import build_client, require_key

    require_key(config)
    build_client(config).close()


def require_archive(config: ArchiveConfig) -> None:
    """The folder must hold series; a small one is read, so that a malformed row is told at once."""
    if not config.folder:
        return
    sources = find_sources(open_archive(load_settings().home, config.folder), config.format)
    if sum(source.path.stat().st_size for source in sources) <= READ_AT_ONCE_BYTES:
        for source in sources:
            for _ in read_source(source, config.table):
                pass


def require_traces(source: TraceSource) -> None:
    if source.kind == "file":
        from anomseer_core.expcot.foreign_file import require_trace_file

        require_trace_file(source.path)


def require_policy(config: PolicyConfig) -> None:
    """A named folder must hold a whole policy, and the hub must answer where the policy comes from there."""
    from anomseer_core.policy.folder import is_folder, require_weights
    from anomseer_core.policy.hub import require_reachable
    from anomseer_core.policy.presets import is_born, name_source

    if is_born(config):
        return
    name = name_source(config)
    if is_folder(name):
        require_weights(Path(name))
    else:
        require_reachable(name)


def require_first_answers(config: PipelineConfig) -> None:
    """Reinforcement needs a policy that answers at all; one born from random weights is taught first."""
    from anomseer_core.policy.presets import is_born

    if is_born(config.policy) and config.training.steps and not config.cold_start.steps:
        raise ValueError(
            "policy.preset = nano is born from random weights and would earn no reward without a cold start; "
            "set cold_start.steps, as the configuration nano does, or training.steps to 0"
        )


def require_packages(config: PipelineConfig) -> None:
    """Adapters need a package that is not always installed."""
    from anomseer_core.policy.trained_weights import require_adapters

    for method in (config.cold_start, config.training):
        if method.steps:
            require_adapters(method.weights)


def require_ranks(config: PipelineConfig) -> None:
    """What a step draws must divide among the training processes, and they must be able to run the method."""
    from anomseer_core.training.stages import require_reinforceable, require_supervisable

    if config.cold_start.steps:
        require_supervisable(config.cold_start, config.launch)
    if config.training.steps:
        require_reinforceable(config.training, config.launch)
