"""How an expert chain-of-thought trace is written."""

from typing import ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from anomseer_core.config import Config
from anomseer_core.endpoint.config import require_address

# A parabola through fewer samples smooths nothing.
SHORTEST_DENOISING = 5


class ProbeThresholds(Config):
    """What counts as evidence (paper, Appendix C.2), and how it is measured."""

    envelope_sigmas: float = Field(3.0, gt=0, le=10, description="k of the k-sigma envelope (global point).")
    gradient_sigmas: float = Field(3.0, gt=0, le=10, description="Exceedance of the smoothed gradient (trend).")
    period_mads: float = Field(3.0, gt=0, le=10, description="k of median +- k x 1.4826 MAD of the period (seasonal).")
    discord_score: float = Field(3.5, gt=0, le=20, description="Standardised discord (contextual point, shapelet).")
    discord_window: int = Field(50, ge=8, le=500, description="Matrix profile window. [samples]")
    dispersion: Literal["robust", "moments"] = Field(
        "robust",
        description="Centre and dispersion of gradient, period and matrix profile: median and 1.4826 x MAD, which a "
        "long anomaly cannot inflate, or mean and standard deviation.",
    )
    deseason: bool = Field(True, description="Average over a dominant period before the gradient is taken.")
    period_window: int = Field(
        0, ge=0, le=1000, description="Sliding window of the period; 0: two dominant periods. [samples]"
    )
    denoise_window: int = Field(
        0,
        ge=0,
        le=501,
        description="Smooth series of the `noisy-` tasks first (Savitzky-Golay, order 2); 0: no. Odd. [samples]",
    )
    routing: Literal["class", "released"] = Field(
        "class",
        description="`class`: the class chooses the probe. `released`: the envelope where max |z| > 5, else the "
        "gradient for trend, the period for seasonal, the matrix profile for all others.",
    )

    @field_validator("denoise_window")
    @classmethod
    def _centred(cls, window: int) -> int:
        if window and (window % 2 == 0 or window < SHORTEST_DENOISING):
            raise ValueError(f"a centred parabola needs an odd window of at least {SHORTEST_DENOISING}, not {window}")
        return window


def released_rules() -> ProbeThresholds:
    """The rules of the authors' code instead of the paper's.

    Mean and standard deviation everywhere, the gradient with the season in it, periods in windows of 100 samples,
    noisy series smoothed over 31, and a probe chosen by max |z| before the class. Not followed: its periodogram is
    neither tapered nor zero-padded, and it knows the task of a normal series, which here takes the matrix profile.
    """
    return ProbeThresholds(
        dispersion="moments", deseason=False, period_window=100, denoise_window=31, routing="released"
    )


class TraceSource(Config):
    """Where the traces come from: our analysis, a file, or a model that is asked for each of them."""

    group: ClassVar[str] = "expcot.source"

    kind: Literal["analysis", "file", "endpoint"] = Field(
        "analysis",
        description="`analysis`: written from the series' own measurements. `file`: taken from a file. `endpoint`: "
        "written by a vision-language model, as in the paper's ablation with GPT-4o.",
    )
    path: str = Field(
        "",
        description="`file`: Parquet or JSONL with the columns series_id and text, and start and stop where a trace is "
        "about a part of a series (absolute, in the UI).",
    )
    base_url: str = Field(
        "https://api.openai.com/v1",
        description="`endpoint`: address of an OpenAI-compatible API. Its key is read from OPENAI_API_KEY.",
    )
    model: str = Field("gpt-4o", min_length=1, description="`endpoint`: name of the model.")
    temperature: float = Field(1.0, ge=0, le=2, description="`endpoint`: sampling temperature.")
    max_tokens: int = Field(1024, ge=64, le=32_768, description="`endpoint`: longest answer. [tokens]")
    concurrency: int = Field(8, ge=1, le=256, description="`endpoint`: requests under way at once.")
    timeout_seconds: float = Field(120.0, gt=0, le=3600, description="`endpoint`: wait for one answer. [s]")
    retries: int = Field(
        6, ge=0, le=50, description="`endpoint`: further tries, with growing pauses, after 429, 5xx and timeouts."
    )

    @model_validator(mode="after")
    def _every_setting_has_an_effect(self) -> "TraceSource":
        own = {"analysis": set(), "file": {"path"}, "endpoint": set(type(self).model_fields) - {"kind", "path"}}
        for name, field in type(self).model_fields.items():
            if name not in {"kind", *own[self.kind]} and getattr(self, name) != field.default:
                raise ValueError(f"{name} has no effect on traces of kind {self.kind!r}; leave it at {field.default!r}")
        if self.kind == "file" and not self.path:
            raise ValueError("kind 'file' needs the path of a Parquet or JSONL file of traces")
        if self.kind == "endpoint":
            require_address(self.base_url)
        return self


class ExpCoTConfig(Config):
    """Style, evidence and source of the expert traces."""

    style: Literal["full", "brief"] = Field(
        "full",
        description="`full` writes all three stages; `brief` at most 60 words. Traces from a file keep their own.",
    )
    seed: int = Field(
        0, ge=0, description="Chooses the phrasings of our own traces, together with the id of each series."
    )
    blind: bool = Field(
        False,
        description="Withhold the label: class and intervals of a trace come from the probes alone (or from the "
        "endpoint's model). The answer that training puts behind the trace stays the label's.",
    )
    rules: ProbeThresholds = Field(
        default_factory=ProbeThresholds, description="Rules of the probes, and of checking traces from anywhere."
    )
    source: TraceSource = Field(default_factory=TraceSource, description="Where the traces come from.")

    @model_validator(mode="after")
    def _nobody_can_blind_a_file(self) -> "ExpCoTConfig":
        if self.blind and self.source.kind == "file":
            raise ValueError("blind has no effect on traces from a file, which are what they are; leave it at False")
        return self
