"""Pictures of meshes."""

from dataclasses import replace

import pytest
import torch
import trimesh

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput, Interrupted
from recon_lib.meshes.mesh import Mesh
from recon_lib.progress import Progress
from recon_lib.provenance import PROVENANCE_COLORS, Provenance
from recon_lib.render.mesh import corner_normals, render_mesh, sample_texture, turntable
from recon_lib.render.shading import lit

FRONT = Cameras.orbit(0.0, 0.0, 4.0, 40.0, 48, 48)
GREEN = (0.0, 1.0, 0.0)


def quad(**layers):
    """A square of side 2 in z = 0 that faces +z; corners from bottom left, counter-clockwise."""
    vertices = torch.tensor([[-1.0, -1.0, 0.0], [1.0, -1.0, 0.0], [1.0, 1.0, 0.0], [-1.0, 1.0, 0.0]])
    return Mesh(vertices, torch.tensor([[0, 1, 2], [0, 2, 3]]), **layers)


def box():
    solid = trimesh.creation.box()
    return Mesh(torch.tensor(solid.vertices).float(), torch.tensor(solid.faces).long())


def test_texture_is_the_right_way_up():
    texture = torch.zeros(3, 2, 2)
    texture[:, 0, 0], texture[:, 0, 1] = torch.tensor([1.0, 0, 0]), torch.tensor([0, 1.0, 0])  # top row: red, green
    texture[:, 1, 0], texture[:, 1, 1] = torch.tensor([0, 0, 1.0]), torch.tensor([1.0, 1.0, 1.0])  # blue, white
    uvs = torch.tensor([[0.0, 1.0], [1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    image = render_mesh(quad(uvs=uvs, texture=texture), FRONT, shading="albedo", background=(0, 0, 0)).images[0]
    seen = [image[:, y, x] for y, x in ((10, 10), (10, 37), (37, 10), (37, 37))]
    expected = [texture[:, 0, 0], texture[:, 0, 1], texture[:, 1, 0], texture[:, 1, 1]]
    torch.testing.assert_close(torch.stack(seen), torch.stack(expected), atol=0.03, rtol=0)


def test_texel_centres_are_met_exactly():
    texture = torch.rand(3, 4, 8)
    x, y = torch.meshgrid((torch.arange(8) + 0.5) / 8, (torch.arange(4) + 0.5) / 4, indexing="xy")
    sampled = sample_texture(texture, torch.stack([x, y], -1).reshape(-1, 2))
    torch.testing.assert_close(sampled.T.view(3, 4, 8), texture, atol=1e-5, rtol=0)


def test_a_repeated_texture_wraps_and_blends_over_its_edge():
    texture = torch.rand(3, 4, 8)
    x, y = torch.meshgrid((torch.arange(8) + 0.5) / 8, (torch.arange(4) + 0.5) / 4, indexing="xy")
    uvs = torch.stack([x, y], -1).reshape(-1, 2) + torch.tensor([3.0, -2.0])
    torch.testing.assert_close(sample_texture(texture, uvs, repeat=True).T.view(3, 4, 8), texture, atol=1e-4, rtol=0)
    edge = sample_texture(texture, torch.tensor([[1.0, 0.125]]), repeat=True)[0]
    torch.testing.assert_close(edge, (texture[:, 0, 0] + texture[:, 0, 7]) / 2, atol=1e-5, rtol=0)


def test_uvs_beyond_the_texture_repeat_it():
    texture = torch.zeros(3, 2, 2)
    texture[0, 0, 0] = texture[0, 1, 1] = 1.0  # a red chequer
    uvs = torch.tensor([[0.0, 2.0], [2.0, 2.0], [2.0, 0.0], [0.0, 0.0]])
    image = render_mesh(quad(uvs=uvs, texture=texture), FRONT, shading="albedo", background=(0, 0, 0)).images[0]
    row = [float(image[0, 9, x]) for x in (9, 19, 29, 39)]  # the middles of four chequers along the top
    assert [value > 0.5 for value in row] == [True, False, True, False]


def test_vertex_colours_are_interpolated():
    colors = torch.tensor([[0.0, 0, 0], [1.0, 0, 0], [1.0, 1.0, 0], [0.0, 1.0, 0]])  # red = right, green = up
    rendering = render_mesh(quad(vertex_colors=colors), FRONT, shading="albedo", supersample=1)
    points = FRONT.unproject(rendering.depth)[0]
    inside = rendering.depth[0, 0] > 0
    expected = torch.stack([(points[..., 0] + 1) / 2, (points[..., 1] + 1) / 2, 0 * points[..., 0]])
    torch.testing.assert_close(rendering.images[0][:, inside], expected[:, inside], atol=1e-4, rtol=0)


def test_layers_of_a_facing_square():
    rendering = render_mesh(quad(), FRONT, shading="normal", background=GREEN)
    middle, corner = (0, slice(None), 24, 24), (0, slice(None), 0, 0)
    torch.testing.assert_close(rendering.images[middle], torch.tensor([0.5, 0.5, 1.0]))
    torch.testing.assert_close(rendering.normals[middle], torch.tensor([0.0, 0.0, -1.0]))
    torch.testing.assert_close(rendering.depth[middle], torch.tensor([4.0]))
    assert rendering.images[corner].tolist() == list(GREEN)
    assert rendering.masks[corner] == 0 and rendering.depth[corner] == 0 and rendering.normals[corner].abs().sum() == 0


def test_mask_is_the_covered_area():
    cameras = Cameras.orbit(0.0, 0.0, 4.0, 40.0, 31, 31)
    rendering = render_mesh(quad(), cameras, supersample=8)
    side = 2 / 4 * float(cameras.intrinsics[0, 0, 0])  # pixels
    assert abs(float(rendering.masks.sum()) - side**2) < 4 * side / 16  # half a sample along the whole outline
    assert ((rendering.masks > 0) & (rendering.masks < 1)).any()


def test_lit_is_albedo_under_the_lights():
    colors = torch.tensor([[0.8, 0.4, 0.2]]).expand(4, 3)
    rendering = render_mesh(quad(vertex_colors=colors), FRONT).images[0, :, 24, 24]
    torch.testing.assert_close(rendering, lit(colors[:1], torch.tensor([[0.0, 0.0, -1.0]]))[0])
    clay = render_mesh(quad(vertex_colors=colors), FRONT, shading="clay").images[0, :, 24, 24]
    assert float(clay.max() - clay.min()) < 0.1 < float(rendering.max() - rendering.min())


def test_depth_picture_is_whiter_in_front():
    tilted = quad().mapped(lambda v: v + torch.stack([0 * v[:, 0], 0 * v[:, 0], v[:, 1]], -1))  # the top comes nearer
    image = render_mesh(tilted, FRONT, shading="depth", background=(0, 0, 0)).images[0, 0]
    assert image[14, 24] > image[24, 24] > image[32, 24] > 0


def test_provenance_picture():
    codes = torch.tensor([1, 1, 3, 3], dtype=torch.uint8)
    image = render_mesh(quad(provenance=codes), FRONT, shading="provenance").images[0]
    toward = torch.tensor([0.0, 0.0, -1.0])
    for row, code in ((36, Provenance.OBSERVED), (11, Provenance.INFERRED)):
        torch.testing.assert_close(image[:, row, 24], lit(PROVENANCE_COLORS[code], toward), atol=1e-5, rtol=0)
    with pytest.raises(BadInput, match="no provenance"):
        render_mesh(quad(), FRONT, shading="provenance")


def test_creases_stay_sharp_and_curves_smooth():
    normals = corner_normals(box())
    torch.testing.assert_close(normals, box().face_normals[:, None].expand(-1, 3, 3), atol=1e-6, rtol=0)
    ball = trimesh.creation.icosphere(3)
    round_ = Mesh(torch.tensor(ball.vertices).float(), torch.tensor(ball.faces).long())
    torch.testing.assert_close(corner_normals(round_), round_.triangles, atol=0.02, rtol=0)
    with_normals = replace(box(), vertex_normals=torch.tensor([[0.0, 1.0, 0.0]]).expand(8, 3))
    assert torch.equal(corner_normals(with_normals), with_normals.vertex_normals[with_normals.faces])


def test_turntable_frames_any_mesh():
    far = box().mapped(lambda v: v * 50 + torch.tensor([300.0, -20.0, 5.0]))
    rendering = turntable(far, 6, 30.0, size=40)
    assert rendering.images.shape == (6, 3, 40, 40)
    coverage = rendering.masks.mean((1, 2, 3))
    assert (coverage > 0.15).all()
    border = torch.cat(
        [
            rendering.masks[..., 0, :],
            rendering.masks[..., -1, :],
            rendering.masks[..., :, 0],
            rendering.masks[..., :, -1],
        ]
    )
    assert border.sum() == 0


@pytest.mark.parametrize(("how", "sentence"), [({"shading": "x"}, "not known"), ({"supersample": 0}, "Supersampling")])
def test_bad_options(how, sentence):
    with pytest.raises(BadInput, match=sentence):
        render_mesh(quad(), FRONT, **how)


def test_empty_mesh():
    with pytest.raises(BadInput, match="no faces"):
        render_mesh(Mesh(torch.zeros(0, 3), torch.zeros(0, 3, dtype=torch.long)), FRONT)


def test_progress_counts_frames_and_can_stop():
    class Host(Progress):
        def check(self):
            if self.done == 2:
                raise Interrupted

    host = Host()
    with pytest.raises(Interrupted):
        turntable(quad(), 5, size=16, progress=host)
    assert (host.done, host.total) == (2, 5)
