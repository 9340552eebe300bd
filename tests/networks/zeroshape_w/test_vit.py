import torch

from recon_lib.networks.zeroshape_w.vit import EncoderBlock, HybridTransformer, SelfAttention


class TestSelfAttention:
    def test_uniform_where_all_scores_are_equal(self):
        """With no query every token gets the mean of the values."""
        attention = SelfAttention(8, 2)
        torch.nn.init.zeros_(attention.qkv.weight[:8])
        torch.nn.init.zeros_(attention.qkv.bias[:8])
        x = torch.randn(1, 6, 8)
        mean = attention.qkv(x)[..., 16:].mean(dim=1, keepdim=True)
        torch.testing.assert_close(attention(x), attention.proj(mean).expand(1, 6, 8))

    def test_moves_with_its_tokens(self):
        block, x, order = EncoderBlock(8, 2), torch.randn(1, 6, 8), torch.randperm(6)
        torch.testing.assert_close(block(x)[:, order], block(x[:, order]))


class TestHybridTransformer:
    def test_sizes(self):
        with torch.device("meta"):
            outputs = HybridTransformer()(torch.zeros(2, 3, 64, 96))
        assert [tuple(x.shape) for x in outputs] == [(2, 256, 16, 24), (2, 512, 8, 12), (2, 25, 768), (2, 25, 768)]

    def test_positions_at_the_trained_size_are_the_embedding(self):
        with torch.device("meta"):
            network = HybridTransformer()
        embedding = torch.randn(1, 577, 768)
        network.pos_embed = torch.nn.Parameter(embedding)
        torch.testing.assert_close(network.positions(24, 24), embedding)

    def test_positions_keep_rows_and_columns_apart(self):
        """An embedding that grows with the row only still does so when resampled."""
        with torch.device("meta"):
            network = HybridTransformer()
        rows = torch.arange(24.0)[:, None].expand(24, 24).reshape(1, 576, 1).expand(-1, -1, 768)
        network.pos_embed = torch.nn.Parameter(torch.cat([torch.full((1, 1, 768), -1.0), rows], dim=1))
        found = network.positions(12, 6)
        assert (found[0, 0] == -1).all()
        grid = found[0, 1:, 0].view(12, 6)
        torch.testing.assert_close(grid, (torch.arange(12.0) * 2 + 0.5)[:, None].expand(12, 6))
