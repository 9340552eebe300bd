import pytest
import torch
import torch.nn.functional as F

from recon_lib.cameras.camera import Cameras
from recon_lib.fields.field import RadianceField
from recon_lib.fields.triplane import TriplaneField, box_bounds
from recon_lib.networks.g3dr.decoder import TriplaneDecoder
from recon_lib.networks.g3dr.frame import CameraBox
from recon_lib.networks.g3dr.triplanes import ALL_AXES, PUBLISHED_AXES, KnotPlanes
from recon_lib.render.frames import render_radiance
from recon_lib.render.occupied import OccupiedSampler
from recon_lib.render.rays import RayBundle, render_rays
from recon_lib.render.stratified import StratifiedSampler

AFFINE = torch.diag(torch.tensor([1.25, 1.25, 1.25, 1.0]))  # the box is +-0.8


def camera_matrix():
    camera = Cameras.orbit(0.0, distance=3.0, fov=40, height=32, width=32)
    return CameraBox.of(camera.intrinsics, torch.full((1, 1, 32, 32), 2.8), torch.ones(1, 1, 32, 32)).matrix[0]


def field(matrix=AFFINE, axes=ALL_AXES, seed=0):
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        decoder = TriplaneDecoder(4, 6)
    planes = torch.randn(1, 3, 4, 8, 8, generator=generator) * 3
    with torch.no_grad():
        knots = KnotPlanes.of(decoder.on_planes(planes), axes)
    return TriplaneField(decoder, knots, matrix, box_bounds(matrix), scale=5.0, level=2.0)


def points(count=300, extent=0.75):
    return (torch.rand(count, 3, generator=torch.Generator().manual_seed(3)) * 2 - 1) * extent


def test_contract():
    assert isinstance(field(), RadianceField)


def test_density_and_colour_are_what_the_decoder_says():
    f = field()
    raw = f.module(f.planes.read(points() * 1.25))
    torch.testing.assert_close(f.density(points()), 5 * F.softplus(raw[:, 0] - 1))
    torch.testing.assert_close(f.color(points()), raw[:, 1:].clamp(0, 1))
    torch.testing.assert_close(f.inside(points()), (f.density(points()) / 2).log())
    both = f.radiance(points())
    torch.testing.assert_close(both.density, f.density(points()))


def test_nothing_outside_of_the_box():
    assert (field().density(torch.tensor([[0.0, 0, 0.81], [0, -0.9, 0], [5, 5, 5]])) == 0).all()
    behind = torch.tensor([[0.0, 0, -1.0]])  # of the camera, whose projection mirrors it into the picture
    assert field(camera_matrix()).density(behind) == 0


@pytest.mark.parametrize("axes", [ALL_AXES, PUBLISHED_AXES])
def test_a_lattice_of_densities(axes):
    f = field(axes=axes)
    axis = torch.linspace(-0.8, 0.8, 9)
    nodes = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1)
    within = nodes.reshape(-1, 3) * (1 - 1e-6)
    torch.testing.assert_close(f.density_in_box(9).view(-1), f.density(within), atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("matrix", [AFFINE, camera_matrix()], ids=("affine", "camera"))
def test_rays_enter_and_leave_the_box(matrix):
    f = field(matrix)
    generator = torch.Generator().manual_seed(1)
    middle = f.bounds.mean(0)
    origins = middle + F.normalize(torch.randn(200, 3, generator=generator), dim=-1) * 6
    aim = middle + (torch.rand(200, 3, generator=generator) - 0.5) * 3
    directions = F.normalize(aim - origins, dim=-1)
    start, end = f.span(origins, directions)
    t = torch.linspace(0, 12, 2001)
    along = (origins[:, None] + t[:, None] * directions[:, None]).reshape(-1, 3)
    inside = f.in_box(along)[1].view(200, -1)
    told = (t >= start[:, None]) & (t <= end[:, None])
    assert inside.any(1).sum() > 50
    assert (inside != told).sum(1).max() <= 2  # samples at the faces


def test_bounds_hold_the_box():
    f = field(camera_matrix())
    p = points(2000, 1.0) * (f.bounds[1] - f.bounds[0]) * 0.6 + f.bounds.mean(0)
    beyond = ((p < f.bounds[0]) | (p > f.bounds[1])).any(1)
    assert not f.in_box(p)[1][beyond].any() and f.in_box(p)[1].any()


def test_gradients_reach_planes_and_decoder():
    f = field()
    f.planes.table.requires_grad_()
    rays = RayBundle(torch.tensor([[0.0, 0, 2]]), torch.tensor([[0.0, 0, -1]]))
    render_rays(f, StratifiedSampler(16), rays).color.sum().backward()
    assert f.planes.table.grad.abs().sum() > 0 and f.module.net[0].bias.grad.abs().sum() > 0


def test_it_is_rendered_like_any_radiance_field():
    f = field()
    cameras = Cameras.orbit([0.0, 30.0], distance=3.0, height=24, width=24)
    shown = render_radiance(f, cameras, sampler=OccupiedSampler.of(f, nodes=24))
    assert shown.images.shape == (2, 3, 24, 24) and shown.masks.amax() > 0.5
