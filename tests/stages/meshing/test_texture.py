"""Baking: what was seen comes back, and nothing is left black."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
import trimesh

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput, Interrupted
from recon_lib.meshes.mesh import Mesh
from recon_lib.progress import Progress
from recon_lib.provenance import Provenance
from recon_lib.render.mesh import render_mesh
from recon_lib.render.rasterize import rasterize_uv
from recon_lib.stages.meshing.seen import without_fringes
from recon_lib.stages.meshing.texture import bake_texture
from recon_lib.views.views import Views

SIZE, TEXELS = 96, 192


@pytest.fixture(scope="module")
def ball():
    solid = trimesh.creation.icosphere(3)
    return Mesh(torch.tensor(solid.vertices).float(), torch.tensor(solid.faces).long())


def pattern(x, y):
    """A picture that is linear in pixels, so that bilinear sampling has a closed form: [...,3] in 0.3-0.9."""
    return torch.stack([0.3 + 0.6 * x / SIZE, 0.3 + 0.6 * y / SIZE, 0.9 - 0.3 * (x + y) / SIZE], -1)


def pictured(mesh, azimuth=20.0, elevation=10.0):
    """One view of `mesh` that shows `pattern` on the object and black around it."""
    cameras = Cameras.orbit(azimuth, elevation, 3.5, 40.0, SIZE, SIZE)
    mask = (render_mesh(mesh, cameras, supersample=1).masks > 0.5).float()
    x, y = cameras.pixel_centres().unbind(-1)
    return Views(pattern(x, y).permute(2, 0, 1)[None] * mask, cameras, mask)


def plain(mesh, azimuths, colors):
    cameras = Cameras.orbit(azimuths, 0.0, 3.5, 40.0, SIZE, SIZE)
    mask = render_mesh(mesh, cameras, supersample=1).masks
    return Views(torch.tensor(colors)[:, :, None, None] * mask, cameras, mask)


def texels(baked):
    """Colours and positions of the texels that the charts cover: two [P,3]."""
    seen = rasterize_uv(baked.uvs, baked.faces, *baked.texture.shape[1:])
    return baked.texture[:, seen.mask[0]].T, seen.interpolate(baked.triangles)[seen.mask]


@pytest.fixture(scope="module")
def views(ball):
    return pictured(ball)


@pytest.fixture(scope="module")
def baked(ball, views):
    return bake_texture(ball, views, size=TEXELS)


def test_the_input_view_comes_back(baked, views):
    shown = render_mesh(baked, views.cameras, shading="albedo", supersample=1).images
    mask = views.masks.expand_as(shown) > 0
    error = (shown - views.images)[mask].square().mean()
    assert float(-10 * torch.log10(error)) > 35  # dB over the whole mask, rim included
    inner = -F.max_pool2d(-views.masks, 5, 1, 2) > 0
    error = (shown - views.images)[inner.expand_as(shown)].square().mean()
    assert float(-10 * torch.log10(error)) > 48


def test_seen_texels_keep_exactly_what_is_projected_on_them(baked, views):
    colors, points = texels(baked)
    toward = F.normalize(views.cameras.position - points, dim=-1)
    frontal = (toward * F.normalize(points, dim=-1)).sum(-1) > 0.4
    x, y = views.cameras.project(points[frontal])[0][0].unbind(-1)
    torch.testing.assert_close(colors[frontal], pattern(x, y), atol=2e-4, rtol=0)


def test_no_black_anywhere(baked):
    """The background is black; neither it nor an empty texel may show in the texture."""
    assert float(baked.texture.min()) > 0.25


def test_seams_do_not_show(baked, views):
    """Faces of two charts that meet have the same colour there."""
    _, number = torch.unique(baked.vertices, dim=0, return_inverse=True)
    grid = (baked.uvs * 2 - 1)[None, None]
    color = F.grid_sample(baked.texture[None], grid, align_corners=False, padding_mode="border")[0, :, 0].T
    count = torch.bincount(number)[:, None]
    mean = torch.zeros(len(count), 3).index_add_(0, number, color) / count
    toward = F.normalize(views.cameras.position - baked.vertices, dim=-1)
    on_seam = (count[number, 0] > 1) & ((toward * baked.vertices).sum(-1) > 0.4)
    assert int(on_seam.sum()) > 20
    assert float((color - mean[number])[on_seam].abs().max()) < 0.02


def test_provenance(baked, views):
    toward = F.normalize(views.cameras.position - baked.vertices, dim=-1)
    cosine = (toward * baked.vertices).sum(-1)
    assert (baked.provenance[cosine > 0.35] == Provenance.OBSERVED).all()
    assert (baked.provenance[cosine < 0] == Provenance.INFERRED).all()


def test_two_views_blend(ball):
    baked = bake_texture(ball, plain(ball, [0.0, 90.0], [[0.8, 0.2, 0.2], [0.2, 0.2, 0.8]]), size=TEXELS, mirror=False)
    colors, points = texels(baked)
    angle = torch.rad2deg(torch.atan2(points[:, 0], points[:, 2]))
    level = points[:, 1].abs() < 0.3
    for center, red in ((0.0, 0.8), (45.0, 0.5), (90.0, 0.2)):
        band = level & ((angle - center).abs() < 2)
        torch.testing.assert_close(colors[band, 0].mean(), torch.tensor(red), atol=0.02, rtol=0)
        torch.testing.assert_close(colors[band].sum(-1), torch.full((int(band.sum()),), 1.2), atol=1e-3, rtol=0)
    back = level & ((angle + 135).abs() < 40)
    assert colors[back].min() > 0.19 and (colors[back].sum(-1) - 1.2).abs().max() < 0.01  # continued, not black


def test_the_mirror_image_shows_the_other_side():
    """A box seen from the front right: its left side takes the colours of its right side, not of the front."""
    solid = trimesh.creation.box((1.0, 0.9, 1.2))
    box = Mesh(torch.tensor(solid.vertices).float(), torch.tensor(solid.faces).long())
    cameras = Cameras.orbit(45.0, 0.0, 3.0, 40.0, SIZE, SIZE)
    render = render_mesh(box, cameras, supersample=1)
    side = (cameras.unproject(render.depth)[..., 0] > 0.499)[:, None]
    colors = torch.where(
        side, torch.tensor([0.2, 0.3, 0.9])[:, None, None], torch.tensor([0.9, 0.6, 0.2])[:, None, None]
    )
    views = Views(colors, cameras, render.masks)
    results = {m: texels(bake_texture(box, views, size=TEXELS, mirror=m)) for m in (True, False)}
    errors = {}
    for mirror, (baked_colors, points) in results.items():
        left = (points[:, 0] < -0.499) & (points[:, 1:].abs() < 0.4).all(-1)
        errors[mirror] = float((baked_colors[left] - torch.tensor([0.2, 0.3, 0.9])).abs().mean())
    assert errors[True] < 0.06 < errors[False]


def test_no_mirror_copies_the_front_to_the_back():
    """A box seen from the front is symmetric in the plane that faces the camera; its back is not its front again."""
    solid = trimesh.creation.box((1.0, 0.9, 1.2))
    box = Mesh(torch.tensor(solid.vertices).float(), torch.tensor(solid.faces).long())
    cameras = Cameras.orbit(0.0, 0.0, 3.0, 40.0, SIZE, SIZE)
    masks = render_mesh(box, cameras, supersample=1).masks
    stripes = ((torch.arange(SIZE) // 8) % 2).float().expand(1, 3, SIZE, SIZE)
    colors, points = texels(bake_texture(box, Views(stripes, cameras, masks), size=TEXELS))
    inner = (points[:, :2].abs() < 0.4).all(-1)
    front, back = colors[inner & (points[:, 2] > 0.599)], colors[inner & (points[:, 2] < -0.599)]
    assert float(front.std()) > 0.4 and float(back.std()) < 0.15


class TestWithoutFringes:
    def fringed(self, side: int) -> Views:
        """A grey square and a grey line whose masks take in a pixel of the green background all around."""
        images = torch.tensor([0.0, 1.0, 0.0])[:, None, None].expand(3, side, side).clone()
        masks = torch.zeros(1, side, side)
        images[:, 100:300, 100:300], masks[:, 99:301, 99:301] = 0.5, 1
        images[:, 400:500, 200:202], masks[:, 400:500, 200:202] = 0.5, 1
        return Views(images[None], Cameras.orbit(0.0, 0.0, 3.0, 40.0, side, side), masks[None])

    def test_background_within_the_mask_gets_the_objects_colour(self):
        views = self.fringed(640)
        cleaned = without_fringes(views)
        on = views.masks[0, 0] > 0.5
        assert (cleaned.images[0][:, on] == 0.5).all()
        assert torch.equal(cleaned.images[0][:, ~on], views.images[0][:, ~on])

    def test_small_pictures_stay_as_they_are(self, views):
        assert without_fringes(views) is views


class Striped:
    """Coloured by height."""

    bounds = torch.tensor([[-1.0, -1, -1], [1, 1, 1]])
    has_color = True

    def inside(self, points):
        return 1 - points.norm(dim=-1)

    def color(self, points, directions=None):
        return (points[:, 1:2].expand(-1, 3) + 1) / 2


@pytest.mark.parametrize("with_views", [True, False])
def test_a_field_colours_what_no_view_sees(ball, views, with_views):
    baked = bake_texture(ball, views if with_views else None, field=Striped(), size=TEXELS)
    colors, points = texels(baked)
    toward = F.normalize(views.cameras.position - points, dim=-1)
    unseen = (toward * points).sum(-1) < 0
    torch.testing.assert_close(colors[unseen], Striped().color(points[unseen]), atol=1e-3, rtol=0)
    codes = {int(Provenance.INFERRED)} | ({int(Provenance.OBSERVED)} if with_views else set())
    assert set(baked.provenance.tolist()) == codes


def test_own_vertex_colours_are_kept_in_the_texture(ball):
    colored = replace(ball, vertex_colors=(ball.vertices + 1) / 2)
    colors, points = texels(bake_texture(colored, size=TEXELS))
    torch.testing.assert_close(colors, (points + 1) / 2, atol=0.05, rtol=0)


def test_big_meshes_are_reduced_and_inputs_left_alone(ball, views):
    before = ball.vertices.clone(), views.images.clone()
    baked = bake_texture(ball, views, size=64, max_faces=1000)
    assert 900 <= len(baked.faces) <= 1000 and baked.texture.shape == (3, 64, 64)
    assert torch.equal(before[0], ball.vertices) and torch.equal(before[1], views.images) and ball.uvs is None


def test_mesh_and_views_far_from_their_origin_meet(ball, views, baked):
    far = replace(views, cameras=replace(views.cameras, origin=(4096.0, 0.0, -8192.0)))
    loaded = replace(ball, vertices=ball.vertices + 1, origin=(4095.0, -1.0, -8193.0))
    for mesh in (ball, loaded):  # made from the views, or read from a file
        again = bake_texture(mesh, far, size=baked.texture.shape[-1])
        assert again.origin == far.origin
        shown, wanted = (render_mesh(m, views.cameras, shading="albedo").images for m in (again, baked))
        assert (shown - wanted).abs().mean() < 0.01


def test_the_same_twice(ball, views, baked):
    again = bake_texture(ball, views, size=TEXELS)
    assert torch.equal(again.texture, baked.texture) and torch.equal(again.uvs, baked.uvs)


def test_bad_input(ball, views):
    with pytest.raises(BadInput, match="no source of colours"):
        bake_texture(ball)
    with pytest.raises(BadInput, match="out of range"):
        bake_texture(ball, views, size=3)
    with pytest.raises(BadInput, match="No view shows"):
        bake_texture(ball, replace(views, masks=torch.zeros_like(views.masks)))
    with pytest.raises(BadInput, match="no faces"):
        bake_texture(Mesh(torch.zeros(0, 3), torch.zeros(0, 3, dtype=torch.long)), views)


def test_it_stops_when_asked(ball, views):
    class Host(Progress):
        def check(self):
            if self.done == 2:
                raise Interrupted

    with pytest.raises(Interrupted):
        bake_texture(ball, views, size=64, progress=Host())
