"""Which traces a gallery shows, and that its page is one file that nobody's text can break."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from PIL import Image

from anomseer_core.expcot.claims import read_claims
from anomseer_core.expcot.config import ExpCoTConfig, ProbeThresholds
from anomseer_core.expcot.corpus import write_traces
from anomseer_core.expcot.quantities import ClaimKind
from anomseer_core.expcot.statistics import Label, corpus_statistics
from anomseer_core.expcot.trace import write_trace
from anomseer_core.expcot.trace_table import TraceRow
from anomseer_core.expcot.verification import CheckedClaim, Verification, verify_trace
from anomseer_core.reports.config import GalleryConfig
from anomseer_core.reports.gallery import (
    DISPUTED,
    SEVERAL,
    STRONG,
    WEAK,
    Corpus,
    choose_examples,
    kinds_of,
    subject_of_trace,
    write_gallery,
)
from anomseer_core.reports.gallery_page import Entry, describe, mark_claims, page
from anomseer_core.series import AnomalyClass, Series
from anomseer_core.store import ArtifactStore
from anomseer_core.synthesis import generate
from anomseer_core.synthesis.config import AnomLLMConfig
from anomseer_core.synthesis.dataset import synthesize
from anomseer_core.view import View

POINT = AnomalyClass.GLOBAL_POINT
LABELLED = ExpCoTConfig()


def row(series_id, crosses=(True,), *, verified=5, unread=0, intervals=None):
    """A trace with one candidate for each of `crosses`; None for one without evidence."""
    evidence = None
    if crosses is not None:
        spans = [[10 * index, 10 * index + 5] for index in range(len(crosses))] if intervals is None else intervals
        found = {"excursions": 1, "strongest": [[0, 5]], "supports": [{"crosses": item} for item in crosses]}
        evidence = {
            "anomaly_class": "global point",
            "intervals": spans,
            "validation": {"envelope": {"findings": found}},
        }
    return TraceRow(series_id, View(0, 1000), "text", evidence, "analysis", 5, verified, unread)


def labels(rows, *, intervals=1):
    spans = tuple((20 * index, 20 * index + 5) for index in range(intervals))
    return {item.series_id: Label(POINT if spans else AnomalyClass.NORMAL, spans) for item in rows}


def chosen(rows, per_class, **about):
    return [example.row.series_id for example in choose_examples(rows, labels(rows, **about), per_class)]


def test_a_trace_may_be_an_example_of_several_things():
    one, two = Label(POINT, ((0, 5),)), Label(POINT, ((0, 5), (9, 12)))
    assert kinds_of(row("a"), one) == (STRONG,)
    assert kinds_of(row("a", (True, False)), two) == (WEAK, SEVERAL)
    assert kinds_of(row("a", verified=4), one) == (STRONG, DISPUTED)
    assert kinds_of(row("a", unread=1), one) == (STRONG, DISPUTED)
    assert kinds_of(row("a", None), two) == (SEVERAL,)
    # A normal view in which a probe crosses its threshold.
    assert kinds_of(row("a", (), intervals=[]), Label(AnomalyClass.NORMAL, ())) == (WEAK,)


def test_examples_follow_the_rule():
    rows = [row("s0"), row("s1"), row("w0", (False,)), row("d0", verified=1), row("w1", (False,))]
    assert chosen(rows, 1) == ["s0"]
    assert chosen(rows, 2) == ["s0", "w0"]
    assert chosen(rows, 3) == ["s0", "w0", "d0"]
    # Then the first in order that are not there yet.
    assert chosen(rows, 4) == ["s0", "w0", "d0", "s1"]
    assert chosen(rows, 9) == ["s0", "w0", "d0", "s1", "w1"]


def test_an_example_that_is_shown_makes_way_for_the_next_of_its_kind():
    """With two intervals everywhere the first is both strong and of several intervals."""
    rows = [row("s0", (True, True)), row("s1", (True, True)), row("w0", (True, False))]
    assert chosen(rows, 3, intervals=2) == ["s0", "w0", "s1"]


def test_every_class_has_its_examples_in_the_order_of_the_classes():
    rows = [row("n", (), intervals=[]), row("p")]
    about = {"n": Label(AnomalyClass.NORMAL, ()), "p": Label(POINT, ((0, 5),))}
    found = choose_examples(rows, about, 3)
    assert [(example.row.series_id, example.anomaly_class) for example in found] == [
        ("p", AnomalyClass.GLOBAL_POINT),
        ("n", AnomalyClass.NORMAL),
    ]


def test_traces_without_evidence_are_shown_too():
    assert chosen([row("a", None), row("b", None, verified=0)], 2) == ["b", "a"]


def claim(span, *, verified=True, kind=ClaimKind.Z_SCORE, true=(4.0,)):
    return CheckedClaim(kind, "max_z", span, (4.2,), true, 0.2, verified)


def test_claims_are_marked_where_they_stand():
    checked = Verification(
        claims=(claim((2, 5)), claim((8, 9), verified=False, true=None)),
        parameters=(claim((13, 14), kind=ClaimKind.PARAMETER),),
        unread=1,
    )
    html = mark_claims("z 4.2 & 7 <b 3> 9", checked, [(16, 17)])
    assert html == (
        'z <mark class="holds" title="z-score, max z: stated 4.2, true 4, tolerance 0.2: holds">4.2</mark> &amp; '
        '<mark class="refuted" title="z-score, max z: stated 4.2, which cannot be computed: does not hold">7</mark> '
        '&lt;b <mark class="parameter" title="parameter, max z: stated 4.2, true 4, tolerance 0.2: holds">3</mark>&gt; '
        '<mark class="unread" title="no rule can read this number">9</mark>'
    )


def test_pairs_are_described_as_pairs():
    pair = CheckedClaim(ClaimKind.INTERVAL, "interval", (0, 1), (10.0, 20.0), (11.0, 19.5), 5.0, True)
    assert describe(pair) == "interval, interval: stated [10, 20], true [11, 19.5], tolerance 5: holds"


def test_marking_takes_nothing_from_the_text():
    for series in generate("anomllm", "freq", count=2):
        text = write_trace(series).text
        html = mark_claims(text, verify_trace(text, series), read_claims(text).unread)
        assert re.sub(r"<[^>]*>", "", html).replace("&amp;", "&") == text
        assert html.count("<mark") == html.count("</mark>") > 10


class Page(HTMLParser):
    """Every tag with its attributes, and the visible text."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


def gallery(folder, store, config=LABELLED, tasks=("range", "trend")):
    series = synthesize(store, AnomLLMConfig(tasks=tasks, count=4))
    traces = write_traces(store, series, config)
    corpus = Corpus(traces, series, corpus_statistics(traces, series, name="anomllm-eval"))
    return corpus, write_gallery(folder, [corpus], GalleryConfig(per_class=2))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gallery")
    return gallery(folder / "page", ArtifactStore(folder))


def test_the_page_holds_everything_itself(written):
    _, path = written
    html = path.read_text(encoding="utf-8")
    found = Page(html)
    tags = [tag for tag, _ in found.tags]
    assert not {"script", "link", "iframe", "object"} & set(tags)
    assert not re.search(r"https?:|url\(", html)
    sources = [about["src"] for tag, about in found.tags if tag == "img"]
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert all(about["alt"] for tag, about in found.tags if tag == "img")
    links = [about["href"] for tag, about in found.tags if tag == "a"]
    anchors = {about["id"] for _, about in found.tags if "id" in about}
    assert {link.removeprefix("#") for link in links} == anchors


def test_each_example_has_both_pictures_its_text_and_its_label(written):
    corpus, path = written
    found = Page(path.read_text(encoding="utf-8"))
    articles = [tag for tag, _ in found.tags].count("article")
    pictures = sorted((path.parent / "pictures").iterdir())
    assert len(pictures) == articles > 3
    assert [tag for tag, _ in found.tags].count("img") == 2 * articles
    assert all(Image.open(picture).format == "PNG" for picture in pictures)
    text = "".join(found.text)
    assert text.count("Reasoning & Validation.") == articles
    assert text.count("Label: ") == articles
    assert corpus.traces.digest[:12] in text
    assert "anomllm-eval" in text


def test_a_page_is_the_same_twice(written, tmp_path):
    _, path = written
    _, again = gallery(tmp_path / "page", ArtifactStore(tmp_path))
    assert again.read_bytes() == path.read_bytes()
    names = [sorted(item.name for item in (page.parent / "pictures").iterdir()) for page in (path, again)]
    assert names[0] == names[1]


def test_a_blind_trace_is_drawn_as_it_concludes(tmp_path):
    corpus, path = gallery(tmp_path / "page", ArtifactStore(tmp_path), ExpCoTConfig(blind=True), tasks=("flat-trend",))
    assert corpus.statistics.blind
    assert "blind True" in "".join(Page(path.read_text(encoding="utf-8")).text)
    series = Series("s", next(generate("anomllm", "range", count=1)).values, ((0, 5),), POINT)
    concluded = {"anomaly_class": "trend", "intervals": [[100, 149]]}
    told = TraceRow("s", View(0, 1000), "", concluded, "analysis", 0, 0, 0)
    subject = subject_of_trace(series, told, ProbeThresholds())
    assert (subject.labelled, subject.concluded) == (((0, 5),), ((100, 150),))
    foreign = subject_of_trace(series, replace(told, evidence=None), ProbeThresholds())
    assert foreign.concluded == foreign.labelled


def test_nobody_else_s_text_becomes_markup(written):
    corpus, _ = written
    hostile = '</div><script>alert("1")</script> max |z| is 3 &amp; <img src=x onerror=alert(1)>'
    told = TraceRow(hostile, View(0, 1000), hostile, None, f"file {hostile}", 1, 0, 0)
    entry = Entry(
        corpus=hostile,
        shown=hostile,
        anomaly_class=POINT,
        kinds=(hostile,),
        labelled=[(1, 2)],
        row=told,
        seen=Image.new("RGB", (2, 2)),
        evidence=b"png",
        checked=Verification((claim((2, 5)),), (), 0),
        unread=read_claims(hostile).unread,
    )
    manifest = corpus.traces.manifest | {"recipe": {"config": {"model": hostile, "name": hostile}}, "stage": hostile}
    statistics = replace(corpus.statistics, name=hostile)
    html = page([entry], [statistics], {hostile: manifest}, GalleryConfig())
    found = Page(html)
    assert {"script"} & {tag for tag, _ in found.tags} == set()
    assert not any("onerror" in about for _, about in found.tags)
    assert [about["src"][:10] for tag, about in found.tags if tag == "img"] == ["data:image"] * 2
    assert hostile in "".join(found.text)
