"""Views' doors: files that are named, and masks that Load Image gives for photos without transparency."""

import json

import pytest
import torch
from PIL import Image

NOTHING = torch.zeros(1, 64, 64)
EYE = torch.eye(4).tolist()


def test_load_views_takes_a_folder_or_its_list(pack, tmp_path):
    import folder_paths

    from_input = folder_paths.get_input_directory()
    folder = type(tmp_path)(from_input) / "scene"
    folder.mkdir(parents=True)
    for name, count in (("train", 2), ("test", 1)):
        frames = []
        for i in range(count):
            Image.new("RGB", (40, 30)).save(folder / f"{name}{i}.png")
            frames.append({"file_path": f"{name}{i}", "transform_matrix": EYE})
        (folder / f"transforms_{name}.json").write_text(json.dumps({"camera_angle_x": 0.7, "frames": frames}))
    assert len(pack.run("Recon3D_LoadViews", folder="scene").result[0]) == 2
    assert len(pack.run("Recon3D_LoadViews", folder="scene/transforms_test.json").result[0]) == 1
    fingerprint = pack.nodes["Recon3D_LoadViews"].fingerprint_inputs
    assert fingerprint(folder="scene/transforms_test.json") == fingerprint(folder="scene")


def test_load_images_nothing_is_not_connected(pack, photo, caplog):
    camera = pack.lib("cameras.camera").Cameras.orbit(0.0, 0.0, 3.0, 40.0, 48, 64)
    with caplog.at_level("INFO", "recon3d"):
        made = pack.run("Recon3D_MakeView", image=photo, cameras=camera, mask=NOTHING).result[0]
        assert made.masks.min() == 1
        regress = pack.file("regress")
        given = regress.surface_arguments(photo, NOTHING, None, next(iter(regress.DEPTH_KINDS)), NOTHING, None)
        assert (given["mask"], given["occluder"]) == (None, None)
    assert caplog.text.count("taken as not connected") == 3


@pytest.mark.parametrize("meaning", ["WHITE_IS_OBJECT", "WHITE_IS_BACKGROUND"])
def test_prepare_mask_says_that_there_is_no_transparency(pack, photo, meaning):
    with pytest.raises(pack.lib("errors").BadInput, match="The photo has no transparency"):
        pack.run("Recon3D_PrepareMask", image=photo, mask=NOTHING, meaning=getattr(pack.file("mask"), meaning))


def test_worlds_are_turned_upright_and_cameras_saved_for_colmap(pack, tmp_path):
    import folder_paths

    lib = pack.lib("cameras.camera")
    cameras = lib.Cameras.orbit([0.0, 120.0, 240.0], 20.0, 3.0, 40.0, 8, 8)
    up = torch.tensor([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # y up to z up
    z_up = pack.lib("cameras.world_up").turned_cameras(cameras, up)
    view = pack.lib("views.views").Views(torch.rand(3, 3, 8, 8), z_up, torch.ones(3, 1, 8, 8))
    folder = pack.run("Recon3D_SaveViews", views=view, colmap=True).result[0]
    assert (type(tmp_path)(folder_paths.get_output_directory()) / folder.split()[0] / "sparse" / "0").is_dir()
    upright = pack.run("Recon3D_LoadViews", folder=folder).result[0].cameras
    kept = pack.run("Recon3D_LoadViews", folder=folder, keep_frame=True).result[0].cameras
    torch.testing.assert_close(upright.camera_to_world, cameras.camera_to_world, atol=1e-5, rtol=0)
    torch.testing.assert_close(kept.camera_to_world, z_up.camera_to_world, atol=1e-5, rtol=0)


def test_a_mesh_in_map_coordinates_is_rendered_by_the_cameras_of_its_pictures(pack, tmp_path):
    """Mesh and pictures count from origins of their own (`Mesh.origin`, `Cameras.origin`) and meet in Render."""
    import folder_paths

    lib, far = pack.lib("cameras.camera"), (5e5, 5e6, 300.0)
    cameras = lib.Cameras.orbit([0.0, 120.0, 240.0], 20.0, 3.0, 40.0, 16, 16)
    corners = [(far[0] + x, far[1] + y, far[2] + z) for x, y, z in ((-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0))]
    rows = [f"v {x} {y} {z}" for x, y, z in corners] + ["f 1 2 3 4", "f 4 3 2 1"]
    (type(tmp_path)(folder_paths.get_input_directory()) / "far.obj").write_text("\n".join(rows))
    mesh = pack.run("Recon3D_LoadMesh", file="far.obj").result[0]
    images = torch.ones(3, 3, 16, 16)
    views = pack.lib("views.views").Views(images, lib.replace(cameras, origin=far), images[:, :1])
    folder = pack.run("Recon3D_SaveViews", views=views).result[0]
    loaded = pack.run("Recon3D_LoadViews", folder=folder, keep_frame=True).result[0]
    assert any(loaded.origin)
    route = pack.run("Recon3D_ViewsToImages", views=loaded).result[-1]
    size = {"frames": 1, "elevation": 0.0, "size": 16, "shading": "clay", "background": "white"}
    _, mask, shown = pack.run("Recon3D_Render", mesh=mesh, cameras=route, **size).result
    assert shown.origin == loaded.origin
    near = pack.lib("meshes.mesh").Mesh(torch.tensor(corners, dtype=torch.float64).sub(torch.tensor(far)).float(),
                                        torch.tensor([[0, 1, 2], [0, 2, 3], [2, 1, 0], [3, 2, 0]]))  # fmt: skip
    wanted = pack.lib("render.mesh").render_mesh(near, cameras).masks[:, 0]
    assert mask.sum() > 100 and float((mask - wanted).abs().mean()) < 2e-3
