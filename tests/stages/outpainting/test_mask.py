"""Outpaint masks, against what balls and boxes show by geometry."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput
from recon_lib.meshes.mesh import Mesh
from recon_lib.progress import Progress
from recon_lib.provenance import Provenance
from recon_lib.render.mesh import render_mesh
from recon_lib.stages.outpainting.mask import find_outpaint_mask, missing_pixels, seam_width, widened
from recon_lib.views.views import Views
from tests.helpers.shapes import ball, box
from tests.helpers.stop_button import looks_of, stop_everywhere

SIZE, DISTANCE = 128, 3.5


def orbit(*azimuths: float, elevation: float = 0.0, size: int = SIZE) -> Cameras:
    return Cameras.orbit(list(azimuths), elevation, DISTANCE, 40.0, size, size)


def colored(mesh: Mesh) -> Mesh:
    """Colours that say where a point is."""
    return replace(mesh, vertex_colors=mesh.vertices * 0.4 + 0.5)


def pictured(mesh: Mesh, cameras: Cameras) -> Views:
    render = render_mesh(mesh, cameras, shading="albedo", background=(0.0, 0.0, 0.0), supersample=2)
    return Views(render.images, cameras, render.masks)


def scaled(mesh: Mesh, factor: float) -> Mesh:
    return mesh.mapped(lambda v: v * factor)


def shifted(mesh: Mesh, *by: float) -> Mesh:
    return mesh.mapped(lambda v: v + torch.tensor(by))


def joined(*meshes: Mesh) -> Mesh:
    starts = [sum(len(m.vertices) for m in meshes[:i]) for i in range(len(meshes))]
    faces = torch.cat([m.faces + start for m, start in zip(meshes, starts, strict=True)])
    return Mesh(torch.cat([m.vertices for m in meshes]), faces)


@pytest.fixture(scope="module")
def globe() -> Mesh:
    return colored(scaled(ball(4), 0.8))


@pytest.fixture(scope="module")
def front(globe) -> Views:
    return pictured(globe, orbit(0.0))


@pytest.fixture(scope="module")
def side(globe, front):
    """Seen from the front, looked at from the right; the hull is a slightly larger ball."""
    return find_outpaint_mask(front, orbit(90.0), scaled(globe, 1.15), globe, grow=0)


def turned_away(globe: Mesh, cameras: Cameras, eye: torch.Tensor) -> torch.Tensor:
    """View angles [1,1,H,W], degrees, of the ball's points from `eye`; NaN where there is none."""
    render = render_mesh(globe, cameras, supersample=1)
    points = cameras.unproject(render.depth)
    cosine = (F.normalize(eye - points, dim=-1) * F.normalize(points, dim=-1)).sum(-1)
    return torch.where(render.masks[:, 0] > 0, torch.rad2deg(torch.acos(cosine.clamp(-1, 1))), float("nan"))[:, None]


@pytest.mark.parametrize("max_view_angle", [75.0, 50.0])
def test_a_ball_is_seen_up_to_the_grazing_angle(globe, front, max_view_angle):
    outpaint_mask = find_outpaint_mask(
        front, orbit(90.0), scaled(globe, 1.0001), globe, grow=0, max_view_angle=max_view_angle
    )
    angle = turned_away(globe, orbit(90.0), front.cameras.position)
    assert (outpaint_mask.seen[angle < max_view_angle - 3] == 1).all()
    assert (outpaint_mask.seen[angle > max_view_angle + 1.5] == 0).all()
    assert (outpaint_mask.masks[angle > max_view_angle + 1.5] == 1).all()


def test_every_pixel_of_the_hull_is_kept_or_painted_and_none_outside(globe, side):
    assert not (side.seen * side.masks).any()
    assert not ((side.seen + side.masks) * (1 - side.silhouettes)).any()
    larger = render_mesh(scaled(globe, 1.15), orbit(90.0), supersample=1).masks
    assert torch.equal(side.silhouettes, larger)
    left = side.silhouettes * (1 - side.seen - side.masks)  # only a thin border of the hull may be neither
    assert left.sum() < 0.02 * side.silhouettes.sum()


def test_where_the_hull_holds_no_surface_is_painted(globe, side):
    beyond = side.silhouettes - render_mesh(globe, orbit(90.0), supersample=1).masks
    inner = -F.max_pool2d(-beyond, 3, 1, 1) > 0
    assert inner.sum() > 500 and (side.masks[inner] == 1).all()


def test_a_margin_of_the_hull_is_not_painted(globe):
    """All is seen; the hull is a pixel wider than the object: nothing beyond the object is left to paint."""
    cameras = Cameras.cat([orbit(0.0, 60.0, 120.0, 180.0, 240.0, 300.0), orbit(0.0, elevation=89.0)])
    cameras = Cameras.cat([cameras, orbit(0.0, elevation=-89.0)])
    pixel = DISTANCE / float(cameras.intrinsics[0, 0, 0])
    outpaint_mask = find_outpaint_mask(
        pictured(globe, cameras), orbit(30.0), scaled(globe, 1 + 1.2 * pixel / 0.8), globe, grow=0
    )
    surface = render_mesh(globe, orbit(30.0), supersample=1).masks
    assert (outpaint_mask.silhouettes - surface).sum() > 200
    assert not (outpaint_mask.masks * (1 - surface)).any()
    assert outpaint_mask.seen.sum() > 0.9 * surface.sum()


def test_seen_colours_arrive_where_they_belong(globe, side):
    true = render_mesh(globe, orbit(90.0), shading="albedo", supersample=1).images
    seen = (side.seen > 0).expand_as(true)
    assert seen.sum() > 3 * 800
    assert (side.images - true)[seen].abs().max() < 0.03
    assert (side.images[(side.masks > 0).expand_as(true)] == 0.5).all()
    assert (side.images[(side.silhouettes == 0).expand_as(true)] == 1).all()


def test_the_surfaces_layers_are_handed_on(globe, side):
    true = render_mesh(globe, orbit(90.0), supersample=1)
    torch.testing.assert_close(side.depth, true.depth)
    torch.testing.assert_close(side.normals, true.normals, atol=1e-5, rtol=0)


def test_from_the_same_camera_only_the_grazing_rim_is_missing(globe, front):
    outpaint_mask = find_outpaint_mask(front, front.cameras, scaled(globe, 1.0001), globe, grow=0)
    angle = turned_away(globe, front.cameras, front.cameras.position)
    assert (outpaint_mask.masks[angle < 72] == 0).all() and (outpaint_mask.masks[angle > 77] == 1).all()
    same = (outpaint_mask.seen > 0).expand_as(front.images)
    assert (outpaint_mask.images - front.images)[same].abs().max() < 0.02


def test_what_was_hidden_is_painted():
    """A small box before a large one: from the side, the part of the large front that it hid is not taken as seen."""
    large, small = box((0.5, 0.5, 0.1)), shifted(box((0.2, 0.2, 0.02)), 0.0, 0.0, 0.5)
    both = joined(large, small)
    views = pictured(both, orbit(0.0))
    camera = orbit(40.0)
    outpaint_mask = find_outpaint_mask(views, camera, box((0.6, 0.6, 0.6)), both, grow=0)
    spots = torch.tensor([[0.2, 0.0, 0.1], [0.32, 0.1, 0.1], [0.45, 0.0, 0.1], [0.4, -0.4, 0.1]])
    x, y = camera.project(spots)[0][0].floor().long().unbind(-1)
    # the small box casts its shadow from the eye at 3.5 onto +-0.2 * 3.4 / 3 = +-0.227 of the large front
    assert outpaint_mask.masks[0, 0, y, x].tolist() == [1, 0, 0, 0]
    assert outpaint_mask.seen[0, 0, y, x].tolist() == [0, 1, 1, 1]


def test_more_views_leave_less_to_paint(globe):
    camera, hull = orbit(45.0), scaled(globe, 1.05)
    one, two = (
        find_outpaint_mask(pictured(globe, orbit(*azimuths)), camera, hull, globe, grow=0)
        for azimuths in ((0,), (0, 90))
    )
    assert not ((two.masks > 0) & (one.masks == 0)).any() and two.masks.sum() < one.masks.sum()


def test_the_region_grows_by_whole_pixels(globe, front, side):
    grown = find_outpaint_mask(front, orbit(90.0), scaled(globe, 1.15), globe, grow=3)
    expected = (F.max_pool2d(side.masks, 7, 1, 3) > 0) & (side.silhouettes > 0)
    assert torch.equal(grown.masks > 0, expected)
    assert not (grown.seen * grown.masks).any() and grown.seen.sum() < side.seen.sum()


@pytest.mark.parametrize(("size", "pixels"), [((128, 255), 0), ((256, 400), 1), ((512, 512), 2)])
def test_the_seam_is_in_proportion_to_the_picture(size, pixels):
    height, width = size
    cameras = replace(orbit(90.0), height=height, width=width)
    assert seam_width(cameras) == seam_width(replace(cameras, height=width, width=height)) == pixels


def test_a_seam_of_that_width_is_the_default(globe, front):
    camera, hull = orbit(90.0, size=256), scaled(globe, 1.15)
    usual, bare, one = (find_outpaint_mask(front, camera, hull, globe, grow=grow).masks for grow in (None, 0, 1))
    assert torch.equal(usual, one) and bare.sum() < one.sum()


def test_pixels_that_nobody_vouches_for_are_not_seen(globe, front):
    guessed = torch.full_like(front.masks, Provenance.INFERRED, dtype=torch.uint8)
    painted = torch.full_like(guessed, Provenance.OUTPAINTED)
    seen = [
        find_outpaint_mask(replace(front, provenance=codes), orbit(60.0), scaled(globe, 1.05), globe).seen.sum()
        for codes in (guessed, painted)
    ]
    assert seen[0] == 0 and seen[1] > 500


def test_fields_are_meshed(globe, front):
    hull, surface = (
        SimpleNamespace(
            bounds=torch.tensor([[-1.0] * 3, [1.0] * 3]), has_color=False, inside=lambda p, r=r: r - p.norm(dim=-1)
        )
        for r in (0.92, 0.8)
    )
    of_fields = find_outpaint_mask(front, orbit(90.0), hull, surface, grow=0)
    of_meshes = find_outpaint_mask(front, orbit(90.0), scaled(globe, 1.15), globe, grow=0)
    for layer in ("masks", "seen", "silhouettes"):
        assert (getattr(of_fields, layer) != getattr(of_meshes, layer)).float().mean() < 0.01


def test_many_cameras_are_each_the_next_one(globe, front, side):
    outpaint_mask = find_outpaint_mask(front, orbit(-90.0, 90.0), scaled(globe, 1.15), globe, grow=0)
    assert len(outpaint_mask.masks) == len(outpaint_mask.cameras) == len(outpaint_mask.preview()) == 2
    assert torch.equal(outpaint_mask.masks[1:], side.masks) and torch.equal(outpaint_mask.images[1:], side.images)


def test_the_preview_tells_seen_missing_and_outside_apart(side):
    preview = side.preview()
    assert torch.equal(preview[(side.seen > 0).expand_as(preview)], side.images[(side.seen > 0).expand_as(preview)])
    orange = preview.movedim(1, -1)[side.masks[:, 0] > 0]
    assert (orange == torch.tensor([0.95, 0.55, 0.15])).all()
    assert (
        (preview[(side.silhouettes == 0).expand_as(preview)] == 1).all() and preview.min() >= 0 and preview.max() <= 1
    )


def region(*rows: str) -> torch.Tensor:
    """[1,1,H,W] bool, true at every x."""
    return torch.tensor([[c == "x" for c in row] for row in rows])[None, None]


def test_a_region_is_widened_round_its_corners_too():
    assert torch.equal(widened(region(".....", ".....", "..x.."), 1), region(".....", ".xxx.", ".xxx."))
    assert torch.equal(widened(region("..x.."), 0), region("..x.."))


def test_unseen_surface_is_missing_and_beyond_it_only_what_is_wide():
    """On the left a surface of one pixel, on the right a border of the hull of two, in the middle a gap of three."""
    silhouette, covered = region(*["xx.xxx.xx."] * 5), region(*["xx........"] * 5)
    missing = missing_pixels(silhouette, covered, region(*["x........."] * 5))
    assert torch.equal(missing, region(*[".x.xxx...."] * 5))


# -- what can be wrong ----------------------------------------------------------------------------------------


def message_of(*inputs, **options) -> str:
    with pytest.raises(BadInput) as caught:
        find_outpaint_mask(*inputs, **options)
    return str(caught.value)


def test_nothing_to_go_by(globe, front):
    nothing = torch.zeros(0, dtype=torch.long)
    assert "no earlier view" in message_of(front[nothing], orbit(90.0), globe, globe)
    assert "no camera" in message_of(front, orbit(90.0)[nothing], globe, globe)


def test_a_camera_inside_the_hull(globe, front):
    cameras = Cameras.orbit([0.0, 90.0], 0.0, [3.5, 0.7], 40.0, SIZE, SIZE)
    assert "Camera 1 stands inside the hull" in message_of(front, cameras, globe, globe)


def test_a_camera_that_looks_away(globe, front):
    away = Cameras.look_at(torch.tensor([[0.0, 0.0, 3.5]]), torch.tensor([0.0, 0.0, 9.0]), 40.0, SIZE, SIZE)
    assert "does not show the hull" in message_of(front, away, globe, globe)


def test_a_surface_elsewhere(globe, front):
    assert "do not meet" in message_of(front, orbit(90.0), globe, shifted(scaled(globe, 0.3), 0.0, 1.6, 0.0))


@pytest.mark.parametrize("options", [{"grow": -1}, {"grow": 99}, {"max_view_angle": 0.0}, {"max_view_angle": 91.0}])
def test_options_out_of_range(globe, front, options):
    assert "out of range; give 0 to 64 px" in message_of(front, orbit(90.0), globe, globe, **options)


def test_an_empty_hull(front, globe):
    empty = SimpleNamespace(
        bounds=torch.tensor([[-1.0] * 3, [1.0] * 3]), has_color=False, inside=lambda p: -1 - p.norm(dim=-1)
    )
    assert "carved empty" in message_of(front, orbit(90.0), empty, globe)


def test_the_stop_button(globe, front, tmp_path):
    def job(progress: Progress) -> None:
        find_outpaint_mask(front, orbit(90.0, 45.0), scaled(globe, 1.1), globe, progress=progress)

    stop_everywhere(job, tmp_path, looks_of(job))
