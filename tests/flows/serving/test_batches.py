"""Requests that wait together are answered together."""

import asyncio
import threading

from PIL import Image

from anomseer_core.policy.answering import PictureAnswer, Sampling
from flows.serving import batches
from flows.serving.batches import Batcher, Request
from flows.serving.protocol import Refused

GREEDY = Sampling(0.0, 8)


def request(words, sampling=GREEDY):
    return Request(Image.new("RGB", (4, 4)), [{"role": "user", "content": words}], sampling)


class Model:
    """Repeats the words of each request; holds its first batch back until told."""

    def __init__(self):
        self.batches = []
        self.go = threading.Event()

    def __call__(self, requests):
        self.batches.append([item.conversation[0]["content"] for item in requests])
        if len(self.batches) == 1:
            self.go.wait(10)
        if "bad" in self.batches[-1]:
            raise RuntimeError("broken")
        return [PictureAnswer(item.conversation[0]["content"], 1, 1, True) for item in requests]


async def ask_all(model, requests, *, batch_size=3):
    """The first request is under way before the others arrive."""
    batcher = Batcher(model, batch_size=batch_size)
    worker = asyncio.create_task(batcher.run())
    tasks = [asyncio.create_task(batcher.ask(requests[0]))]
    while not model.batches:
        await asyncio.sleep(0.001)
    tasks += [asyncio.create_task(batcher.ask(item)) for item in requests[1:]]
    await asyncio.sleep(0.01)
    model.go.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    worker.cancel()
    return answers


def test_what_gathers_is_answered_together_and_each_gets_his_own():
    model = Model()
    answers = asyncio.run(ask_all(model, [request(name) for name in "abcde"]))
    assert [answer.text for answer in answers] == list("abcde")
    assert model.batches == [["a"], ["b", "c", "d"], ["e"]]


def test_only_what_is_decoded_alike_shares_a_batch():
    model = Model()
    warm = Sampling(0.7, 8)
    mixed = [request("a"), request("b"), request("c", warm), request("d", warm), request("e")]
    asyncio.run(ask_all(model, mixed))
    assert model.batches == [["a"], ["b"], ["c", "d"], ["e"]]


def test_a_failure_reaches_those_it_concerns():
    model = Model()
    answers = asyncio.run(ask_all(model, [request("a"), request("bad"), request("c")], batch_size=1))
    assert [type(answer) for answer in answers] == [PictureAnswer, RuntimeError, PictureAnswer]


def test_too_long_a_queue_is_told(monkeypatch):
    monkeypatch.setattr(batches, "LONGEST_QUEUE", 1)
    answers = asyncio.run(ask_all(Model(), [request(name) for name in "abc"]))
    assert isinstance(answers[2], Refused)
    assert answers[2].status == 429


def test_draws_depend_on_the_content_alone():
    assert request("a").name == request("a", Sampling(0.5, 3)).name
    assert request("a").name != request("b").name


def test_who_has_left_is_not_answered():
    async def leave():
        model = Model()
        batcher = Batcher(model, batch_size=3)
        worker = asyncio.create_task(batcher.run())
        first = asyncio.create_task(batcher.ask(request("a")))
        while not model.batches:
            await asyncio.sleep(0.001)
        gone, stays = (asyncio.create_task(batcher.ask(request(name))) for name in "bc")
        await asyncio.sleep(0.01)
        gone.cancel()
        await asyncio.sleep(0.01)
        model.go.set()
        await asyncio.gather(first, stays)
        worker.cancel()
        return model.batches

    assert asyncio.run(leave()) == [["a"], ["c"]]
