"""Prompts as tensors: the chat text with its image tokens, the pixels, and the positions of every token.

A vision-language prompt is never truncated, and its image tokens are counted against its picture before any model
sees it. Prompts are padded on the left, so that all of a batch end, and all responses begin, in the same column.

Legend: P prompts, L prompt tokens after padding, K patches of all pictures, D pixels per patch.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoTokenizer, PreTrainedTokenizerBase
from transformers.image_processing_utils import BaseImageProcessor

from anomseer_core.dialogue import build_messages

IMAGE_TOKEN = "<|image_pad|>"


@dataclass(frozen=True)
class PromptBatch:
    """input_ids [P, L]; prompt_mask [P, L], True on tokens; pixel_values [K, D]; image_grid [P, 3] in patches."""

    input_ids: torch.Tensor
    prompt_mask: torch.Tensor
    pixel_values: torch.Tensor
    image_grid: torch.Tensor

    def __len__(self) -> int:
        return len(self.input_ids)

    def to(self, device: torch.device | str) -> "PromptBatch":
        return PromptBatch(*(getattr(self, field.name).to(device) for field in fields(self)))

    def slice(self, start: int, stop: int) -> "PromptBatch":
        """Prompts `[start, stop)` with their pictures; the padding stays."""
        patches = self.image_grid.prod(dim=1).cumsum(0).tolist()
        first = patches[start - 1] if start else 0
        pixels = self.pixel_values[first : patches[stop - 1]]
        return PromptBatch(
            self.input_ids[start:stop], self.prompt_mask[start:stop], pixels, self.image_grid[start:stop]
        )


class PolicyProcessor:
    """Tokenizer and image processor of a policy folder.

    Always the PIL image processor: a machine with torchvision would pick another one and shift pixels.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, image_processor: BaseImageProcessor) -> None:
        self.tokenizer = tokenizer
        self.image_processor = image_processor
        self.image_token_id = tokenizer.convert_tokens_to_ids(IMAGE_TOKEN)
        self.stop_token_id = tokenizer.convert_tokens_to_ids("<|im_end|>")

    @classmethod
    def load(cls, folder: Path | str) -> "PolicyProcessor":
        return cls(AutoTokenizer.from_pretrained(folder), AutoImageProcessor.from_pretrained(folder, backend="pil"))

    def save(self, folder: Path) -> None:
        self.tokenizer.save_pretrained(folder)
        self.image_processor.save_pretrained(folder)

    def prompts(
        self, images: Sequence[Image.Image], conversations: Sequence[list[dict[str, Any]]] | None = None
    ) -> PromptBatch:
        """One prompt per picture; of its conversation (chat-template form, one picture in it), or ours for each."""
        pixels = self.image_processor(images=list(images), return_tensors="pt")
        grid = pixels["image_grid_thw"]
        _check_patches(len(pixels["pixel_values"]), int(grid.prod(dim=1).sum()))
        templates = [
            self.tokenizer.apply_chat_template(conversation, add_generation_prompt=True, tokenize=False)
            for conversation in conversations or [build_messages()]
        ]
        if not conversations:
            templates *= len(images)
        tokens_per_image = (grid.prod(dim=1) // self.image_processor.merge_size**2).tolist()
        texts = [
            template.replace(IMAGE_TOKEN, IMAGE_TOKEN * count)
            for template, count in zip(templates, tokens_per_image, strict=True)
        ]
        ids = [self.tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
        for row, expected in zip(ids, tokens_per_image, strict=True):
            self._check_image_tokens(row, expected)
        return _pad_prompts(ids, pixels["pixel_values"], grid, self.tokenizer.pad_token_id)

    def encode_responses(self, texts: Sequence[str], *, closed: bool = True) -> tuple[torch.Tensor, torch.Tensor]:
        """Token ids [B, N] and response_mask [B, N] of texts, padded on the right; `closed` appends the stop token."""
        end = [self.stop_token_id] if closed else []
        ids = [self.tokenizer(text, add_special_tokens=False)["input_ids"] + end for text in texts]
        width = max(len(row) for row in ids)
        response_ids = torch.full((len(ids), width), self.tokenizer.pad_token_id)
        response_mask = torch.zeros((len(ids), width), dtype=torch.bool)
        for index, row in enumerate(ids):
            response_ids[index, : len(row)] = torch.tensor(row)
            response_mask[index, : len(row)] = True
        return response_ids, response_mask

    def decode_responses(self, response_ids: torch.Tensor, response_mask: torch.Tensor) -> list[str]:
        rows = [row[mask] for row, mask in zip(response_ids, response_mask, strict=True)]
        return [self.tokenizer.decode(row, skip_special_tokens=True) for row in rows]

    def reasoning_mask(self, response_ids: torch.Tensor, response_mask: torch.Tensor) -> torch.Tensor:
        """[B, N], True on the tokens between the first `<think>` and the next `</think>` (or the end)."""
        mask = torch.zeros_like(response_mask)
        for index, (row, valid) in enumerate(zip(response_ids.tolist(), response_mask.tolist(), strict=True)):
            tokens = [token for token, keep in zip(row, valid, strict=True) if keep]
            pieces = self.tokenizer.convert_ids_to_tokens(tokens)
            for position in _reasoning_positions(pieces):
                mask[index, position] = True
        return mask

    def forbidden_token_ids(self, vocabulary: int) -> list[int]:
        """Ids a response may never hold: special tokens but the stop token, and ids the tokenizer does not know."""
        special = set(self.tokenizer.all_special_ids) - {self.stop_token_id}
        return sorted(special | set(range(len(self.tokenizer), vocabulary)))

    def _check_image_tokens(self, ids: list[int], expected: int) -> None:
        found = ids.count(self.image_token_id)
        if found != expected:
            raise ValueError(
                f"a prompt holds {found} image tokens for a picture of {expected}; the tokenizer's chat template and "
                "the image processor of this policy do not belong together"
            )


def _check_patches(made: int, expected: int) -> None:
    if made != expected:
        raise ValueError(
            f"the image processor made {made} patches for pictures of {expected}; it does not belong to this policy"
        )


def _pad_prompts(ids: list[list[int]], pixels: torch.Tensor, grid: torch.Tensor, pad: int) -> PromptBatch:
    width = max(len(row) for row in ids)
    input_ids = torch.full((len(ids), width), pad)
    prompt_mask = torch.zeros((len(ids), width), dtype=torch.bool)
    for index, row in enumerate(ids):
        input_ids[index, width - len(row) :] = torch.tensor(row)
        prompt_mask[index, width - len(row) :] = True
    return PromptBatch(input_ids, prompt_mask, pixels, grid)


def _reasoning_positions(pieces: list[str]) -> list[int]:
    """Indices of the tokens with a character between the tags: a word may be one token with the tag's bracket.

    Byte-level pieces spell ASCII as itself, so the tags show in their concatenation.
    """
    text = "".join(pieces)
    opening = text.find("<think>")
    if opening < 0:
        return []
    first = opening + len("<think>")
    last = text.find("</think>", first)
    last = len(text) if last < 0 else last
    positions, offset = [], 0
    for position, piece in enumerate(pieces):
        if max(offset, first) < min(offset + len(piece), last):
            positions.append(position)
        offset += len(piece)
    return positions
