"""Save Mesh and Load Mesh: what one writes the other lists, and a GLB brings its graph back."""

import json
import struct
from types import SimpleNamespace

import pytest
import torch
from scipy.spatial.transform import Rotation


@pytest.fixture
def mesh(pack):
    vertices = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1.5, 0], [0, 0, 2]])
    solid = pack.lib("meshes.mesh").Mesh(vertices, torch.tensor([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]))
    return pack.file("convert").mesh_to_host(solid)


def asset(path) -> dict:
    content = path.read_bytes()
    return json.loads(content[20 : 20 + struct.unpack_from("<I", content, 12)[0]])["asset"]


def test_a_glb_brings_its_graph_back(pack, mesh, tmp_path, monkeypatch):
    graph = {"nodes": [{"id": 1, "title": "größe"}]}
    hidden = SimpleNamespace(prompt={"1": {"class_type": "X"}}, extra_pnginfo={"workflow": graph})
    monkeypatch.setattr(pack.nodes["Recon3D_SaveMesh"], "hidden", hidden, raising=False)
    name, report = pack.run("Recon3D_SaveMesh", mesh=mesh).result
    extras = asset(tmp_path / "output" / name)["extras"]
    assert json.loads(extras["workflow"]) == graph and json.loads(extras["prompt"]) == hidden.prompt
    assert "1 x 1.5 x 2 units" in report
    name, report = pack.run("Recon3D_SaveMesh", mesh=mesh, format="stl", size_mm=40.0).result
    assert b"class_type" not in (tmp_path / "output" / name).read_bytes() and "20 x 40 x 30 mm" in report


def test_load_mesh_lists_what_save_mesh_wrote(pack, mesh):
    pack.run("Recon3D_SaveMesh", mesh=mesh)
    listed = pack.nodes["Recon3D_LoadMesh"].define_schema().inputs[0].options
    assert listed == ["3d/object_00001_.glb [output]"]
    loaded = pack.run("Recon3D_LoadMesh", file=listed[0]).result[0]
    assert torch.allclose(loaded.vertices, mesh.vertices)


def test_load_views_takes_the_name_that_save_views_gives(pack, photo, disc):
    cameras = pack.run("Recon3D_CameraFromFov", image=photo).result[0]
    views = pack.run("Recon3D_MakeView", image=photo, cameras=cameras, mask=disc).result[0]
    (folder,) = pack.run("Recon3D_SaveViews", views=views).result
    assert folder == "views/object_00001_"
    loaded = pack.run("Recon3D_LoadViews", folder=folder, keep_frame=True).result[0]
    assert torch.allclose(loaded.images * loaded.masks, views.images * views.masks, atol=1 / 255)


def test_a_photos_views_stand_the_mesh_upright_and_its_camera_along(pack, mesh, photo, disc, tmp_path):
    camera = pack.run("Recon3D_CameraFromFov", image=photo).result[0]
    views = pack.run("Recon3D_MakeView", image=photo, cameras=camera, mask=disc).result[0]
    name = pack.run("Recon3D_SaveMesh", mesh=mesh, upright=views, cameras=camera).result[0]
    upright, solid = pack.lib("stages.single_view.stand_upright"), pack.file("convert").mesh_from_host(mesh)
    turn = upright.world_to_upright(
        upright.vertical(pack.lib("weights.registry").load_model("list_mini"), views), views.cameras
    )
    saved = pack.lib("meshes.files.mesh_io").load_mesh(tmp_path / "output" / name)
    torch.testing.assert_close(saved.vertices, solid.vertices @ turn.mT, atol=1e-5, rtol=0)
    assert (turn - torch.eye(3)).abs().max() > 0.05
    content = (tmp_path / "output" / name).read_bytes()
    document = json.loads(content[20 : 20 + struct.unpack_from("<I", content, 12)[0]])
    (node,) = [node for node in document["nodes"] if "camera" in node]
    flip = torch.diag(torch.tensor([1.0, -1, -1])).double()  # glTF's cameras look along -z, the pack's along +z
    expected = turn.double() @ views.cameras.rotation[0].double() @ flip
    placed = torch.from_numpy(Rotation.from_quat(node["rotation"]).as_matrix())
    torch.testing.assert_close(placed, expected, atol=1e-4, rtol=0)
