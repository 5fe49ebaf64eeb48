"""The report of an evaluation, written from its score artifacts: what `--report` writes and MLflow holds.

Without a policy it is the tables of all detectors, beside the paper's classical ones. With one, before these: its
goals beside AnomSeer's, every detector in one table, seeds and paired tests, kinds of mistakes, failures, and speed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from re import sub

import pandas as pd
from PIL import Image

from anomseer_core.evaluation.detector_names import by_subject
from anomseer_core.evaluation.errors import cause_table, error_table, series_errors
from anomseer_core.evaluation.prediction import Prediction
from anomseer_core.evaluation.scored import Scored, find_policy, find_scored
from anomseer_core.evaluation.speed import read_speed
from anomseer_core.reports import summary as tables
from anomseer_core.reports.error_tables import NOTE as ERRORS_NOTE
from anomseer_core.reports.error_tables import causes_markdown, errors_markdown
from anomseer_core.reports.failure_sheet import Case, choose_failures, failure_sheet
from anomseer_core.reports.goals import every_detector_table, goals_table
from anomseer_core.reports.markdown import table
from anomseer_core.reports.published import beside_the_paper
from anomseer_core.reports.seeds import pairs_markdown, seeds_markdown
from anomseer_core.reports.summary import MISSING, is_policy, summarise
from anomseer_core.series import Series
from anomseer_core.store import Artifact, ArtifactStore

SHOWN_DIGEST = 12
# Of the configuration of a set of series.
SERIES_FACTS = ("split", "seed", "form", "count")
SPEED_NOTE = (
    "From the series in memory, its picture included, to the intervals read from the response, batch by batch, as the "
    "run that made these predictions measured it; loading the policy is not in it. Cores: processor time over wall "
    "time, so what other programs of the machine take lowers series/s and shows in the cores. `-direct`: reasoning "
    "skipped; `-voted`: so too, and many answers vote."
)


@dataclass(frozen=True)
class EvaluationReport:
    """What an evaluation found, computed once and written as often as wanted.

    scored: the scores of every detector on every benchmark. skipped: a reason for each benchmark that was not run.
    """

    store: ArtifactStore
    scored: Sequence[Scored]
    skipped: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def rows(self) -> pd.DataFrame:
        return pd.concat([item.rows for item in self.scored], ignore_index=True)

    @cached_property
    def summary(self) -> pd.DataFrame:
        return summarise(self.rows)

    @cached_property
    def policies(self) -> list[Scored]:
        return [item for item in self.scored if is_policy(item.detector)]

    @cached_property
    def errors(self) -> pd.DataFrame:
        """`series_errors` of every policy on every benchmark; empty without one, or where nothing is counted."""
        found = [series_errors(item.rows, item.read_series(), item.read_answers()) for item in self.policies]
        return pd.concat([part for part in found if not part.empty] or [pd.DataFrame()], ignore_index=True)

    @cached_property
    def titles(self) -> dict[str, str]:
        """Benchmarks as tables call them: the form beside the name, where there are several."""
        return {item.benchmark: _title(item.benchmark, item.series) for item in self.scored}

    def failures(self) -> dict[str, Image.Image]:
        """By detector, the sheet of its worst cases: of each policy that made a mistake, of several seeds the first."""
        names = by_subject(item.detector for item in self.policies)
        chosen = {first: self._choose_failures(first) for first, *_ in names.values()} if len(self.errors) else {}
        return {name: failure_sheet(rows, self._cases(name, rows)) for name, rows in chosen.items() if not rows.empty}

    def markdown(self, pictures: Mapping[str, str] | None = None) -> str:
        """The report. pictures: the addresses of the sheets of `failures`, by detector."""
        sections = {} if not self.policies else self._policy_sections(pictures or {})
        parts = [f"## {title}\n\n{text}" for title, text in sections.items() if text]
        if parts:
            parts.append("## All tables")
        parts += [beside_the_paper(self.summary), tables.to_markdown(self.summary, self.skipped)]
        return "\n\n".join(part.strip() for part in parts if part) + "\n"

    def _policy_sections(self, pictures: Mapping[str, str]) -> dict[str, str]:
        totals = error_table(self.errors) if len(self.errors) else pd.DataFrame()
        mistakes = [
            errors_markdown(totals, name, self.titles) for name in (totals["detector"].unique() if len(totals) else ())
        ]
        sheets = [f"{name}:\n\n![The worst cases of {name}]({address})" for name, address in pictures.items()]
        causes = causes_markdown(cause_table(self.errors), self.titles) if len(self.errors) else ""
        return {
            "Goals": goals_table(self.summary, self.titles),
            "Every detector on the same series": every_detector_table(self.summary, self.titles),
            "Over seeds": seeds_markdown(self.rows),
            "Paired tests": pairs_markdown(self.rows),
            "Kinds of mistakes": "\n\n".join([*mistakes, ERRORS_NOTE]) if mistakes else "",
            "Failures": "\n\n".join(filter(None, [causes, *sheets])),
            "Speed": speed_markdown(self.policies, self.titles),
            "What was evaluated": "\n\n".join(
                filter(None, [policies_markdown(self.store, self.policies), self._series_markdown()])
            ),
        }

    def _series_markdown(self) -> str:
        first = {item.benchmark: item for item in reversed(self.scored)}
        head = ["Series of", "Drawn from", "Scored by", "Digest", "Series"]
        rows = [
            [name, _facts(item.series), item.profile, item.series.digest[:SHOWN_DIGEST], f"{len(item.rows):,}"]
            for name, item in reversed(first.items())
        ]
        return table(head, rows, words=4)

    def _choose_failures(self, detector: str) -> pd.DataFrame:
        return choose_failures(self.errors[self.errors["detector"] == detector])

    def _cases(self, detector: str, chosen: pd.DataFrame) -> dict[Case, tuple[Series, Prediction]]:
        wanted = set(zip(chosen["benchmark"], chosen["series_id"], strict=True))
        return {
            (item.benchmark, series.id): (series, answer)
            for item in self.policies
            if item.detector == detector
            for series, answer in zip(item.read_series(), item.read_answers(), strict=True)
            if (item.benchmark, series.id) in wanted
        }


def build_report(
    store: ArtifactStore, paths: Sequence[Path | str], skipped: Mapping[str, str] | None = None
) -> EvaluationReport:
    """The report of the score artifacts in these folders."""
    return EvaluationReport(store, [find_scored(store, path) for path in paths], dict(skipped or {}))


def picture_name(detector: str) -> str:
    """The file name of a detector's sheet of failures, whatever characters its name holds."""
    return f"failures-{sub(r'[^A-Za-z0-9_.-]+', '-', detector)}.png"


def speed_markdown(policies: Sequence[Scored], titles: Mapping[str, str]) -> str:
    """Series a second and cores of each policy, where its predictions tell."""
    rows = [
        [
            item.detector,
            titles.get(item.benchmark, item.benchmark),
            speed.machine,
            f"{speed.series:,}",
            f"{speed.series_per_second:.1f}",
            f"{speed.cores:.1f}",
        ]
        for item in policies
        if (speed := read_speed(item.predictions))
    ]
    head = ["Detector", "Series of", "Machine", "Series", "Series/s", "Cores"]
    return f"{table(head, rows, words=3)}\n\n{SPEED_NOTE}" if rows else ""


def policies_markdown(store: ArtifactStore, policies: Sequence[Scored]) -> str:
    """The checkpoint behind each policy's name."""
    found = {item.detector: checkpoint for item in policies if (checkpoint := find_policy(store, item))}
    rows = [[name, *_checkpoint_facts(item)] for name, item in found.items()]
    return table(["Detector", "Checkpoint", "Stage", "Code", "Steps", "Seed"], rows, words=4) if rows else ""


def _checkpoint_facts(checkpoint: Artifact) -> list[str]:
    method = checkpoint.manifest["recipe"]["config"].get("method", {})
    numbers = [str(method.get(name, MISSING)) for name in ("steps", "seed")]
    manifest = checkpoint.manifest
    return [checkpoint.digest[:SHOWN_DIGEST], manifest["stage"], manifest["commit"][:SHOWN_DIGEST], *numbers]


def _title(benchmark: str, series: Artifact) -> str:
    form = series.manifest["recipe"]["config"].get("form")
    return f"{benchmark} ({form})" if form else benchmark


def _facts(series: Artifact) -> str:
    config = series.manifest["recipe"]["config"]
    return ", ".join(f"{name} {config[name]}" for name in SERIES_FACTS if name in config) or MISSING
