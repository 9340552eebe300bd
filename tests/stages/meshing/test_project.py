"""Photos on meshes of any origin: what they show is there, and nothing else has changed."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput
from recon_lib.meshes.mesh import Mesh
from recon_lib.meshes.unwrap import unwrap
from recon_lib.provenance import Provenance
from recon_lib.render.mesh import render_mesh, sample_texture
from recon_lib.stages.meshing import canvas
from recon_lib.stages.meshing.painted import GUESSED, NOTHING, OWN
from recon_lib.stages.meshing.project import project_views
from recon_lib.views.views import Views
from tests.helpers.shapes import ball, box, quad

SIDE, SIZE = 96, 256
RED, BLUE, GREEN = (0.8, 0.1, 0.1), (0.1, 0.1, 0.8), (0.1, 0.7, 0.2)


def photos(mesh, azimuths, colors):
    """Views of one colour each."""
    cameras = Cameras.orbit(azimuths, 0.0, 3.5, 40.0, SIDE, SIDE)
    masks = (render_mesh(mesh, cameras, supersample=1).masks > 0.5).float()
    return Views(torch.tensor(colors)[:, :, None, None] * masks, cameras, masks)


def noisy(mesh):
    """A mesh with UVs and a texture of noise."""
    cut = unwrap(mesh, 128).mesh
    return replace(cut, texture=torch.rand(3, 128, 128, generator=torch.Generator().manual_seed(0)))


@pytest.fixture(scope="module")
def globe():
    return noisy(ball(3))


def texel_normals(mesh, source):
    """Unit positions of a ball's texels whose source is not NOTHING, [P,3], and their sources [P]."""
    from recon_lib.stages.meshing.texels import Texels

    texels = Texels.of(mesh, *source.shape)
    there = source[texels.fragments.mask[0]]
    return F.normalize(texels.points, dim=-1)[there != NOTHING], there[there != NOTHING]


def test_uvs_and_own_texture_stay_where_nothing_is_seen(globe):
    found = project_views(globe, photos(globe, [0.0], [RED]), size=SIZE, blend=0.0)
    assert found.kept_uvs and torch.equal(found.mesh.uvs, globe.uvs) and torch.equal(found.mesh.faces, globe.faces)
    assert found.mesh.texture.shape == (3, SIZE, SIZE)
    own = F.interpolate(globe.texture[None], (SIZE, SIZE), mode="bilinear", align_corners=False)[0]
    untouched = found.texel_source == OWN
    torch.testing.assert_close(found.mesh.texture[:, untouched], own[:, untouched], atol=1e-6, rtol=0)
    seen = found.texel_source == 0
    torch.testing.assert_close(
        found.mesh.texture[:, seen].T, torch.tensor(RED).expand(int(seen.sum()), 3), atol=1e-5, rtol=0
    )


def test_what_is_seen_is_what_the_camera_sees(globe):
    found = project_views(globe, photos(globe, [0.0], [RED]), size=SIZE)
    direction, source = texel_normals(found.mesh, found.texel_source)
    cosine = (F.normalize(torch.tensor([0, 0, 3.5]) - direction, dim=-1) * direction).sum(-1)
    assert (source[cosine > 0.35] == 0).all() and (source[cosine < 0.1] == OWN).all()
    vertex = F.normalize(found.mesh.vertices, dim=-1)
    cosine = (F.normalize(torch.tensor([0, 0, 3.5]) - vertex, dim=-1) * vertex).sum(-1)
    assert (found.mesh.provenance[cosine > 0.35] == Provenance.OBSERVED).all()
    assert (found.vertex_source[cosine < 0] == OWN).all()
    assert found.seen == pytest.approx(0.27, abs=0.03)  # (1 - cos 65 degrees) / 2, less the mask's rim


def test_a_second_photo_leaves_the_first_one_alone(globe):
    two = photos(globe, [0.0, 60.0], [RED, BLUE])
    first, both = (project_views(globe, views, size=SIZE) for views in (two[0], two))
    seen = first.texel_source == 0
    assert torch.equal(both.texel_source == 0, seen)
    assert torch.equal(both.mesh.texture[:, seen], first.mesh.texture[:, seen])
    blue = both.mesh.texture[:, both.texel_source == 1].T
    torch.testing.assert_close(blue, torch.tensor(BLUE).expand_as(blue), atol=1e-5, rtol=0)
    assert len(blue) > 2000


def test_one_photo_after_the_other_is_the_same_as_both_at_once(globe):
    two = photos(globe, [0.0, 60.0], [RED, BLUE])
    first = project_views(globe, two[0], size=SIZE, blend=0.0)
    then, both = (
        project_views(first.mesh, two[1], size=SIZE, blend=0.0),
        project_views(globe, two, size=SIZE, blend=0.0),
    )
    seen = first.texel_source == 0
    assert torch.equal(then.mesh.texture[:, seen], first.mesh.texture[:, seen])
    assert torch.equal(then.mesh.texture_provenance, both.mesh.texture_provenance)
    torch.testing.assert_close(then.mesh.texture, both.mesh.texture, atol=1e-5, rtol=0)


def test_the_seam_is_blended_on_the_unseen_side(globe):
    """Own texture of one colour: right behind the seam it has the photo's, far away its own."""
    plain = replace(globe, texture=torch.tensor(GREEN)[:, None, None].expand(3, 128, 128))
    found = project_views(plain, photos(globe, [0.0], [RED]), size=SIZE, elsewhere="own", blend=0.03)
    direction, source = texel_normals(found.mesh, found.texel_source)
    colors = found.mesh.texture[:, found.texel_source != NOTHING].T
    angle = torch.rad2deg(torch.acos(direction[:, 2].clamp(-1, 1)))
    edge = float(angle[source == 0].max())
    near, far = (source == OWN) & (angle < edge + 1), (source == OWN) & (angle > edge + 40)
    assert (colors[near] - torch.tensor(RED)).abs().mean() < 0.1
    assert (colors[far] - torch.tensor(GREEN)).abs().max() < 0.01


def test_leveled_photos_meet_without_a_step(globe):
    two = photos(globe, [0.0, 60.0], [(0.5, 0.5, 0.5), (0.6, 0.6, 0.6)])
    steps = []
    for level in (False, True):
        found = project_views(globe, two, size=SIZE, level=level, blend=0.2)
        direction, source = texel_normals(found.mesh, found.texel_source)
        colors = found.mesh.texture[:, found.texel_source != NOTHING].T
        edge = (source == 1) & (torch.rad2deg(torch.acos(direction[:, 2].clamp(-1, 1))) < 73)
        steps.append(float((colors[edge] - 0.5).abs().mean()))
    assert steps[0] == pytest.approx(0.1, abs=1e-3) and steps[1] < 0.03


def test_without_colours_of_its_own_the_photo_goes_on():
    bare = ball(3)
    found = project_views(bare, photos(bare, [0.0], [RED]), size=SIZE)
    assert not found.kept_uvs and len(found.mesh.faces) == len(bare.faces)
    covered = found.texel_source != NOTHING
    torch.testing.assert_close(
        found.mesh.texture[:, covered].T, torch.tensor(RED).expand(int(covered.sum()), 3), atol=0.02, rtol=0
    )
    assert (found.texel_source == GUESSED).any() and not (found.texel_source == OWN).any()


def test_shared_uvs_get_new_ones_with_the_old_texture():
    """Both halves of a box on the same texels: after painting one of them, the other one still has them."""
    one = noisy(box((0.5, 0.5, 0.5)))
    right = one.vertices + torch.tensor([1.5, 0, 0])
    twins = replace(
        one, vertices=torch.cat([one.vertices, right]), faces=torch.cat([one.faces, one.faces + len(right)]),
        uvs=one.uvs.repeat(2, 1), vertex_normals=one.vertex_normals.repeat(2, 1),
    )  # fmt: skip
    views = photos(one, [0.0], [RED])
    found = project_views(twins, views, size=512, blend=0.0)
    assert not found.kept_uvs
    camera = replace(Cameras.orbit(0.0, 0.0, 3.5, 40.0, 64, 64))
    aside = replace(
        camera, camera_to_world=camera.camera_to_world + F.one_hot(torch.tensor(3), 4) * 1.5 * torch.eye(4)[:1].T
    )
    shown, wanted = (render_mesh(m, aside, shading="albedo").images for m in (found.mesh, twins))
    assert (shown - wanted).abs().mean() < 0.02
    assert (
        render_mesh(found.mesh, camera, shading="albedo").images[0, :, 32, 32] - torch.tensor(RED)
    ).abs().max() < 0.01


def test_vertex_colours_become_a_texture(globe):
    colored = replace(globe, uvs=None, texture=None, vertex_colors=globe.vertices / 2 + 0.5)
    found = project_views(colored, photos(globe, [0.0], [RED]), size=512, blend=0.0)
    back = found.vertex_source == OWN
    at = sample_texture(found.mesh.texture, found.mesh.uvs)[back]
    assert float((at - found.mesh.vertices[back] / 2 - 0.5).abs().amax(1).quantile(0.99)) < 0.03


def test_inside_out_and_open_meshes_are_painted(globe):
    turned = replace(globe, faces=globe.faces.flip(1), vertex_normals=None)
    views = photos(globe, [0.0], [RED])
    one, other = (project_views(mesh, views, size=SIZE).texel_source for mesh in (globe, turned))
    assert float(((one == 0) == (other == 0)).float().mean()) > 0.995
    sheet = quad(0.5)
    assert project_views(sheet, photos(sheet, [150.0], [RED]), size=64, mirror=False).seen > 0.8


def test_very_many_triangles_are_painted_on_their_vertices(monkeypatch):
    monkeypatch.setattr(canvas, "MAX_UNWRAPPED", 1000)
    monkeypatch.setattr(canvas, "COARSE_FACES", 600)
    dense = ball(4)
    dense = replace(dense, vertex_colors=(dense.vertices / 2 + 0.5))
    found = project_views(dense, photos(dense, [0.0], [RED]), size=SIZE, blend=0.05)
    front, back = dense.vertices[:, 2] > 0.6, dense.vertices[:, 2] < -0.6
    assert found.texel_source is None and (found.vertex_source[front] == 0).all()
    torch.testing.assert_close(
        found.mesh.vertex_colors[front], torch.tensor(RED).expand(int(front.sum()), 3), atol=1e-5, rtol=0
    )
    torch.testing.assert_close(found.mesh.vertex_colors[back], dense.vertex_colors[back], atol=0.01, rtol=0)
    assert project_views(ball(4), photos(dense, [0.0], [RED])).mesh.vertex_colors[back].amin(0)[0] > 0.75


def test_many_triangles_with_uvs_keep_them(monkeypatch, globe):
    monkeypatch.setattr(canvas, "MAX_DIFFUSED", 500)
    monkeypatch.setattr(canvas, "COARSE_FACES", 300)
    found = project_views(globe, photos(globe, [0.0], [RED]), size=SIZE, blend=0.02)
    assert found.kept_uvs
    direction, _ = texel_normals(found.mesh, found.texel_source)
    colors = found.mesh.texture[:, found.texel_source != NOTHING].T
    assert (colors[direction[:, 2] > 0.7] - torch.tensor(RED)).abs().max() < 1e-5


def test_hidden_surfaces_are_not_painted():
    """A box behind a plate: the plate's photo is on the plate alone."""
    back, plate = box((0.3, 0.3, 0.1)), quad(0.5)
    both = Mesh(
        torch.cat([back.vertices, plate.vertices + torch.tensor([0, 0, 0.5])]), torch.cat([back.faces, plate.faces + 8])
    )
    found = project_views(both, photos(both, [0.0], [RED]), size=128, mirror=False)
    assert (found.mesh.provenance[found.mesh.vertices[:, 2] < 0.2] == Provenance.INFERRED).all()
    assert 0.2 < found.seen < 0.6


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"mesh": Mesh(torch.zeros(3, 3), torch.tensor([[0, 1, 2]]))}, "no extent"),
        ({"size": 8}, "out of range"),
        ({"blend": -1.0}, "out of range"),
        ({"elsewhere": "nowhere"}, "not known"),
    ],
)
def test_bad_input(change, sentence):
    mesh = ball(1)
    options = {"mesh": mesh, "views": photos(mesh, [0.0], [RED]), **change}
    with pytest.raises(BadInput, match=sentence):
        project_views(options.pop("mesh"), options.pop("views"), **options)


def test_a_view_that_shows_nothing_is_told():
    mesh = ball(2)
    views = photos(mesh, [0.0], [RED])
    with pytest.raises(BadInput, match="No view shows"):
        project_views(mesh, replace(views, masks=views.masks * 0), size=64)


def test_self_crossing_meshes_are_painted():
    one = ball(2)
    crossing = Mesh(
        torch.cat([one.vertices, one.vertices + torch.tensor([0.7, 0, 0])]) * 0.6,
        torch.cat([one.faces, one.faces + len(one.vertices)]),
    )
    assert 0.2 < project_views(crossing, photos(crossing, [0.0], [RED]), size=SIZE).seen < 0.5
