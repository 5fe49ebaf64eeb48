"""The scoring profiles, rule by rule, with numbers by hand."""

import numpy as np
import pytest
from pydantic import ValidationError

from anomseer_core.dialogue import ParseStatus
from anomseer_core.evaluation.config import ScoringConfig
from anomseer_core.evaluation.prediction import VIEW_SEPARATOR, Prediction
from anomseer_core.evaluation.profiles import PROFILES, choose_profile, reread
from anomseer_core.evaluation.scores import score
from anomseer_core.series import AnomalyClass, Series
from anomseer_core.view import views

LENGTH = 1000
NORMAL = Series("n", np.zeros(LENGTH), benchmark="anomllm")
TREND = Series("a", np.zeros(LENGTH), ((100, 130),), AnomalyClass.TREND, benchmark="anomllm")
POINTS = Series(
    "p", np.zeros(LENGTH), ((9, 10), (100, 101)), AnomalyClass.GLOBAL_POINT, benchmark="visual_time_anomaly"
)
NAMES = list(PROFILES)
SIX = ("affiliation_precision", "affiliation_recall", "affiliation_f1")
SIX += tuple(name.replace("affiliation", "pointwise") for name in SIX)


def row(profile, series, intervals=(), *, status=ParseStatus.OK, named=None, response="", reading="answer"):
    answer = Prediction(series.id, "d", status, intervals, named, response)
    return score(series, answer, ScoringConfig(profile=profile, reading=reading))


def six(found):
    return tuple(getattr(found, name) for name in SIX)


def test_rounding():
    # The official code gives .975, .996667, .985714; point-wise 20 of 40 predicted and 30 true: 1/2, 2/3, 4/7.
    exact = (0.975, 0.996667, 0.985714, 0.5, 0.666667, 0.571429)
    rounded = {3: (0.975, 0.997, 0.986, 0.5, 0.667, 0.571), 4: (0.975, 0.9967, 0.9857, 0.5, 0.6667, 0.5714), 6: exact}
    decimals = {"strict": 6, "anomllm": 3, "visual_time_anomaly": 3, "released": 4}
    for name in NAMES:
        found = row(name, TREND, ((110, 150),))
        assert six(found) == rounded[decimals[name]], name
        # What they do not define is not rounded by their rules: 20 of 50 samples.
        assert (found.event_f1, found.interval_iou, found.profile, found.counted) == (1.0, 0.4, name, True)


@pytest.mark.parametrize("name", ["strict", "anomllm", "released"])
def test_nothing_to_find_and_nothing_claimed_is_perfect(name):
    found = row(name, NORMAL)
    assert six(found) == (1,) * 6
    assert found.counted


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_answer_to_an_anomaly_is_worth_nothing_and_counts(name):
    found = row(name, TREND)
    assert six(found) == (0,) * 6
    assert found.counted


@pytest.mark.parametrize("name", ["strict", "anomllm", "released"])
@pytest.mark.parametrize("series", [NORMAL, TREND])
def test_an_unparsable_answer_counts_as_zeros(name, series):
    found = row(name, series, status=ParseStatus.UNPARSABLE, response="?")
    assert six(found) == (0,) * 6
    assert found.counted


def test_visual_time_anomaly_leaves_out_what_it_cannot_read_and_what_has_no_anomaly():
    assert not row("visual_time_anomaly", TREND, status=ParseStatus.UNPARSABLE, response="?").counted
    for intervals in ((), ((3, 8),)):
        found = row("visual_time_anomaly", NORMAL, intervals)
        assert not found.counted
        assert (six(found), found.event_f1) == ((0,) * 6, 0)


@pytest.mark.parametrize(
    ("status", "intervals", "named"),
    [
        (ParseStatus.UNPARSABLE, (), AnomalyClass.TREND),
        (ParseStatus.CONTRADICTION, (), AnomalyClass.TREND),
    ],
)
def test_only_the_released_code_pays_a_class_without_its_location(status, intervals, named):
    paid = {name: row(name, TREND, intervals, status=status, named=named, response="?").class_correct for name in NAMES}
    assert paid == {"strict": False, "anomllm": False, "visual_time_anomaly": False, "released": True}


def test_each_profile_reads_a_response_by_its_own_rules():
    closed = "<think>a</think><answer>[[100, 129]]</answer><class>trend</class>"
    objects = '[{"start": 100, "end": 130}]'
    # Closed pairs read as half-open lose a sample: 29 of 29 and of 30.
    found = row("released", TREND, response=closed, reading="response")
    assert six(found)[3:] == (1.0, round(29 / 30, 4), round(2 * 29 / 59, 4))
    assert (found.predicted_class, found.class_correct, found.status) == ("trend", True, "ok")
    assert six(row("visual_time_anomaly", TREND, response=closed, reading="response")) == (1,) * 6
    assert six(row("anomllm", TREND, response=objects, reading="response")) == (1,) * 6
    for name, text in (("anomllm", closed), ("released", objects), ("visual_time_anomaly", objects)):
        lost = row(name, TREND, response=text, reading="response")
        assert (lost.status, six(lost)) == ("unparsable", (0,) * 6)
        assert lost.counted == (name != "visual_time_anomaly")


def test_points_are_read_as_indices():
    found = row("visual_time_anomaly", POINTS, response="[9, 100, 250]", reading="response")
    assert (found.predicted_events, found.status) == (3, "ok")
    assert six(found)[3:] == (0.667, 1.0, 0.8)


def test_the_released_class_is_read_first_and_by_itself():
    text = "<class>trend</class><answer>?</answer><class>normal</class>"
    found = row("released", TREND, response=text, named=AnomalyClass.NORMAL, reading="response")
    assert (found.status, found.class_correct, found.predicted_class) == ("unparsable", True, "trend")
    assert found.detection_correct is False


def test_an_answer_without_a_response_is_taken_as_it_is():
    for name in ("anomllm", "visual_time_anomaly", "released"):
        assert six(row(name, TREND, ((100, 130),), reading="response")) == (1,) * 6


def test_units_of_the_picture_become_samples():
    short = Series("s", np.zeros(400), ((40, 50),), AnomalyClass.TREND)
    # Units 100 to 125 of 1,000 are samples 40 to 50 of 400.
    prediction = Prediction("s", "d", response='[{"start": 100, "end": 125}]')
    assert reread(PROFILES["anomllm"], prediction, short).intervals == ((40, 50),)


def test_every_view_is_read():
    long = Series("l", np.zeros(10_000), ((8000, 8400),), AnomalyClass.TREND)
    # The first view begins at 0, the last one at 6,000, four samples a unit; whatever is between them says nothing.
    first, last = '[{"start": 100, "end": 200}]', '[{"start": 500, "end": 600}]'
    between = ["?"] * (len(views(10_000)) - 2)
    found = reread(PROFILES["anomllm"], responding([first, *between, last], tokens=7), long)
    assert (found.intervals, found.status, found.tokens) == (((400, 800), (8000, 8400)), ParseStatus.OK, 7)
    nothing = reread(PROFILES["anomllm"], responding(["?", *between, "?"]), long)
    assert (nothing.intervals, nothing.status) == ((), ParseStatus.UNPARSABLE)
    with pytest.raises(ValueError, match=r"series 'l' has \d views, its response 1 texts"):
        reread(PROFILES["anomllm"], responding(["[]"]), long)


def responding(texts, tokens=0):
    return Prediction("l", "d", response=VIEW_SEPARATOR.join(texts), tokens=tokens)


def test_a_benchmark_may_be_scored_by_its_own_rules():
    assert choose_profile("benchmark", "anomllm") is PROFILES["anomllm"]
    assert choose_profile("benchmark", "visual_time_anomaly") is PROFILES["visual_time_anomaly"]
    assert choose_profile("benchmark", "archive") is PROFILES["strict"]
    assert row("benchmark", POINTS).profile == "visual_time_anomaly"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"reading": "response"}, "the profile strict has one reading"),
        ({"profile": "anomllm", "affiliation": "discrete"}, "the profile anomllm is a published evaluation"),
        ({"profile": "theirs"}, "'strict', 'anomllm'"),
    ],
)
def test_settings_without_effect_are_refused(fields, message):
    with pytest.raises(ValidationError, match=message):
        ScoringConfig(**fields)
