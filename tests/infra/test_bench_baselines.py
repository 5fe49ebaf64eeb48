"""The benchmark of the classical detectors: its peers compute the same things, and its table is whole."""

from typing import get_args

import numpy as np
import pytest

from anomseer_core.baselines.config import Classical
from anomseer_core.baselines.threshold import extreme_intervals
from anomseer_core.expcot.periods import window_periods
from anomseer_core.expcot.scan import dominant_period, histogram_scores, smoothed_gradient
from anomseer_core.series import intervals_from_mask
from anomseer_core.synthesis import generate
from infra.bench import baselines


@pytest.fixture
def z() -> np.ndarray:
    (series,) = generate("anomllm", "noisy-freq", count=1)
    return (series.values - series.values.mean()) / series.values.std()


def test_the_peers_compute_what_we_compute(z):
    assert np.exp(baselines.bin_by_bin(z)) == pytest.approx(np.exp(histogram_scores(z)))
    assert intervals_from_mask(np.array(baselines.sample_by_sample(z))) == extreme_intervals(z)
    # A straight line has one slope wherever in its window it is taken.
    line = np.arange(100.0)
    assert baselines.slopes_one_by_one(line) == pytest.approx([1.0] * 80)
    assert smoothed_gradient(line, 0.0, "robust").values == pytest.approx([1.0] * 100)
    period, _ = dominant_period(z)
    ours = window_periods(z, round(2 * period))
    assert np.median(baselines.periods_one_by_one(z)) == pytest.approx(np.median(ours), rel=0.05)


def test_every_detector_with_a_cost_of_its_own_has_a_peer():
    assert set(baselines.PEERS) == set(get_args(Classical)) - {"ensemble"}


def test_the_table_has_a_row_for_each(capsys, monkeypatch):
    monkeypatch.setattr(baselines, "ANOMLLM_TASKS", ("range",))
    baselines.main(["--detector", "threshold", "--detector", "hbos", "--count", "1", "--rounds", "1"])
    output = capsys.readouterr().out
    assert output.count("x (") == 2
    assert "\nthreshold " in output
