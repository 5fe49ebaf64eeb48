import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomseer_core.dialogue import (
    ANSWERABLE_CLASSES,
    MAX_ANSWER_CHARACTERS,
    ParseStatus,
    build_messages,
    format_response,
    parse_response,
    prompt_text,
)
from anomseer_core.series import AnomalyClass, merge_intervals

OK, CONTRADICTION, UNPARSABLE = ParseStatus.OK, ParseStatus.CONTRADICTION, ParseStatus.UNPARSABLE
TAGS = [
    "<think>",
    "</think>",
    "<answer>",
    "</answer>",
    "<class>",
    "</class>",
    "</CLASS\t>",
    "<\tclass>",
    "<cla\u017fs>",
]
VALUES = [
    "[[",
    "]]",
    "[1, 2]",
    "[]",
    ",",
    "{",
    "}",
    '"start"',
    ":",
    "-",
    "1e999",
    "NaN",
    "null",
    "true",
    "0.5",
    "9" * 5000,
]
WORDS = ["normal", "trend", "global", "```json\n", "```", "array(", ")", "'", '"', "\\", "\n", "\x0c", "\x00", "\ud800"]

# What cannot be used as an answer, by what is missing.
NO_LIST = ["", "  ", "none", "null", "no anomaly", "from 1 to 2", "anomalies in [1, 2]", "150", '"[1, 2]"', "{}"]
NO_PAIR = [
    "[150]",
    "[1, 2, 3]",
    "[[1, 2, 3]]",
    "[[1, 2], [3]]",
    "[[1, 2], 3]",
    '{"start": 1}',
    '[{"begin": 1, "end": 2}]',
]
NO_WHOLE_NUMBER = ["[[1.5, 2]]", "[[NaN, 2]]", "[[1, Infinity]]", "[[1, 1e999]]", "[[true, 2]]", '[["1", "2"]]']
NO_JSON = ["[[1, 2], [3, 4", "[[1, 2]],", "[[01, 2]]", "[\x0c[1, 2]]", "[[1, 2]] or [[3, 4]]", "__import__('os')"]


def parse(answer: str, anomaly_class: str = "trend", length: int = 1000):
    return parse_response(f"<think>why</think>\n<answer>{answer}</answer>\n<class>{anomaly_class}</class>", length)


def test_one_user_turn_with_the_picture_before_the_prompt():
    (turn,) = build_messages()
    assert turn["role"] == "user"
    assert turn["content"] == [{"type": "image"}, {"type": "text", "text": prompt_text()}]


def test_the_prompt_is_short_and_names_what_is_asked():
    prompt = prompt_text()
    assert len(prompt.split()) <= 110
    assert "from 0 to 1000" in prompt
    assert "[150, 150]" in prompt
    assert "<answer>[]</answer>" in prompt
    assert "<class>normal</class>" in prompt
    assert all(f"<{block}>" in prompt for block in ("think", "answer", "class"))
    assert all(str(item) in prompt for item in ANSWERABLE_CLASSES)
    assert prompt.isascii()


def test_format_by_hand():
    text = format_response("A jump.", [(150, 151), (200, 231)], AnomalyClass.GLOBAL_POINT)
    assert text == ("<think>A jump.</think>\n<answer>[[150, 150], [200, 230]]</answer>\n<class>global point</class>")
    assert format_response("", [], AnomalyClass.NORMAL) == (
        "<think></think>\n<answer>[]</answer>\n<class>normal</class>"
    )


@pytest.mark.parametrize(
    ("reasoning", "intervals", "anomaly_class", "message"),
    [
        ("", [(5, 5)], AnomalyClass.TREND, "half-open"),
        ("", [(-1, 5)], AnomalyClass.TREND, "half-open"),
        ("see <Answer>", [], AnomalyClass.NORMAL, "tag"),
        ("", [(1, 5)], AnomalyClass.UNKNOWN, "unknown"),
    ],
)
def test_what_cannot_be_read_back_is_not_written(reasoning, intervals, anomaly_class, message):
    with pytest.raises(ValueError, match=message):
        format_response(reasoning, intervals, anomaly_class)


@given(
    st.text(st.characters(exclude_characters="<", exclude_categories=["Cs"])),
    st.lists(st.tuples(st.integers(0, 999), st.integers(0, 999)), max_size=20),
    st.sampled_from(ANSWERABLE_CLASSES),
)
def test_reading_gives_back_what_was_written(reasoning, intervals, anomaly_class):
    intervals = merge_intervals(intervals, 1000)
    response = parse_response(format_response(reasoning, intervals, anomaly_class), 1000)
    assert response.well_formed
    assert list(response.intervals) == intervals
    assert response.anomaly_class is anomaly_class
    assert response.reasoning == reasoning.strip()
    consistent = bool(intervals) == (anomaly_class is not AnomalyClass.NORMAL)
    assert response.status is (OK if consistent else CONTRADICTION)


@pytest.mark.parametrize(
    ("answer", "intervals"),
    [
        # The grammar: closed pairs; a single position is kept (the authors' code loses it).
        ("[[150, 150]]", ((150, 151),)),
        ("[[200, 230], [622, 672]]", ((200, 231), (622, 673))),
        (" [ [1,2] ,\n[5 , 6] ] ", ((1, 3), (5, 7))),
        # Sorted, joined when they touch (2 and 3 are neighbours), clipped, dropped when empty or reversed.
        ("[[5, 6], [1, 2]]", ((1, 3), (5, 7))),
        ("[[1, 2], [3, 4], [4, 8], [4, 8]]", ((1, 9),)),
        ("[[990, 1000], [1000, 1000], [1200, 1300]]", ((990, 1000),)),
        ("[[7, 9], [20, 10]]", ((7, 10),)),
    ],
)
def test_well_formed_answers(answer, intervals):
    response = parse(answer)
    assert (response.status, response.well_formed, response.intervals) == (OK, True, intervals)


@pytest.mark.parametrize(
    ("answer", "intervals"),
    [
        ("```json\n[[1, 2]]\n```", ((1, 3),)),
        ("```\n[[1, 2]]```", ((1, 3),)),
        ("[1, 2]", ((1, 3),)),
        ("[150, 150]", ((150, 151),)),
        ("(1, 2)", ((1, 3),)),
        ("[(1, 2), (5, 6)]", ((1, 3), (5, 7))),
        ("[[[1, 2], [5, 6]]]", ((1, 3), (5, 7))),
        ("array([[1, 2], [5, 6]])", ((1, 3), (5, 7))),
        ("np.array([[1, 2]])", ((1, 3),)),
        ('{"start": 1, "end": 2}', ((1, 3),)),
        ("[{'Start': 1, 'END': 2}, {'start': 5, 'end': 6, 'note': 'a [wide] one'}]", ((1, 3), (5, 7))),
        ("[[1.0, 2e0]]", ((1, 3),)),
        ("[[-5, 5]]", ((0, 6),)),
        ("[[1, 99999999999999999999999]]", ((1, 1000),)),
        ("[[-99999999999999999999999, 4]]", ((0, 5),)),
        ("[[1, 1e300]]", ((1, 1000),)),
    ],
)
def test_tolerated_answers(answer, intervals):
    response = parse(answer)
    assert (response.status, response.well_formed, response.intervals) == (OK, False, intervals)


@pytest.mark.parametrize(
    "answer", ["[]", " [ ] ", "array([])", "np.array([])", "[[]]", "```json\n[]\n```", "[[20, 10]]"]
)
def test_answers_without_an_anomaly(answer):
    response = parse(answer, "normal")
    assert (response.status, response.intervals) == (OK, ())


@pytest.mark.parametrize("answer", [*NO_LIST, *NO_PAIR, *NO_WHOLE_NUMBER, *NO_JSON])
def test_unusable_answers(answer):
    response = parse(answer)
    assert (response.status, response.intervals, response.well_formed) == (UNPARSABLE, (), False)
    # The rest of the response is still reported.
    assert (response.anomaly_class, response.reasoning) == (AnomalyClass.TREND, "why")


@pytest.mark.parametrize(
    "text", ["", "hello", "[[1, 2]]", "<class>trend</class>", "<answer>", "</answer>", "<think>[]</think>"]
)
def test_no_answer_block(text):
    assert parse_response(text, 1000).status is UNPARSABLE


def test_the_last_answer_and_the_last_class_win():
    text = (
        "<think>first <answer>[[1, 2]]</answer> <class>trend</class></think>"
        "<answer>[[5, 6]]</answer><class>seasonal</class>"
    )
    response = parse_response(text, 1000)
    assert (response.intervals, response.anomaly_class) == (((5, 7),), AnomalyClass.SEASONAL)
    assert not response.well_formed
    # Even when the last one cannot be used: the final word is what counts.
    assert parse_response(text + "<answer>hm</answer>", 1000).status is UNPARSABLE


def test_blocks_that_are_not_closed_end_at_the_next_tag():
    response = parse_response("<think>so <answer>[[1, 2]] <class>trend", 1000)
    assert (response.status, response.intervals) == (OK, ((1, 3),))
    assert (response.anomaly_class, response.reasoning) == (AnomalyClass.TREND, "so")
    assert not response.well_formed


@pytest.mark.parametrize(
    ("text", "reasoning"),
    [
        ("<think> a jump </think><answer>[]</answer>", "a jump"),
        ("a jump</think><answer>[]</answer>", "a jump"),  # the chat template opened the block
        ("<think>a <class>trend</class> jump</think>", "a <class>trend</class> jump"),
        ("<think>a jump", "a jump"),
        ("<think>one</think><think>two</think>", "one"),
        ("<answer>[]</answer>", ""),
    ],
)
def test_reasoning(text, reasoning):
    assert parse_response(text, 1000).reasoning == reasoning


@pytest.mark.parametrize(
    ("written", "expected"),
    [(str(item), item) for item in ANSWERABLE_CLASSES]
    + [
        (" Trend\n", AnomalyClass.TREND),
        ("**Global Point**", AnomalyClass.GLOBAL_POINT),
        ("global_point", AnomalyClass.GLOBAL_POINT),
        ("contextual-point anomaly", AnomalyClass.CONTEXTUAL_POINT),
        ("contextual", AnomalyClass.CONTEXTUAL_POINT),
        ("GLOBAL", AnomalyClass.GLOBAL_POINT),
        ('["seasonal"]', AnomalyClass.SEASONAL),
        ('{"class": "shapelet"}', AnomalyClass.SHAPELET),
        ("unknown", None),
        ("not trend", None),
        ("trend, seasonal", None),
        ("", None),
        ("trend " * 100, None),
    ],
)
def test_classes(written, expected):
    assert parse("[[1, 2]]", written).anomaly_class is expected


@pytest.mark.parametrize(
    ("answer", "anomaly_class", "status"),
    [
        ("[]", "normal", OK),
        ("[[1, 2]]", "trend", OK),
        ("[[1, 2]]", "normal", CONTRADICTION),
        ("[]", "trend", CONTRADICTION),
        ("[[1200, 1300]]", "trend", CONTRADICTION),  # nothing is left after clipping
        ("[[1200, 1300]]", "normal", OK),
        ("[[1, 2]]", "dragon", OK),  # no class to contradict
        ("[]", "dragon", OK),
        ("oops", "normal", UNPARSABLE),
    ],
)
def test_status(answer, anomaly_class, status):
    assert parse(answer, anomaly_class).status is status


@pytest.mark.parametrize(
    ("text", "well_formed"),
    [
        ("<think>a</think><answer>[]</answer><class>normal</class>", True),
        ("\n<think>\na\n</think>\n\n<answer> [[1,2]] </answer>\n<class> trend </class>\n", True),
        ("<think>2 < 3 > 1</think><answer>[]</answer><class>normal</class>", True),
        ("<think>a</think><class>normal</class><answer>[]</answer>", False),  # order
        ("<answer>[]</answer><class>normal</class>", False),  # a block missing
        ("<think>a</think><think>b</think><answer>[]</answer><class>normal</class>", False),  # a block twice
        ("<think>a <answer></think><answer>[]</answer><class>normal</class>", False),  # a stray tag
        ("<think>a<answer>[]</answer></think><class>normal</class>", False),  # nesting
        ("Well: <think>a</think><answer>[]</answer><class>normal</class>", False),  # text before
        ("<think>a</think> so <answer>[]</answer><class>normal</class>", False),  # text between
        ("<think>a</think><answer>[]</answer><class>normal</class>!", False),  # text after
        ("<Think>a</Think><answer>[]</answer><class>normal</class>", False),  # case
        ("<think>a</think><answer>[]</answer><class>Normal</class>", False),
        ("<think>a</think><answer>[]</answer><class>global</class>", False),
        ("<think>a</think><answer>[]</answer><class>unknown</class>", False),
        ("<think>a</think><answer>[1, 2]</answer><class>trend</class>", False),
        ("<think>a</think><answer>[[1.0, 2]]</answer><class>trend</class>", False),
        ("<think>a</think><answer>[[1, 2],]</answer><class>trend</class>", False),
        ("<think>a</think><answer>[]</answer><class>normal", False),  # not closed
    ],
)
def test_well_formed_is_strict(text, well_formed):
    assert parse_response(text, 1000).well_formed is well_formed


def test_positions_are_clipped_to_the_length_asked_for():
    assert parse("[[1, 99]]", length=50).intervals == ((1, 50),)
    assert parse("[[1, 99]]", length=5000).intervals == ((1, 100),)


@given(st.text())
def test_any_text_is_read(text):
    check_invariants(text)


@given(st.lists(st.sampled_from([*TAGS, *VALUES, *WORDS]), max_size=25).map("".join))
def test_any_mixture_of_fragments_is_read(text):
    check_invariants(text)


@given(st.text() | st.lists(st.sampled_from([*VALUES, *WORDS]), max_size=9).map("".join), st.text())
def test_any_block_content_is_read(answer, anomaly_class):
    check_invariants(f"<think>a</think><answer>{answer}</answer><class>{anomaly_class}</class>")


def check_invariants(text: str):
    response = parse_response(text, 1000)
    assert list(response.intervals) == merge_intervals(response.intervals, 1000)
    if response.well_formed:
        assert response.status is not UNPARSABLE
        assert response.anomaly_class is not None
    if response.status is UNPARSABLE:
        assert response.intervals == ()
    assert response.anomaly_class is not AnomalyClass.UNKNOWN


@pytest.mark.parametrize(
    "text",
    [
        "[" * 1_000_000,
        "[" * (MAX_ANSWER_CHARACTERS - 1),
        '["]",' * (MAX_ANSWER_CHARACTERS // 5),  # brackets in strings hide how deep the real ones are
        '{"a":' * (MAX_ANSWER_CHARACTERS // 5),
        '"' + '\\"' * (MAX_ANSWER_CHARACTERS // 2 - 10) + "\\",
        "[[1, " + "9" * (MAX_ANSWER_CHARACTERS - 100) + "]]",
        "[" + "[1, 2], " * 50_000 + "[1, 2]]",
        "<answer>" * 20_000,
        "<" * 1_000_000,
        "<answer" + " " * 1_000_000,
        "[" + " " * (MAX_ANSWER_CHARACTERS - 10),
        "<think>" * 20_000 + "</think>" * 20_000,
    ],
    ids=lambda text: f"{text[:12]!r}-{len(text)}",
)
def test_hostile_text_is_read_in_linear_time(text):
    started = time.perf_counter()
    for hostile in (text, f"<think>{text}</think><answer>{text}</answer><class>{text}</class>"):
        check_invariants(hostile)
    # A fraction of a second for the longest; anything quadratic takes tens of seconds, or hours.
    assert time.perf_counter() - started < 5
