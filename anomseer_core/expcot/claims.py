"""The grammar of claims: which numbers in a reasoning text say what about the series.

A rule is a regular expression whose groups are named for the quantity their number states; `verification.py` knows
how to recompute each quantity. A pair of groups `x_first` and `x_last` is one claim of two positions, closed. Rules are
tried in order and a number belongs to the first rule that reads it, so specific ones stand before general ones. What
no rule reads is counted as unread: prose is never guessed at.

Read are all phrasings of `wording/`, those of the paper's examples (Figures 8 and 9), and the common
ways to say the same: `mean = 0.12`, `z-score of 4.2 at t = 145`, `a period of about 33 units`, `from 200 to 240`.
The words that may stand between a name and its number are the closed list `FILL`.

Text comes from a model and may be anything; every repetition in a rule is bounded, so reading takes linear time.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

FIRST, LAST = "_first", "_last"
NUMBER = r"(?<![\w.])[-+]?\d{1,15}(?:\.\d{1,15})?(?:e[-+]?\d{1,3})?(?![\w]|\.\d)"
# Tags of the response grammar and all that stands in its answer and class blocks: no reasoning.
_BLOCKS = re.compile(r"<answer>.*?(?:</answer>|\Z)|<class>.*?(?:</class>|\Z)|</?think>", re.IGNORECASE | re.DOTALL)
_ONE_FOR_ONE = str.maketrans({"\u2212": "-", "\u2013": "-", "\u2248": "~", "\u223c": "~", "\u00a0": " "})

FILL = (
    r"(?:[\s=~:(]|\b(?:is|are|was|of|as|by|about|around|approximately|roughly|nearly|only|just|a|an|the|its|up to|"
    r"at most|reaches|reaching|equals|has|with|score|value|high)\b|[\u03bc\u03c3]){0,8}"
)
AT = (
    r"(?:,?\s{0,2}(?:\bat|\bnear|\baround|\bclose to)\s{1,2}(?:the\s)?"
    r"(?:t|x|index|position|timestamp|step|unit)?\s?[=~]?\s?)"
)
LARGEST = r"\b(?:largest|maximum|max|maximal|highest|greatest|peak)\b"
Z_SCORE = r"(?:\|\s?z\s?\||\bz-?\s?scores?\b)"
SIGMA = r"(?:sigma|\u03c3)"
DISCORD = (
    r"(?:most (?:dissimilar|unusual|anomalous) subsequence|(?:top|strongest|largest|dominant) discord)"
    r"(?:[^.;\[\d]|\d{1,4}(?:\.\d{1,4})? units){0,60}?"
)
DISCORD_SCORE = rf",?\s?(?:with\s)?(?:an?\s)?(?:notable\s)?(?:standardised\s)?(?:discord\s|z-)?scor(?:es|e){FILL}"


@dataclass(frozen=True)
class Claim:
    """A stated number, or pair of positions, and where it stands in the text, `[start, stop)` in characters.

    quantity: what it states, by the name of its group. context: all numbers the same rule has read, by group.
    """

    quantity: str
    values: tuple[float, ...]
    start: int
    stop: int
    context: Mapping[str, float]


@dataclass(frozen=True)
class Reading:
    """All claims of a text, in its order, and where the numbers stand that no rule could read."""

    claims: tuple[Claim, ...]
    unread: tuple[tuple[int, int], ...]


def n(quantity: str) -> str:
    """A number that states a quantity."""
    return rf"(?P<{quantity}>{NUMBER})"


def pair(quantity: str) -> str:
    """A closed pair of positions (or bounds) that states a quantity."""
    return rf"\[\s?{n(quantity + FIRST)}\s?,\s?{n(quantity + LAST)}\s?\]"


ENVELOPE = rf" (?:envelope|band|bounds?|range){FILL}{pair('envelope')}"


def _supports() -> Iterator[str]:
    """A candidate with the strongest value inside it: `[200, 240] (|z| 4.2)`."""
    names = {"z": Z_SCORE, "discord": "discord score", "deviation": "deviation", "period": "period"}
    for name, words in names.items():
        yield rf"{pair('interval')}\s?\({words}{FILL}{n('inside_' + name)}\)"
        yield rf"{words}{FILL}{n('inside_' + name)} (?:inside|within|in) {pair('interval')}"


def _excursions() -> Iterator[str]:
    """How the exceedances of a probe merge, and how many candidates a probe confirms."""
    subjects = {
        "envelope": ("samples beyond the envelope", r"samples? outside \d{1,2}(?:\.\d{1,3})? sigma"),
        "discord": ("high discord scores", r"discord against \d{1,2}(?:\.\d{1,3})?(?:, stable at \d of \d scales?)?"),
        "gradient": ("gradient exceedances", r"gradient off by [^,]{1,40} against \d{1,2}(?:\.\d{1,3})?"),
        "period": ("deviating periods", r"period \S{1,12} at \d{1,4} against \[[^\]]{1,30}\]"),
    }
    for name, (subject, brief) in subjects.items():
        strongest = pair(name + "_strongest")
        crossing = rf"{n(name + '_crossing')} of {n('candidates')} candidates?"
        yield rf"{subject} merge into one span, {strongest}(?:, at {crossing})?"
        yield (
            rf"{subject} merge into {n(name + '_excursions')} spans, the strongest {strongest}"
            rf"(?:, {n(name + '_strays')} of them at no candidate|, which reach {crossing})?"
        )
        # After the places, or before them, as brief traces were once written.
        places = r"(?:\. Conclusion: [^.]{1,1000})?"
        yield rf"{brief}{places}, crossed in {n(name + '_crossing')} of {n('candidates')} spans?"


RULES = tuple(
    re.compile(rule, re.IGNORECASE)
    for rule in (
        *_supports(),
        *_excursions(),
        # Global: extremes, histogram, moments.
        rf"most extreme value{AT}{n('max_z_position')},? has {Z_SCORE}{FILL}{n('max_z')}",
        rf"{LARGEST}\s?(?:absolute |standardi[sz]ed deviation )?{Z_SCORE}{FILL}{n('max_z')}"
        rf"(?:{AT}{n('max_z_position')})?",
        rf"maximum standardi[sz]ed deviation max ?{Z_SCORE}{FILL}{n('max_z')}",
        rf"{Z_SCORE}{FILL}{n('local_z')}{AT}{n('local_z_position')}",
        rf"{n('local_z')} (?:{SIGMA}|standard deviations?)(?: (?:away|above|below|from the mean|spike|outlier)){{0,3}}"
        rf"{AT}{n('local_z_position')}",
        rf"histogram(?:-based)?(?: outlier)? score (?:peaks at )?{FILL}{n('histogram_score')}",
        rf"every value is {n('constant')}",
        rf"\b(?:mean|average)\b{FILL}{n('mean')}",
        rf"(?:\bstandard deviation|\bstd(?:\.? dev)?\b|\bspread\b){FILL}{n('std')}",
        rf"\bmedian{FILL}{n('median')}",
        rf"\b(?:minimum|(?:lowest|smallest|minimal|min) value){FILL}{n('minimum')}",
        rf"\b(?:maximum|(?:highest|largest|maximal|max) value){FILL}{n('maximum')}",
        rf"interpolating {n('missing')} missing samples?",
        # Global: the envelope.
        rf"{n('outside')} (?:samples?|points?|values?)(?:{AT}{n('outside_position')})? (?:are |lie |fall )?"
        rf"(?:outside|beyond|exceed(?:ing)?)(?: (?:the )?{n('sigmas')}[- ]{SIGMA}(?:{ENVELOPE})?)?",
        rf"{n('sigmas')}[- ]{SIGMA}{ENVELOPE}",
        rf"k-?\s?{SIGMA}{ENVELOPE}",
        rf"Gaussian noise would put {n('expected')}",
        # Structural: gradient.
        rf"gradient smoothed over {n('smoothing')}",
        rf"cent(?:re|er) is {n('gradient_center')}",
        rf"dispersion {n('gradient_dispersion')} standard deviations per {n('gradient_units')} units",
        rf"deviates most{AT}{n('gradient_position')}, by {n('gradient_peak')} dispersions",
        rf"gradient off by {n('gradient_peak')}{AT}{n('gradient_position')} against {n('threshold')}",
        rf"gradient (?:strays|deviates|leaves its centre){FILL}{n('gradient_peak')} dispersions"
        rf"(?:{AT}{n('gradient_position')})?",
        rf"{SIGMA}_\{{?grad\}}?{FILL}{n('gradient_std')}",
        # Structural: trend.
        rf"rises{FILL}{n('trend_rise')} standard deviations, {n('trend_share')}\s?% of the variance",
        rf"falls{FILL}{n('trend_fall')} standard deviations, {n('trend_share')}\s?% of the variance",
        rf"line explains{FILL}{n('trend_share')}\s?%",
        # Structural: period.
        rf"period {n('period_farthest')}{AT}{n('period_position')} against {pair('period_band')}",
        rf"strongest \({n('period')} units\) holds{FILL}{n('period_share')}\s?% of the power",
        rf"\btypically{FILL}{n('period_typical')}(?: with dispersion {n('period_dispersion')})?",
        rf"tolerated within {pair('period_band')}(?: \({n('period_mads')} dispersions\))?",
        rf"farthest off(?:{AT}{n('period_position')},)? where it is {n('period_farthest')}",
        rf"\bperiod(?:icity)?(?: appears at)?{FILL}{n('period')}(?! at)",
        rf"{n('period_share')}\s?% of (?:the|its) (?:spectral )?power",
        # Local: discords.
        rf"{DISCORD}{pair('discord')}(?:{DISCORD_SCORE}{n('discord_score')})?",
        rf"{DISCORD}{AT}{n('discord_position')}{DISCORD_SCORE}{n('discord_score')}",
        rf"discord {n('discord_score')} at {n('discord_start')}",
        rf"discord score{FILL}{n('discord_score')}{AT}{n('discord_position')}",
        rf"top discord scores {n('discord_score')}",
        rf"{pair('subsequence')} (?:\(score|scores) {n('subsequence_score')}",
        rf"agree on one place at {n('stable')} of {n('scales')} scales?",
        rf"stable at {n('stable')} of {n('scales')} scales?",
        # Parameters of the method, and what is left.
        rf"(?:subsequences|windows) of {n('scale_short')}, {n('window')}, {n('scale_long')} units",
        rf"\bwindows?(?: length| size)?(?: of)?(?: m)?{FILL}{n('window')}(?: (?:units|samples))?",
        rf"\b(?:threshold|against)\b(?: an?| of)*{FILL}{n('threshold')}",
        rf"\bz\s?>\s?{n('threshold')}",
        rf"{n('sigmas')}[- ]{SIGMA}\b",
        rf"at {n('candidates')} places",
        pair("interval"),
        rf"\b(?:from|between) {n('interval_first')} (?:to|and) {n('interval_last')}\b",
        rf"{AT}{n('position')}",
    )
)


def read_claims(text: str) -> Reading:
    """Every claim that the grammar finds in a text; never raises."""
    masked = _BLOCKS.sub(lambda block: " " * len(block[0]), text).translate(_ONE_FOR_ONE)
    taken: set[int] = set()
    claims: list[Claim] = []
    for rule in RULES:
        for match in rule.finditer(masked):
            groups = {name: match.span(name) for name, value in match.groupdict().items() if value is not None}
            if taken.isdisjoint(start for start, _ in groups.values()):
                taken.update(start for start, _ in groups.values())
                claims += _claims(match, groups)
    unread = tuple(match.span() for match in re.finditer(NUMBER, masked) if match.start() not in taken)
    return Reading(tuple(sorted(claims, key=lambda claim: claim.start)), unread)


def _claims(match: re.Match[str], groups: Mapping[str, tuple[int, int]]) -> Iterator[Claim]:
    context = {name: float(match[name]) for name in groups}
    for name, (start, stop) in groups.items():
        if name.endswith(FIRST):
            quantity = name.removesuffix(FIRST)
            last = quantity + LAST
            yield Claim(quantity, (context[name], context[last]), start, groups[last][1], context)
        elif not name.endswith(LAST):
            yield Claim(name, (context[name],), start, stop, context)
