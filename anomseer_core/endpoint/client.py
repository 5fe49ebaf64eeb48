"""One question to a vision-language model behind an OpenAI-compatible API.

The package `openai` retries 429, 5xx, timeouts and lost connections with growing pauses, or as long as the server says.
The key is read from `OPENAI_API_KEY`, sent to the endpoint, and written nowhere.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from anomseer_core.endpoint.answers import Answer
from anomseer_core.endpoint.config import Endpoint
from anomseer_core.settings import load_settings

if TYPE_CHECKING:
    from openai import OpenAI

# The one address that answers nobody without a key; servers of one's own often do.
OPENAI_HOST = "api.openai.com"


class EndpointFailed(ValueError):
    """The endpoint does not answer as it should; the message says what to change."""


def build_client(endpoint: Endpoint) -> "OpenAI":
    """Connects nowhere yet. Raises ValueError when the package `openai` is not installed."""
    try:
        from openai import OpenAI
    except ImportError as error:
        raise ValueError("an endpoint needs a further package: pip install 'anomseer[endpoint]'") from error
    # Servers of one's own may want no key, the package always wants some text.
    return OpenAI(
        base_url=endpoint.base_url,
        api_key=load_settings().openai_api_key or "none",
        timeout=endpoint.timeout_seconds,
        max_retries=endpoint.retries,
    )


def require_key(endpoint: Endpoint) -> str:
    """The key of the endpoint; raises ValueError when it is missing where it cannot be."""
    key = load_settings().openai_api_key
    if not key and urlsplit(endpoint.base_url).hostname == OPENAI_HOST:
        raise ValueError(f"{OPENAI_HOST} needs a key; set OPENAI_API_KEY, or name another {endpoint.group}.base_url")
    return key


def request(client: "OpenAI", body: Mapping[str, Any], endpoint: Endpoint, about: str) -> Answer:
    """One answer. about: what the question is about, for messages. Raises EndpointFailed."""
    import openai

    require_key(endpoint)
    try:
        completion = client.chat.completions.create(**body)
    except openai.OpenAIError as error:
        raise EndpointFailed(_explain(error, endpoint, about)) from None
    if not completion.choices:
        raise EndpointFailed(f"{name(endpoint)} answered about {about} without a choice")
    choice, usage = completion.choices[0], completion.usage
    return Answer(
        text=choice.message.content or "",
        finish_reason=choice.finish_reason or "",
        prompt_tokens=usage.prompt_tokens if usage else 0,
        completion_tokens=usage.completion_tokens if usage else 0,
    )


def _explain(error: Exception, endpoint: Endpoint, about: str) -> str:
    """What went wrong and what to do about it, on one line and without the key."""
    import openai

    tries = f"{endpoint.retries + 1} tries"
    match error:
        case openai.APITimeoutError():
            told = f"no answer within {endpoint.timeout_seconds:g} s, {tries}; raise {endpoint.group}.timeout_seconds"
        case openai.APIConnectionError():
            told = f"cannot be reached, {tries}; check {endpoint.group}.base_url"
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            told = f"refuses the key ({error.status_code}); check OPENAI_API_KEY"
        case openai.NotFoundError():
            told = f"knows no such model or address (404); check {endpoint.group}.model and {endpoint.group}.base_url"
        case openai.RateLimitError():
            told = f"has no room after {tries} (429); lower {endpoint.group}.concurrency ({_first_line(error)})"
        case openai.APIStatusError():
            told = f"answered {error.status_code} about {about}: {_first_line(error)}"
        case _:
            told = f"failed on {about}: {_first_line(error)}"
    key = load_settings().openai_api_key
    message = f"{name(endpoint)} {told}"
    return message.replace(key, "***") if key else message


def name(endpoint: Endpoint) -> str:
    """The model and the machine it is asked at, as predictions and traces give their source."""
    return f"{endpoint.model} at {urlsplit(endpoint.base_url).hostname}"


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]
