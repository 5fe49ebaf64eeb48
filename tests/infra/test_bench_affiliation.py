"""The benchmark of the affiliation metric: its peer agrees, and its table is whole."""

import numpy as np
import pytest

from infra.bench import affiliation


def test_the_table_has_every_size(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(affiliation, "SIZES", ((100, 3), (230_400, 50)))
    affiliation.main(["--rounds", "1"])
    output = capsys.readouterr().out
    assert "\n100, 3 " in output
    assert "\n230,400, 50 " in output
    assert output.count("x (") == 2


def test_a_disagreement_ends_the_benchmark(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(affiliation.naive_affiliation, "by_interval", lambda *case: (0.5, 0.5))
    with pytest.raises(AssertionError):
        affiliation.compare(1000, 3, 1, np.random.default_rng(0))


def test_random_intervals_are_apart():
    intervals = affiliation.random_intervals(20, 5, np.random.default_rng(0))
    edges = [edge for interval in intervals for edge in interval]
    assert len(intervals) == 5
    assert edges == sorted(set(edges))


def test_many_events_take_a_fiftieth_of_the_loop():
    # Measured: about 300 times faster. CPU time of both in one process, so that a busy machine slows both.
    rng = np.random.default_rng(0)
    case = (*(affiliation.random_intervals(230_400, 4000, rng) for _ in range(2)), 230_400)
    fast = affiliation.milliseconds(affiliation.affiliation_score, case, 10)
    slow = affiliation.milliseconds(affiliation.naive_affiliation.by_interval, case, 1)
    assert slow > 50 * fast
