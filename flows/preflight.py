"""What can be refused before any stage starts: a run must not fail at its tenth minute for a mistyped folder."""

from pathlib import Path

from anomseer_core.archives.config import ArchiveConfig
from anomseer_core.archives.sources import find_sources
from anomseer_core.pipeline import PipelineConfig
from anomseer_core.policy.config import PolicyConfig
from anomseer_core.settings import load_settings
from anomseer_core.store import ArtifactStore
from flows.evaluation_config import EvaluationRunConfig, find_checkpoint


def require_runnable(config: PipelineConfig) -> None:
    """Raises FileNotFoundError or ValueError, naming the field's value and the mend."""
    require_archive(config.synthesis.archive)
    require_policy(config.policy)
    require_ranks(config)


def require_evaluable(config: EvaluationRunConfig) -> None:
    """Raises FileNotFoundError or ValueError, as `require_runnable` does."""
    if "archive" in config.benchmarks:
        require_archive(config.archive)
    if config.benchmarks == ("archive",) and not config.archive.folder:
        raise ValueError("the archive is the only benchmark and archive.folder is empty; name a folder of real series")
    find_checkpoint(ArtifactStore(load_settings().home), config.checkpoint)


def require_archive(config: ArchiveConfig) -> None:
    if config.folder:
        find_sources(Path(config.folder))


def require_policy(config: PolicyConfig) -> None:
    """A named folder must hold weights; a hub id is only known once it is asked for."""
    if config.source.startswith((".", "/")) or Path(config.source or " ").exists():
        from anomseer_core.policy.model import require_weights

        require_weights(Path(config.source))


def require_ranks(config: PipelineConfig) -> None:
    """What a step draws must divide among the training processes."""
    from anomseer_core.training.stages import require_divisible

    if config.cold_start.steps:
        require_divisible("cold_start.batch_size", config.cold_start.batch_size, config.launch)
    if config.training.steps:
        require_divisible("training.prompts_per_step", config.training.prompts_per_step, config.launch)
