"""Which vision-language policy is trained, and which of its weights."""

from typing import Literal

from pydantic import Field, model_validator

from anomseer_core.config import Config


class PolicyConfig(Config):
    """A preset of the Qwen2.5-VL architecture, or any folder or hub id that holds such a model."""

    preset: Literal["nano", "shipped", "qwen2.5-vl-3b", "qwen2.5-vl-7b"] = Field(
        "nano",
        description="`nano` is born from a config and its own tokenizer, `shipped` is the trained one that comes with "
        "this package, the others are the paper's pretrained models.",
    )
    source: str = Field(
        "", description="Folder or hub id to load instead of the preset's own; empty takes the preset's."
    )
    seed: int = Field(0, ge=0, description="Seed of freshly initialised weights (nano).")
    vocabulary: int = Field(
        1024, ge=320, le=65_536, description="Size of the nano tokenizer, special tokens included. [tokens]"
    )


class WeightsConfig(Config):
    """Which weights are trained: all (the paper), all but the vision tower's, or low-rank adapters beside them."""

    vision_tower: Literal["trained", "frozen"] = Field(
        "trained", description="Whether the part that reads the picture is trained, as the authors do."
    )
    lora_rank: int = Field(
        0, ge=0, le=1024, description="Rank of the adapters of linear layers (LoRA); 0 trains the weights themselves."
    )
    lora_alpha: float = Field(32.0, gt=0, le=4096, description="An adapter's part is scaled by this over the rank.")
    lora_dropout: float = Field(0.0, ge=0, lt=1, description="Share of an adapter's inputs that is dropped.")

    @model_validator(mode="after")
    def _shape_only_adapters(self) -> "WeightsConfig":
        for name in ("lora_alpha", "lora_dropout"):
            if not self.lora_rank and getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(f"{name} has no effect with lora_rank = 0; set lora_rank too")
        return self
