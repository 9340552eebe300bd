"""Marched rays against spheres and boxes in closed form."""

import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput, Interrupted
from recon_lib.progress import Progress
from recon_lib.render.field import render_field, turntable_field
from recon_lib.render.shading import CLAY

CUBE = torch.tensor([[-1.0, -1.0, -1.0], [1.0, 1.0, 1.0]])
CAMERAS = Cameras.orbit([0.0, 50.0], [0.0, 30.0], 3.0, 40.0, 40, 48)


class Ball:
    """Distance to a sphere; the colour is the position."""

    has_color = True

    def __init__(self, radius=0.7, center=(0.0, 0.0, 0.0), bounds=CUBE):
        self.radius, self.center, self.bounds, self.evaluations = radius, torch.tensor(center), bounds, 0

    def inside(self, points):
        self.evaluations += len(points)
        return self.radius - (points - self.center).norm(dim=-1)

    def color(self, points, directions=None):
        return (points + 1) / 2


def sphere_hits(cameras, radius):
    """Half chord squared, z-depth and point [V,H,W(,3)] of every ray at a centred sphere."""
    origin, direction = cameras.rays()
    middle = -(origin * direction).sum(-1)
    square = radius**2 - ((origin * origin).sum(-1) - middle**2)
    points = origin + (middle - square.clamp_min(0).sqrt())[..., None] * direction
    depth = torch.stack(
        [cameras[i].to_camera(p.reshape(-1, 3))[0, :, 2].view(p.shape[:2]) for i, p in enumerate(points)]
    )
    return square, depth, points


@pytest.mark.parametrize("look_ahead", [0, 16])
def test_sphere(look_ahead):
    rendering = render_field(Ball(), CAMERAS, shading="albedo", look_ahead=look_ahead)
    square, depth, points = sphere_hits(CAMERAS, 0.7)
    clear = square.abs() > 0.01  # a ray that only grazes may pass between two steps
    seen = rendering.depth[:, 0] > 0
    assert torch.equal(seen[clear], (square > 0)[clear])
    torch.testing.assert_close(rendering.masks[:, 0], seen.float())
    hit = seen & clear
    torch.testing.assert_close(rendering.depth[:, 0][hit], depth[hit], atol=1e-4, rtol=0)
    torch.testing.assert_close(rendering.images.permute(0, 2, 3, 1)[hit], (points[hit] + 1) / 2, atol=1e-4, rtol=0)
    normals = torch.einsum("vhwi,vij->vhwj", points / 0.7, CAMERAS.rotation)
    torch.testing.assert_close(rendering.normals.permute(0, 2, 3, 1)[hit], normals[hit], atol=4e-3, rtol=0)
    assert rendering.normals.permute(0, 2, 3, 1)[~seen].abs().sum() == 0


def test_looking_ahead_saves_questions():
    plain, ahead = Ball(0.3), Ball(0.3)
    render_field(plain, CAMERAS, shading="depth", look_ahead=0)
    render_field(ahead, CAMERAS, shading="depth", look_ahead=16)
    assert ahead.evaluations < 0.5 * plain.evaluations


def test_the_secant_copes_with_logits():
    class Steep(Ball):
        def inside(self, points):
            return torch.sinh(20 * super().inside(points)).clamp(-1e6, 1e6)

    square, depth, _ = sphere_hits(CAMERAS, 0.7)
    rendering = render_field(Steep(), CAMERAS, shading="depth")
    hit = (rendering.depth[:, 0] > 0) & (square > 0.05)
    torch.testing.assert_close(rendering.depth[:, 0][hit], depth[hit], atol=1e-3, rtol=0)


def test_bounds_cut_the_solid():
    half = Ball(bounds=torch.tensor([[-1.0, -1.0, -1.0], [1.0, 1.0, 0.25]]))
    rendering = render_field(half, CAMERAS[0], shading="depth")
    torch.testing.assert_close(rendering.depth[0, 0, 20, 24], torch.tensor(2.75), atol=1e-3, rtol=0)


def test_camera_inside_the_bounds_and_nothing_to_see():
    cameras = Cameras.orbit(0.0, 0.0, 0.9, 60.0, 12, 12)
    torch.testing.assert_close(render_field(Ball(0.3), cameras).depth[0, 0, 6, 6], torch.tensor(0.6), atol=0.01, rtol=0)
    empty = render_field(Ball(-1.0), cameras, background=(0.0, 1.0, 0.0))
    assert empty.masks.sum() == 0 and empty.images[0, :, 0, 0].tolist() == [0.0, 1.0, 0.0]


def test_supersampling_softens_the_mask_only():
    rendering, plain = render_field(Ball(), CAMERAS, supersample=3), render_field(Ball(), CAMERAS)
    assert ((rendering.masks > 0) & (rendering.masks < 1)).any() and not ((plain.masks > 0) & (plain.masks < 1)).any()
    torch.testing.assert_close(rendering.depth, plain.depth, atol=1e-4, rtol=0)


def test_without_colour_it_is_clay():
    class Grey(Ball):
        has_color = False

    image = render_field(Grey(), CAMERAS, shading="albedo").images[0, :, 20, 24]
    torch.testing.assert_close(image, torch.tensor(CLAY))
    assert render_field(Grey(), CAMERAS, shading="normal").images[0, 2, 20, 24] > 0.99


def test_turntable_and_chunks():
    rendering = turntable_field(Ball(), 3, 10.0, size=24)
    assert rendering.images.shape == (3, 3, 24, 24) and (rendering.masks.sum((1, 2, 3)) > 50).all()
    again = turntable_field(Ball(), 3, 10.0, size=24, chunk=1500)
    torch.testing.assert_close(again.images, rendering.images, atol=1e-5, rtol=0)


@pytest.mark.parametrize("how", [{"shading": "provenance"}, {"steps": 1}, {"supersample": 2}, {"look_ahead": 2}])
def test_bad_options(how):
    with pytest.raises(BadInput):
        render_field(Ball(), CAMERAS, **how)


def test_it_can_be_interrupted_between_chunks():
    class Host(Progress):
        checks = 0

        def check(self):
            self.checks += 1
            if self.checks > 20:
                raise Interrupted

    with pytest.raises(Interrupted):
        render_field(Ball(), CAMERAS, progress=Host())
