"""Which labelled real series are read from a folder, and how they are cut and chosen."""

from typing import Literal

from pydantic import Field

from anomseer_core.config import Config


class ArchiveConfig(Config):
    """A folder of real labelled series (TSB-UAD `.out` files, or a NAB checkout)."""

    benchmark: Literal["archive"] = Field("archive", description="Name of the reader.")
    folder: str = Field(
        "", description="Folder that holds the archive (absolute, in the UI); empty skips this benchmark."
    )
    count: int = Field(
        20, ge=1, le=100_000, description="At most this many series, spread evenly over the folder. [series]"
    )
    max_samples: int = Field(
        4_000,
        ge=100,
        description="Longer series are cut into pieces this long; the first with an event is kept. [samples]",
    )
    max_anomaly_ratio: float = Field(
        0.10, gt=0, le=1, description="Series above this share of anomalous samples are left out, as TAB does."
    )
