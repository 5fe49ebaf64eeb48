"""The benchmark of the traces: its peer measures the same things, and its table is whole."""

import numpy as np
import pytest

from anomseer_core.expcot.config import ProbeThresholds
from anomseer_core.expcot.periods import sliding_periods
from anomseer_core.expcot.scan import histogram_scores, scan
from anomseer_core.series import AnomalyClass
from anomseer_core.synthesis import generate
from infra.bench import plain_analysis, traces


def test_the_peer_measures_what_we_measure():
    (series,) = generate("anomllm", "noisy-freq", count=1)
    # Ours first: it takes the kernels from the cache that the peer knows nothing of.
    ours = scan(series, ProbeThresholds())
    measured = plain_analysis.measure(series, AnomalyClass.NORMAL)
    assert measured["histogram"] == pytest.approx(histogram_scores(ours.z))
    assert float(measured["period"]) == pytest.approx(ours.period)
    assert np.argmax(measured["profile"]) == np.argmax(ours.discords)
    z = (series.values - series.values.mean()) / series.values.std()
    typical = np.median(plain_analysis.sliding_periods(z, ours.period))
    assert typical == pytest.approx(np.median(sliding_periods(ours)[0]), rel=0.05)
    assert set(measured) >= {"envelope", "shifts", "periods", "discords", "scales"}


def test_the_table_has_every_kind(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(traces, "ANOMLLM_TASKS", ("range", "trend"))
    traces.main(["--count", "1", "--rounds", "1"])
    output = capsys.readouterr().out
    for kind in ("full", "brief", "full, blind", "full, normal series", "full, every number checked"):
        assert f"\n{kind} " in output
    assert output.count("x (") == 5
