"""How quickly answers came, by the clock of the run."""

import json
import time

import pytest

from anomseer_core.evaluation.baseline_predictions import predict_baseline
from anomseer_core.evaluation.config import BaselineConfig
from anomseer_core.evaluation.speed import Speed, Spent, describe_machine, read_speed, speed_facts, timed
from anomseer_core.store import VOLATILE, ArtifactStore
from anomseer_core.synthesis.config import AnomLLMConfig
from anomseer_core.synthesis.dataset import synthesize


def test_a_rate_and_the_cores_that_worked():
    speed = Speed(series=30, seconds=12.0, processor_seconds=18.0, machine="m")
    assert (speed.series_per_second, speed.cores) == (2.5, 1.5)


def test_waiting_takes_no_processor():
    def answers():
        time.sleep(0.2)
        yield "first"
        until = time.process_time() + 0.1
        while time.process_time() < until:
            pass
        yield "second"

    (_, slept), (_, worked) = timed(answers())
    assert slept.seconds >= 0.2
    assert slept.processor_seconds < 0.1 <= worked.processor_seconds


def test_facts_are_sums():
    facts = speed_facts({"a": Spent(1.0, 2.0), "b": Spent(0.5, 0.25)}, "m")
    assert facts == {"seconds": {"a": 1.0, "b": 0.5}, "processor_seconds": 2.25, "machine": "m"}


def test_a_run_measures_its_own_speed(tmp_path):
    store = ArtifactStore(tmp_path)
    series = synthesize(store, AnomLLMConfig(tasks=("point",), count=3))
    predictions = predict_baseline(store, series, BaselineConfig(name="fft"))
    speed = read_speed(predictions)
    assert (speed.series, speed.machine) == (3, describe_machine())
    assert speed.seconds > 0
    assert "core" in speed.machine
    path = predictions.file(VOLATILE)
    facts = json.loads(path.read_text())
    path.write_text(json.dumps({key: facts[key] for key in ("seconds", "host")}))
    assert read_speed(predictions) is None


@pytest.mark.parametrize("seconds", [{}, {"a": 0.0}])
def test_no_time_is_no_speed(tmp_path, seconds):
    series = synthesize(ArtifactStore(tmp_path), AnomLLMConfig(tasks=("point",), count=1))
    facts = {"seconds": seconds, "processor_seconds": 0.0, "machine": "m"}
    series.file(VOLATILE).write_text(json.dumps(facts))
    assert read_speed(series) is None
