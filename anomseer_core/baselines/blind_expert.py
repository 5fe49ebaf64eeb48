"""The expert without the label: scan, probes and decision of the traces, as a detector that answers like a policy.

It tells what the classical analysis behind the traces is worth on its own, and so how much a trace owes to the label
it was written for. Its response is the blind trace with the answer that the trace concludes, so that location, class
and reasoning are scored like a policy's.
"""

from collections.abc import Iterable, Iterator

from anomseer_core.dialogue import format_response
from anomseer_core.evaluation.answers import ViewAnswer, join_answers, read_answer
from anomseer_core.evaluation.config import Baseline
from anomseer_core.evaluation.prediction import Prediction, located
from anomseer_core.expcot.trace import write_trace
from anomseer_core.series import Series
from anomseer_core.view import View, views


class BlindExpertDetector:
    """Writes a blind trace of every view. A series that the scan refuses is answered with nothing found, untold why."""

    name: Baseline = "blind-expert"

    def detect(self, series: Iterable[Series]) -> Iterator[Prediction]:
        for item in series:
            try:
                answers = [_answer(item, view) for view in views(len(item))]
            except ValueError:
                yield located(item, self.name, ())
            else:
                yield join_answers(item, self.name, answers)


def _answer(series: Series, view: View) -> ViewAnswer:
    trace = write_trace(series, blind=True, view=view)
    spans = [(first, last + 1) for first, last in trace.evidence.intervals]
    text = format_response(trace.text, spans, trace.evidence.anomaly_class)
    return ViewAnswer(text, 0, read_answer(text, view))
