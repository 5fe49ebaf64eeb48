"""The benchmark of the affiliation metric: its peer agrees, and its table is whole."""

from dataclasses import replace

import numpy as np
import pytest

from infra.bench import affiliation


def test_the_table_has_every_size(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(affiliation, "SIZES", ((100, 3), (230_400, 50)))
    affiliation.main(["--rounds", "1"])
    output = capsys.readouterr().out
    assert output.count("\n100, 3 ") == 2
    assert output.count("\n230,400, 50 ") == 2
    assert output.count("x (") == 4


def test_a_disagreement_ends_the_benchmark():
    wrong = replace(affiliation.find_peer(), score=lambda *case: (0.5, 0.5))
    with pytest.raises(AssertionError):
        affiliation.compare(wrong, 1000, 3, 1, np.random.default_rng(0))


def test_random_intervals_are_apart():
    intervals = affiliation.random_intervals(20, 5, np.random.default_rng(0))
    edges = [edge for interval in intervals for edge in interval]
    assert len(intervals) == 5
    assert edges == sorted(set(edges))
