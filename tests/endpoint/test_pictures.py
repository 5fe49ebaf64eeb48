"""Pictures in data URLs."""

import base64
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from anomseer_core.endpoint.pictures import picture_url, pixel_digest, read_picture_url
from anomseer_core.rendering import render
from anomseer_core.series import Series


def claiming(width, height):
    """A PNG whose header says that it is so large."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return "data:image/png;base64," + base64.b64encode(content).decode()


def data_url(picture, kind="PNG"):
    buffer = io.BytesIO()
    picture.save(buffer, kind)
    return f"data:image/{kind.lower()};base64," + base64.b64encode(buffer.getvalue()).decode()


def test_the_pixels_of_a_plot_arrive_unchanged():
    picture = render(Series("s", np.sin(np.arange(300) / 7)))
    arrived = read_picture_url(picture_url(picture))
    assert np.array_equal(np.asarray(arrived), np.asarray(picture))
    assert pixel_digest(arrived) == pixel_digest(picture)


def test_other_formats_and_modes_become_rgb():
    for kind, mode in (("JPEG", "L"), ("WEBP", "RGB"), ("PNG", "P"), ("PNG", "RGBA")):
        assert read_picture_url(data_url(Image.new(mode, (30, 20)), kind)).mode == "RGB"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://example.org/a.png", "addresses are not fetched"),
        ("file:///etc/passwd", "must be a data URL"),
        ("data:text/plain;base64,QQ==", "must be a data URL"),
        ("data:image/png;base64,QQ==", "cannot be read"),
        ("data:image/png;base64,Q", "cannot be read"),
        (data_url(Image.new("RGB", (10, 10)), "BMP"), "cannot be read"),
        (data_url(Image.new("RGB", (300, 1))), "300x1 is too large or too narrow"),
        (data_url(Image.new("1", (4000, 4000))), "4000x4000 is too large or too narrow"),
        (data_url(Image.effect_noise((90, 90), 50))[:2000], "cannot be read"),
        (claiming(20_000, 20_000), "cannot be read"),
    ],
    ids=["address", "file", "text", "short", "padding", "bmp", "narrow", "large", "cut", "bomb"],
)
def test_what_is_no_picture_is_refused(url, reason):
    with pytest.raises(ValueError, match=reason):
        read_picture_url(url)
