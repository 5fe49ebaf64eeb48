"""What a gallery of traces shows."""

from pydantic import Field

from anomseer_core.config import Config


class GalleryConfig(Config):
    """How many traces a gallery shows."""

    per_class: int = Field(
        3,
        ge=1,
        le=50,
        description="Traces shown of each class and set of series: the first one with strong evidence, with weak "
        "evidence, with a disputed claim, with several intervals, then the first in order. [traces]",
    )
