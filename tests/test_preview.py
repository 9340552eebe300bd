import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.preview import GAP_PX, LABEL_PX, Tile, sheet


def test_tiles_lie_row_by_row():
    colors = torch.eye(3)
    tiles = [Tile(str(i), color.view(3, 1, 1).expand(3, 8, 8)) for i, color in enumerate(colors)]
    page = sheet(tiles, columns=2, side=32)
    assert page.shape == (3, 2 * (32 + LABEL_PX + GAP_PX) + GAP_PX, 2 * (32 + GAP_PX) + GAP_PX)
    for i, color in enumerate(colors):
        middle = page[
            :, GAP_PX + LABEL_PX + 16 + (i // 2) * (32 + LABEL_PX + GAP_PX), GAP_PX + 16 + (i % 2) * (32 + GAP_PX)
        ]
        assert torch.equal(middle, color)


def test_wide_picture_keeps_its_proportions():
    page = sheet([Tile("wide", torch.zeros(3, 10, 40))], side=40)
    tile = page[:, GAP_PX + LABEL_PX : GAP_PX + LABEL_PX + 40, GAP_PX : GAP_PX + 40]
    assert (tile[:, 15:25] == 0).all()
    assert (tile[:, :15] == 1).all()
    assert (tile[:, 25:] == 1).all()


def test_labels_are_drawn():
    blank, named = (sheet([Tile(label, torch.ones(3, 8, 8))], side=64) for label in ("", "depth"))
    assert not torch.equal(blank[:, : GAP_PX + LABEL_PX], named[:, : GAP_PX + LABEL_PX])
    assert torch.equal(blank[:, GAP_PX + LABEL_PX :], named[:, GAP_PX + LABEL_PX :])


def test_refuses_nothing_and_wrong_shapes():
    with pytest.raises(BadInput, match="no picture"):
        sheet([])
    with pytest.raises(BadInput, match="image has shape"):
        sheet([Tile("grey", torch.zeros(8, 8))])
