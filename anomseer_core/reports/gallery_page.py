"""The gallery as one self-contained HTML page: pictures as data URIs, a little CSS, no script, nothing loaded.

Every text is escaped, since traces may come from a model or a file. A claim is marked where it stands in the text; its
tooltip says what was stated, what is true and how far off it may be; a table repeats it for readers without a mouse.
"""

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import Any

from PIL import Image

from anomseer_core.expcot.evidence import number
from anomseer_core.expcot.statistics import CorpusStatistics
from anomseer_core.expcot.trace_table import TraceRow
from anomseer_core.expcot.verification import CheckedClaim, Verification
from anomseer_core.reports.config import GalleryConfig
from anomseer_core.reports.gallery_style import HOLDS, INTRODUCTION, PARAMETER, REFUTED, STYLE, UNREAD
from anomseer_core.reports.trace_statistics import to_html
from anomseer_core.series import AnomalyClass, Interval

SHOWN_DIGEST = 12


@dataclass(frozen=True)
class Entry:
    """One example as the page shows it.

    corpus: name of its series artifact; shown: id of the series, and the samples shown where these are not all; kinds:
    what it is an example of; labelled: half-open view units; seen: the model's picture; evidence: a PNG file; unread:
    where the numbers stand that no rule can read, in characters.
    """

    corpus: str
    shown: str
    anomaly_class: AnomalyClass
    kinds: Sequence[str]
    labelled: Sequence[Interval]
    row: TraceRow
    seen: Image.Image
    evidence: bytes
    checked: Verification
    unread: Sequence[tuple[int, int]]


def page(
    entries: Sequence[Entry],
    statistics: Sequence[CorpusStatistics],
    manifests: Mapping[str, Mapping[str, Any]],
    config: GalleryConfig,
) -> str:
    """The whole page. manifests: of the traces artifacts, by name of their series."""
    ordered = sorted(entries, key=lambda entry: list(AnomalyClass).index(entry.anomaly_class))
    sections = {name: list(items) for name, items in groupby(ordered, key=lambda entry: entry.anomaly_class)}
    links = "".join(f'<a href="#{_anchor(name)}">{escape(name)}</a>' for name in sections)
    body = "\n".join(
        f'<h2 id="{_anchor(name)}">{escape(name)}</h2>\n' + "\n".join(map(_article, items))
        for name, items in sections.items()
    )
    sources = "".join(f"<li>{_source(name, manifest)}</li>" for name, manifest in manifests.items())
    rule = (
        f"Shown are up to {config.per_class} traces of each class and set, chosen by a rule: the first with strong "
        "evidence, with weak evidence, with disputed claims, with several labelled intervals, then the first in order."
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Expert traces</title>
<style>{STYLE}</style></head>
<body>
<h1>Expert traces</h1>
<ul class="note">{sources}</ul>
{to_html(statistics)}
{INTRODUCTION}
<p>{escape(rule)}</p>
<nav>{links}</nav>
{body}
</body>
</html>
"""


def _anchor(name: str) -> str:
    return escape(name.replace(" ", "-"), quote=True)


def _source(name: str, manifest: Mapping[str, Any]) -> str:
    """Where a set of traces is from, so that it can be found again."""
    config = manifest["recipe"]["config"]
    told = [f"{key} {config[key]}" for key in ("style", "blind", "seed", "model", "name") if key in config]
    commit = manifest["commit"]
    return escape(
        f"{name}: stage {manifest['stage']}, {', '.join(told)}; artifact {manifest['digest'][:SHOWN_DIGEST]}, commit "
        f"{commit[:SHOWN_DIGEST]}{'-dirty' if commit.endswith('-dirty') else ''}"
    )


def _article(entry: Entry) -> str:
    row, checked = entry.row, entry.checked
    facts = (
        f"{_told(entry)} Source: {row.source}. {row.words} words, {len(checked.claims)} claims, "
        f"{checked.verified} hold, {checked.unread} numbers unread."
    )
    seen = io.BytesIO()
    entry.seen.save(seen, format="PNG", optimize=True)
    return f"""<article>
<h3>{escape(entry.shown)} <small>{escape(", ".join((entry.corpus, *entry.kinds)))}</small></h3>
<img class="seen" alt="The picture the model sees" src="{_data_uri(seen.getvalue())}">
<img alt="The evidence drawn on the series" src="{_data_uri(entry.evidence)}">
<div class="trace">{mark_claims(row.text, checked, entry.unread)}</div>
<p class="note">{escape(facts)}</p>
<details><summary>Every claim</summary>{_claims_table(row.text, checked)}</details>
</article>"""


def _told(entry: Entry) -> str:
    """The label, and the conclusion where that is another."""
    label = f"{entry.anomaly_class}, {_spans((start, stop - 1) for start, stop in entry.labelled)}"
    if entry.row.evidence is None:
        return f"Label: {label}."
    concluded = f"{entry.row.evidence['anomaly_class']}, {_spans(entry.row.evidence['intervals'])}"
    return f"Label: {label}." if concluded == label else f"Label: {label}. The trace concludes: {concluded}."


def _spans(closed: Iterable[Sequence[int]]) -> str:
    return ", ".join(f"[{first}, {last}]" for first, last in closed) or "no interval"


def mark_claims(text: str, checked: Verification, unread: Sequence[tuple[int, int]]) -> str:
    """The text as HTML, its numbers marked by their verdicts."""
    marks = [(item.span, HOLDS if item.verified else REFUTED, describe(item)) for item in checked.claims]
    marks += [(item.span, PARAMETER if item.verified else REFUTED, describe(item)) for item in checked.parameters]
    marks += [(span, UNREAD, "no rule can read this number") for span in unread]
    parts: list[str] = []
    end = 0
    for (start, stop), verdict, told in sorted(marks):
        # A number belongs to one claim; should two spans overlap all the same, the first one is marked.
        if start >= end:
            parts += [
                escape(text[end:start]),
                f'<mark class="{verdict}" title="{escape(told)}">{escape(text[start:stop])}</mark>',
            ]
            end = stop
    return "".join([*parts, escape(text[end:])])


def describe(claim: CheckedClaim) -> str:
    """One claim and its verdict in words.

    >>> from anomseer_core.expcot.quantities import ClaimKind
    >>> describe(CheckedClaim(ClaimKind.Z_SCORE, "max_z", (0, 3), (4.2,), (4.51,), 0.2255, False))
    'z-score, max z: stated 4.2, true 4.51, tolerance 0.226: does not hold'
    """
    verdict = "holds" if claim.verified else "does not hold"
    truth = "which cannot be computed"
    if claim.true is not None:
        truth = f"true {_values(claim.true)}, tolerance {number(claim.tolerance)}"
    return f"{claim.kind}, {_quantity(claim)}: stated {_values(claim.stated)}, {truth}: {verdict}"


def _quantity(claim: CheckedClaim) -> str:
    return claim.quantity.replace("_", " ")


def _values(values: Sequence[float]) -> str:
    written = [number(int(value) if float(value).is_integer() else value) for value in values]
    return written[0] if len(written) == 1 else f"[{', '.join(written)}]"


def _claims_table(text: str, checked: Verification) -> str:
    heads = "".join(f"<th>{name}</th>" for name in ("Kind", "Quantity", "Stated", "True", "Tolerance", "Verdict"))
    rows = "".join(
        "<tr>"
        + "".join(
            f"<td>{escape(cell)}</td>"
            for cell in (
                item.kind,
                _quantity(item),
                text[slice(*item.span)],
                "-" if item.true is None else _values(item.true),
                "-" if item.true is None else number(item.tolerance),
                "holds" if item.verified else "does not hold",
            )
        )
        + "</tr>"
        for item in sorted((*checked.claims, *checked.parameters), key=lambda item: item.span)
    )
    return f'<table class="claims"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
