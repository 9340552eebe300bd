import torch

from recon_lib.provenance import PROVENANCE_COLORS, Provenance, provenance_colors


def test_every_code_has_its_own_color():
    assert len(PROVENANCE_COLORS) == len(Provenance)
    assert len({tuple(color) for color in PROVENANCE_COLORS.tolist()}) == len(Provenance)


def test_colors_keep_the_shape_of_the_codes():
    codes = torch.tensor([[Provenance.NONE, Provenance.INFERRED]], dtype=torch.uint8)
    colors = provenance_colors(codes)
    assert colors.shape == (1, 2, 3)
    assert torch.equal(colors[0, 0], torch.zeros(3))
    assert torch.equal(colors[0, 1], PROVENANCE_COLORS[3])


def test_lower_codes_are_more_trustworthy():
    assert Provenance.OBSERVED < Provenance.OUTPAINTED < Provenance.INFERRED
