"""A policy behind `/v1/chat/completions` and `/v1/models`, as a Starlette application."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request as HTTPRequest
from starlette.responses import JSONResponse
from starlette.routing import Route

from anomseer_core.evaluation.config import DecodingConfig
from anomseer_core.policy.answering import PictureAnswer, Sampling, answer_pictures
from anomseer_core.policy.model import Policy
from anomseer_core.policy.precision import resolve_precision
from flows.serving.batches import Batcher, Request
from flows.serving.protocol import Refused, completion, error_body, model_list, read_request

# A picture of 805x124 takes 40 kB; the largest that is read, some more.
MOST_BYTES = 32 * 2**20
log = logging.getLogger(__name__)


def build_app(policy: Policy, name: str, decoding: DecodingConfig) -> Starlette:
    """An application that serves a policy under a name. decoding: of requests that do not say, and the batch size."""
    precision = resolve_precision("auto")

    def answer(requests: tuple[Request, ...]) -> list[PictureAnswer]:
        return answer_pictures(
            policy,
            [request.picture for request in requests],
            [request.name for request in requests],
            requests[0].sampling,
            precision,
            [request.conversation for request in requests],
        )

    batcher = Batcher(answer, batch_size=decoding.batch_size)
    special_tokens = policy.processor.tokenizer.all_special_tokens

    async def chat(request: HTTPRequest) -> JSONResponse:
        asked = read_request(await _body(request))
        if asked.model != name:
            raise Refused(f"no model is called {asked.model!r}; this is {name!r}", status=404, code="model_not_found")
        conversation, picture = await asyncio.to_thread(asked.conversation, special_tokens)
        sampling = Sampling(
            decoding.temperature if asked.temperature is None else asked.temperature,
            asked.longest or decoding.max_response_tokens,
            decoding.seed if asked.seed is None else asked.seed,
        )
        return JSONResponse(completion(name, await _ask(batcher, Request(picture, conversation, sampling))))

    async def models(_: HTTPRequest) -> JSONResponse:
        return JSONResponse(model_list(name))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        worker = asyncio.create_task(batcher.run())
        yield
        worker.cancel()

    return Starlette(
        routes=[Route("/v1/chat/completions", chat, methods=["POST"]), Route("/v1/models", models, methods=["GET"])],
        exception_handlers={Refused: _refused, HTTPException: _no_such_place},
        lifespan=lifespan,
    )


async def _ask(batcher: Batcher, request: Request) -> PictureAnswer:
    """A failure of the model is told and logged; the connection, and the server, go on."""
    try:
        return await batcher.ask(request)
    except Refused:
        raise
    except Exception as error:
        log.exception("a request failed")
        raise Refused(f"the server failed ({type(error).__name__})", status=500) from error


async def _body(request: HTTPRequest) -> bytes:
    """The whole body, unless it is larger than any request needs to be."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BYTES:
            raise Refused(f"a request may have {MOST_BYTES // 2**20} MB", status=413, code="request_too_large")
    return bytes(body)


async def _refused(_: HTTPRequest, error: Exception) -> JSONResponse:
    assert isinstance(error, Refused)
    return JSONResponse(error_body(str(error), error.status, error.code), status_code=error.status)


async def _no_such_place(request: HTTPRequest, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    message = f"{request.method} {request.url.path} is not offered: {error.detail}"
    return JSONResponse(error_body(message, error.status_code), error.status_code, error.headers)
