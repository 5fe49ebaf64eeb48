"""How much of a reasoning holds: its claims checked against the series, and against another one as chance level.

A claim that is true of any series grounds nothing. So the claims of each response are checked a second time, against
the series of the same task that came before it: a policy that looks at the picture stands clear of that rate, one that
recites what is usual for the task does not. The first series of a task has no such partner and stays out of the rate.

A series that the expert's scan refuses (several channels, fewer than 30 samples, all missing) gives no grounding.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from anomseer_core.evaluation.prediction import Prediction, view_texts
from anomseer_core.expcot.config import ProbeThresholds
from anomseer_core.expcot.scan import Scan, scan
from anomseer_core.expcot.verification import Verification, verify_scanned
from anomseer_core.series import Interval, Series
from anomseer_core.view import views

# One yardstick for every detector, whatever rules its traces were written by.
RULES = ProbeThresholds()


@dataclass(frozen=True)
class Grounding:
    """Claims of one response, how many hold, numbers that could not be read, and how the claims fare elsewhere.

    chance_claims: the claims that could be checked against another series, 0 without one.
    """

    claims: int
    claims_verified: int
    numbers_unread: int
    chance_claims: int
    chance_verified: int


# Of a score row; missing for answers without reasoning.
CLAIM_COLUMNS = tuple(field.name for field in fields(Grounding))


@dataclass(frozen=True)
class ScannedView:
    """One view of a series as claims are checked against it. labelled: half-open view units."""

    scan: Scan
    labelled: tuple[Interval, ...]

    def verify(self, text: str) -> Verification:
        return verify_scanned(text, self.scan, self.labelled, RULES)


class GroundingScorer:
    """Scores the responses of one detector, series by series in their order; each series is scanned once."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], ScannedView] = {}

    def score(self, series: Series, prediction: Prediction) -> Grounding | None:
        """None where there is no text, or no scan of the series."""
        if not prediction.response:
            return None
        texts = view_texts(prediction)
        scanned = scan_views(series)
        if scanned is None or len(texts) != len(scanned):
            return None
        other = self._last.get((series.benchmark, series.task))
        self._last[series.benchmark, series.task] = scanned[0]
        own = [view.verify(text) for view, text in zip(scanned, texts, strict=True)]
        elsewhere = [other.verify(text) for text in texts] if other else []
        return Grounding(
            claims=sum(len(item.claims) for item in own),
            claims_verified=sum(item.verified for item in own),
            numbers_unread=sum(item.unread for item in own),
            chance_claims=sum(len(item.claims) for item in elsewhere),
            chance_verified=sum(item.verified for item in elsewhere),
        )


def scan_views(series: Series) -> Sequence[ScannedView] | None:
    """Every view of a series, scanned; None when one of them is refused."""
    try:
        scans = [scan(series, RULES, view) for view in views(len(series))]
    except ValueError:
        return None
    return [ScannedView(item, tuple(item.view.to_units(series.intervals))) for item in scans]
