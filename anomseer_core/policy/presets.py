"""The policies by name: the paper's pretrained models, the one shipped with this package, and `nano`.

`nano` is the same architecture small enough for a CPU, with about 7 million parameters. Where it departs from
Qwen2.5-VL-3B in more than size, docs/results/localisation.md says what that gains:

- A patch is a whole cell of 28x28 pixels and a still picture one frame, where Qwen cuts a cell into four patches of two
  equal frames: 116 patches instead of 464, so that it sees several times as many pictures in the same time.
- White is zero to it and the line is what differs, where Qwen centres photographs.
- Weights are born as wide as its layers call for.
- All vision blocks attend over the whole picture: window attention pays only for far more patches than one picture has,
  and costs a loop over windows on a CPU.
"""

from transformers import Qwen2_5_VLConfig
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from anomseer_core.policy.config import PolicyConfig
from anomseer_core.policy.folder import require_shipped

# Multimodal rotary sections (temporal, height, width) add up to half the head size, in Qwen's proportion 2:3:3.
NANO_MROPE_SECTION = [8, 12, 12]

# [pixels] The cell that becomes one image token, as Qwen's four merged patches do.
NANO_PATCH = 28
# About one over the square root of the hidden size.
NANO_INITIAL_DEVIATION = 0.05

HUB_IDS = {
    "qwen2.5-vl-3b": "Qwen/Qwen2.5-VL-3B-Instruct",
    "qwen2.5-vl-7b": "Qwen/Qwen2.5-VL-7B-Instruct",
}


def is_born(config: PolicyConfig) -> bool:
    """Whether the policy begins with random weights and a tokenizer of its own, instead of being loaded."""
    return config.preset == "nano" and not config.source


def name_source(config: PolicyConfig) -> str:
    """The folder or hub id of a policy that is loaded. Raises FileNotFoundError where no policy is shipped."""
    if config.source:
        return config.source
    return str(require_shipped()) if config.preset == "shipped" else HUB_IDS[config.preset]


def build_nano_config(vocabulary: int, token_ids: dict[str, int]) -> Qwen2_5_VLConfig:
    """The nano architecture for a tokenizer of `vocabulary` ids, with the ids of its special tokens by text."""
    depth = 4
    vision = {
        "depth": depth,
        "hidden_size": 256,
        "intermediate_size": 704,
        "num_heads": 4,
        "out_hidden_size": 256,
        "fullatt_block_indexes": list(range(depth)),
        "patch_size": NANO_PATCH,
        "spatial_patch_size": NANO_PATCH,
        "spatial_merge_size": 1,
        "temporal_patch_size": 1,
        "initializer_range": NANO_INITIAL_DEVIATION,
    }
    text = {
        "vocab_size": vocabulary,
        "hidden_size": 256,
        "intermediate_size": 704,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "max_position_embeddings": 4096,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": NANO_MROPE_SECTION},
        "tie_word_embeddings": True,
        "initializer_range": NANO_INITIAL_DEVIATION,
        "bos_token_id": token_ids["<|endoftext|>"],
        "eos_token_id": token_ids["<|im_end|>"],
        "pad_token_id": token_ids["<|endoftext|>"],
    }
    return Qwen2_5_VLConfig(
        text_config=text,
        vision_config=vision,
        image_token_id=token_ids["<|image_pad|>"],
        video_token_id=token_ids["<|video_pad|>"],
        vision_start_token_id=token_ids["<|vision_start|>"],
        vision_end_token_id=token_ids["<|vision_end|>"],
        tie_word_embeddings=True,
        initializer_range=NANO_INITIAL_DEVIATION,
    )


def build_nano_image_processor() -> Qwen2VLImageProcessorPil:
    """Cuts an 805x124 picture, resized to 812x112, into 4 rows of 29 cells; a white pixel becomes 0."""
    return Qwen2VLImageProcessorPil(
        patch_size=NANO_PATCH, merge_size=1, temporal_patch_size=1, image_mean=[1.0] * 3, image_std=[0.3] * 3
    )
