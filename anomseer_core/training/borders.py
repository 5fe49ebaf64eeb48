"""Borders taught on the image tokens: a dense auxiliary loss of the cold start, not in the paper.

An answer says where an anomaly lies in a handful of digits. From their loss alone neither does the part that reads
pictures learn what a border looks like, nor the part that writes where to look: narrow intervals are found roughly and
never exactly. Here the image tokens are asked directly, by linear heads that are thrown away when the cold start ends:

- which pixel columns of its cell lie inside an anomaly (the mean of the cells above one another answers);
- whether an anomaly begins in the column of cells, and whether one ends there; if so, the three digits of its first
  and of its last position, as an answer writes them;
- the column of cells that a token stands in, since rotary positions tell only distances; and the class of the picture.

Linear and token by token, because attention reads tokens in just this way: a policy that answers has only to look at
the right token and to copy what it finds there.

Legend: P pictures, R rows and C columns of cells (image tokens), A columns of cells that the axes span, H hidden size,
W pixel columns of the axes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from anomseer_core.dialogue import ANSWERABLE_CLASSES
from anomseer_core.policy.scoring import ResponseScorer, Scores, encode_prompts
from anomseer_core.rendering import AXES_CELLS, CELL_COLUMNS
from anomseer_core.training.examples import Example
from anomseer_core.view import VIEW_UNITS

if TYPE_CHECKING:
    from anomseer_core.policy.prompts import PromptBatch

# [pixels] Width of a cell in every Qwen2.5-VL.
CELL = 28
# 124 pixels of height become 112.
CELL_ROWS = 4
CELLS_OF_AXES = AXES_CELLS[1] - AXES_CELLS[0]
AXES_COLUMNS = CELLS_OF_AXES * CELL
CELL_UNITS = VIEW_UNITS // CELLS_OF_AXES
# Hundreds, tens, units of a position below 1,000.
DIGITS = 3
NO_DIGIT = -100
# What lies inside or borders is rare, and hard; the others are easy.
INSIDE_WEIGHT, BORDER_WEIGHT, DIGITS_WEIGHT, PLACE_WEIGHT, CLASS_WEIGHT = 4.0, 4.0, 0.5, 0.3, 0.3


@dataclass(frozen=True)
class BorderTargets:
    """inside: float [P, W], 1 on anomalous pixel columns; classes: int64 [P], places in `ANSWERABLE_CLASSES`.

    borders: float [P, A, 2], 1 where an anomaly begins, or ends, in the column of cells; digits: int64 [P, A, 2, 3], of
    the first to begin and of the last to end there, `NO_DIGIT` where none does.
    """

    inside: torch.Tensor
    borders: torch.Tensor
    digits: torch.Tensor
    classes: torch.Tensor

    def to(self, device: torch.device) -> "BorderTargets":
        return BorderTargets(*(getattr(self, field.name).to(device) for field in fields(self)))


class BorderHeads(nn.Module):
    """What the image tokens are asked."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.inside = nn.Linear(hidden, CELL)
        self.borders = nn.Linear(hidden, 2)
        self.digits = nn.Linear(hidden, 2 * DIGITS * 10)
        self.place = nn.Linear(hidden, CELL_COLUMNS)
        self.classes = nn.Linear(hidden, len(ANSWERABLE_CLASSES))

    def loss(self, pictures: torch.Tensor, targets: BorderTargets) -> torch.Tensor:
        """pictures [P * R * C, H]: the image tokens of equally large pictures, row by row. The mean over pictures."""
        tokens_PRCH = pictures.float().view(len(targets.classes), CELL_ROWS, CELL_COLUMNS, -1)
        in_axes_PRAH = tokens_PRCH[:, :, slice(*AXES_CELLS)]
        places = torch.arange(CELL_COLUMNS, device=pictures.device).expand(tokens_PRCH.shape[:3])
        return (
            INSIDE_WEIGHT * functional.binary_cross_entropy_with_logits(self._inside(in_axes_PRAH), targets.inside)
            + BORDER_WEIGHT * self._border_loss(in_axes_PRAH, targets)
            + DIGITS_WEIGHT * self._digit_loss(in_axes_PRAH, targets)
            + PLACE_WEIGHT * functional.cross_entropy(self.place(tokens_PRCH).flatten(0, 2), places.flatten())
            + CLASS_WEIGHT * functional.cross_entropy(self.classes(in_axes_PRAH.mean(dim=(1, 2))), targets.classes)
        )

    def inside_logits(self, pictures: torch.Tensor, count: int) -> torch.Tensor:
        """[P, W] for `count` pictures: above 0 where a pixel column is called anomalous."""
        tokens_PRCH = pictures.float().view(count, CELL_ROWS, CELL_COLUMNS, -1)
        return self._inside(tokens_PRCH[:, :, slice(*AXES_CELLS)])

    def _inside(self, in_axes_PRAH: torch.Tensor) -> torch.Tensor:
        return self.inside(in_axes_PRAH).mean(dim=1).flatten(1)

    def _border_loss(self, in_axes_PRAH: torch.Tensor, targets: BorderTargets) -> torch.Tensor:
        logits = self.borders(in_axes_PRAH)
        wanted = targets.borders.unsqueeze(1).expand_as(logits)
        return functional.binary_cross_entropy_with_logits(logits, wanted)

    def _digit_loss(self, in_axes_PRAH: torch.Tensor, targets: BorderTargets) -> torch.Tensor:
        """Of each picture the mean over its digits, 0 without any: so chunks of a step add up to the whole."""
        logits = self.digits(in_axes_PRAH).unflatten(-1, (2, DIGITS, 10))
        wanted = targets.digits.unsqueeze(1).expand(logits.shape[:-1])
        losses = functional.cross_entropy(
            logits.flatten(0, -2), wanted.flatten(), ignore_index=NO_DIGIT, reduction="none"
        )
        totals = losses.view(len(wanted), -1).sum(dim=1)
        counts = (wanted != NO_DIGIT).flatten(1).sum(dim=1)
        return (totals / counts.clamp(min=1)).mean()


class BorderScorer(nn.Module):
    """The module the engine wraps: the scorer of responses, and the heads beside it."""

    def __init__(self, scorer: ResponseScorer) -> None:
        super().__init__()
        self.scorer = scorer
        self.heads = BorderHeads(scorer.model.config.text_config.hidden_size)

    def forward(
        self,
        prompts: "PromptBatch",
        ids: torch.Tensor,
        mask: torch.Tensor,
        index: torch.Tensor,
        targets: BorderTargets,
        *,
        answers: bool,
    ) -> tuple[Scores | None, torch.Tensor]:
        """The scores of the responses, or None where only borders are asked; and the loss of the borders."""
        encoded = encode_prompts(self.scorer.model, prompts)
        loss = self.heads.loss(encoded.pictures, targets)
        return (self.scorer.score(encoded, ids, mask, index) if answers else None), loss


def border_targets(examples: Sequence[Example]) -> BorderTargets:
    begins_and_ends = [cell_borders(example) for example in examples]
    digits = torch.from_numpy(np.stack(begins_and_ends))
    return BorderTargets(
        inside=torch.from_numpy(np.stack([anomalous_columns(example) for example in examples])),
        borders=(digits[..., 0] != NO_DIGIT).float(),
        digits=digits,
        classes=torch.tensor([ANSWERABLE_CLASSES.index(example.anomaly_class) for example in examples]),
    )


def anomalous_columns(example: Example) -> np.ndarray:
    """float32 [W]: 1 on the pixel columns that the labelled intervals cover, at least one for each."""
    columns = np.zeros(AXES_COLUMNS, dtype=np.float32)
    for start, stop in example.intervals:
        first, end = (round(edge * AXES_COLUMNS / VIEW_UNITS) for edge in (start, stop))
        first = min(first, AXES_COLUMNS - 1)
        columns[first : max(end, first + 1)] = 1
    return columns


def cell_borders(example: Example) -> np.ndarray:
    """int64 [A, 2, 3]: the digits of the first position to begin, and of the last to end, in each column of cells."""
    digits = np.full((CELLS_OF_AXES, 2, DIGITS), NO_DIGIT, dtype=np.int64)
    for start, stop in example.intervals:
        first, last = start, stop - 1
        if digits[first // CELL_UNITS, 0, 0] == NO_DIGIT:
            digits[first // CELL_UNITS, 0] = _digits(first)
        digits[last // CELL_UNITS, 1] = _digits(last)
    return digits


def _digits(position: int) -> tuple[int, int, int]:
    return position // 100, position // 10 % 10, position % 10
