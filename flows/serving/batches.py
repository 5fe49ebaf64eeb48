"""Requests that wait together are answered together.

While the model works on a batch, new requests queue; the next batch is what has gathered, as far as it is decoded in
the same way. Nobody waits for company.
"""

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from anomseer_core.endpoint.pictures import pixel_digest
from anomseer_core.policy.answering import PictureAnswer, Sampling
from flows.serving.protocol import Refused

# Beyond this a client would rather hear of it than wait; ours try again after a pause.
LONGEST_QUEUE = 256


@dataclass(frozen=True)
class Request:
    """One picture with its conversation (chat-template form), and how its answer is decoded."""

    picture: Image.Image
    conversation: list[dict[str, Any]]
    sampling: Sampling

    @property
    def name(self) -> str:
        """What the draws of its answer depend on besides the seed: its content."""
        return hashlib.sha256(f"{pixel_digest(self.picture)} {self.conversation}".encode()).hexdigest()


# Blocks; runs in a thread of its own, one call at a time.
AnswerBatch = Callable[[Sequence[Request]], list[PictureAnswer]]


class Batcher:
    """Feeds a function with batches of waiting requests."""

    def __init__(self, answer: AnswerBatch, *, batch_size: int) -> None:
        self._answer = answer
        self._batch_size = batch_size
        self._waiting: deque[tuple[Request, asyncio.Future[PictureAnswer]]] = deque()
        self._arrived = asyncio.Event()

    async def ask(self, request: Request) -> PictureAnswer:
        """Raises Refused (429) when too many wait already, and whatever the model raises."""
        if len(self._waiting) >= LONGEST_QUEUE:
            raise Refused(f"{LONGEST_QUEUE} requests are waiting; try again later", status=429, code="queue_full")
        future: asyncio.Future[PictureAnswer] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        self._arrived.set()
        return await future

    async def run(self) -> None:
        """Answer until cancelled."""
        while True:
            await self._arrived.wait()
            batch = self._next_batch()
            if not batch:
                self._arrived.clear()
                continue
            requests, futures = zip(*batch, strict=True)
            try:
                answers = await asyncio.to_thread(self._answer, requests)
            except Exception as error:
                _settle(futures, lambda future, error=error: future.set_exception(error))
            else:
                for future, answer in zip(futures, answers, strict=True):
                    _settle([future], lambda future, answer=answer: future.set_result(answer))

    def _next_batch(self) -> list[tuple[Request, asyncio.Future[PictureAnswer]]]:
        """Those at the head of the queue that are decoded alike; whoever has left is dropped."""
        batch: list[tuple[Request, asyncio.Future[PictureAnswer]]] = []
        while self._waiting and len(batch) < self._batch_size:
            request, future = self._waiting[0]
            if not future.done():
                if batch and request.sampling != batch[0][0].sampling:
                    break
                batch.append((request, future))
            self._waiting.popleft()
        return batch


def _settle(futures: Sequence[asyncio.Future], settle: Callable[[asyncio.Future], None]) -> None:
    for future in futures:
        if not future.done():
            settle(future)
