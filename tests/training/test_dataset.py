import numpy as np
import pytest
import torch

from recon_lib.data.scenes import SceneMix
from recon_lib.errors import BadInput
from recon_lib.networks.visible_points import unproject
from recon_lib.training.dataset import SceneDataset
from tests.tiny_shards import AXES, inside_ellipsoid, write_ellipsoids

SIZE = 48
OPEN = SceneMix(clean=0.0, occluded=0.0, truncated=0.0, clutter=0.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = write_ellipsoids(tmp_path_factory.mktemp("dataset"))
    np.save(folder / "backgrounds.npy", np.full((2, 3, 70, 70), 77, np.uint8))
    return folder


def dataset(folder, length=8, **options):
    return SceneDataset(
        folder, length, **{"size": SIZE, "queries": 64, "backgrounds": folder / "backgrounds.npy", **options}
    )


def world_of(data, index):
    """The scene of a sample, and the axes of its object."""
    scene = data.scene(index)
    return scene, AXES[int(data.library.shard(0).object[scene.item[1]])]


def test_a_sample_is_float_tensors(folder):
    sample = dataset(folder)[0]
    shapes = {name: tuple(value.shape) for name, value in sample.items()}
    assert shapes == {
        "image": (3, SIZE, SIZE), "mask": (1, SIZE, SIZE), "occluder": (1, SIZE, SIZE), "depth": (1, SIZE, SIZE),
        "normals": (3, SIZE, SIZE), "intrinsics": (3, 3), "points": (64, 3), "inside": (64,),
    }  # fmt: skip
    assert all(value.dtype == torch.float32 and value.is_contiguous() for value in sample.values())
    assert set(sample["inside"].unique().tolist()) <= {0.0, 1.0}


def test_the_seed_is_the_running_number(folder):
    whole, rest = dataset(folder), dataset(folder, first=5)
    assert len(whole) == 8
    for name, value in whole[5].items():
        assert torch.equal(value, rest[0][name]), name
    assert not torch.equal(whole[0]["image"], whole[1]["image"])


def test_labels_hold_in_the_cameras_frame(folder):
    data = dataset(folder)
    for index in range(6):
        scene, axes = world_of(data, index)
        sample, pose = data[index], scene.world_to_camera
        world = (sample["points"].numpy() - pose[:3, 3]) @ pose[:3, :3]
        inside = inside_ellipsoid(world, axes)
        clear = np.abs(np.linalg.norm(world / axes, axis=1) - 1) > 1e-3
        np.testing.assert_array_equal(inside[clear], sample["inside"].numpy().astype(bool)[clear])


def test_points_inside_project_into_the_silhouette(folder):
    """Camera, points and picture of a sample agree, which is all that training relies on."""
    data, hits = dataset(folder, mix=OPEN), []
    for index in range(8):
        sample = data[index]
        inside = sample["points"][sample["inside"] > 0.5]
        image = inside @ sample["intrinsics"].T
        pixels = (image[:, :2] / image[:, 2:]).long()
        within = ((pixels >= 0) & (pixels < SIZE)).all(1)
        assert within.all()
        hits.append(sample["mask"][0, pixels[:, 1], pixels[:, 0]])
    assert torch.cat(hits).mean() > 0.97


def test_the_true_surface_lies_on_the_object(folder):
    data = dataset(folder, mix=OPEN)
    for index in range(4):
        scene, axes = world_of(data, index)
        sample = data[index]
        points = unproject(sample["depth"][None], sample["intrinsics"][None])[0][:, sample["mask"][0] > 0.5].T.numpy()
        world = (points - scene.world_to_camera[:3, 3]) @ scene.world_to_camera[:3, :3]
        assert np.abs(np.linalg.norm(world / axes, axis=1) - 1).mean() < 0.06


def test_a_bank_of_backgrounds_is_used(folder, monkeypatch):
    from recon_lib.data import scenes

    monkeypatch.setattr(scenes, "photograph", lambda canvas, rng: canvas)
    monkeypatch.setattr(scenes, "with_shadow", lambda canvas, alpha, rng: canvas)
    image = dataset(folder, mix=OPEN)[0]["image"]
    assert ((image - 77 / 255).abs() < 1e-3).all(0).float().mean() > 0.2


def test_an_object_hardly_seen_gives_way_to_another(folder, monkeypatch):
    data, asked = dataset(folder), []
    scene = data.scene

    def mostly_hidden(index):
        from dataclasses import replace

        asked.append(index)
        made = scene(index)
        return replace(made, mask=made.mask & False) if index < 12 else made

    monkeypatch.setattr(data, "scene", mostly_hidden)
    sample = data[3]
    assert asked == [3, 11, 19]
    monkeypatch.undo()
    assert torch.equal(sample["image"], dataset(folder)[19]["image"])


def test_no_shards(tmp_path):
    with pytest.raises(BadInput, match="No rendered shard"):
        SceneDataset(tmp_path, 3)
