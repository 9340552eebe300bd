"""A photo put onto a mesh of another origin, through the nodes."""

from dataclasses import replace

import pytest
import torch

from tests.helpers.shapes import box


@pytest.fixture
def brick(pack):
    """A coloured brick as MESH, and a view of it."""
    shape = box((0.6, 0.35, 0.2))
    vertices, faces = shape.vertices, shape.faces
    colors = 0.2 + 0.6 * (vertices / vertices.abs().amax(0) + 1) / 2
    solid = pack.lib("meshes.mesh").Mesh(vertices, faces, vertex_colors=colors)
    cameras = pack.lib("cameras.camera").Cameras.orbit(35.0, 25.0, 4.0, 32.0, 96, 96)
    view = pack.lib("render.mesh").render_mesh(solid, cameras, shading="lit").as_views(cameras)
    return pack.file("convert").mesh_to_host(solid), view


@pytest.fixture
def quick(pack, monkeypatch):
    """A search of a second."""
    align, search = pack.lib("stages.posing.onto_photo.align"), pack.lib("stages.posing.onto_photo.search")
    monkeypatch.setattr(search, "DIRECTIONS", 250)
    monkeypatch.setattr(search, "ROLLS", 30)
    settings = align.AlignSettings(candidates=4, zoomed=1, levels=((48, 6, 2), (96, 8, 2)))
    monkeypatch.setattr(align, "AlignSettings", lambda: settings)


def test_a_mesh_is_aligned_and_shows_the_photo(pack, brick, quick):
    mesh, view = brick
    image, mask = view.images.movedim(1, -1), view.masks[:, 0]
    posed, cameras, fit, report, picture = pack.run("Recon3D_AlignMesh", mesh=mesh, image=image, mask=mask).result
    assert fit > 0.8 and report.startswith("1: fit") and 1 <= len(cameras) <= 4 and picture.shape[-1] == 3
    assert torch.equal(posed.images, view.images) and torch.equal(posed.cameras.intrinsics, cameras.intrinsics[:1])
    painted, sources, unseen, said = pack.run(
        "Recon3D_ProjectViews", mesh=mesh, views=posed, size=128, elsewhere="own"
    ).result
    solid = pack.file("convert").mesh_from_host(painted)
    again = pack.lib("render.mesh").render_mesh(solid, posed.cameras, shading="albedo")
    both = (again.masks * view.masks) > 0.99
    error = ((again.images - view.images).square().mean(1, keepdim=True)[both]).mean()
    assert -10 * error.log10() > 25
    assert "photo" in said and 0.2 < float(unseen.mean()) < 1 and sources.shape[1:3] == unseen.shape[1:]


def test_another_answer_is_asked_for(pack, brick, quick):
    mesh, view = brick
    image, mask = view.images.movedim(1, -1), view.masks[:, 0]
    with pytest.raises(ValueError, match="no answer 4"):
        pack.run("Recon3D_AlignMesh", mesh=mesh, image=image, mask=mask, answer=4, cameras=view.cameras)


def test_normals_of_another_photo_are_refused(pack, brick, quick):
    mesh, view = brick
    image, mask = view.images.movedim(1, -1), view.masks[:, 0]
    two = pack.lib("views.views").Views.cat([view, view])
    for surface in (replace(view, normals=None), two):
        with pytest.raises(ValueError, match="of this very photo"):
            pack.run("Recon3D_AlignMesh", mesh=mesh, image=image, mask=mask, surface=surface)
