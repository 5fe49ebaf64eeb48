"""A vision-language model behind an OpenAI-compatible API, as something that is configured."""

from typing import ClassVar, Protocol
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from anomseer_core.config import Config


class Endpoint(Protocol):
    """What a client needs to know. group: the name under which messages speak of the fields."""

    group: ClassVar[str]
    base_url: str
    model: str
    timeout_seconds: float
    retries: int


class EndpointConfig(Config):
    """A model that is asked about pictures, and how fast; temperature and length are those of the decoding."""

    group: ClassVar[str] = "endpoint"

    base_url: str = Field(
        "https://api.openai.com/v1",
        description="Address of an OpenAI-compatible API. Its key is read from OPENAI_API_KEY.",
    )
    model: str = Field("gpt-4o", min_length=1, description="Name of the model.")
    concurrency: int = Field(8, ge=1, le=256, description="Requests under way at once.")
    requests_per_minute: float = Field(
        0.0, ge=0, le=1e6, description="Most first tries in a minute, evenly spaced; 0: no limit of our own."
    )
    timeout_seconds: float = Field(120.0, gt=0, le=3600, description="Wait for one answer. [s]")
    retries: int = Field(6, ge=0, le=50, description="Further tries, with growing pauses, after 429, 5xx and timeouts.")

    @field_validator("base_url")
    @classmethod
    def _plain_address(cls, address: str) -> str:
        require_address(address)
        return address


def require_address(address: str) -> None:
    """Raises ValueError unless this is an HTTP address without a secret in it: it enters manifests and MLflow."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("base_url must be an address such as https://api.openai.com/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("base_url must hold no user, password or query, which would be recorded; use OPENAI_API_KEY")
