"""The GPU benchmark on a tiny model on a processor: every part is measured, and the page is whole."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from anomseer_core.policy.config import WeightsConfig
from anomseer_core.training.config import LaunchConfig
from infra.bench import gpu
from infra.bench.gpu_step import PRESETS, Case, Measured, read_case, write_case

ROOT = Path(__file__).parents[2]
CASE = Case(
    name="full, ZeRO-3",
    launch=LaunchConfig(ranks=2, zero_stage=3, precision="bfloat16", gradient_checkpointing=True),
    weights=WeightsConfig(lora_rank=2),
    preset="tiny",
    tokens=256,
    prompts=4,
    group=5,
    prompt_tokens=150,
    rounds=3,
)
IMPORT_WITHOUT = """
import sys
for name in ("prefect", "mlflow", "ot", "stumpy", "scipy", "sklearn", "matplotlib", "pandas", "pyarrow", "PIL", "peft"):
    sys.modules[name] = None
import infra.bench.gpu
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["full, ZeRO-2, offload", "full, ZeRO-3", "LoRA 64, ZeRO-2"])
def test_a_tiny_model_is_measured_part_by_part(capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str) -> None:
    sizes = ["--tokens", "6", "--prompts", "2", "--group", "2", "--rounds", "1", "--prompt-tokens", "150"]
    page = tmp_path / "gpu.md"
    gpu.main(["--preset", "tiny", "--cases", name, "--ranks", "2", *sizes, "--output", str(page)])
    row = next(line for line in page.read_text().splitlines() if line.startswith(f"| {name}"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    if "peft is not installed" in cells:
        pytest.skip("peft is not installed")
    assert cells[1] == "6"
    parts, whole = [float(cell) for cell in cells[2:7]], float(cells[7])
    assert all(seconds > 0 for seconds in parts)
    assert sum(parts) == pytest.approx(whole, abs=0.05)
    assert page.read_text() in capsys.readouterr().out


def test_every_case_of_either_preset_can_be_built() -> None:
    for preset in ("tiny", "3b"):
        cases = gpu.build_cases(gpu._parser().parse_args(["--preset", preset]))
        assert {case.name for case in cases} == set(gpu.KINDS)
        assert {(case.weights.lora_rank, case.weights.lora_alpha) for case in cases if "LoRA" in case.name} == {
            (64, 128)
        }


def test_it_needs_neither_plots_nor_tables_nor_servers() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT_WITHOUT], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_the_page_tells_figures_and_what_did_not_fit() -> None:
    # 4 prompts x 5 responses x 256 tokens x 2 ranks = 10,240 tokens in 1 + 2 + 3 + 10 + 4 = 20 s; 20 s / 20 responses.
    seconds = dict(zip(gpu.PARTS, ([1.0, 9.0, 1.0], [2.0], [3.0], [10.0], [4.0]), strict=True))
    outcomes = [
        gpu.Outcome(CASE, Measured(seconds, peak_gib=12.34, parameters=3, trained=1)),
        gpu.Outcome(CASE, reason="out of memory"),
    ]
    lines = gpu.format_page(outcomes).splitlines()
    assert "| full, ZeRO-3 | 256 | 1.00 | 2.00 | 3.00 | 10.00 | 4.00 | 20.00 | 512 | 12.3 | 1.00 |" in lines
    assert any(line.startswith("| full, ZeRO-3 | 256 | out of memory |") for line in lines)
    assert {line.count("|") for line in lines if line.startswith("|")} == {len(gpu.HEADERS) + 1}


def test_the_paper_took_about_a_card_second_for_a_response() -> None:
    # 12.4 h x 3,600 s x 4 cards = 178,560 card-seconds; 250 x 640 = 160,000 responses.
    assert pytest.approx(178_560 / 160_000) == gpu.PAPER_CARD_SECONDS


def test_a_case_survives_the_way_to_its_ranks() -> None:
    assert read_case(write_case(CASE)) == CASE


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("x\ntorch.OutOfMemoryError: CUDA out of memory.\n", "out of memory"),
        ("[rank0]: ValueError: no such case\n", "ValueError: no such case"),
        ("", "failed without a message"),
    ],
)
def test_a_failure_is_told_in_one_line(output: str, reason: str) -> None:
    assert gpu.failure_reason(output) == reason


def test_the_3b_has_the_published_sizes() -> None:
    text, vision = PRESETS["3b"]["text_config"], PRESETS["3b"]["vision_config"]
    width, head = text["hidden_size"], text["hidden_size"] // text["num_attention_heads"]
    keys = head * text["num_key_value_heads"]
    # Queries and output, keys and values, three matrices of the MLP; without norms and biases.
    layer = 2 * width * width + 2 * width * keys + 3 * width * text["intermediate_size"]
    language = text["num_hidden_layers"] * layer + text["vocab_size"] * width
    assert language / 1e9 == pytest.approx(3.09, abs=0.01)
    wide, middle = vision["hidden_size"], vision["intermediate_size"]
    block = 4 * wide * wide + 3 * wide * middle
    merger = (4 * wide) * (4 * wide) + 4 * wide * vision["out_hidden_size"]
    tower = vision["depth"] * block + merger + 3 * 2 * 14 * 14 * wide
    assert (language + tower) / 1e9 == pytest.approx(3.75, abs=0.02)


def test_a_case_that_takes_too_long_is_stopped_with_its_ranks(tmp_path: Path) -> None:
    # As torch's launcher does it: the child leads a session of its own.
    script = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))\n"
        "time.sleep(600)\n"
    )
    with pytest.raises(subprocess.TimeoutExpired):
        gpu.run_family([sys.executable, "-c", script], os.environ, 5)
    child = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 20
    while is_running(child) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_running(child)


def is_running(number: int) -> bool:
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_without_a_gpu_it_says_so(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu.torch.cuda, "is_available", lambda: False)
    gpu.main([])
    assert "no GPU is at hand" in capsys.readouterr().out
