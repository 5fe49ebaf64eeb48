"""The part of the chat-completions protocol that a policy can serve: what requests may hold, and how answers look.

A request holds a conversation with exactly one picture, as a data URL. What would change the answer and is not offered
(streaming, several choices, tools, stop words, log-probabilities) is refused, never ignored.
"""

import time
import uuid
from collections.abc import Collection
from typing import Annotated, Any, Literal

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from anomseer_core.endpoint.pictures import read_picture_url
from anomseer_core.policy.answering import PictureAnswer

MOST_TOKENS = 8192
MOST_CHARACTERS = 20_000
MOST_MESSAGES = 64


class Refused(Exception):
    """A request that cannot be served, with the status and the code that tell clients why."""

    def __init__(self, message: str, *, status: int = 400, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class _Part(BaseModel):
    """A frozen piece of a request; fields that we do not know are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TextPart(_Part):
    type: Literal["text"]
    text: str = Field(max_length=MOST_CHARACTERS)


class ImageAddress(_Part):
    url: str
    detail: Literal["auto", "low", "high"] | None = None


class ImagePart(_Part):
    type: Literal["image_url"]
    image_url: ImageAddress


class Message(_Part):
    role: Literal["system", "user", "assistant"]
    content: str | list[Annotated[TextPart | ImagePart, Field(discriminator="type")]]

    @property
    def parts(self) -> list[TextPart | ImagePart]:
        return [TextPart(type="text", text=self.content)] if isinstance(self.content, str) else self.content


class ChatRequest(_Part):
    """The fields that are understood; those of fixed value are what a client may say and cannot change."""

    model: str
    messages: list[Message] = Field(min_length=1, max_length=MOST_MESSAGES)
    temperature: float | None = Field(None, ge=0, le=2)
    max_tokens: int | None = Field(None, ge=1, le=MOST_TOKENS)
    max_completion_tokens: int | None = Field(None, ge=1, le=MOST_TOKENS)
    seed: int | None = Field(None, ge=0)
    user: str | None = None
    n: Literal[1] | None = None
    top_p: Literal[1] | None = None
    presence_penalty: Literal[0] | None = None
    frequency_penalty: Literal[0] | None = None
    stream: Literal[False] | None = None

    @property
    def longest(self) -> int | None:
        return self.max_completion_tokens or self.max_tokens

    def conversation(self, special_tokens: Collection[str]) -> tuple[list[dict[str, Any]], Image.Image]:
        """The messages in the form of a chat template, and their picture. Raises Refused unless there is just one.

        special_tokens: the tokenizer's; text that holds one would be read as structure.
        """
        urls = [part.image_url.url for item in self.messages for part in item.parts if isinstance(part, ImagePart)]
        if len(urls) != 1:
            raise Refused(f"a conversation needs exactly one picture, not {len(urls)}")
        texts = [part.text for item in self.messages for part in item.parts if isinstance(part, TextPart)]
        if sum(map(len, texts)) > MOST_CHARACTERS:
            raise Refused(f"the text is longer than {MOST_CHARACTERS:,} characters", code="context_length_exceeded")
        if held := [token for token in special_tokens if any(token in text for text in texts)]:
            raise Refused(f"the text holds {held[0]}, a special token of this model; leave it out")
        try:
            picture = read_picture_url(urls[0])
        except ValueError as error:
            raise Refused(str(error)) from error
        return [{"role": item.role, "content": _template_content(item)} for item in self.messages], picture


def read_request(body: bytes) -> ChatRequest:
    """Raises Refused naming the first field that cannot be used."""
    try:
        return ChatRequest.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        reason = "not supported by this server" if first["type"] == "extra_forbidden" else first["msg"]
        if field == "stream":
            reason = "streaming is not supported by this server; leave it out"
        raise Refused(f"{field}: {reason}" if field else f"the body is no JSON object: {reason}") from error


def completion(model: str, answer: PictureAnswer) -> dict[str, Any]:
    """The body of an answer."""
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": answer.text},
                "finish_reason": "stop" if answer.finished else "length",
                "logprobs": None,
            }
        ],
        "usage": {
            "prompt_tokens": answer.prompt_tokens,
            "completion_tokens": answer.tokens,
            "total_tokens": answer.prompt_tokens + answer.tokens,
        },
    }


def model_list(model: str) -> dict[str, Any]:
    return {"object": "list", "data": [{"id": model, "object": "model", "created": 0, "owned_by": "anomseer"}]}


def error_body(message: str, status: int, code: str | None = None) -> dict[str, Any]:
    """The body of a refusal, as clients of this protocol expect it."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def _template_content(message: Message) -> list[dict[str, Any]]:
    return [
        {"type": "text", "text": part.text} if isinstance(part, TextPart) else {"type": "image"}
        for part in message.parts
    ]
