"""The pose of a mesh in a photo, from any start."""

from dataclasses import replace

import pytest
import torch
from scipy.spatial.transform import Rotation

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput
from recon_lib.meshes.mesh import Mesh
from recon_lib.render.mesh import render_mesh
from recon_lib.stages.posing.onto_photo import align, model, search
from recon_lib.stages.posing.onto_photo.align import AlignSettings, align_mesh, photo_view
from recon_lib.stages.posing.onto_photo.report import fit_report
from recon_lib.stages.posing.onto_photo.search import angle
from tests.helpers.shapes import ball, box

FAST = AlignSettings(candidates=5, bare=1, zoomed=1, levels=((48, 6, 3), (96, 12, 2)))
SIDE = 128


@pytest.fixture(autouse=True)
def coarse(monkeypatch):
    monkeypatch.setattr(search, "DIRECTIONS", 250)
    monkeypatch.setattr(search, "ROLLS", 30)


def together(*parts: Mesh) -> Mesh:
    starts = torch.tensor([0, *[len(part.vertices) for part in parts]]).cumsum(0)
    faces = torch.cat([part.faces + start for part, start in zip(parts, starts[:-1], strict=True)])
    return Mesh(torch.cat([part.vertices for part in parts]), faces)


def chair() -> Mesh:
    """Seat, back and one arm: no rotation lays it on itself. Parts push into each other."""
    seat, back, arm = box((0.6, 0.1, 0.5)), box((0.6, 0.5, 0.1)), box((0.1, 0.3, 0.4))
    return together(
        seat,
        replace(back, vertices=back.vertices + torch.tensor([0, 0.45, -0.4])),
        replace(arm, vertices=arm.vertices + torch.tensor([0.5, 0.25, 0.0])),
    )


def colored(mesh: Mesh) -> Mesh:
    """Each corner in a colour of its place."""
    low, high = mesh.bounds
    return replace(mesh, vertex_colors=0.15 + 0.7 * (mesh.vertices - low) / (high - low))


def photo_of(mesh: Mesh, azimuth=35.0, elevation=25.0, fov=32.0, shading="lit"):
    cameras = Cameras.orbit(azimuth, elevation, 4.5, fov, SIDE, SIDE)
    shown = render_mesh(mesh, cameras, shading=shading, supersample=3)
    return shown.images, (shown.masks > 0.5).float(), cameras


def elsewhere(mesh: Mesh, seed: int):
    """The mesh turned, moved and scaled, and its rotation."""
    turn = torch.tensor(Rotation.random(rng=seed).as_matrix()).float()
    return mesh.mapped(lambda v: 20 * v @ turn.T + torch.tensor([100.0, -40.0, 7.0])), turn


@pytest.mark.parametrize("paint", [colored, lambda mesh: mesh])
def test_rotation_and_lens_are_found_from_any_pose(paint):
    mesh = paint(chair())
    image, mask, cameras = photo_of(mesh)
    moved, turn = elsewhere(mesh, 1)
    best = align_mesh(moved, photo_view(image, mask), settings=FAST)[0]
    assert angle(best.cameras.rotation[0], turn @ cameras.rotation[0]) < 2.0
    assert float(best.cameras.vertical_fov[0]) == pytest.approx(32.0, abs=6.0)
    assert best.score.silhouette > 0.97
    again = render_mesh(moved, best.cameras, shading="lit", supersample=3)
    assert float((again.images - image).abs().mean()) < 0.01


@pytest.mark.slow
def test_a_known_lens_stays():
    mesh = colored(chair())
    image, mask, cameras = photo_of(mesh)
    best = align_mesh(elsewhere(mesh, 2)[0], photo_view(image, mask, cameras), known_lens=True, settings=FAST)[0]
    assert float(best.cameras.vertical_fov[0]) == pytest.approx(32.0, abs=0.5)


@pytest.mark.slow
def test_normals_tell_front_from_back():
    """A box's silhouette is the same from several sides, and so are its normals: every answer fits them."""
    mesh = box((0.6, 0.4, 0.2))
    image, mask, cameras = photo_of(mesh)
    normals = render_mesh(mesh, cameras).normals
    answers = align_mesh(mesh, photo_view(image, mask, cameras, normals), known_lens=True, settings=FAST)
    assert answers[0].score.normals > 0.97
    half_turns = [
        torch.diag(torch.tensor(signs)) for signs in ([1.0, 1, 1], [1.0, -1, -1], [-1.0, 1, -1], [-1.0, -1, 1])
    ]
    errors = [min(angle(turn @ cameras.rotation[0], a.cameras.rotation[0]) for turn in half_turns) for a in answers]
    assert min(errors) < 3 and errors[0] < 3


def test_symmetric_things_have_several_answers():
    mesh = box((0.6, 0.4, 0.2))
    image, mask, _ = photo_of(mesh)
    answers = align_mesh(mesh, photo_view(image, mask), settings=FAST)
    alike = [a for a in answers if a.score.silhouette > 0.97]
    assert len(alike) > 1
    assert angle(alike[0].cameras.rotation[0], alike[1].cameras.rotation[0]) > 90
    assert "sides fit about as well" in fit_report(answers)


@pytest.mark.parametrize(("paint", "candidates", "kept"), [(colored, 5, [3, 2]), (lambda mesh: mesh, 15, [6, 4])])
def test_without_colours_more_poses_are_tried(monkeypatch, paint, candidates, kept):
    asked, refined = [], []
    searched, cut = align.search, align._distinct

    def spy(shape, target, count, *others):
        asked.append(count)
        return searched(shape, target, count, *others)

    monkeypatch.setattr(align, "search", spy)
    monkeypatch.setattr(align, "_refined", lambda _, poses, *others: [(pose, None) for pose in poses])
    monkeypatch.setattr(align, "_distinct", lambda answers, apart: refined.append(answers) or cut(answers, 0.0))
    image, mask, _ = photo_of(chair())
    answers = align_mesh(paint(chair()), photo_view(image, mask), settings=replace(FAST, bare=3))
    assert asked == [candidates] and len(refined[1]) == kept[0] + 2 and len(answers) == kept[1]


def test_another_thing_is_told():
    octants = (ball(2).vertices.sign().prod(1, keepdim=True) / 2 + 0.5).expand(-1, 3)
    thing, other = colored(chair()), replace(ball(2), vertex_colors=octants)
    image, mask, _ = photo_of(thing)
    right = align_mesh(thing, photo_view(image, mask), settings=FAST)
    wrong = align_mesh(other, photo_view(image, mask), settings=FAST)
    assert right[0].score.fit > 0.85 and wrong[0].score.fit < 0.6
    assert "another thing" in fit_report(wrong) and "another thing" not in fit_report(right)


@pytest.mark.slow
def test_open_and_inside_out_meshes_are_aligned():
    mesh = colored(chair())
    image, mask, cameras = photo_of(mesh)
    turned = replace(mesh, faces=mesh.faces[:-2].flip(1))
    best = align_mesh(turned, photo_view(image, mask), settings=FAST)[0]
    assert angle(best.cameras.rotation[0], cameras.rotation[0]) < 2.0


def test_many_triangles_are_reduced_and_keep_their_colours(monkeypatch):
    monkeypatch.setattr(model, "MAX_FACES", 3000)
    monkeypatch.setattr(model, "COARSE_FACES", 800)
    dense = replace(ball(4), vertex_colors=(ball(4).vertices + 1) / 2)
    found = model.Model.of(dense.mapped(lambda v: 5 * v + 2), lambda: None)
    assert len(found.mesh.faces) < 900 and found.colored
    torch.testing.assert_close(found.mesh.vertex_colors, (found.mesh.vertices + 1) / 2, atol=0.08, rtol=0)
    camera = Cameras.orbit(20.0, 10.0, 3.0, 40.0, 32, 32)
    back = found.camera_in(found.camera_out(camera))
    torch.testing.assert_close(back.camera_to_world, camera.camera_to_world, atol=1e-4, rtol=0)
    assert float((found.camera_out(camera).position - 2).norm()) == pytest.approx(15.0, abs=0.2)


@pytest.mark.slow
def test_a_far_origin_is_kept():
    mesh = replace(colored(chair()), origin=(5e6, 0.0, -3e6))
    image, mask, cameras = photo_of(mesh)
    best = align_mesh(mesh, photo_view(image, mask), settings=FAST)[0]
    assert best.cameras.origin == mesh.origin
    assert angle(best.cameras.rotation[0], cameras.rotation[0]) < 2.0


def test_bad_input():
    image, mask, _ = photo_of(chair())
    point = Mesh(torch.ones(3, 3), torch.tensor([[0, 1, 2]]))
    with pytest.raises(BadInput, match="no extent"):
        align_mesh(point, photo_view(image, mask))
    with pytest.raises(BadInput, match="no extent"):
        align_mesh(Mesh(torch.rand(3, 3), torch.zeros(0, 3, dtype=torch.int64)), photo_view(image, mask))
    with pytest.raises(BadInput, match="marks nothing"):
        align_mesh(chair(), photo_view(image, mask * 0))
    with pytest.raises(BadInput, match="covers the whole photo"):
        align_mesh(chair(), photo_view(image, mask * 0 + 1))
    with pytest.raises(BadInput, match="without one"):
        photo_view(image, None)
