"""TRL's side of the GRPO benchmark: `GRPOTrainer` on the same weights, pictures, prompts and sizes.

TRL's own path for vision-language models, with bfloat16 autocast where ours has it, gradient checkpointing off, and
the same batches: one generation for all prompts, then micro-batches of the same number of responses.
"""

import tempfile
from typing import Any

import torch
from transformers import AutoModelForImageTextToText, ProcessorMixin

from anomseer_core.dialogue import prompt_text
from anomseer_core.policy.prompts import PolicyProcessor
from anomseer_core.training.config import TimerPOConfig
from anomseer_core.training.rollout import grade
from infra.bench.grpo_setting import GroupSetting, StepClock, read_setting


class PictureProcessor(ProcessorMixin):
    """Tokenizer and PIL image processor as what TRL takes; transformers' own processor needs torchvision."""

    def __init__(self, image_processor: Any = None, tokenizer: Any = None) -> None:
        super().__init__(image_processor, tokenizer, chat_template=tokenizer.chat_template)
        self.composed = PolicyProcessor(tokenizer, image_processor)

    def __call__(self, images: list[list[Any]], text: list[str], **_: object) -> dict[str, torch.Tensor]:
        """Padded on the left; the text of every prompt is the same and follows from its picture."""
        batch = self.composed.prompts([image for (image,) in images])
        return {
            "input_ids": batch.input_ids,
            "attention_mask": batch.prompt_mask.long(),
            "pixel_values": batch.pixel_values,
            "image_grid_thw": batch.image_grid,
            "mm_token_type_ids": (batch.input_ids == self.composed.image_token_id).long(),
        }

    def apply_chat_template(self, conversation: list[Any], tokenize: bool = False, **options: Any) -> Any:
        """The text of one conversation, or the tensors of several with ids as lists without padding."""
        if not tokenize:
            prompt = options.get("add_generation_prompt", False)
            return self.tokenizer.apply_chat_template(conversation, tokenize=False, add_generation_prompt=prompt)
        images = [
            [part["image"] for message in one for part in message["content"] if part["type"] == "image"]
            for one in conversation
        ]
        encoded = self(images, [])
        mask = encoded["attention_mask"].bool()
        for name in ("input_ids", "attention_mask", "mm_token_type_ids"):
            encoded[name] = [row[kept].tolist() for row, kept in zip(encoded[name], mask, strict=True)]
        return encoded


def run(setting: GroupSetting) -> StepClock:
    """Pictures are drawn once, before the clock starts."""
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    ours = TimerPOConfig()
    examples, clock = setting.examples(), StepClock(setting.warm_up)
    parts = PolicyProcessor.load(setting.policy)
    rows = [
        {"prompt": [{"role": "user", "content": prompt_text()}], "image": example.picture(), "row": row}
        for row, example in enumerate(examples)
    ]
    accumulation = max(1, setting.prompts * setting.group // setting.micro_responses)
    with tempfile.TemporaryDirectory() as folder:
        config = GRPOConfig(
            output_dir=folder,
            use_cpu=True,
            bf16=setting.precision == "bfloat16",
            gradient_checkpointing=False,
            per_device_train_batch_size=setting.prompts * setting.group // accumulation,
            gradient_accumulation_steps=accumulation,
            steps_per_generation=accumulation,
            num_generations=setting.group,
            max_completion_length=setting.tokens,
            generation_kwargs={"min_new_tokens": setting.tokens},
            temperature=ours.temperature,
            top_k=0,
            top_p=1.0,
            beta=ours.kl_weight,
            epsilon=ours.clip,
            loss_type="grpo",
            learning_rate=ours.learning_rate,
            weight_decay=ours.weight_decay,
            max_grad_norm=ours.gradient_clip,
            lr_scheduler_type="constant",
            max_steps=setting.warm_up + setting.steps,
            logging_strategy="no",
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
        )

        def reward(completions: list[Any], row: list[int], **_: object) -> list[float]:
            texts = [messages[0]["content"] for messages in completions]
            return [grade(text, examples[index], ours.rewards).total for text, index in zip(texts, row, strict=True)]

        trainer = GRPOTrainer(
            model=AutoModelForImageTextToText.from_pretrained(
                setting.policy, dtype=torch.float32, attn_implementation="sdpa"
            ),
            reward_funcs=reward,
            args=config,
            train_dataset=Dataset.from_list(rows),
            processing_class=PictureProcessor(parts.image_processor, parts.tokenizer),
            callbacks=[_timing(clock)],
        )
        trainer.train()
    return clock


def _timing(clock: StepClock) -> Any:
    from transformers import TrainerCallback

    class Timing(TrainerCallback):
        """A step of TRL: generation, scoring, and the micro-batches of one optimizer step."""

        def on_step_begin(self, *_: object, **__: object) -> None:
            self.step = clock.step()
            self.step.__enter__()

        def on_step_end(self, *_: object, **__: object) -> None:
            self.step.__exit__(None, None, None)

    return Timing()


if __name__ == "__main__":
    run(read_setting()).report()
