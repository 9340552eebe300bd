"""Doors of what newer ComfyUI makes by itself: geometry dicts, cameras of its viewer, files in memory."""

import io
import json
from types import SimpleNamespace

import pytest
import torch

from tests.helpers.geometry_dicts import depth_anything, moge
from tests.helpers.shapes import ball, box


class File3D:
    """As ComfyUI's `Types.File3D` of 2026: a path, or a stream with a format."""

    def __init__(self, source, file_format=""):
        self.source, self.format = source, file_format or str(source).rpartition(".")[2]

    def get_source(self):
        return self.source

    def get_bytes(self):
        self.source.seek(0)
        return self.source.read()


@pytest.fixture
def views(pack):
    cameras = pack.lib("cameras.camera").Cameras.orbit([0, 40, 110], 15, 3.5, 40, 88, 120)
    mesh = pack.lib("meshes.mesh").Mesh(**vars(ball(2)))
    return pack.lib("render.mesh").render_mesh(mesh, cameras, shading="albedo").as_views(cameras)


def test_moges_geometry_becomes_a_view_that_visible_surface_trusts(pack, views):
    one = views[0]
    found, cameras, depth = pack.run("Recon3D_ViewsFromGeometry", geometry=moge(one)).result
    assert len(found) == len(cameras) == 1 and depth.shape == (1, 88, 120, 3)
    model = pack.run("Recon3D_LoadModel", name="zeroshape_w_mini").result[0]
    image = one.images.movedim(1, -1)
    surface, shown, _ = pack.run("Recon3D_VisibleSurface", model=model, image=image, view=found).result
    assert surface.trusted and torch.allclose(shown.cameras.intrinsics, one.cameras.intrinsics, rtol=1e-5)
    ratio = (shown.depth / found.depth)[(shown.depth > 0) & (found.depth > 0)]
    assert ratio.std() / ratio.mean() < 1e-4, "but for the world's unit the depth is the geometry's"
    with pytest.raises(ValueError, match="disconnect those"):
        pack.run("Recon3D_VisibleSurface", model=model, image=image, view=found, cameras=cameras)
    with pytest.raises(ValueError, match="of this very photo"):
        pack.run("Recon3D_VisibleSurface", model=model, image=image[:, :64], view=found)


def test_depth_anythings_views_carve(pack, views):
    found = pack.run("Recon3D_ViewsFromGeometry", geometry=depth_anything(views), confidence=0.1).result[0]
    assert len(found) == 3
    hull = pack.run("Recon3D_VisualHull", views=found, resolution=32, margin=1.25).result[0]
    assert float(hull.inside(torch.zeros(1, 3))) > 0


def test_a_camera_goes_to_the_viewer_and_comes_back(pack, views):
    camera = views.cameras[1]
    mesh = SimpleNamespace(vertices=box((0.3, 0.6, 0.2)).vertices[None], faces=box().faces[None])
    for space in ("viewer (Load 3D, Preview 3D)", "world (Render Mesh, Create Camera Info)"):
        info, fov = pack.run("Recon3D_CameraToLoad3D", cameras=camera, mesh=mesh, space=space).result
        assert fov == pytest.approx(40, abs=1e-3) and json.dumps(info)
        inputs = {"camera_info": info, "width": 120, "height": 88, "mesh": mesh, "space": space}
        back = pack.run("Recon3D_CamerasFromLoad3D", **inputs).result[0]
        assert torch.allclose(back.camera_to_world, camera.camera_to_world, atol=1e-4), space


def test_files_in_memory_and_on_disk(pack, tmp_path, monkeypatch, views):
    from comfy_api import latest

    mesh = SimpleNamespace(vertices=box().vertices[None], faces=box().faces[None])
    with pytest.raises(ValueError, match="no FILE_3D"):
        pack.run("Recon3D_MeshToFile3D", mesh=mesh)
    monkeypatch.setattr(latest.Types, "File3D", File3D, raising=False)
    file = pack.run("Recon3D_MeshToFile3D", mesh=mesh, cameras=views.cameras[0]).result[0]
    assert file.format == "glb" and b'"perspective"' in file.get_bytes()
    path = tmp_path / "a.glb"
    path.write_bytes(file.get_bytes())
    for source in (file, File3D(str(path))):
        back = pack.run("Recon3D_MeshFromFile3D", model_3d=source).result[0]
        assert torch.equal(back.vertices, mesh.vertices) and torch.equal(back.faces, mesh.faces)
    for broken in (File3D(io.BytesIO(b"x"), "../a"), SimpleNamespace(format="glb")):
        with pytest.raises(ValueError, match="FILE_3D"):
            pack.run("Recon3D_MeshFromFile3D", model_3d=broken)


def test_a_mesh_becomes_a_field_with_its_colours(pack):
    half = ball(2).vertices
    mesh = SimpleNamespace(vertices=half[None], faces=ball(2).faces[None], vertex_colors=torch.ones(1, len(half), 3))
    field = pack.run("Recon3D_MeshToField", mesh=mesh, resolution=32).result[0]
    assert field.has_color and float(field.inside(torch.zeros(1, 3))) == pytest.approx(1, abs=0.1)
    assert torch.allclose(field.color(half[:5]), torch.ones(5, 3))


def test_segment_gives_one_mask_of_three_values(pack, photo, monkeypatch):
    from_lib = pack.lib("stages.single_view.mask")
    seen, hiding = torch.zeros(1, 1, 48, 64), torch.zeros(1, 1, 48, 64)
    seen[..., :20], hiding[..., 10:30] = 1, 1
    monkeypatch.setattr(from_lib, "segment", lambda *_, **__: from_lib.Segmentation(seen, hiding))
    model = pack.run("Recon3D_LoadModel", name="zeroshape_w_mini").result[0]
    amodal = pack.run("Recon3D_Segment", model=model, image=photo).result[3]
    assert amodal[0, 0, [0, 15, 25, 40]].tolist() == [0.5, 0.5, 0.0, 1.0]
