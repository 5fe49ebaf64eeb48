"""The pictures of the generators in the documents."""

import pytest
from PIL import Image

from infra import contact_sheet


@pytest.mark.parametrize("draw", [contact_sheet.draw_diverse, contact_sheet.draw_field])
def test_a_sheet_has_a_picture_in_every_row(draw, tmp_path, monkeypatch):
    monkeypatch.setattr(contact_sheet, "FIELD_LENGTH", 400)
    draw(tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.width > 1000
        # Curves and shaded labels, not an empty page.
        assert len(image.convert("RGB").getcolors(1000)) > 5
