"""A real policy behind a real server, asked by the real client."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import numpy as np
import openai
import pytest
import uvicorn
from PIL import Image

from anomseer_core.endpoint.config import EndpointConfig
from anomseer_core.endpoint.pictures import picture_url
from anomseer_core.evaluation.config import DecodingConfig
from anomseer_core.evaluation.endpoint_predictions import predict_endpoint
from anomseer_core.evaluation.prediction import PREDICTIONS_FILE, read_predictions
from anomseer_core.policy.detector import PolicyDetector
from anomseer_core.policy.model import Policy
from anomseer_core.store import ArtifactStore
from anomseer_core.synthesis import generate
from anomseer_core.synthesis.config import AnomLLMConfig
from anomseer_core.synthesis.dataset import synthesize
from flows.serving import app
from flows.serving.command import listen

# One picture at a time on either side: the last bits of an answer depend on its company.
DECODING = DecodingConfig(max_response_tokens=24, batch_size=1)
PICTURE = {"type": "image_url", "image_url": {"url": picture_url(Image.new("RGB", (805, 124)))}}


@contextmanager
def serving(policy: Policy) -> Iterator[str]:
    """The address of a server in a thread."""
    with listen("127.0.0.1", 0) as listener:
        server = uvicorn.Server(uvicorn.Config(app.build_app(policy, "nano", DECODING), log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module", autouse=True)
def single_precision() -> Iterator[None]:
    """What random weights say in bfloat16 is full of ties, and the thread that computes decides between them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("anomseer_core.policy.precision.has_bfloat16_cpu", lambda: False)
        yield


@pytest.fixture(scope="module")
def address(policy: Policy) -> Iterator[str]:
    with serving(policy) as url:
        yield url


@pytest.fixture
def client(address: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=address, api_key="none", max_retries=0, timeout=120) as client:
        yield client


def ask(client, content=(PICTURE, {"type": "text", "text": "Where?"}), **fields):
    request = {"model": "nano", "max_tokens": 8, "messages": [{"role": "user", "content": list(content)}]}
    return client.chat.completions.create(**(request | fields))


def test_an_endpoint_answers_as_the_policy_itself(policy, address, tmp_path):
    """The picture survives its journey, and so does every token: the predictions differ in the detector's name."""
    store = ArtifactStore(tmp_path)
    filed = synthesize(store, AnomLLMConfig(tasks=("point", "trend"), count=2))
    config = EndpointConfig(base_url=address, model="nano", concurrency=2, retries=0)
    predictions = predict_endpoint(store, filed, config, DECODING)
    asked = [vars(row) for row in read_predictions(predictions.file(PREDICTIONS_FILE))]
    series = [item for task in ("point", "trend") for item in generate("anomllm", task, count=2)]
    # As filed: rounded to six decimals.
    direct = [vars(row) for row in PolicyDetector(policy, DECODING).detect(rounded(series))]
    assert [row.pop("detector") for row in asked] == ["nano at 127.0.0.1"] * 4
    assert [row.pop("detector") for row in direct] == ["policy"] * 4
    assert asked == direct
    assert all(row["tokens"] and row["prompt_tokens"] > 100 for row in asked)


def rounded(series):
    return [type(item)(**{**vars(item), "values": np.round(item.values, 6)}) for item in series]


def test_greedy_answers_repeat_and_seeds_decide_the_others(client):
    first, second = (ask(client).choices[0].message.content for _ in range(2))
    assert first == second
    warm = [ask(client, temperature=1.0, seed=seed).choices[0].message.content for seed in (1, 1, 2)]
    assert warm[0] == warm[1] != warm[2]


def test_lengths_are_counted_and_cut(client):
    answer = ask(client, max_tokens=3)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 3
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 3
    # The prompt is the caller's own, not ours. The policy's template leaves out words beside a picture, and no others.
    asked = [{"role": "system", "content": "Where? " * 50}, {"role": "user", "content": [PICTURE]}]
    longer = ask(client, messages=asked, max_tokens=3)
    assert longer.usage.prompt_tokens > answer.usage.prompt_tokens + 50
    wordy = ask(client, [PICTURE, {"type": "text", "text": "Where? " * 50}], max_tokens=3)
    assert wordy.usage.prompt_tokens == answer.usage.prompt_tokens


def test_models_are_listed(client):
    assert [model.id for model in client.models.list()] == ["nano"]


def test_bad_requests_are_told_in_the_protocol(client):
    with pytest.raises(openai.BadRequestError, match="streaming is not supported"):
        ask(client, stream=True)
    with pytest.raises(openai.BadRequestError, match="exactly one picture, not 0"):
        ask(client, [{"type": "text", "text": "Where?"}])
    with pytest.raises(openai.BadRequestError, match="special token"):
        ask(client, [PICTURE, {"type": "text", "text": "<|image_pad|>"}])
    with pytest.raises(openai.NotFoundError, match="no model is called 'gpt-4o'; this is 'nano'") as refusal:
        ask(client, model="gpt-4o")
    assert (refusal.value.code, refusal.value.type) == ("model_not_found", "invalid_request_error")


def test_other_places_and_bodies_have_the_same_form(address, monkeypatch):
    for answer, status in (
        (httpx.get(f"{address}/nowhere"), 404),
        (httpx.get(f"{address}/chat/completions"), 405),
        (httpx.post(f"{address}/chat/completions", content=b"\xff{"), 400),
    ):
        assert answer.status_code == status
        assert answer.json()["error"]["message"]
    monkeypatch.setattr(app, "MOST_BYTES", 1000)
    answer = httpx.post(f"{address}/chat/completions", content=b"x" * 2000)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "request_too_large")


def test_a_failure_of_the_model_is_a_500_and_the_next_request_is_served(client, monkeypatch):
    def fail(*_):
        raise RuntimeError("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(app, "answer_pictures", fail)
        with pytest.raises(openai.InternalServerError, match="the server failed"):
            ask(client)
    assert ask(client).choices


def test_an_address_that_is_taken_is_refused():
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ValueError, match=f"cannot listen at 127.0.0.1 port {port}"):
            listen("127.0.0.1", port)
    with pytest.raises(ValueError, match="--port 99999 is no port"):
        listen("127.0.0.1", 99999)
