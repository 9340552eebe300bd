import pytest
import torch

from recon_lib.networks.radiance.level import GridLevel
from recon_lib.networks.radiance.model import RadianceModel


def model(start=-1.0, sides=(4, 7), **kwargs):
    return RadianceModel([GridLevel(side, 3, **kwargs) for side in sides], start, seed=0)


def filled(made):
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for level in made.levels:
            level.table[:] = torch.randn(level.table.shape, generator=generator)
    return made


def read(made, points, width=0.0):
    return made.read(points[:, None], torch.full((len(points), 1), width))


def points(count=20):
    return torch.rand(count, 3, generator=torch.Generator().manual_seed(2))


def test_density_begins_with_the_start_and_features_with_noise():
    log_density, features = read(model(), points())
    assert (log_density == -1).all() and features.shape == (20, 4) and 0 < features.abs().max() < 0.02


def test_levels_add_up():
    made = filled(model())
    expected = -1 + sum(level(points())[:, 0] for level in made.levels)
    torch.testing.assert_close(read(made, points())[0], expected)


def test_closed_levels_say_nothing():
    made = filled(model())
    made.opened[1] = 0
    log_density, features = read(made, points())
    torch.testing.assert_close(log_density, -1 + made.levels[0](points())[:, 0])
    assert not features[:, 2:].any()


def test_wide_cones_hear_the_fine_levels_less():
    made = filled(model())
    weights = [level.scale_weight(torch.tensor(0.2)) for level in made.levels]
    expected = -1 + sum(w * level(points())[:, 0] for w, level in zip(weights, made.levels, strict=True))
    torch.testing.assert_close(read(made, points(), 0.2)[0], expected)
    assert weights[1] < weights[0] < 1


def test_several_points_a_sample_are_averaged():
    made = filled(model())
    pair = torch.stack([points(), 1 - points()], 1)
    both = made.read(pair, torch.zeros(20, 2))[0]
    single = [read(made, part)[0] for part in pair.unbind(1)]
    torch.testing.assert_close(both, (single[0] + single[1]) / 2)


def test_start_at_nodes():
    start = torch.arange(64.0)
    made = RadianceModel([GridLevel(4, 3), GridLevel(7, 3)], start, seed=0)
    log_density, _ = read(made, torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.0, 1 / 3]]))
    assert log_density.tolist() == pytest.approx([0.0, 1.0], abs=1e-3)
    assert made.log_density_grid(4).view(-1).tolist() == pytest.approx(start.tolist(), abs=1e-4)


@pytest.mark.parametrize("most", [None, 100])
def test_grid_of_densities_is_what_points_read(most):
    made = filled(model(most=most))
    axis = torch.linspace(0, 1, 7)
    nodes = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)
    torch.testing.assert_close(made.log_density_grid(7).view(-1), read(made, nodes)[0], atol=2e-3, rtol=0)
