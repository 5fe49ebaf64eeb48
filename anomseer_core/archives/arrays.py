"""Arrays in files that could hold more than arrays: `.npy`, and pickles, read without running what they say.

A pickle is a program. The reader admits the four names that a numpy array of numbers consists of and refuses every
other one, so that a file from elsewhere can do nothing but become an array.
"""

import pickle
from pathlib import Path
from typing import Any

import numpy as np

# What `pickle.dumps(array)` writes, under numpy's module names before and after version 2.
ADMITTED = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    **{
        (f"numpy.{core}.{module}", name): getattr(getattr(np._core, module), name)
        for core in ("core", "_core")
        for module, name in (("multiarray", "_reconstruct"), ("numeric", "_frombuffer"))
    },
}
# Python 2's protocol writes the bytes of an array as text, and turns them back by this call.
ADMITTED_ENCODER = ("_codecs", "encode")
# [bytes] Pickles and arrays are read whole.
LARGEST_FILE = 2 * 2**30


def read_pickled_array(path: Path) -> np.ndarray:
    """The array of numbers in a pickle. Raises ValueError for anything else, before it is made."""
    _require_readable(path)
    try:
        with open(path, "rb") as file:
            array = _ArrayUnpickler(file).load()
    except _Refused as error:
        raise ValueError(f"{path}: {error}; a file that asks for more than arrays is not read") from None
    except Exception as error:
        # A damaged pickle makes the unpickler and numpy fail in any way.
        raise ValueError(f"{path} is not a pickled numpy array ({_first_line(error)})") from error
    return _numbers(array, path)


def read_npy(path: Path) -> np.ndarray:
    """The array of numbers in a `.npy` file. Raises ValueError for anything else."""
    _require_readable(path)
    try:
        with open(path, "rb") as file:
            array = np.lib.format.read_array(file, allow_pickle=False)
    except Exception as error:
        raise ValueError(f"{path} is not a .npy file of numbers ({_first_line(error)})") from error
    return _numbers(array, path)


def by_channel(array: np.ndarray, path: Path) -> np.ndarray:
    """Samples by channels `[T, V]` or `[T]` -> finite values `[V, T]`. Raises ValueError naming the first bad row."""
    table = array[:, None] if array.ndim == 1 else array
    if table.ndim != 2 or 0 in table.shape:
        raise ValueError(f"{path} has the shape {array.shape}; expected samples by channels")
    wrong = ~np.isfinite(table)
    if wrong.any():
        row, channel = (int(index) for index in np.argwhere(wrong)[0])
        raise ValueError(f"{path}, row {row}, channel {channel}: {table[row, channel]} is not a finite number")
    return table.T.astype(np.float64)


def flags(array: np.ndarray, path: Path) -> np.ndarray:
    """A vector of 0 and 1 as a mask `[T]`. Raises ValueError naming the first row that is neither."""
    if array.ndim != 1:
        raise ValueError(f"{path} has the shape {array.shape}; expected one label for each sample")
    wrong = ~np.isin(array, (0, 1))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(f"{path}, row {row}: label {array[row]} is not 0 or 1")
    return array == 1


class _Refused(Exception):
    """The pickle names something that no array consists of."""


class _ArrayUnpickler(pickle.Unpickler):
    def __init__(self, file: Any) -> None:
        super().__init__(file, encoding="latin1")

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ADMITTED_ENCODER:
            return _latin1
        if (module, name) not in ADMITTED:
            raise _Refused(f"it asks for {module}.{name}")
        return ADMITTED[module, name]

    def persistent_load(self, pid: Any) -> Any:
        raise _Refused(f"it asks for an object outside of it ({pid!r})")


def _latin1(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise _Refused(f"it asks for the encoding {encoding}")
    return text.encode("latin1")


def _numbers(array: Any, path: Path) -> np.ndarray:
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
        kind = f"array of {array.dtype}" if isinstance(array, np.ndarray) else type(array).__name__
        raise ValueError(f"{path} holds a {kind}; expected an array of numbers")
    if array.nbytes > path.stat().st_size:
        raise ValueError(f"{path} is smaller than the array that it describes; the file is damaged")
    return array


def _require_readable(path: Path) -> None:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; the archive is not complete")
    if path.stat().st_size > LARGEST_FILE:
        raise ValueError(f"{path} is larger than {LARGEST_FILE // 2**30} GiB and would be read whole; split it")


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
