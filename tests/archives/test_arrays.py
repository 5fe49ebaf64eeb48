"""Pickles from elsewhere become arrays or nothing: no name but numpy's own is looked up, nothing is called."""

import io
import os
import pickle
import re
import subprocess

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anomseer_core.archives.arrays import read_npy, read_pickled_array

ARRAYS = (
    np.arange(6.0).reshape(2, 3),
    np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
    np.array([True, False]),
    np.array([-1, 2**40]),
)


def load(tmp_path, content):
    path = tmp_path / "x.pkl"
    path.write_bytes(content)
    return read_pickled_array(path)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("array", ARRAYS)
def test_arrays_come_back(tmp_path, array, protocol):
    np.testing.assert_array_equal(load(tmp_path, pickle.dumps(array, protocol=protocol)), array)


def test_names_of_numpy_before_version_2(tmp_path):
    content = pickle.dumps(np.arange(3), protocol=3)
    assert b"numpy._core" in content
    np.testing.assert_array_equal(load(tmp_path, content.replace(b"numpy._core", b"numpy.core")), np.arange(3))


def is_read_or_refused(read, path):
    """Whether an array comes back, or one line that names the file; any other exception is a failure."""
    try:
        return isinstance(read(path), np.ndarray)
    except ValueError as error:
        return str(path) in str(error) and "\n" not in str(error)


class Calls:
    """Pickles as a call of anything."""

    def __init__(self, function, *arguments):
        self.called = (function, arguments)

    def __reduce__(self):
        return self.called


@pytest.mark.parametrize(
    ("make", "asked"),
    [
        (lambda mark: Calls(os.system, f"touch {mark}"), "posix.system"),
        (lambda mark: Calls(subprocess.Popen, ["touch", mark]), "subprocess.Popen"),
        (lambda mark: Calls(eval, f"open({mark!r}, 'w')"), "builtins.eval"),
        (lambda mark: {"a": Calls(open, mark, "w")}, "io.open"),
        (lambda mark: [np.arange(3), Calls(np.save, mark, 1)], "numpy.save"),
        (lambda mark: np.ma.masked_array([1, 2], [0, 1]), "numpy.ma"),
    ],
)
def test_a_pickle_that_asks_for_more_is_refused_and_nothing_happens(tmp_path, make, asked):
    content = make(str(tmp_path / "mark.npy"))
    with pytest.raises(ValueError, match=re.escape(f"it asks for {asked}")):
        load(tmp_path, pickle.dumps(content))
    assert [path.name for path in tmp_path.iterdir()] == ["x.pkl"]


def test_an_object_array_and_other_objects_are_refused(tmp_path):
    with pytest.raises(ValueError, match="it holds an array of 'O8', not of numbers"):
        load(tmp_path, pickle.dumps(np.array([1, "a", None], dtype=object)))
    with pytest.raises(ValueError, match="it holds an array of 'U1', not of numbers"):
        load(tmp_path, pickle.dumps(np.array(["a"])))
    with pytest.raises(ValueError, match="holds a dict; expected an array of numbers"):
        load(tmp_path, pickle.dumps({"a": 1}))


def test_an_array_without_values_is_refused(tmp_path):
    """It could be of any size, and show what memory held before."""
    with pytest.raises(ValueError, match="it makes an array without values"):
        load(tmp_path, pickle.dumps(Calls(np.ndarray, (10**7,))))


def test_what_stands_in_for_a_function_cannot_be_changed(tmp_path):
    """GLOBAL _codecs.encode, then BUILD with an attribute to set."""
    with pytest.raises(ValueError, match="it changes what it calls"):
        load(tmp_path, b"\x80\x02c_codecs\nencode\n}q\x00X\x01\x00\x00\x00aK\x01sb.")


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_order_of_bytes_is_kept(tmp_path, order):
    array = np.arange(3).astype(f"{order}f4")
    assert load(tmp_path, pickle.dumps(array, protocol=3)).tolist() == [0, 1, 2]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=60) | st.builds(lambda cut: pickle.dumps(ARRAYS[0])[:cut], st.integers(0, 150)))
def test_any_bytes_are_read_or_refused_in_one_line(tmp_path, content):
    for read, name in ((read_pickled_array, "x.pkl"), (read_npy, "x.npy")):
        path = tmp_path / name
        path.write_bytes(content)
        assert is_read_or_refused(read, path)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_flipped_byte_is_read_or_refused_in_one_line(tmp_path, place, byte):
    buffer = io.BytesIO()
    np.save(buffer, ARRAYS[0])
    for read, name, whole in (
        (read_pickled_array, "x.pkl", pickle.dumps(ARRAYS[0])),
        (read_npy, "x.npy", buffer.getvalue()),
    ):
        content = bytearray(whole)
        content[place % len(content)] = byte
        path = tmp_path / name
        path.write_bytes(content)
        assert is_read_or_refused(read, path)


def test_memory_is_not_taken_at_a_pickles_word(tmp_path):
    """An empty tuple under the highest number of a memo: as a table, that would be 64 GB."""
    with pytest.raises(ValueError, match=r"x\.pkl"):
        load(tmp_path, b"\x80\x02)r\xff\xff\xff\xff.")
