"""How an expert chain-of-thought trace is written."""

from typing import Literal

from pydantic import Field

from anomseer_core.config import Config


class ProbeThresholds(Config):
    """What counts as evidence (paper, Appendix C.2)."""

    envelope_sigmas: float = Field(3.0, gt=0, le=10, description="k of the k-sigma envelope (global point).")
    gradient_sigmas: float = Field(3.0, gt=0, le=10, description="Exceedance of the smoothed gradient (trend).")
    period_mads: float = Field(3.0, gt=0, le=10, description="k of median +- k x 1.4826 MAD of the period (seasonal).")
    discord_score: float = Field(3.5, gt=0, le=20, description="Standardised discord (contextual point).")
    discord_window: int = Field(50, ge=8, le=500, description="Matrix profile window. [samples]")


class ExpCoTConfig(Config):
    """Style and evidence of the expert traces."""

    style: Literal["full", "brief"] = Field(
        "full", description="`full` writes all three stages; `brief` at most 60 words."
    )
    seed: int = Field(0, ge=0, description="Chooses the phrasings, together with the id of each series.")
    thresholds: ProbeThresholds = Field(default_factory=ProbeThresholds, description="Thresholds of the probes.")
