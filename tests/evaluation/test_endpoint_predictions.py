"""A model behind an API as a detector: a real HTTP server, its faults, and answers that are kept."""

import json

import numpy as np
import pytest

from anomseer_core.dialogue import ParseStatus, format_response, prompt_text
from anomseer_core.endpoint.client import EndpointFailed
from anomseer_core.endpoint.config import EndpointConfig
from anomseer_core.evaluation.config import DecodingConfig
from anomseer_core.evaluation.endpoint_predictions import predict_endpoint
from anomseer_core.evaluation.prediction import PREDICTIONS_FILE, read_predictions
from anomseer_core.observer import SILENT
from anomseer_core.series import AnomalyClass
from anomseer_core.store import VOLATILE, ArtifactStore
from anomseer_core.synthesis.config import AnomLLMConfig
from anomseer_core.synthesis.dataset import synthesize
from tests.endpoint.completion_server import Reply, completion_server

FOUND = format_response("A step.", [(100, 151)], AnomalyClass.TREND)


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(tmp_path / "home")


def series_of(store, count=3):
    return synthesize(store, AnomLLMConfig(tasks=("point",), count=count))


def asking(server, **changes):
    fields = {"model": "tiny", "concurrency": 2, "retries": 0, "timeout_seconds": 20.0, **changes}
    return EndpointConfig(base_url=server.url, **fields)


def predict(store, series, config, decoding=None):
    return predict_endpoint(store, series, config, decoding or DecodingConfig(max_response_tokens=99), SILENT)


def rows_of(predictions):
    return list(read_predictions(predictions.file(PREDICTIONS_FILE)))


def test_it_gets_our_prompt_and_is_read_by_our_grammar(store):
    series = series_of(store)
    replies = [Reply(FOUND), Reply("no idea"), Reply(None)]
    with completion_server(lambda number: replies[number]) as server:
        predictions = predict(store, series, asking(server, concurrency=1))
    body = server.asked[0]
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("tiny", 0.0, 99)
    assert "seed" not in body
    assert set(server.prompts) == {prompt_text()}
    first, second, third = rows_of(predictions)
    assert (first.detector, first.intervals, first.anomaly_class) == (
        "tiny at 127.0.0.1",
        ((100, 151),),
        AnomalyClass.TREND,
    )
    assert (first.response, first.tokens, first.prompt_tokens) == (FOUND, 20, 100)
    # What cannot be read counts as no answer; it is never left out.
    assert [second.status, third.status] == [ParseStatus.UNPARSABLE] * 2
    assert (second.response, third.response) == ("no idea", "")
    volatile = json.loads(predictions.file(VOLATILE).read_text())
    assert (volatile["prompt_tokens"], volatile["completion_tokens"]) == (300, 60)


def test_what_was_told_is_not_asked_again(store):
    """The endpoint breaks down after two answers and recovers; later there are more series."""
    recovered = []

    def reply(number):
        return Reply(FOUND) if number < 2 or recovered else Reply(status=500, error="on fire")

    with completion_server(reply) as server:
        config = asking(server, concurrency=1)
        series = series_of(store)
        with pytest.raises(EndpointFailed, match="2 answers are kept, run again to go on"):
            predict(store, series, config)
        recovered.append(True)
        asked = len(server.asked)
        predict(store, series, config)
        assert len(server.asked) - asked == 1
        # Speed shapes nothing, and the first series of a larger set are the same.
        assert predict(store, series, asking(server, concurrency=5, requests_per_minute=6000)).reused
        predict(store, series_of(store, count=5), config)
        assert len(server.asked) - asked == 3
        # Another way of decoding is another question.
        predict(store, series, config, DecodingConfig(temperature=0.4, seed=7, max_response_tokens=99))
        assert len(server.asked) - asked == 6
        assert (server.asked[-1]["temperature"], server.asked[-1]["seed"]) == (0.4, 7)


def test_a_refusal_names_the_field_of_the_evaluation(store):
    with (
        completion_server(lambda _: Reply(status=404)) as server,
        pytest.raises(EndpointFailed, match=r"check endpoint\.model and endpoint\.base_url"),
    ):
        predict(store, series_of(store), asking(server))
    with pytest.raises(ValueError, match=r"api\.openai\.com needs a key; set OPENAI_API_KEY, or name another endpoint"):
        predict(store, series_of(store), EndpointConfig())


def test_a_429_is_tried_again(store):
    refusals = [Reply(status=429, headers={"retry-after-ms": "10"})] * 2
    with completion_server(lambda number: refusals[number] if number < 2 else Reply(FOUND)) as server:
        predictions = predict(store, series_of(store), asking(server, retries=2))
    assert len(server.asked) == 3 + 2
    assert np.all([row.intervals == ((100, 151),) for row in rows_of(predictions)])


@pytest.mark.parametrize("address", ["ftp://host/v1", "http://user:secret@host/v1", "https://host/v1?key=1", "host"])
def test_an_address_that_is_none_or_holds_a_secret_is_refused(address):
    with pytest.raises(ValueError, match="base_url must"):
        EndpointConfig(base_url=address)
