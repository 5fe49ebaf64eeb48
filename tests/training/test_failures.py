"""What cannot be written is told on one line with the folder, whichever library met the full disk."""

import resource
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from anomseer_core.policy.tokenizer import train_tokenizer
from anomseer_core.training.failures import TrainingStopped, must_be_written

SMALL = 4096


@pytest.fixture
def full_disk():
    """No file may grow beyond 4 KiB."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.write_bytes(b"x" * 2 * SMALL),
        lambda path: save_file({"weight": torch.zeros(SMALL)}, path),
        lambda path: train_tokenizer(["a"], 380).backend_tokenizer.save(str(path)),
    ],
    ids=["Python", "safetensors", "tokenizers"],
)
def test_a_full_disk_is_one_line(tmp_path: Path, full_disk, write) -> None:
    with (
        pytest.raises(TrainingStopped, match=rf"weights cannot be written to {tmp_path}, [\d,]+ MiB free: ") as stopped,
        must_be_written("weights", tmp_path),
    ):
        write(tmp_path / "file")
    assert "\n" not in str(stopped.value)


def test_a_defect_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), must_be_written("weights", tmp_path):
        print(1 / 0)
