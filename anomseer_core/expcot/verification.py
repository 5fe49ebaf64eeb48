"""Checks every number of a reasoning text against the series it is about.

`claims.py` reads what the text states; here each quantity is computed anew from the values, by the definitions of
`scan.py` and `probes.py`, and compared within the tolerance of its kind, that of a reader
of the picture (`quantities.py`).

Rules where there is a choice:
- A position of an extreme is right wherever the extreme is attained within tolerance: peaks of a sine are many.
- Intervals not tied to a measurement are judgements; they are compared with the label, each once, however often the
  text repeats it. A text's own intervals are the candidates of which its counts speak.
- Numbers of the method (thresholds, window lengths) are parameters: read and checked, but no claim about the series,
  so that reciting them earns nothing.
- A claim that cannot be computed (a period where there is none) is refuted.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from anomseer_core.expcot.claims import Claim, read_claims
from anomseer_core.expcot.config import ProbeThresholds
from anomseer_core.expcot.facts import Facts
from anomseer_core.expcot.quantities import QUANTITIES, ClaimKind
from anomseer_core.expcot.scan import Scan, scan
from anomseer_core.series import Series
from anomseer_core.view import View

DEFAULT_RULES = ProbeThresholds()


@dataclass(frozen=True)
class CheckedClaim:
    """One claim and its verdict.

    span: where its number stands in the text, `[start, stop)` in characters. stated, true: one value, or a closed
    pair; true is None where nothing can be computed. tolerance: the largest error allowed.
    """

    kind: ClaimKind
    quantity: str
    span: tuple[int, int]
    stated: tuple[float, ...]
    true: tuple[float, ...] | None
    tolerance: float
    verified: bool


@dataclass(frozen=True)
class Verification:
    """What became of every number of a text. claims: those about the series; unread: numbers that no rule reads."""

    claims: tuple[CheckedClaim, ...]
    parameters: tuple[CheckedClaim, ...]
    unread: int

    @property
    def verified(self) -> int:
        return sum(claim.verified for claim in self.claims)

    @property
    def verified_rate(self) -> float:
        """Share of the claims that hold; 0 for a text without any, which grounds nothing."""
        return self.verified / len(self.claims) if self.claims else 0.0


def verify_trace(
    text: str, series: Series, *, rules: ProbeThresholds = DEFAULT_RULES, view: View | None = None
) -> Verification:
    """Check a reasoning, or a whole response, about one view of a series.

    rules: those that define the measured quantities. Raises ValueError, as `scan` does, for a series that it refuses.
    """
    scanned = scan(series, rules, view)
    return verify_scanned(text, scanned, scanned.view.to_units(series.intervals), rules)


def verify_scanned(
    text: str, scanned: Scan, labelled: Sequence[tuple[int, int]], rules: ProbeThresholds
) -> Verification:
    """`verify_trace` for a series that is scanned already. labelled: half-open view units."""
    reading = read_claims(text)
    stated = [claim.values for claim in reading.claims if claim.quantity == "interval"]
    facts = Facts(scanned, rules, labelled=labelled, stated=stated)
    checked = [_check(claim, facts) for claim in _without_repeats(reading.claims)]
    return Verification(
        claims=tuple(item for item in checked if item.kind is not ClaimKind.PARAMETER),
        parameters=tuple(item for item in checked if item.kind is ClaimKind.PARAMETER),
        unread=len(reading.unread),
    )


def _without_repeats(claims: Iterable[Claim]) -> Iterator[Claim]:
    """Every claim but an interval that was stated before: naming it again claims nothing new."""
    stated: set[tuple[float, ...]] = set()
    for claim in claims:
        if claim.quantity != "interval" or claim.values not in stated:
            yield claim
        if claim.quantity == "interval":
            stated.add(claim.values)


def _check(claim: Claim, facts: Facts) -> CheckedClaim:
    quantity = QUANTITIES[claim.quantity]
    true = quantity.compute(facts, claim)
    tolerance = max((quantity.allows(value, facts.scan.std) for value in true or ()), default=0.0)
    verified = true is not None and all(
        abs(stated - value) <= tolerance for stated, value in zip(claim.values, true, strict=True)
    )
    return CheckedClaim(
        quantity.kind, claim.quantity, (claim.start, claim.stop), claim.values, true, tolerance, verified
    )
