"""Prompts: tokens counted against pictures, padding, and which tokens are reasoning."""

import numpy as np
import pytest
import torch
from PIL import Image

from anomseer_core.policy.model import Policy
from anomseer_core.policy.prompts import PolicyProcessor, PromptBatch


def test_a_picture_of_805x124_is_116_tokens(policy: Policy, prompts: PromptBatch) -> None:
    # 805x124 is resized to 812x112: 29 x 4 patches of 28 pixels.
    assert prompts.image_grid.tolist() == [[1, 4, 29]] * 3
    assert (prompts.input_ids == policy.processor.image_token_id).sum(dim=1).tolist() == [116] * 3
    assert prompts.pixel_values.shape == (3 * 116, 3 * 28 * 28)


def test_prompts_of_unequal_length_are_padded_on_the_left(policy: Policy) -> None:
    pictures = [Image.new("RGB", (805, 124), "white"), Image.new("RGB", (1000, 150), "white")]
    batch = policy.processor.prompts(pictures)
    # 1000x150 becomes 1008x140: 36 * 5 = 180 tokens, 64 more than the first.
    assert (~batch.prompt_mask).sum(dim=1).tolist() == [64, 0]
    assert batch.prompt_mask[:, -1].all()
    second = batch.slice(1, 2)
    assert second.pixel_values.shape[0] == 180


def test_a_template_that_loses_the_picture_is_refused(policy: Policy) -> None:
    tokenizer = type(policy.processor.tokenizer).from_pretrained(policy.processor.tokenizer.name_or_path)
    tokenizer.chat_template = "{% for message in messages %}no picture{% endfor %}"
    processor = PolicyProcessor(tokenizer, policy.processor.image_processor)
    with pytest.raises(ValueError, match="holds 0 image tokens for a picture of 116"):
        processor.prompts([Image.fromarray(np.zeros((124, 805, 3), np.uint8))])


def test_a_prompt_is_never_truncated(policy: Policy) -> None:
    """Whatever length the tokenizer was told to keep."""
    tokenizer = type(policy.processor.tokenizer).from_pretrained(
        policy.processor.tokenizer.name_or_path, model_max_length=16, truncation_side="left"
    )
    picture = [Image.new("RGB", (805, 124), "white")]
    cut = PolicyProcessor(tokenizer, policy.processor.image_processor).prompts(picture)
    assert torch.equal(cut.input_ids, policy.processor.prompts(picture).input_ids)


def test_features_that_do_not_fill_their_picture_are_refused(policy: Policy) -> None:
    class Forgetful:
        """An image processor that loses a patch."""

        merge_size = policy.processor.image_processor.merge_size

        def __call__(self, **inputs):
            made = policy.processor.image_processor(**inputs)
            return {"pixel_values": made["pixel_values"][:-1], "image_grid_thw": made["image_grid_thw"]}

    processor = PolicyProcessor(policy.processor.tokenizer, Forgetful())
    with pytest.raises(ValueError, match=r"115 patches for pictures of 116"):
        processor.prompts([Image.new("RGB", (805, 124), "white")])


def test_reasoning_mask_covers_what_is_between_the_tags(policy: Policy) -> None:
    processor = policy.processor
    ids, mask = processor.encode_responses(["<think>the period is 33</think>\n<answer>[]</answer>", "no tags at all"])
    reasoning = processor.reasoning_mask(ids, mask)
    covered = processor.tokenizer.decode(ids[0][reasoning[0]])
    assert "the period is 33" in covered
    assert "answer" not in covered
    assert not reasoning[1].any()


def test_empty_reasoning_has_no_tokens(policy: Policy) -> None:
    ids, mask = policy.processor.encode_responses(["<think></think>"])
    assert not policy.processor.reasoning_mask(ids, mask).any()


def test_responses_round_trip(policy: Policy) -> None:
    texts = ["<think>period 33 and max |z| 4.5</think>", "[[1, 2]] caf\u00e9"]
    ids, mask = policy.processor.encode_responses(texts)
    assert policy.processor.decode_responses(ids, mask) == texts
    assert torch.equal(ids[mask][ids[mask] == policy.processor.stop_token_id], torch.tensor([2, 2]))
