"""Verification: every kind of claim is recomputed, passes within its tolerance and is caught beyond it."""

import numpy as np
import pytest

from anomseer_core.expcot.claims import FIRST, read_claims
from anomseer_core.expcot.quantities import ClaimKind
from anomseer_core.expcot.trace import write_trace
from anomseer_core.expcot.verification import verify_trace
from anomseer_core.series import AnomalyClass, Series
from anomseer_core.synthesis import generate
from anomseer_core.view import View
from tests.expcot.sample_series import sample_series

STYLES = ("full", "brief")


@pytest.fixture(scope="module")
def traced():
    """(series, text) of the expert in both styles."""
    return [(series, write_trace(series, style=style).text) for series in sample_series() for style in STYLES]


def spike(length: int = 1000, at: int = 500, size: float = 10.0) -> Series:
    values = np.sin(2 * np.pi * np.arange(length) / 25)
    values[at] = size
    return Series("spike", values, ((at, at + 1),), AnomalyClass.GLOBAL_POINT)


def only(text: str, series: Series):
    (claim,) = verify_trace(text, series).claims
    return claim


def test_every_claim_of_the_expert_is_verified_and_every_number_read(traced):
    for series, text in traced:
        verification = verify_trace(text, series)
        wrong = [claim for claim in (*verification.claims, *verification.parameters) if not claim.verified]
        assert (wrong, verification.unread) == ([], 0), (series.id, text)
        assert verification.verified_rate == 1.0
        # All that a brief trace can say of a constant series is its max |z|.
        assert len(verification.claims) >= (3 if np.nanstd(series.values) else 2), text


def test_statistics_by_hand():
    # A quarter of ones among zeros: mean 1/4, standard deviation sqrt(3)/4 = 0.433, |z| of a one 0.75 / 0.433 = 1.732.
    series = Series("quarters", np.tile([0.0, 0.0, 0.0, 1.0], 100))
    claim = only("The mean is 0.27.", series)
    assert claim.true == (0.25,)
    assert claim.tolerance == pytest.approx(0.05 * 3**0.5 / 4)
    assert claim.verified
    assert not only("The mean is 0.28.", series).verified
    assert only("standard deviation 0.44", series).verified
    assert only("max |z| 1.73", series).true == (1.73,)
    assert only("the median is 0", series).true == (0.0,)
    assert only("the maximum is 1", series).true == (1.0,)
    # One-sigma envelope: 0.25 +- 0.433. Ones lie outside: 100.
    assert only("the 1-sigma envelope [-0.183, 0.683]", series).verified
    assert only("100 samples outside the 1-sigma band", series).true == (100.0,)
    assert only("the minimum is 1", series).true == (0.0,)


def test_positions_of_an_extreme_may_be_any_that_attains_it():
    # 40 equal peaks, at 6, 31, 56, ... of a sine of period 25.
    series = Series("sine", np.sin(2 * np.pi * np.arange(1000) / 25))
    peak, elsewhere = verify_trace("max |z| 1.41 at 756", series).claims
    assert (peak.verified, elsewhere.verified) == (True, True)
    # A sample of the spike is unique; five units beside it is near enough, six is not.
    assert verify_trace("max |z| 12.9 at 505", spike()).claims[1].verified
    assert verify_trace("max |z| 12.9 at 494", spike()).claims[1].true == (500.0,)
    assert not verify_trace("max |z| 12.9 at 494", spike()).claims[1].verified


def test_a_value_inside_a_span_is_measured_there():
    interval, inside = verify_trace("crossed inside [500, 500] (|z| 12.9)", spike()).claims
    assert (interval.true, inside.true) == ((500.0, 500.0), (12.9,))
    _, beside = verify_trace("crossed inside [300, 400] (|z| 12.9)", spike()).claims
    assert not beside.verified
    assert beside.true[0] < 2


def test_intervals_are_judged_by_the_label_and_nothing_confirms_one_without_it():
    assert only("anomalous from 497 to 503", spike()).verified
    assert not only("anomalous from 470 to 503", spike()).verified
    normal = Series("normal", np.sin(np.arange(400) / 5))
    assert only("[10, 20]", normal).true is None
    assert not only("[10, 20]", normal).verified


def test_counts_are_exact_up_to_nine_then_within_a_tenth():
    series = Series("steps", np.repeat([0.0, 1.0, 0.0], [500, 20, 480]), ((500, 520),), AnomalyClass.GLOBAL_POINT)
    assert only("20 samples outside", series).true == (20.0,)
    assert only("22 samples outside", series).verified
    assert not only("23 samples outside", series).verified
    assert only("1 sample outside", spike()).verified
    assert not only("2 samples outside", spike()).verified


@pytest.mark.parametrize("crossed", [1, 2])
def test_how_many_spans_are_crossed_is_one_claim_before_the_places_and_after_them(crossed):
    probe, place, count = "discord against 3.5", "Conclusion: shapelet at [495, 505]", f"crossed in {crossed} of 1 span"
    after = verify_trace(f"Validation: {probe}. {place}, {count}.", spike()).claims
    before = verify_trace(f"Validation: {probe}, {count}. {place}.", spike()).claims
    verdicts = [{(item.quantity, item.true, item.verified) for item in claims} for claims in (after, before)]
    assert verdicts[0] == verdicts[1]
    assert len(verdicts[0]) == 3
    assert [item.verified for item in after if item.quantity == "discord_crossing"] == [crossed == 1]


def test_a_period_where_there_is_none_is_refuted():
    claim = only("a period of 20 units", Series("flat", np.full(100, 3.0)))
    assert (claim.true, claim.verified) == (None, False)


def test_parameters_are_checked_but_claim_nothing():
    verification = verify_trace("with windows of 50 units, against a threshold of 3.5", spike())
    assert [claim.verified for claim in verification.parameters] == [True, True]
    assert verification.claims == ()
    assert verification.verified_rate == 0.0
    assert not verify_trace("with windows of 70 units", spike()).parameters[0].verified


def perturbed(text, claim, factor):
    """The text with one claim moved by `factor` times its tolerance, both ends of a pair alike."""
    first = claim.stated[0]
    moved = [claim.true[0] - first + stated + factor * claim.tolerance for stated in claim.stated]
    spelt = [f"{value:.12g}" for value in moved]
    number = spelt[0] if len(spelt) == 1 else f"{spelt[0]}, {spelt[1]}"
    return text[: claim.span[0]] + number + text[claim.span[1] :]


def test_a_perturbation_beyond_the_tolerance_is_caught_for_every_kind(traced):
    caught, missed = {kind: 0 for kind in ClaimKind}, {kind: 0 for kind in ClaimKind}
    for series, text in traced[::3]:
        for claim in verify_trace(text, series).claims:
            # Exact counts have no tolerance to multiply; they move by one.
            step = 1.5 * claim.tolerance if claim.tolerance else 1.0
            changed = perturbed(text, claim, step / claim.tolerance) if claim.tolerance else shifted(text, claim)
            (again,) = [item for item in verify_trace(changed, series).claims if item.span[0] == claim.span[0]]
            (missed if again.verified else caught)[claim.kind] += 1
    for kind in ClaimKind:
        if kind in (ClaimKind.TIMESTAMP, ClaimKind.DISCORD, ClaimKind.INTERVAL):
            # Where there are several extremes or intervals, a moved one may be right again.
            assert caught[kind] > 2 * missed[kind], (kind, caught[kind], missed[kind])
        elif kind is not ClaimKind.PARAMETER:
            assert caught[kind] > 0, kind
            assert missed[kind] == 0, (kind, caught[kind], missed[kind])


def shifted(text, claim):
    return text[: claim.span[0]] + str(int(claim.stated[0]) + 1) + text[claim.span[1] :]


def test_a_perturbation_within_the_tolerance_passes(traced):
    for series, text in traced[::5]:
        for claim in verify_trace(text, series).claims:
            if claim.tolerance and claim.kind in (ClaimKind.STATISTIC, ClaimKind.Z_SCORE, ClaimKind.BOUND):
                changed = perturbed(text, claim, 0.9)
                (again,) = [item for item in verify_trace(changed, series).claims if item.span[0] == claim.span[0]]
                assert again.verified, (claim, changed)


def test_the_claims_of_one_series_rarely_hold_for_another():
    series = list(generate("anomllm", "range", count=12))
    own = [write_trace(item).text for item in series]
    rates = [verify_trace(text, other).verified_rate for text, other in zip(own, series[1:] + series[:1], strict=True)]
    assert max(rates) < 0.7


def test_a_view_is_verified_in_its_own_units():
    values = np.sin(2 * np.pi * np.arange(3000) / 25)
    values[1500] = 9.0
    series = Series("long", values, ((1500, 1501),), AnomalyClass.GLOBAL_POINT)
    view = View(1000, 2000)
    text = write_trace(series, view=view).text
    assert "[500, 500]" in text
    assert verify_trace(text, series, view=view).verified_rate == 1.0
    assert verify_trace(text, series, view=View(0, 1000)).verified_rate < 0.8


def test_spans_point_into_the_text(traced):
    series, text = traced[0]
    reading = {claim.start: claim for claim in read_claims(text).claims}
    for claim in verify_trace(text, series).claims:
        piece = text[slice(*claim.span)]
        assert float(piece.split(",")[0]) == claim.stated[0], FIRST
        assert reading[claim.span[0]].quantity == claim.quantity
