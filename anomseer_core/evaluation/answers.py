"""The responses to the views of a series, joined into one prediction about it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from anomseer_core.dialogue import ParseStatus, Response, parse_response
from anomseer_core.evaluation.prediction import VIEW_SEPARATOR, Prediction
from anomseer_core.series import AnomalyClass, Series
from anomseer_core.view import VIEW_UNITS, View, own_parts, views


@dataclass(frozen=True)
class ViewAnswer:
    """The response to one picture: its text, its length in tokens, and what it says in samples of the series.

    prompt_tokens: what was read for it, the picture included.
    """

    text: str
    tokens: int
    response: Response
    prompt_tokens: int = 0


def read_answer(text: str, view: View) -> Response:
    """Parse a response and map its intervals from view units to samples of the series."""
    response = parse_response(text, VIEW_UNITS)
    return replace(response, intervals=tuple(view.to_samples(response.intervals)))


def join_answers(series: Series, detector: str, answers: Sequence[ViewAnswer]) -> Prediction:
    """One prediction from the answers of a series' views, one for each of them, in their order.

    Where views overlap, the one further inside speaks (`own_parts`); an event that crosses from one to the next is
    joined. The class is the one named most often beside an interval that counts, or beside none if none does.
    """
    responses = [answer.response for answer in answers]
    own = own_parts(views(len(series)))
    kept = [part.clip(response.intervals) for part, response in zip(own, responses, strict=True)]
    spans = View(0, len(series)).clip(interval for intervals in kept for interval in intervals)
    named = Counter(
        said.anomaly_class
        for said, intervals in zip(responses, kept, strict=True)
        if said.anomaly_class is not None and (intervals if spans else not said.intervals)
    )
    anomaly_class = named.most_common(1)[0][0] if named else None
    return Prediction(
        series_id=series.id,
        detector=detector,
        status=_join_status(responses, bool(spans), anomaly_class),
        intervals=tuple(spans),
        anomaly_class=anomaly_class,
        response=VIEW_SEPARATOR.join(answer.text.replace(VIEW_SEPARATOR, "\n") for answer in answers),
        tokens=sum(answer.tokens for answer in answers),
        prompt_tokens=sum(answer.prompt_tokens for answer in answers),
    )


def _join_status(responses: Sequence[Response], found: bool, anomaly_class: AnomalyClass | None) -> ParseStatus:
    if all(response.status is ParseStatus.UNPARSABLE for response in responses):
        return ParseStatus.UNPARSABLE
    if anomaly_class is not None and found == (anomaly_class is AnomalyClass.NORMAL):
        return ParseStatus.CONTRADICTION
    return ParseStatus.OK
