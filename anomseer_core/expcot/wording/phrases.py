"""How a trace spells spans, counts and shares, and picks between equivalent phrasings."""

from collections.abc import Sequence

import numpy as np

from anomseer_core.expcot.evidence import number

# With more than this, pairs are written without a space, so that each counts as one word.
MOST_SPACED = 12
HUNDRED = 100.0


def pick(generator: np.random.Generator, *phrasings: str) -> str:
    """One of several phrasings that say the same."""
    return phrasings[int(generator.integers(len(phrasings)))]


def spell_span(span: Sequence[int]) -> str:
    return f"[{number(span[0])}, {number(span[1])}]"


def spell_spans(spans: Sequence[Sequence[int]]) -> str:
    """A list of spans; a long one without inner spaces, so that each counts as one word."""
    spelt = map(spell_span, spans)
    return ", ".join(spelt if len(spans) <= MOST_SPACED else (span.replace(" ", "") for span in spelt))


def plural(count: int, noun: str) -> str:
    return f"{number(count)} {noun}" if count == 1 else f"{number(count)} {noun}s"


def percent(share: float) -> str:
    """A share of a hundred, in whole percent."""
    return f"{number(share, HUNDRED)}%"
