import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.networks.zeroshape_w.dpt_hybrid import DPTHybrid, Fusion, Readout, Reassemble, double


def test_sizes():
    with torch.device("meta"):
        dense = DPTHybrid()(torch.zeros(2, 3, 64, 96))
    assert dense.depth.shape == (2, 1, 64, 96)
    assert dense.fine.shape == (2, DPTHybrid.fine_channels, 32, 48)
    assert dense.coarse.shape == (2, DPTHybrid.coarse_channels, 2, 3)


@pytest.mark.parametrize("size", [(1, 1), (224, 230), (96, 64 + 16)])
def test_wrong_size_is_told(size):
    with torch.device("meta"), pytest.raises(BadInput, match="multiples of 32"):
        DPTHybrid()(torch.zeros(1, 3, *size))


def test_wrong_channels_are_told():
    with torch.device("meta"), pytest.raises(BadInput, match="image has shape"):
        DPTHybrid()(torch.zeros(1, 4, 64, 64))


def test_readout_reads_the_class_token():
    readout = Readout()
    tokens = torch.randn(1, 5, 768)
    other = torch.cat([torch.randn(1, 1, 768), tokens[:, 1:]], dim=1)
    assert readout(tokens).shape == (1, 4, 768)
    assert not torch.allclose(readout(tokens), readout(other))


def test_reassemble_puts_tokens_row_by_row():
    assembler = Reassemble(halve=False)
    tokens = torch.zeros(1, 1 + 2 * 3, 768)
    tokens[0, 1 + 1 * 3 + 2] = 1.0  # row 1, column 2
    out = assembler(tokens, rows=2)
    changed = (out - out[..., :1, :1]).abs().amax(dim=(0, 1)) > 1e-6
    assert changed.nonzero().tolist() == [[1, 2]]
    assert Reassemble(halve=True)(tokens, rows=2).shape == (1, 768, 1, 2)


def test_fusion_adds_the_finer_map():
    fusion, coarse = Fusion(), torch.randn(1, 256, 3, 4)
    assert fusion(coarse).shape == (1, 256, 6, 8)
    assert not torch.allclose(fusion(coarse), fusion(coarse, torch.randn(1, 256, 3, 4)))


def test_double_keeps_the_corners():
    """Aligned corners: a ramp 0, 1, 2 becomes six equal steps from 0 to 2."""
    ramp = torch.arange(3.0).expand(1, 1, 2, 3)
    torch.testing.assert_close(double(ramp)[0, 0, 0], torch.linspace(0, 2, 6))
