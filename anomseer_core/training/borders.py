"""Borders taught at every column of the picture: a dense auxiliary loss of the cold start, not in the paper.

An answer says where an anomaly lies in a handful of digits, and hardly anything of their loss reaches the part that
reads pictures: narrow intervals are then found roughly and never exactly. Here the image tokens are asked directly.
Three heads read them, and are thrown away when the cold start ends:

- every pixel column of the axes is inside an anomaly or not (binary cross-entropy, the mean over columns);
- the class of the picture;
- the column of cells that each token stands in, since rotary positions tell only distances between tokens and a digit
  needs a place.

It needs 3,000 pictures for what answers alone had not taught after 9,000 (docs/results/nano.md).

Legend: P pictures, R rows and C columns of cells (image tokens), H hidden size, W pixel columns of the axes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from anomseer_core.dialogue import ANSWERABLE_CLASSES
from anomseer_core.policy.scoring import ResponseScorer, Scores, encode_prompts
from anomseer_core.rendering import CELL_COLUMNS
from anomseer_core.training.examples import Example
from anomseer_core.view import VIEW_UNITS

if TYPE_CHECKING:
    from anomseer_core.policy.prompts import PromptBatch

# [pixels] Width of a cell in every Qwen2.5-VL; the outermost cells carry no data.
CELL = 28
# 124 pixels of height become 112.
CELL_ROWS = 4
AXES_COLUMNS = (CELL_COLUMNS - 2) * CELL
# Columns inside an anomaly are one in twenty; the other two are easy.
INSIDE_WEIGHT, CLASS_WEIGHT, PLACE_WEIGHT = 4.0, 0.3, 0.3


@dataclass(frozen=True)
class BorderTargets:
    """inside: float [P, W], 1 on anomalous pixel columns; classes: int64 [P], places in `ANSWERABLE_CLASSES`."""

    inside: torch.Tensor
    classes: torch.Tensor

    def to(self, device: torch.device) -> "BorderTargets":
        return BorderTargets(self.inside.to(device), self.classes.to(device))


class BorderHeads(nn.Module):
    """What the image tokens are asked."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.mix = nn.Linear(CELL_ROWS * hidden, hidden)
        self.inside = nn.Linear(hidden, CELL)
        self.classes = nn.Linear(hidden, len(ANSWERABLE_CLASSES))
        self.place = nn.Linear(hidden, CELL_COLUMNS)

    def loss(self, pictures: torch.Tensor, targets: BorderTargets) -> torch.Tensor:
        """pictures [P * R * C, H]: the image tokens of equally large pictures, row by row. The mean over pictures."""
        count = len(targets.classes)
        columns_PCH = self._columns(pictures, count)
        inside = self._inside(columns_PCH)
        classes = self.classes(columns_PCH.amax(dim=1)).float()
        places = self.place(pictures).float()
        true_places = torch.arange(CELL_COLUMNS, device=places.device).repeat(count * CELL_ROWS)
        return (
            INSIDE_WEIGHT * functional.binary_cross_entropy_with_logits(inside, targets.inside)
            + CLASS_WEIGHT * functional.cross_entropy(classes, targets.classes)
            + PLACE_WEIGHT * functional.cross_entropy(places, true_places)
        )

    def inside_logits(self, pictures: torch.Tensor, count: int) -> torch.Tensor:
        """[P, W] for `count` pictures: above 0 where a pixel column is called anomalous."""
        return self._inside(self._columns(pictures, count))

    def _columns(self, pictures: torch.Tensor, count: int) -> torch.Tensor:
        """What the cells above one another know together, in the columns with data: [P, C - 2, H]."""
        cells_PRCH = pictures.view(count, CELL_ROWS, CELL_COLUMNS, -1)
        return functional.gelu(self.mix(cells_PRCH.transpose(1, 2).flatten(2)))[:, 1:-1]

    def _inside(self, columns_PCH: torch.Tensor) -> torch.Tensor:
        return self.inside(columns_PCH).flatten(1).float()


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
    inside = np.stack([anomalous_columns(example) for example in examples])
    classes = [ANSWERABLE_CLASSES.index(example.anomaly_class) for example in examples]
    return BorderTargets(torch.from_numpy(inside), torch.tensor(classes))


def anomalous_columns(example: Example) -> np.ndarray:
    """float32 [W]: 1 on the pixel columns that the labelled intervals cover, at least one for each."""
    columns = np.zeros(AXES_COLUMNS, dtype=np.float32)
    for start, stop in example.intervals:
        first, end = (round(edge * AXES_COLUMNS / VIEW_UNITS) for edge in (start, stop))
        first = min(first, AXES_COLUMNS - 1)
        columns[first : max(end, first + 1)] = 1
    return columns
