"""VolSDF's perceptrons in a world that is moved and scaled."""

import torch
import torch.nn.functional as F

from recon_lib.fields.field import DistanceField
from recon_lib.fields.perceptron import PerceptronField
from recon_lib.networks.volsdf.perceptron import VolSDF, VolSDFConfig

torch.manual_seed(0)
NETWORK = VolSDF(VolSDFConfig(width=48, depth=3, color_depth=2, octaves=2, view_octaves=1, skip=2))
CENTER, SCALE = torch.tensor([0.2, -0.1, 0.4]), 2.5
BOUNDS = torch.tensor([[-1.0] * 3, [1.0] * 3])
FIELD = PerceptronField(NETWORK, CENTER, SCALE, BOUNDS)
POINTS = torch.rand(40, 3, generator=torch.Generator().manual_seed(1)) * 0.8 - 0.4
DIRECTIONS = F.normalize(POINTS + 1, dim=-1)


def test_it_is_a_distance_field_in_world_units():
    assert isinstance(FIELD, DistanceField)
    own = (POINTS - CENTER) * SCALE
    assert torch.allclose(FIELD.inside(POINTS), -NETWORK.distance(own) / SCALE)
    assert torch.allclose(FIELD.beta * SCALE, NETWORK.density())


def test_the_optical_depth_is_the_same_in_both_frames():
    """A length is shorter in the world by the factor by which the density is higher."""
    network = PerceptronField(NETWORK, torch.zeros(3), 1.0, BOUNDS)
    own = FIELD.to_network(POINTS)
    assert torch.allclose(FIELD.density(POINTS) / SCALE, network.density(own), rtol=1e-4)


def test_all_at_once_is_what_each_says_alone():
    radiance = FIELD.radiance(POINTS, DIRECTIONS)
    assert torch.allclose(radiance.density, FIELD.density(POINTS), rtol=1e-4)
    assert torch.equal(radiance.color, FIELD.color(POINTS, DIRECTIONS))
    step = 1e-3 * DIRECTIONS
    slope = (FIELD.inside(POINTS - step) - FIELD.inside(POINTS + step)) / 2e-3
    assert torch.allclose((radiance.gradient * DIRECTIONS).sum(-1), slope, atol=0.05)


def test_only_the_radiance_can_be_trained_on():
    assert FIELD.radiance(POINTS, DIRECTIONS).density.requires_grad
    assert not FIELD.density(POINTS).requires_grad and not FIELD.color(POINTS).requires_grad


def test_the_default_direction_looks_straight_at_the_surface():
    normals = F.normalize(FIELD.radiance(POINTS).gradient, dim=-1)
    assert torch.allclose(FIELD.color(POINTS), FIELD.color(POINTS, -normals.detach()), atol=1e-6)
