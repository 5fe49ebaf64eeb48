"""Pictures as they travel in a chat request: PNG in a data URL, whose pixels arrive unchanged."""

import base64
import binascii
import hashlib
import io
import re

from PIL import Image, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "WEBP")
# A few times what any policy is shown; decoding a hostile picture must not take a gigabyte.
MOST_PIXELS = 8_000_000
# Qwen's image processor refuses narrower ones.
MOST_STRETCHED = 200
_DATA_URL = re.compile(r"data:image/[a-z]+;base64,([A-Za-z0-9+/=\s]*)", re.IGNORECASE)


def picture_url(picture: Image.Image) -> str:
    """The picture as a data URL."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def pixel_digest(picture: Image.Image) -> str:
    """Of the pixels, not of a file: compressors differ."""
    return hashlib.sha256(picture.tobytes()).hexdigest()


def read_picture_url(url: str) -> Image.Image:
    """The RGB picture of a data URL. Raises ValueError saying what is wrong; fetches nothing."""
    match = _DATA_URL.fullmatch(url)
    if not match:
        raise ValueError("a picture must be a data URL (data:image/png;base64,...); addresses are not fetched")
    try:
        picture = Image.open(io.BytesIO(base64.b64decode(match[1], validate=False)), formats=FORMATS)
        width, height = picture.size
        if width * height > MOST_PIXELS or max(width, height) > MOST_STRETCHED * min(width, height):
            raise ValueError(f"a picture of {width}x{height} is too large or too narrow")
        return picture.convert("RGB")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, binascii.Error) as error:
        raise ValueError(f"a picture cannot be read; send a whole file ({', '.join(FORMATS)})") from error
