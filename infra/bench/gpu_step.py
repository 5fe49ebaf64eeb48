"""One case of the GPU benchmark, as one rank runs it: the parts of a TimerPO step on random weights, timed.

The parts are the project's own functions: group sampling, scoring under the policy and under its reference, forward and
backward through the DeepSpeed engine, and the optimiser. What does not touch the GPU (rendering, rewards, transport on
a few states) is left out. Every response has the full length: the token that would end it is never sampled.

The 3B architecture is transformers' Qwen2_5_VLConfig with the sizes that Qwen published for Qwen2.5-VL-3B-Instruct;
weights are random, since their values change neither time nor memory.
"""

import argparse
import copy
import json
import os
import resource
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from torch import distributed
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from anomseer_core.policy.config import WeightsConfig
from anomseer_core.policy.model import Policy, build_policy
from anomseer_core.policy.sampling import Responses, sample_responses
from anomseer_core.policy.scoring import ResponseScorer
from anomseer_core.policy.trained_weights import adapters_switched_off, choose_weights
from anomseer_core.training.config import LaunchConfig
from anomseer_core.training.engine import build_engine, forward_arithmetic, start_distributed
from anomseer_core.training.zero import gathered_weights

IMAGE, VIDEO, VISION_START, VISION_END, STOP = 151655, 151656, 151652, 151653, 151645
# An 805x124 picture: 8 x 58 patches of 3 x 2 x 14 x 14 numbers, merged two by two.
GRID, PATCH_NUMBERS, IMAGE_TOKENS = (1, 8, 58), 1176, 116
KL_WEIGHT = 0.001

QWEN_3B = {
    "text_config": {
        "vocab_size": 151_936,
        "hidden_size": 2048,
        "intermediate_size": 11_008,
        "num_hidden_layers": 36,
        "num_attention_heads": 16,
        "num_key_value_heads": 2,
        "rms_norm_eps": 1e-6,
        "max_position_embeddings": 128_000,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1_000_000.0, "mrope_section": [16, 24, 24]},
        "tie_word_embeddings": True,
    },
    "vision_config": {
        "depth": 32,
        "hidden_size": 1280,
        "num_heads": 16,
        "intermediate_size": 3420,
        "out_hidden_size": 2048,
        "fullatt_block_indexes": [7, 15, 23, 31],
    },
}
# The same with little of everything, to see on a processor that the benchmark runs.
TINY = {
    "text_config": QWEN_3B["text_config"]
    | {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2}
    | {"num_key_value_heads": 1, "rope_parameters": {"rope_type": "default", "mrope_section": [4, 6, 6]}},
    "vision_config": QWEN_3B["vision_config"]
    | {"depth": 2, "hidden_size": 64, "num_heads": 2, "intermediate_size": 128, "out_hidden_size": 64}
    | {"fullatt_block_indexes": [1]},
}
PRESETS = {"3b": QWEN_3B, "tiny": TINY}


@dataclass(frozen=True)
class Case:
    """What is trained and how its state is shared out, and the sizes of the step that is measured."""

    name: str
    launch: LaunchConfig
    weights: WeightsConfig
    preset: str
    tokens: int
    prompts: int
    group: int
    prompt_tokens: int
    rounds: int


@dataclass
class Measured:
    """Seconds of each part by round, and the peak memory of the busiest rank."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    peak_gib: float = 0.0
    parameters: int = 0
    trained: int = 0

    def medians(self) -> dict[str, float]:
        return {name: statistics.median(values) for name, values in self.seconds.items()}


@dataclass(frozen=True)
class RandomPrompts:
    """What the model reads of a `PromptBatch`, made without a tokenizer and without a picture."""

    input_ids: torch.Tensor
    prompt_mask: torch.Tensor
    pixel_values: torch.Tensor
    image_grid: torch.Tensor

    def __len__(self) -> int:
        return len(self.input_ids)

    def to(self, device: torch.device) -> "RandomPrompts":
        return RandomPrompts(*(getattr(self, part.name).to(device) for part in fields(self)))

    def slice(self, start: int, stop: int) -> "RandomPrompts":
        patches = GRID[1] * GRID[2]
        return RandomPrompts(
            self.input_ids[start:stop],
            self.prompt_mask[start:stop],
            self.pixel_values[start * patches : stop * patches],
            self.image_grid[start:stop],
        )


@dataclass(frozen=True)
class Optimizer:
    """The paper's (Table 4)."""

    learning_rate: float = 1e-6
    weight_decay: float = 0.01
    gradient_clip: float = 1.0


class EndlessProcessor:
    """The few facts about a tokenizer that sampling asks for; the token that ends a response is forbidden."""

    tokenizer = SimpleNamespace(pad_token_id=151643)
    stop_token_id = STOP

    def forbidden_token_ids(self, vocabulary: int) -> list[int]:
        return list(range(151643, vocabulary))


class MeasuredStep:
    """Policy, reference and engine of one case, and the parts of its step."""

    def __init__(self, case: Case, device: torch.device) -> None:
        self.case, self.device = case, device
        self.policy = build_random_policy(case, device)
        choose_weights(self.policy.model, case.weights, seed=0)
        self.scorer = ResponseScorer(self.policy)
        self.reference = self.scorer if case.weights.lora_rank else copy.deepcopy(self.scorer).requires_grad_(False)
        if case.launch.gradient_checkpointing:
            self.policy.model.activation_checkpointing_enable({"use_reentrant": False})
        sizes = [(weight.numel(), weight.requires_grad) for weight in self.policy.model.parameters()]
        self.measured = Measured(parameters=sum(size for size, _ in sizes), trained=sum(s for s, yes in sizes if yes))
        self.engine = build_engine(self.scorer, Optimizer(), case.launch, accumulation=case.prompts)

    def run(self) -> Measured:
        """One round to warm up, then the measured ones."""
        generator = torch.Generator().manual_seed(distributed.get_rank())
        for number in range(self.case.rounds + 1):
            if number == 1:
                self.measured.seconds.clear()
            self._round(random_prompts(self.case, generator).to(self.device), number)
        self.measured.peak_gib = largest_over_ranks(peak_memory(self.device), self.device) / 2**30
        return self.measured

    def _round(self, prompts: RandomPrompts, number: int) -> None:
        case = self.case
        uniforms = np.random.default_rng(number).random((case.prompts * case.group, case.tokens))
        with torch.no_grad(), forward_arithmetic(self.device, case.launch), gathered_weights(self.engine):
            with self._timed("sampling"):
                responses = sample_responses(self.policy, prompts, max_tokens=case.tokens, uniforms=uniforms)
            assert bool(responses.mask.all()), "a response ended before its full length"
            with self._timed("scoring"):
                for index in range(case.prompts):
                    self._score(self.scorer, prompts, responses, index)
            with self._timed("reference"), adapters_switched_off(self.policy.model):
                reference = [self._score(self.reference, prompts, responses, i) for i in range(case.prompts)]
        self.scorer.train()
        for index in range(case.prompts):
            self._update(prompts, responses, reference[index].logprobs, index)
        self.scorer.eval()

    def _score(self, scorer: torch.nn.Module, prompts: RandomPrompts, responses: Responses, index: int):
        rows = slice(index * self.case.group, (index + 1) * self.case.group)
        own = torch.zeros(self.case.group, dtype=torch.long, device=self.device)
        return scorer(prompts.slice(index, index + 1), responses.ids[rows], responses.mask[rows], own)

    def _update(self, prompts: RandomPrompts, responses: Responses, reference: torch.Tensor, index: int) -> None:
        """One group through Eq. 8 at ratio 1, with advantages from -1 to 1; the last group steps the optimiser."""
        with self._timed("forward and backward", add=index > 0):
            with forward_arithmetic(self.device, self.case.launch):
                logprobs = self._score(self.engine, prompts, responses, index).logprobs
            advantages = torch.linspace(-1, 1, self.case.group, device=self.device).unsqueeze(1)
            apart = reference - logprobs
            ratio = (logprobs - logprobs.detach()).exp()
            self.engine.backward((KL_WEIGHT * (apart.exp() - apart - 1) - advantages * ratio).mean())
        with self._timed("optimiser", add=index > 0):
            self.engine.step()

    @contextmanager
    def _timed(self, name: str, *, add: bool = False) -> Iterator[None]:
        started = self._now()
        yield
        times = self.measured.seconds.setdefault(name, [])
        elapsed = self._now() - started
        if add:
            times[-1] += elapsed
        else:
            times.append(elapsed)

    def _now(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()


def build_random_policy(case: Case, device: torch.device) -> Policy:
    tokens = {"image_token_id": IMAGE, "video_token_id": VIDEO}
    tokens |= {"vision_start_token_id": VISION_START, "vision_end_token_id": VISION_END}
    config = Qwen2_5_VLConfig(**copy.deepcopy(PRESETS[case.preset]), **tokens, tie_word_embeddings=True)
    torch.manual_seed(0)
    with device:
        model = Qwen2_5_VLForConditionalGeneration._from_config(config, attn_implementation="sdpa")
    return build_policy(model.eval(), EndlessProcessor())


def random_prompts(case: Case, generator: torch.Generator) -> RandomPrompts:
    """Text around one picture: the right number of tokens, with contents that mean nothing."""
    text = torch.randint(0, 151_643, (case.prompts, case.prompt_tokens - IMAGE_TOKENS - 2), generator=generator)
    picture = torch.tensor([VISION_START, *[IMAGE] * IMAGE_TOKENS, VISION_END]).expand(case.prompts, -1)
    ids = torch.cat([text[:, :20], picture, text[:, 20:]], dim=1)
    pixels = torch.randn(case.prompts * GRID[1] * GRID[2], PATCH_NUMBERS, generator=generator)
    return RandomPrompts(ids, torch.ones_like(ids, dtype=torch.bool), pixels, torch.tensor([GRID] * case.prompts))


def peak_memory(device: torch.device) -> float:
    """Bytes: what torch held on the GPU at most, or the whole process without one."""
    if device.type == "cuda":
        return float(torch.cuda.max_memory_allocated(device))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0


def largest_over_ranks(value: float, device: torch.device) -> float:
    largest = torch.tensor(value, dtype=torch.float64, device=device)
    distributed.all_reduce(largest, distributed.ReduceOp.MAX)
    return float(largest)


def read_case(text: str) -> Case:
    parts = json.loads(text)
    launch, weights = LaunchConfig(**parts.pop("launch")), WeightsConfig(**parts.pop("weights"))
    return Case(launch=launch, weights=weights, **parts)


def write_case(case: Case) -> str:
    parts = {part.name: getattr(case, part.name) for part in fields(case)}
    return json.dumps(parts | {"launch": case.launch.model_dump(), "weights": case.weights.model_dump()})


def run_rank() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("case", help="a case as JSON")
    parser.add_argument("result", type=Path, help="file for what was measured")
    options = parser.parse_args()
    device = start_distributed(int(os.environ["LOCAL_RANK"]))
    try:
        measured = MeasuredStep(read_case(options.case), device).run()
        if distributed.get_rank() == 0:
            options.result.write_text(json.dumps(asdict(measured)))
    finally:
        distributed.destroy_process_group()


if __name__ == "__main__":
    run_rank()
