"""What views show at surface points."""

from dataclasses import replace

import pytest
import torch
import trimesh

from recon_lib.cameras.camera import Cameras
from recon_lib.meshes.mesh import Mesh
from recon_lib.provenance import Provenance
from recon_lib.render.mesh import render_mesh
from recon_lib.render.projection import MIN_VIEW_COSINE, Projected, Projector
from recon_lib.views.views import Views

SIZE = 96
RED, BLUE = torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 0.0, 1.0])


@pytest.fixture(scope="module")
def ball():
    solid = trimesh.creation.icosphere(4)
    return Mesh(torch.tensor(solid.vertices).float(), torch.tensor(solid.faces).long())


def painted(mesh, azimuths, colors, background=(0.0, 1.0, 0.0)):
    """Views of `mesh` from `azimuths`, each in one plain colour over green."""
    cameras = Cameras.orbit(azimuths, 0.0, 4.0, 35.0, SIZE, SIZE)
    mask = render_mesh(mesh, cameras).masks
    flat = torch.stack(list(colors))[:, :, None, None].expand(-1, -1, SIZE, SIZE)
    images = flat * mask + torch.tensor(background)[None, :, None, None] * (1 - mask)
    return Views(images, cameras, mask)


def test_the_front_of_a_sphere_is_seen_and_the_back_is_not(ball):
    views = painted(ball, [0.0], [RED])
    projected = Projector.prepare(views, ball).look_up(ball.vertices, ball.vertices)
    toward = torch.nn.functional.normalize(views.cameras.position - ball.vertices, dim=-1)
    cosine = (toward * ball.vertices).sum(-1)
    assert projected.seen[cosine > 0.35].all() and not projected.seen[cosine < MIN_VIEW_COSINE - 0.01].any()
    # no background at the edge
    torch.testing.assert_close(
        projected.colors[projected.seen], RED.expand(int(projected.seen.sum()), 3), atol=1e-5, rtol=0
    )
    assert set(projected.provenance[projected.seen].tolist()) == {int(Provenance.OBSERVED)}
    assert set(projected.provenance[~projected.seen].tolist()) == {int(Provenance.INFERRED)}


def test_the_rim_extends_further_and_still_shows_no_background(ball):
    projector = Projector.prepare(painted(ball, [0.0], [RED]), ball)
    plain, include_rim = (projector.look_up(ball.vertices, ball.vertices, include_rim=g) for g in (False, True))
    assert (include_rim.seen | ~plain.seen).all() and include_rim.seen.sum() > plain.seen.sum()
    torch.testing.assert_close(
        include_rim.colors[include_rim.seen], RED.expand(int(include_rim.seen.sum()), 3), atol=1e-5, rtol=0
    )


def test_a_stricter_grazing_limit_ends_the_seen_part_there(ball):
    views = painted(ball, [0.0], [RED])
    projected = Projector.prepare(views, ball).look_up(ball.vertices, ball.vertices, min_cosine=0.6)
    cosine = (torch.nn.functional.normalize(views.cameras.position - ball.vertices, dim=-1) * ball.vertices).sum(-1)
    assert torch.equal(projected.seen, cosine > 0.6)


def test_two_views_blend_by_their_angle(ball):
    projector = Projector.prepare(painted(ball, [0.0, 90.0], [RED, BLUE]), ball)
    angle = torch.deg2rad(torch.tensor([0.0, 30.0, 45.0, 60.0, 90.0]))
    points = torch.stack([angle.sin(), torch.zeros(5), angle.cos()], -1) * 0.999
    projected = projector.look_up(points, points)
    toward = torch.nn.functional.normalize(projector.cameras.position[:, None] - points, dim=-1)
    weight = (toward * points / 0.999).sum(-1).clamp_min(0) ** 4
    expected = weight[0] / (weight[0] + weight[1])
    assert projected.seen.all()
    torch.testing.assert_close(projected.colors[1:4, 0], expected[1:4], atol=1e-3, rtol=0)
    torch.testing.assert_close(projected.colors[2], torch.tensor([0.5, 0.0, 0.5]), atol=1e-3, rtol=0)
    torch.testing.assert_close(projected.colors[[0, 4]], torch.stack([RED, BLUE]), atol=1e-5, rtol=0)


def test_what_stands_in_front_hides(ball):
    small = ball.mapped(lambda v: 0.3 * v + torch.tensor([0.0, 0.0, 2.0]))
    both = Mesh(torch.cat([ball.vertices, small.vertices]), torch.cat([ball.faces, small.faces + len(ball.vertices)]))
    projector = Projector.prepare(painted(both, [0.0], [RED]), both)
    points = torch.tensor([[0.0, 0.0, 1.0], [0.8, 0.0, 0.6], [0.0, 0.0, 2.3]])
    normals = torch.tensor([[0.0, 0.0, 1.0], [0.8, 0.0, 0.6], [0.0, 0.0, 1.0]])
    assert projector.look_up(points, normals).seen.tolist() == [False, True, True]
    assert projector.look_up(points, normals, slack=2.0).seen.tolist() == [True, True, True]


def test_observed_is_never_mixed_with_outpainted(ball):
    views = painted(ball, [0.0, 60.0], [RED, BLUE])
    codes = torch.full((2, 1, SIZE, SIZE), int(Provenance.OBSERVED), dtype=torch.uint8)
    codes[1] = Provenance.OUTPAINTED
    projected = Projector.prepare(replace(views, provenance=codes), ball).look_up(ball.vertices, ball.vertices)
    observed, outpainted = (projected.provenance == c for c in (Provenance.OBSERVED, Provenance.OUTPAINTED))
    assert observed.any() and outpainted.any()
    torch.testing.assert_close(projected.colors[observed], RED.expand(int(observed.sum()), 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(projected.colors[outpainted], BLUE.expand(int(outpainted.sum()), 3), atol=1e-5, rtol=0)


def test_a_hole_in_the_mask_is_not_seen(ball):
    views = painted(ball, [0.0], [RED])
    masks = views.masks.clone()
    masks[..., 40:56, 40:56] = 0  # something else stands there
    projected = Projector.prepare(replace(views, masks=masks), ball).look_up(ball.vertices, ball.vertices)
    pixels = views.cameras.project(ball.vertices)[0][0]
    hidden = (pixels > 39.5).all(-1) & (pixels < 56.5).all(-1)
    assert hidden.any() and not projected.seen[hidden].any() and projected.seen.any()


def test_points_beyond_the_frame_and_behind_the_camera(ball):
    projector = Projector.prepare(painted(ball, [0.0], [RED]), ball)
    points = torch.tensor([[50.0, 0.0, 0.0], [0.0, 0.0, 4.0], [0.0, 0.0, 90.0]])
    assert not projector.look_up(points, torch.tensor([[0.0, 0.0, 1.0]]).expand(3, 3)).seen.any()


def test_joining_points():
    codes = torch.tensor([3, 1, 1, 2, 3], dtype=torch.uint8)
    colors = torch.tensor([[9.0], [1.0], [3.0], [5.0], [7.0]]).expand(5, 3)
    joined = Projected(colors, codes).merged(torch.tensor([0, 0, 0, 1, 2]), 3)
    assert joined.provenance.tolist() == [1, 2, 3] and joined.colors[:, 0].tolist() == [2.0, 5.0, 0.0]
    other = Projected(torch.full((3, 3), 8.0), torch.tensor([1, 1, 2], dtype=torch.uint8))
    assert joined.or_else(other).provenance.tolist() == [1, 2, 2]
    assert joined.or_else(other).colors[:, 0].tolist() == [2.0, 5.0, 8.0]
