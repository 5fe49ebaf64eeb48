"""TSB-UAD `.out` files: values, labels, and every malformed row named."""

import re

import pytest

from anomseer_core.archives.tsb_uad import read_out


def read_text(tmp_path, text):
    path = tmp_path / "bad.out"
    path.write_bytes(text)
    return read_out(path)


@pytest.mark.parametrize(
    "text", [b"1.5,0\n-2e3,1\n7,1.0\n", b"1.5,0\r\n-2e3,1\r\n7,1\r\n", b" 1.5, 0\n-2000 ,1\n7,1.0"]
)
def test_values_and_labels(tmp_path, text):
    values, mask = read_text(tmp_path, text)
    assert values.tolist() == [1.5, -2000.0, 7.0]
    assert mask.tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "bad.out is empty; expected the columns value, label"),
        (b"\n", "bad.out is empty"),
        (b"1,0\nx,0\n", "bad.out, row 2: value 'x' is not a finite number; mend or remove the file"),
        (b"1,0\nnan,0\n", "bad.out, row 2: value 'nan' is not a finite number"),
        (b"1,0\n2,0\ninf,0\n", "bad.out, row 3: value 'inf' is not a finite number"),
        (b"1,0\n,1\n", "bad.out, row 2: value '' is not a finite number"),
        (b"1,0\n3,2\n", "bad.out, row 2: label '2' is not 0 or 1"),
        (b"1,0\n3,0.5\n", "bad.out, row 2: label '0.5' is not 0 or 1"),
        (b"1,0\n3\n", "bad.out, row 2: label '' is not 0 or 1"),
        (b"1,0\n\n2,1\n", "bad.out, row 2: value '' is not"),
        (b"Data,Label\n1,0\n", "bad.out, row 1: value 'Data' is not a finite number"),
        (b"1\n2\n", "bad.out, row 1: 1 columns; expected the columns value, label"),
        (b"1,0,5\n", "bad.out, row 1: 3 columns"),
        (b"1,0\n2,1,3\n", "bad.out: Expected 2 fields in line 2, saw 3"),
        (b"1,0\n\xff\xfe,0\n", "bad.out, row 2: value"),
    ],
)
def test_what_is_malformed_is_named_in_one_line(tmp_path, text, message):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        read_text(tmp_path, text)
    assert "\n" not in str(caught.value)
