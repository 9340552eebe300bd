import torch
import torch.nn.functional as F

from recon_lib.networks.radiance.decoder import DIRECTIONS, ColorDecoder, spherical_harmonics


def directions(count):
    return F.normalize(torch.randn(count, 3, generator=torch.Generator().manual_seed(0)), dim=-1)


def test_harmonics_are_orthogonal_over_the_sphere():
    values = spherical_harmonics(directions(200_000))
    gram = values.T @ values / len(values)
    assert values.shape == (200_000, DIRECTIONS)
    assert (gram - torch.diag(gram.diagonal())).abs().max() < 0.01


def test_no_direction_has_no_harmonics():
    assert not spherical_harmonics(torch.zeros(2, 3)).any()


def test_colors_are_in_range_and_repeat():
    before = torch.random.get_rng_state()
    decoders = [ColorDecoder(6, 8, torch.Generator().manual_seed(3)) for _ in range(2)]
    assert torch.equal(before, torch.random.get_rng_state())
    features = torch.randn(50, 6, generator=torch.Generator().manual_seed(1))
    first, second = (decoder(features, directions(50)) for decoder in decoders)
    assert torch.equal(first, second) and first.min() >= 0 and first.max() <= 1


def test_directions_say_nothing_at_the_start():
    decoder = ColorDecoder(6, 8, torch.Generator().manual_seed(3))
    features = torch.randn(50, 6, generator=torch.Generator().manual_seed(1))
    assert torch.equal(decoder(features, directions(50)), decoder(features, -directions(50)))
