"""The grammar of claims: what it reads, what it leaves unread, and that no text breaks it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomseer_core.expcot.claims import NUMBER, RULES, read_claims
from anomseer_core.expcot.quantities import QUANTITIES

# The texts of the paper's Figures 8 and 9.
FIGURE_8 = """Observation - Global Scan: The series exhibits moderate variation with mean \u03bc=0.123 and standard \
deviation \u03c3=0.087. The maximum standardized deviation max |z|=1.41 suggests no extreme global outliers are \
present. Structural Scan: Gradient analysis reveals low trend instability (\u03c3_{grad}=0.0034), indicating stable \
baseline behavior. A clear dominant period appears at \u223c47.2 time units, revealing regular structural patterns. \
Pattern Scan: Discord search identifies the most dissimilar subsequence at t \u2248 899 with discord score =0.156, \
suggesting potential local anomalies.
Reasoning & Validation - I observed that the subsequences within [897, 902] are globally plausible but locally \
inconsistent, indicating a contextual anomaly. Matrix Profile analysis (window m=50) reveals strongest discord at \
t \u2248 899 with z-score =4.2. Since z > 3.5, this confirms significant contextual deviation.
Conclusion - Integrating hierarchical scan insights with targeted contextual point validation, the evidence converges \
on anomalous behavior in interval [897, 902]."""
FIGURE_9 = """Observation - Global Scan: The series centers near zero with mean \u03bc=0.002 and moderate spread \
\u03c3=0.098. However, the maximum standardized deviation max |z|=6.73 indicates the presence of extreme values. \
Structural Scan: high trend stability with minimal gradient variation (\u03c3_{grad}=0.0012). No dominant periodic \
structure is evident. Pattern Scan: Discord analysis identifies the most unusual subsequence at t \u2248 1246 with \
notable discord score =0.234, highlighting potential anomalous regions.
Reasoning & Validation - Applying k-\u03c3 envelope [-0.292, 0.296] validation: 4 points at t \u2248 1250 exceed \
boundaries.
Conclusion - the evidence converges on anomalous behavior in interval [1245, 1248]."""


def read(text):
    reading = read_claims(text)
    return [(claim.quantity, *claim.values) for claim in reading.claims], [text[a:b] for a, b in reading.unread]


def test_the_papers_own_traces_are_read_whole():
    assert read(FIGURE_8) == (
        [
            ("mean", 0.123),
            ("std", 0.087),
            ("max_z", 1.41),
            ("gradient_std", 0.0034),
            ("period", 47.2),
            ("discord_position", 899),
            ("discord_score", 0.156),
            ("interval", 897, 902),
            ("window", 50),
            ("discord_position", 899),
            ("discord_score", 4.2),
            ("threshold", 3.5),
            ("interval", 897, 902),
        ],
        [],
    )
    assert read(FIGURE_9) == (
        [
            ("mean", 0.002),
            ("std", 0.098),
            ("max_z", 6.73),
            ("gradient_std", 0.0012),
            ("discord_position", 1246),
            ("discord_score", 0.234),
            ("envelope", -0.292, 0.296),
            ("outside", 4),
            ("outside_position", 1250),
            ("interval", 1245, 1248),
        ],
        [],
    )


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("The average is about -0.5, with a std of 1e-3.", [("mean", -0.5), ("std", 0.001)]),
        ("a spike of 4.5 sigma at t = 150", [("local_z", 4.5), ("local_z_position", 150)]),
        ("the z-score is 4.2 near x=145", [("local_z", 4.2), ("local_z_position", 145)]),
        ("The largest |z| of 6 at position 12", [("max_z", 6), ("max_z_position", 12)]),
        ("3 points lie outside the 3-sigma band [-1.4, 1.6]", [("outside", 3), ("sigmas", 3), ("envelope", -1.4, 1.6)]),
        ("a periodicity of roughly 33.3 units", [("period", 33.3)]),
        ("the period holds 80 % of the power", [("period_share", 80)]),
        ("anomalous from 145 to 160, and between 7 and 9", [("interval", 145, 160), ("interval", 7, 9)]),
        ("a sharp spike around t = 150", [("position", 150)]),
        ("the minimum is -2 and the max value 3.2; median of 0", [("minimum", -2), ("maximum", 3.2), ("median", 0)]),
        ("discord score of 4.2 at 148", [("discord_score", 4.2), ("discord_position", 148)]),
    ],
)
def test_common_ways_to_say_it(text, claims):
    assert read(text) == (claims, [])


def test_what_no_rule_reads_is_unread():
    assert read("The amplitude drops by 30% in 2 steps.") == ([], ["30", "2"])
    # The mean is not at 500: only words of the closed list may stand between a name and its number.
    assert read("the mean looks odd, about 0.2 higher")[1] == ["0.2"]


def test_numbers_inside_words_are_no_numbers():
    assert read("X1 and 3D of version 1.2.3") == ([], [])


def test_answer_and_class_are_no_reasoning_and_offsets_stay():
    text = "<think>mean 0.5</think>\n<answer>[[1, 2]]</answer>\n<class>trend 7</class> std 3"
    reading = read_claims(text)
    assert [claim.quantity for claim in reading.claims] == ["mean", "std"]
    assert [text[claim.start : claim.stop] for claim in reading.claims] == ["0.5", "3"]
    assert not read_claims("<answer>[[1, 2]]").claims


def test_every_quantity_of_the_grammar_can_be_computed_and_the_other_way_round():
    groups = {name for rule in RULES for name in rule.groupindex}
    assert {name.removesuffix("_first").removesuffix("_last") for name in groups} == set(QUANTITIES)


VOCABULARY = """max |z| 6.2 at 142, mean [3, 9] (|z| 4) discord score period units sigma envelope 3-sigma gradient %
of the power from to between -1e5 <answer> </answer> threshold window ~ = : ( ) . ; \u2212 \u03c3 typically 1.2.3"""
WORDS = st.sampled_from(VOCABULARY.split())


@given(st.one_of(st.text(max_size=300), st.lists(WORDS, max_size=60).map(" ".join)))
def test_every_number_of_any_text_is_claimed_or_unread(text):
    reading = read_claims(text)
    for claim in reading.claims:
        assert 0 <= claim.start < claim.stop <= len(text)
    blocks = r"(?is)<answer>.*?(</answer>|\Z)|<class>.*?(</class>|\Z)|</?think>"
    outside = re.sub(blocks, lambda block: " " * len(block[0]), text)
    outside = outside.replace("\u2212", "-").replace("\u2013", "-")
    claimed = sum(len(claim.values) for claim in reading.claims)
    assert claimed + len(reading.unread) == len(re.findall(NUMBER, outside, re.I))


def test_a_hostile_text_is_read_in_linear_time():
    # Quadratic reading would take hours.
    for piece in (
        "max |z| ",
        "discord ",
        "[1, ",
        "mean of the ",
        "samples outside 3 sigma, ",
        "period 1 at 2 against [",
    ):
        read_claims(piece * 20_000)
