"""The parameters of the classical detectors.

Every threshold is fixed here, before any label is seen. Defaults come from a source (named in the detector's module),
never from a search on the series that are scored.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from anomseer_core.config import Config, Unique

Classical = Literal[
    "fft",
    "matrix-profile",
    "gradient",
    "arima",
    "threshold",
    "ensemble",
    "isolation-forest",
    "hbos",
]
Voter = Literal["fft", "matrix-profile", "gradient", "arima", "threshold", "isolation-forest", "hbos"]
Order = tuple[int, int, int]
HIGHEST_ORDER = 5


class FFTConfig(Config):
    """A dominant period that leaves its usual band."""

    mads: float = Field(3.0, gt=0, le=20, description="k of the band median +- k x 1.4826 MAD of the period.")
    window: int = Field(0, ge=0, le=100_000, description="Sliding window; 0: two dominant periods. [samples]")


class MatrixProfileConfig(Config):
    """Windows without a look-alike."""

    window_share: float = Field(0.05, gt=0, le=0.25, description="Length of a window. [share of the series]")
    mads: float = Field(3.5, gt=0, le=50, description="A discord lies k x 1.4826 MAD above the median of the profile.")


class GradientConfig(Config):
    """Slopes that stand out."""

    mads: float = Field(3.0, gt=0, le=50, description="k of the band median +- k x 1.4826 MAD of the slope.")
    deseason: bool = Field(True, description="Average over a dominant period before the slope is taken.")


class ArimaConfig(Config):
    """One-step forecasts that fail."""

    orders: Annotated[tuple[Order, ...], Unique] = Field(
        ((1, 0, 0), (2, 0, 0), (2, 0, 2), (1, 1, 1)),
        min_length=1,
        max_length=20,
        description="Orders (p, d, q) to choose from, by Akaike's criterion. Each at most 5, d at most 2.",
    )
    mads: float = Field(
        4.0,
        gt=0,
        le=50,
        description="An error lies beyond k x 1.4826 MAD; 4 errs once in 16 series of 1,000 normal errors.",
    )

    @model_validator(mode="after")
    def _small_orders(self) -> "ArimaConfig":
        for p, d, q in self.orders:
            if not (0 <= p <= HIGHEST_ORDER and 0 <= d <= 2 and 0 <= q <= HIGHEST_ORDER and p + q):
                raise ValueError(f"order ({p}, {d}, {q}) is not offered: p and q up to 5, one above 0, d up to 2")
        return self


class ThresholdConfig(Config):
    """Values beyond two percentiles of their own series."""

    low: float = Field(2.0, ge=0, lt=50, description="At or below this percentile a value is anomalous. [%]")
    high: float = Field(98.0, gt=50, le=100, description="At or above this percentile a value is anomalous. [%]")


class EnsembleConfig(Config):
    """Several detectors vote on every sample."""

    members: Annotated[tuple[Voter, ...], Unique] = Field(
        ("fft", "matrix-profile", "gradient", "arima", "threshold"),
        min_length=2,
        description="Who votes; the default are the five others of the paper's Table 8.",
    )
    votes: int = Field(3, ge=1, le=7, description="So many members must mark a sample; the default is their majority.")
    tolerance_share: float = Field(
        0.01, ge=0, le=0.1, description="Marks are widened by this much on either side. [share of the series]"
    )

    @model_validator(mode="after")
    def _enough_voters(self) -> "EnsembleConfig":
        if self.votes > len(self.members):
            raise ValueError(f"{self.votes} votes cannot come from {len(self.members)} members; lower votes")
        return self


class IsolationForestConfig(Config):
    """Values that random cuts isolate early."""

    trees: int = Field(100, ge=1, le=10_000, description="Trees of the forest.")
    seed: int = Field(42, ge=0, le=2**32 - 1, description="Seed of the cuts (AnomLLM: 42).")


class HBOSConfig(Config):
    """Values in sparse bins of their histogram."""

    sigmas: float = Field(
        3.0, gt=0, le=10, description="A bin counts as sparse where a normal density has fallen k deviations away."
    )


class ClassicalConfig(Config):
    """The parameters of every classical detector."""

    fft: FFTConfig = Field(default_factory=FFTConfig, description="Dominant period in sliding windows.")
    matrix_profile: MatrixProfileConfig = Field(
        default_factory=MatrixProfileConfig, description="Discords of the matrix profile."
    )
    gradient: GradientConfig = Field(default_factory=GradientConfig, description="Smoothed slope.")
    arima: ArimaConfig = Field(default_factory=ArimaConfig, description="One-step forecast errors.")
    threshold: ThresholdConfig = Field(default_factory=ThresholdConfig, description="Percentiles of the values.")
    ensemble: EnsembleConfig = Field(default_factory=EnsembleConfig, description="Vote of the others.")
    isolation_forest: IsolationForestConfig = Field(
        default_factory=IsolationForestConfig, description="Isolation forest on single values."
    )
    hbos: HBOSConfig = Field(default_factory=HBOSConfig, description="Histogram-based outlier score.")

    def of(self, name: str) -> "ClassicalConfig":
        """What one detector depends on: its own parameters and its members', all others at their defaults."""
        names = {name, *(self.ensemble.members if name == "ensemble" else ())}
        fields = {item.replace("-", "_") for item in names} & set(type(self).model_fields)
        return ClassicalConfig(**{field: getattr(self, field) for field in fields})
