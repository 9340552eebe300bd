"""What `fit` makes of folders: masks that are missing, units, up, and what it refuses to fit."""

import json
from argparse import Namespace
from dataclasses import replace

import pytest
import torch

from recon_lib.cameras.world_up import turn_to_y_up, turned_cameras
from recon_lib.commands.fit_inputs import check_agreement, check_cameras, load_inputs
from recon_lib.errors import BadInput
from recon_lib.meshes.mesh import Mesh
from recon_lib.progress import Progress
from recon_lib.stages.single_view import view_masks
from recon_lib.views.object_frame import ObjectFrame
from recon_lib.views.posed_images import save_views
from tests.helpers.posed import around, ellipsoid, posed

VIEWS = posed(ellipsoid(), around(4, 24))
Z_UP = turn_to_y_up(torch.tensor([0.0, 0, 1], dtype=torch.float64)).T


def options(folder, **changed):
    defaults = {"views": folder, "pose": None, "refine_poses": False, "keep_frame": False, "field": "sdf", "seed": 0}
    return Namespace(**{**defaults, **changed})


def inputs(folder, **changed):
    return load_inputs(options(folder, **changed), 24, Progress())


def scaled(scale):
    pose = VIEWS.cameras.camera_to_world.clone()
    pose[:, :3, 3] *= scale
    return replace(VIEWS, cameras=replace(VIEWS.cameras, camera_to_world=pose), depth=VIEWS.depth * scale)


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_poses_of_all_scales_give_the_same_views_and_meshes_scale_with_them(tmp_path, scale):
    plain = inputs(save_views(VIEWS, tmp_path / "a"))
    other = inputs(save_views(scaled(scale), tmp_path / "b"))
    found, expected = other.views.cameras.camera_to_world, plain.views.cameras.camera_to_world
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    mesh = Mesh(torch.randn(9, 3), torch.arange(9).view(3, 3))
    torch.testing.assert_close(
        other.mesh_out(mesh).vertices, scale * plain.mesh_out(mesh).vertices, atol=1e-3 * scale, rtol=1e-3
    )


def test_a_z_up_world_is_written_upright_unless_its_frame_is_kept(tmp_path):
    views = replace(VIEWS, cameras=turned_cameras(VIEWS.cameras, Z_UP), normals=None)
    folder = save_views(views, tmp_path / "z")
    mesh = ObjectFrame.of(views)
    point = Mesh((torch.tensor([[1.0, 2, 3]]) - torch.tensor(mesh.center)) / mesh.scale, torch.zeros(1, 3).long())
    for keep, expected in ((False, [1, 3, -2]), (True, [1, 2, 3])):
        assert inputs(folder, keep_frame=keep).mesh_out(point).vertices[0].tolist() == pytest.approx(expected, abs=1e-3)


def test_a_y_up_world_stays(tmp_path):
    assert torch.equal(inputs(save_views(VIEWS, tmp_path / "y")).turn, torch.eye(3, dtype=torch.float64))


def test_masks_are_found_where_the_source_has_none(tmp_path, monkeypatch):
    folder = save_views(VIEWS, tmp_path / "v")
    value = json.loads((folder / "transforms.json").read_text())
    for frame in value["frames"][:2]:
        del frame["mask_path"]
    for frame in value["frames"][2:]:
        frame["mask_path"] = frame["mask_path"].replace("mask/", "silhouettes/")
    (folder / "mask").rename(folder / "silhouettes")
    (folder / "transforms.json").write_text(json.dumps(value))
    asked = []

    def find(model, views, masked, progress=None):
        asked.append(masked.tolist())
        return replace(views, masks=VIEWS.masks)

    monkeypatch.setattr(view_masks, "find_view_masks", find)
    assert inputs(folder).found == 2
    assert asked == [[False, False, True, True]]


class TestRefused:
    def test_one_view(self):
        with pytest.raises(BadInput, match="One picture shows one side"):
            check_cameras(VIEWS[:1])

    def test_the_same_camera_for_all(self, tmp_path):
        same = replace(VIEWS, cameras=VIEWS.cameras[torch.zeros(4, dtype=torch.long)])
        with pytest.raises(BadInput, match="All 4 cameras stand at one place"):
            inputs(save_views(same, tmp_path / "same"))

    @pytest.mark.parametrize("views", [[0], [0, 1, 2, 3]])
    def test_cameras_that_look_away(self, views):
        """OpenGL's axes taken for OpenCV's, the most common of wrong poses."""
        pose = VIEWS.cameras.camera_to_world.clone()
        pose[views, :3, 1:3] *= -1
        turned = replace(VIEWS, cameras=replace(VIEWS.cameras, camera_to_world=pose))
        with pytest.raises(BadInput, match=r"contradict|behind every camera"):
            check_agreement(ObjectFrame.of(turned).views_into(turned), Progress())

    @pytest.mark.parametrize("pose", ["colmap", "turntable"])
    def test_folders_without_photos(self, tmp_path, pose):
        with pytest.raises(BadInput, match="holds no photos"):
            inputs(tmp_path, pose=pose)
