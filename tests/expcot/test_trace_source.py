"""Where traces come from: every setting has an effect, and no secret is recorded."""

import re

import pytest
from pydantic import ValidationError

from anomseer_core.configurations import CONFIGURATIONS
from anomseer_core.expcot.config import ExpCoTConfig, ProbeThresholds, TraceSource, released_rules


def test_our_own_analysis_is_the_default_everywhere():
    assert all(make().expcot.source == TraceSource() for make in CONFIGURATIONS.values())
    assert TraceSource().kind == "analysis"
    assert CONFIGURATIONS["released"]().expcot.rules == released_rules() != ProbeThresholds()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"path": "a.jsonl"}, "path has no effect on traces of kind 'analysis'"),
        ({"model": "gpt-4o-mini"}, "model has no effect on traces of kind 'analysis'"),
        ({"kind": "file"}, "needs the path"),
        ({"kind": "file", "path": "a.jsonl", "retries": 1}, "retries has no effect on traces of kind 'file'"),
        ({"kind": "endpoint", "path": "a.jsonl"}, "path has no effect on traces of kind 'endpoint'"),
        ({"kind": "endpoint", "base_url": "localhost:8000"}, "must be an address such as"),
        ({"kind": "endpoint", "base_url": "file:///etc/passwd"}, "must be an address such as"),
        ({"kind": "endpoint", "base_url": "https://me:secret@host/v1"}, "must hold no user, password or query"),
        ({"kind": "endpoint", "base_url": "https://host/v1?api-key=x"}, "must hold no user, password or query"),
    ],
)
def test_a_setting_without_effect_and_an_unfit_address_are_refused(fields: dict, message: str):
    with pytest.raises(ValidationError, match=re.escape(message)):
        TraceSource(**fields)


def test_a_file_cannot_be_blinded():
    with pytest.raises(ValidationError, match="blind has no effect on traces from a file"):
        ExpCoTConfig(blind=True, source=TraceSource(kind="file", path="a.jsonl"))


def test_the_form_has_no_unions():
    """Prefect's form renders plain fields best."""
    fields = TraceSource.model_json_schema()["properties"]
    assert all("anyOf" not in field and "type" in field for field in fields.values())
    assert [name for name, _ in sorted(fields.items(), key=lambda item: item[1]["position"])] == list(fields)
