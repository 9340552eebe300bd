import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.networks.zeroshape_w.heads import MaskHead, OccluderHead

FINE = (2, 16, 6, 8)


class TestMaskHead:
    @pytest.mark.parametrize("scale", [1, 2, 4])
    def test_size(self, scale):
        assert MaskHead(16, scale=scale)(torch.randn(FINE)).shape == (2, 1, 6 * scale, 8 * scale)

    def test_an_untrained_prior_changes_nothing(self):
        head, fine = MaskHead(16, text_width=5), torch.randn(FINE)
        torch.testing.assert_close(head(fine, torch.randn(2, 5)), head(fine))

    def test_the_prior_scales_and_shifts_channels(self):
        head, fine = MaskHead(16, text_width=5), torch.randn(FINE)
        gamma, beta = torch.randn(16), torch.randn(16)
        head.prior[-1].bias.data = torch.cat([gamma, beta])
        changed = fine * (1 + gamma)[:, None, None] + beta[:, None, None]
        torch.testing.assert_close(head(fine, torch.randn(2, 5)), head(changed))

    def test_no_prior(self):
        head = MaskHead(16, text_width=0)
        assert not any("prior" in key for key in head.state_dict())
        fine = torch.randn(FINE)
        torch.testing.assert_close(head(fine, torch.randn(2, 5)), head(fine))

    def test_wrong_text(self):
        with pytest.raises(BadInput, match="text has shape"):
            MaskHead(16, text_width=5)(torch.randn(FINE), torch.randn(1, 5))


class TestOccluderHead:
    def test_sees_the_visible_mask_where_it_is(self):
        head, fine = OccluderHead(16), torch.randn(FINE)
        empty, corner = torch.zeros(2, 1, 48, 64), torch.zeros(2, 1, 48, 64)
        corner[..., :8, :8] = 1.0
        changed = (head(fine, corner) - head(fine, empty)).abs()
        assert changed.shape == (2, 1, 12, 16)
        assert changed[..., :4, :4].max() > 1e-4
        assert changed[..., 8:, 8:].max() < 1e-6

    def test_wrong_mask(self):
        with pytest.raises(BadInput, match="visible has shape"):
            OccluderHead(16)(torch.randn(FINE), torch.zeros(2, 3, 6, 8))
