"""The cached decoder against plain transformer blocks over latents and points with an attention mask."""

import math

import pytest
import torch
import torch.nn.functional as F

from recon_lib.errors import BadInput
from recon_lib.networks.zeroshape_w import implicit
from recon_lib.networks.zeroshape_w.implicit import ImplicitDecoder

WIDTH, LATENT, TOKENS, TEXT = 32, 24, 16, 5


@pytest.fixture
def decoder():
    """Small, and with random biases and norms, which start at 0 and 1."""
    decoder = ImplicitDecoder(WIDTH, LATENT, TOKENS, heads=4, text_width=TEXT)
    for name, value in decoder.named_parameters():
        if value.ndim == 1:
            torch.nn.init.normal_(value, mean=1.0 if "norm" in name and "weight" in name else 0.0, std=0.3)
    return decoder


@pytest.fixture
def latents():
    return torch.randn(2, TOKENS + 1, LATENT)


@pytest.fixture
def points():
    return torch.rand(2, 50, 3) * 3 - 1.5


def plain(decoder, points, latents, text=None):
    """All latents and points in one sequence; a mask lets everyone see the latents and points see themselves."""
    latent = decoder.latent_proj(latents) + decoder.pos_embed
    point = decoder.point_proj["proj"](points)
    if text is not None:
        both = torch.cat([point, text[:, None].expand(-1, points.shape[1], -1)], dim=-1)
        point = F.linear(both, torch.cat([torch.eye(WIDTH), decoder.text_proj.weight], dim=1))
    x, count = torch.cat([latent, point], dim=1), latent.shape[1]
    visible = torch.eye(x.shape[1], dtype=torch.bool)
    visible[:, :count] = True
    for block in decoder.blocks_attn:
        heads = block.attn.qkv(block.norm1(x)).unflatten(-1, (3, 4, -1)).permute(2, 0, 3, 1, 4)
        scores = heads[0] @ heads[1].mT / math.sqrt(WIDTH // 4)
        attended = scores.masked_fill(~visible, -torch.inf).softmax(-1) @ heads[2]
        x = x + block.attn.proj(attended.transpose(1, 2).flatten(2))
        x = x + block.mlp(block.norm2(x))
    inputs = torch.cat([points, decoder.norm(x[:, count:])], dim=-1)
    hidden = inputs
    for index, layer in enumerate(decoder.impl_mlp.layers[:-1]):
        if index in (2, 4, 6):
            hidden = torch.cat([hidden, inputs], dim=-1) / math.sqrt(2)
        hidden = F.softplus(layer(hidden), 100)
    return decoder.impl_mlp.layers[-1](hidden).squeeze(-1)


class TestQuery:
    def test_equals_the_plain_network(self, decoder, points, latents):
        expected = plain(decoder, points, latents)
        assert expected.std() > 0.01
        torch.testing.assert_close(decoder.query(points, decoder.prepare(latents)), expected, rtol=1e-4, atol=1e-5)

    def test_same_without_gradients(self, decoder, points, latents):
        expected = decoder.query(points, decoder.prepare(latents))
        with torch.inference_mode():
            found = decoder.query(points, decoder.prepare(latents))
        torch.testing.assert_close(found, expected.detach(), rtol=1e-5, atol=1e-6)

    def test_text_is_a_concatenation_before_a_linear_layer(self, decoder, points, latents):
        text = torch.randn(2, TEXT)
        found = decoder.query(points, decoder.prepare(latents, text))
        torch.testing.assert_close(found, plain(decoder, points, latents, text), rtol=1e-4, atol=1e-5)
        assert (found - decoder.query(points, decoder.prepare(latents))).abs().max() > 1e-3

    def test_points_do_not_see_one_another(self, decoder, points, latents):
        cache = decoder.prepare(latents)
        alone = decoder.query(points[:, 7:8], cache)
        torch.testing.assert_close(alone, decoder.query(points, cache)[:, 7:8], rtol=1e-4, atol=1e-5)

    def test_pieces_change_nothing(self, decoder, points, latents, monkeypatch):
        cache = decoder.prepare(latents)
        whole = decoder.query(points, cache)
        monkeypatch.setattr(implicit, "POINTS_AT_ONCE", 7)
        torch.testing.assert_close(decoder.query(points, cache), whole, rtol=1e-4, atol=1e-5)

    def test_no_points(self, decoder, latents):
        with torch.inference_mode():
            assert decoder.query(torch.zeros(2, 0, 3), decoder.prepare(latents)).shape == (2, 0)

    def test_every_weight_learns(self, decoder, points, latents):
        decoder.query(points, decoder.prepare(latents, torch.randn(2, TEXT))).square().sum().backward()
        for name, value in decoder.named_parameters():
            if value.requires_grad:
                assert value.grad is not None and value.grad.isfinite().all() and (value.grad != 0).any(), name

    def test_gradients_equal_the_plain_network(self, decoder, points, latents):
        grads = []
        for run in (lambda: decoder.query(points, decoder.prepare(latents)), lambda: plain(decoder, points, latents)):
            decoder.zero_grad()
            run().square().sum().backward()
            grads.append({n: p.grad.clone() for n, p in decoder.named_parameters() if p.grad is not None})
        for name, expected in grads[1].items():
            scale = expected.abs().max().item()
            torch.testing.assert_close(grads[0][name], expected, rtol=1e-3, atol=1e-4 * scale + 1e-6, msg=name)

    @pytest.mark.parametrize("shape", [(2, 50, 2), (3, 50, 3), (50, 3)])
    def test_wrong_points(self, decoder, latents, shape):
        with pytest.raises(BadInput, match="points"):
            decoder.query(torch.zeros(shape), decoder.prepare(latents))

    def test_wrong_latents(self, decoder, latents):
        with pytest.raises(BadInput, match="latents"):
            decoder.prepare(latents[:, 1:])
