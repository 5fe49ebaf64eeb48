"""Answers that leave the grammar within their list: closed behind the last whole pair, and the policy names the class.

A long list of places looks like one in a reasoning, and a policy may go on from it as there, `[843, 844], crossed in`,
or with digits that never end. Then nothing of the answer could be read, the pairs before included. A decoder that
refuses each wrong token would have to write one more pair behind that comma, which stands there before the policy goes
astray. So the comma is taken as the beginning of a pair that did not come: the list ends before it, what came after is
dropped, and the policy goes on from the closed list within the same limit.

An answer that can be read stays as it is, whatever it looks like.
"""

import re

from anomseer_core.dialogue import ParseStatus, format_response, parse_response
from anomseer_core.series import AnomalyClass
from anomseer_core.view import VIEW_UNITS

# White space apart as `format_response` writes them. The axis in the picture ends at VIEW_UNITS; no number is larger.
_POSITION = rf"(?:\d{{1,{len(str(VIEW_UNITS - 1))}}}|{VIEW_UNITS})"
_PAIR = rf"\[\s*{_POSITION}\s*,\s*{_POSITION}\s*\]"
_OPEN_LIST = re.compile(rf"<answer>\s*\[\s*{_PAIR}(?:\s*,\s*{_PAIR})*")
# From the end of a list up to the bracket that follows `<class`, which a tokenizer may join with the name.
_EXAMPLE = format_response("", [(0, 1)], AnomalyClass.TREND)
_CLOSING = _EXAMPLE[_EXAMPLE.index("]</answer>") : _EXAMPLE.index(">trend")]


def closed_list(text: str) -> str | None:
    """A response that cannot be read, up to its last whole pair, with its list closed; None where there is no pair."""
    if parse_response(text, VIEW_UNITS).status is not ParseStatus.UNPARSABLE:
        return None
    pairs = _OPEN_LIST.search(text)
    return text[: pairs.end()] + _CLOSING if pairs else None
