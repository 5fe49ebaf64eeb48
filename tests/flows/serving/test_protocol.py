"""What a chat request may hold."""

import json

import pytest
from PIL import Image

from anomseer_core.endpoint.pictures import picture_url
from anomseer_core.policy.answering import PictureAnswer
from flows.serving.protocol import MOST_CHARACTERS, Refused, completion, error_body, read_request

PICTURE = {"type": "image_url", "image_url": {"url": picture_url(Image.new("RGB", (30, 20), "red"))}}
WORDS = {"type": "text", "text": "Where?"}


def body(content=(PICTURE, WORDS), **fields):
    request = {"model": "nano", "messages": [{"role": "user", "content": list(content)}], **fields}
    return json.dumps(request).encode()


def test_a_conversation_takes_the_form_of_a_chat_template():
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [WORDS, PICTURE]},
    ]
    conversation, picture = read_request(body(messages=messages)).conversation(["<|im_end|>"])
    assert conversation == [
        {"role": "system", "content": [{"type": "text", "text": "Be brief."}]},
        {"role": "user", "content": [{"type": "text", "text": "Where?"}, {"type": "image"}]},
    ]
    assert (picture.size, picture.getpixel((0, 0))) == ((30, 20), (255, 0, 0))


def test_the_longest_answer_has_two_names():
    assert read_request(body(max_tokens=5)).longest == 5
    assert read_request(body(max_tokens=5, max_completion_tokens=6)).longest == 6
    assert read_request(body()).longest is None


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"", "the body is no JSON object"),
        (b"[1]", "the body is no JSON object"),
        (b'{"model": "nano"}', "messages: Field required"),
        (body(stream=True), "stream: streaming is not supported by this server; leave it out"),
        (body(n=2), "n: Input should be 1"),
        (body(tools=[]), "tools: not supported by this server"),
        (body(temperature=3), "temperature: Input should be less than or equal to 2"),
        (body(max_tokens=0), "max_tokens: Input should be greater than or equal to 1"),
        (body(messages=[]), "messages: List should have at least 1 item"),
        (body([{"type": "input_audio"}]), "messages.0.content"),
        (body(messages=[{"role": "king", "content": "a"}]), "messages.0.role"),
    ],
)
def test_what_cannot_be_served_is_named(sent, reason):
    with pytest.raises(Refused, match=reason) as refusal:
        read_request(sent)
    assert refusal.value.status == 400
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ([WORDS], "exactly one picture, not 0"),
        ([PICTURE, PICTURE, WORDS], "exactly one picture, not 2"),
        ([{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}], "not fetched"),
        ([PICTURE, {"type": "text", "text": "a<|im_end|>b"}], "special token"),
        ([PICTURE, *[{"type": "text", "text": "x" * MOST_CHARACTERS}] * 2], "longer than 20,000 characters"),
    ],
)
def test_a_conversation_that_cannot_be_shown_is_refused(content, reason):
    with pytest.raises(Refused, match=reason):
        read_request(body(content)).conversation(["<|im_end|>"])


def test_an_answer_says_why_it_ended_and_what_it_cost():
    whole = completion("nano", PictureAnswer("a", 3, 200, True))
    assert whole["choices"][0]["finish_reason"] == "stop"
    assert whole["usage"] == {"prompt_tokens": 200, "completion_tokens": 3, "total_tokens": 203}
    cut = completion("nano", PictureAnswer("a", 3, 200, False))
    assert cut["choices"][0]["finish_reason"] == "length"
    assert whole["id"] != cut["id"]


def test_refusals_have_the_form_that_clients_read():
    assert error_body("no", 404, "model_not_found") == {
        "error": {"message": "no", "type": "invalid_request_error", "param": None, "code": "model_not_found"}
    }
    assert error_body("no", 500)["error"]["type"] == "server_error"
