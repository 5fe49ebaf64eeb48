"""The policies by name: the paper's pretrained models, and `nano`, the same architecture small enough for a CPU.

`nano` has about 8 million parameters. All its vision blocks attend over the whole picture: window attention pays only
for far more patches than the 464 of one 805x124 picture, and costs a loop over windows on a CPU.
"""

from transformers import Qwen2_5_VLConfig

# Multimodal rotary sections (temporal, height, width) add up to half the head size, in Qwen's proportion 2:3:3.
NANO_MROPE_SECTION = [8, 12, 12]

HUB_IDS = {
    "qwen2.5-vl-3b": "Qwen/Qwen2.5-VL-3B-Instruct",
    "qwen2.5-vl-7b": "Qwen/Qwen2.5-VL-7B-Instruct",
}


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
    )
