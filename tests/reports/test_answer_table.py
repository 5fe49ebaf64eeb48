import pandas as pd

from anomseer_core.evaluation.prediction import VIEW_SEPARATOR, Prediction
from anomseer_core.evaluation.scores import match_scores
from anomseer_core.reports.answer_table import answer_table
from anomseer_core.series import AnomalyClass, Series


def series(count: int) -> list[Series]:
    return [
        Series(id=f"s{k}", values=range(20), intervals=((3, 6),), anomaly_class=AnomalyClass.TREND, task=f"t{k % 2}")
        for k in range(count)
    ]


def answers(items: list[Series]) -> list[Prediction]:
    return [
        Prediction(
            item.id, "policy", intervals=((3, 6), (8, 9)), anomaly_class=AnomalyClass.SEASONAL, response="It rises."
        )
        for item in items
    ]


def test_every_answer_stands_beside_its_label_and_its_worth():
    items = series(2)
    (first, second) = answers(items)
    twice = Prediction(
        second.series_id, "policy", response=f"one{VIEW_SEPARATOR}two", anomaly_class=AnomalyClass.NORMAL
    )
    scores = pd.DataFrame([vars(row) for row in match_scores(items, [first, twice])])
    table = answer_table(scores, items, [first, twice])
    row = table.iloc[0]
    assert (row.series_id, row.truth, row.predicted) == ("s0", "3-5", "3-5, 8-8")
    assert (row.truth_class, row.predicted_class, row.class_correct) == ("trend", "seasonal", False)
    # 3 samples hit of 4 answered and 3 true: P = 3/4, R = 1.
    assert row.pointwise_f1 == round(2 * 0.75 / 1.75, 6)
    assert row.response == "It rises."
    assert table.iloc[1].response == "one\n\ntwo"
    assert table.iloc[1].predicted == ""


def test_few_rows_of_many_are_spread_evenly():
    items = series(10)
    scores = pd.DataFrame([vars(row) for row in match_scores(items, answers(items))])
    table = answer_table(scores, items, answers(items), most_rows=4)
    assert table["series_id"].tolist() == ["s0", "s2", "s5", "s7"]
