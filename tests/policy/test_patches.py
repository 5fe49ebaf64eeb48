"""Patches against the image processor that defines them."""

import numpy as np
import pytest
import torch
from PIL import Image
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from anomseer_core.policy.patches import PatchCutter

SETTINGS = [
    {},
    {"patch_size": 28, "merge_size": 1, "temporal_patch_size": 1, "image_mean": [1.0] * 3, "image_std": [0.3] * 3},
    {"patch_size": 14, "merge_size": 2, "size": {"shortest_edge": 56 * 56, "longest_edge": 28 * 28 * 40}},
]


@pytest.mark.parametrize("settings", SETTINGS)
def test_patches_equal_those_of_the_image_processor_bit_for_bit(settings):
    rng = np.random.default_rng(0)
    sizes = [(805, 124), (805, 124), (300, 200), (56, 400)]
    pictures = [Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8)) for width, height in sizes]
    pictures.append(Image.fromarray(rng.integers(0, 256, (90, 120), dtype=np.uint8)))
    processor = Qwen2VLImageProcessorPil(**settings)
    expected = processor(images=pictures, return_tensors="pt")

    pixels, grids = PatchCutter(processor).cut(pictures)

    assert torch.equal(grids, expected["image_grid_thw"])
    assert pixels.dtype == expected["pixel_values"].dtype
    assert torch.equal(pixels, expected["pixel_values"])
