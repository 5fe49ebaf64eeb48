"""Arrays in files that could hold more than arrays: `.npy`, and pickles, read without running what they say.

A pickle is a program. The reader admits the few names that a numpy array of numbers is written with, puts harmless
stand-ins in their place, and refuses every other one: a file from elsewhere can do nothing but become an array. Not
even numpy's own restoring is called, which trusts what it is given with memory.
"""

import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

# [bytes] Pickles and arrays are read whole.
LARGEST_FILE = 2 * 2**30
NUMBER_CODE = re.compile(r"[fiu][1248]|b1")
BYTE_ORDERS = ("<", ">", "=", "|")


def read_pickled_array(path: Path) -> np.ndarray:
    """The array of numbers in a pickle. Raises ValueError for anything else, before it is made."""
    _require_readable(path)
    try:
        with open(path, "rb") as file:
            loaded = _ArrayUnpickler(file).load()
    except _Refused as error:
        raise ValueError(f"{path}: {error}; a file that asks for more than arrays is not read") from None
    except Exception as error:
        # A damaged pickle makes the unpickler and numpy fail in any way.
        raise ValueError(f"{path} is not a pickled numpy array ({_first_line(error)})") from error
    return _numbers(loaded.values if isinstance(loaded, _Array) else loaded, path)


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
    """The pickle asks for something that no array of numbers consists of."""


# The one in Python, not in C, whose table of memos is as long as the file says.
class _ArrayUnpickler(pickle._Unpickler):
    def __init__(self, file: Any) -> None:
        super().__init__(file, encoding="latin1")

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ADMITTED:
            raise _Refused(f"it asks for {module}.{name}")
        return ADMITTED[module, name]

    def persistent_load(self, pid: Any) -> Any:
        raise _Refused(f"it asks for an object outside of it ({pid!r})")


class _Type:
    """Stands in for `numpy.dtype`: a code such as `f8`, and the byte order that its state adds."""

    def __init__(self, code: str, *_: Any) -> None:
        self.code, self.order = code, "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = state[1]

    def dtype(self) -> np.dtype:
        if not NUMBER_CODE.fullmatch(self.code) or self.order not in BYTE_ORDERS:
            raise _Refused(f"it holds an array of {self.code[:20]!r}, not of numbers")
        return np.dtype(self.order + self.code)


class _Array:
    """Stands in for `numpy.ndarray`: empty until its state gives it shape, type and bytes."""

    def __init__(self, *arguments: Any) -> None:
        if arguments:
            raise _Refused("it makes an array without values")
        self.values: np.ndarray | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, by_columns, content = state
        self.values = _from_bytes(content, kind, shape, "F" if by_columns else "C")


class _Sealed:
    """Stands in for a function. A pickle could set the attributes of a plain one."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self.call = call

    def __call__(self, *arguments: Any) -> Any:
        return self.call(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise _Refused("it changes what it calls")


def _restored(kind: Any, *_: Any) -> _Array:
    if kind is not _Array:
        raise _Refused("it restores something that is no array")
    return _Array()


def _from_buffer(content: Any, kind: _Type, shape: tuple[int, ...], order: str) -> _Array:
    """What protocol 5 writes instead of a state."""
    made = _Array()
    made.values = _from_bytes(content, kind, shape, order)
    return made


def _from_bytes(content: Any, kind: _Type, shape: tuple[int, ...], order: str) -> np.ndarray:
    dtype = kind.dtype()
    data = content.encode("latin1") if isinstance(content, str) else content
    if not isinstance(data, bytes | bytearray):
        raise _Refused("it holds an array whose values are no bytes")
    return np.frombuffer(data, dtype).reshape(shape, order=order)


def _latin1(text: str, encoding: str) -> bytes:
    """The bytes of an array that an old protocol wrote as text."""
    if encoding != "latin1":
        raise _Refused(f"it asks for the encoding {encoding[:20]!r}")
    return text.encode("latin1")


# What `pickle.dumps(array)` writes, under numpy's module names before and after version 2.
ADMITTED = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Type,
    ("_codecs", "encode"): _Sealed(_latin1),
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _Sealed(_restored) for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _Sealed(_from_buffer) for core in ("core", "_core")},
}


def _numbers(array: Any, path: Path) -> np.ndarray:
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
        kind = f"array of {array.dtype}" if isinstance(array, np.ndarray) else type(array).__name__
        raise ValueError(f"{path} holds a {kind}; expected an array of numbers")
    return array


def _require_readable(path: Path) -> None:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; the archive is not complete")
    if path.stat().st_size > LARGEST_FILE:
        raise ValueError(f"{path} is larger than {LARGEST_FILE // 2**30} GiB and would be read whole; split it")


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
