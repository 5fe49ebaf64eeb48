"""How answers are compared with labels. Every function takes half-open intervals and returns a small named result."""

from anomseer_core.metrics.affiliation import affiliation_by_event, affiliation_score
from anomseer_core.metrics.classification import class_correct, detection_correct
from anomseer_core.metrics.events import NO_EVENTS, EventLevel, event_scores
from anomseer_core.metrics.localization import NO_ANSWER, LocationScores, location_scores
from anomseer_core.metrics.pointwise import pointwise_score
from anomseer_core.metrics.prf import PRF

__all__ = [
    "NO_ANSWER",
    "NO_EVENTS",
    "PRF",
    "EventLevel",
    "LocationScores",
    "affiliation_by_event",
    "affiliation_score",
    "class_correct",
    "detection_correct",
    "event_scores",
    "location_scores",
    "pointwise_score",
]
