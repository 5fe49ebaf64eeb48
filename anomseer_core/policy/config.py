"""Which vision-language policy is trained."""

from typing import Literal

from pydantic import Field

from anomseer_core.config import Config


class PolicyConfig(Config):
    """A preset of the Qwen2.5-VL architecture, or any folder or hub id that holds such a model."""

    preset: Literal["nano", "qwen2.5-vl-3b", "qwen2.5-vl-7b"] = Field(
        "nano",
        description="`nano` is born from a config and its own tokenizer; the others are the paper's pretrained models.",
    )
    source: str = Field(
        "", description="Folder or hub id to load instead of the preset's own; empty takes the preset's."
    )
    seed: int = Field(0, ge=0, description="Seed of freshly initialised weights (nano).")
    vocabulary: int = Field(
        1024, ge=320, le=65_536, description="Size of the nano tokenizer, special tokens included. [tokens]"
    )
