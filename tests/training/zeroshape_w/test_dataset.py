from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import distance_transform_edt, label

from recon_lib.data.shards.scenes import SceneMix
from recon_lib.errors import BadInput
from recon_lib.networks.zeroshape_w.visible_points import unproject
from recon_lib.training.zeroshape_w import dataset as room
from recon_lib.training.zeroshape_w.dataset import CLOSE_MIX, SceneDataset, predicted_like
from tests.helpers.tiny_shards import AXES, inside_ellipsoid, write_ellipsoids

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
    return scene, AXES[int(data.renders.shard(0).object[scene.item[1]])]


def test_a_sample_is_float_tensors(folder):
    sample = dataset(folder)[0]
    shapes = {name: tuple(value.shape) for name, value in sample.items()}
    assert shapes == {
        "image": (3, SIZE, SIZE), "mask": (1, SIZE, SIZE), "occluder": (1, SIZE, SIZE), "input_masks": (2, SIZE, SIZE),
        "amodal": (1, SIZE, SIZE), "depth": (1, SIZE, SIZE), "thickness": (1, SIZE, SIZE), "normals": (3, SIZE, SIZE),
        "intrinsics": (3, 3), "points": (64, 3), "inside": (64,),
    }  # fmt: skip
    assert all(value.dtype == torch.float32 and value.is_contiguous() for value in sample.values())
    assert set(sample["inside"].unique().tolist()) <= {0.0, 1.0}


@pytest.mark.parametrize(("period", "index", "first"), [(1, 5, 5), (3, 6, 6), (3, 7, 6), (2, 3, 2)])
def test_the_seed_is_the_running_number(folder, period, index, first):
    whole, rest = dataset(folder, period=period), dataset(folder, first=first, period=period)
    assert len(whole) == 8
    for name, value in whole[index].items():
        assert torch.equal(value, rest[index - first][name]), name
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


def test_thickness_is_the_ray_s_way_through_the_object(folder):
    data, errors = dataset(folder, mix=SceneMix(clean=0.0, occluded=1.0, truncated=0.0, clutter=0.0)), []
    for index in range(6):
        scene, axes = world_of(data, index)
        sample, turn = data[index], scene.world_to_camera[:3, :3]
        on = (sample["amodal"][0] > 0.5).numpy()
        rays = unproject(torch.ones(1, 1, SIZE, SIZE), sample["intrinsics"][None])[0][:, on].T.numpy()
        origin, ray = -scene.world_to_camera[:3, 3] @ turn / axes, rays @ turn / axes  # z-depth 1 a unit
        a, b, c = (ray**2).sum(1), ray @ origin, (origin**2).sum() - 1
        true = 2 * np.sqrt((b * b - a * c).clip(0)) / a
        errors.append(np.abs(sample["thickness"][0].numpy()[on] - true)[true > 0.3])
        assert not (sample["mask"] > sample["amodal"]).any()
        assert (sample["thickness"] >= 0).all()
    assert np.concatenate(errors).mean() < 0.05


class TestWholePicturesAndCrops:
    def test_one_of_so_many_is_whole_the_others_have_input_masks(self, folder):
        for period in (1, 2, 3):
            samples = map(dataset(folder, period=period).__getitem__, range(8))
            has_masks = [bool(sample["input_masks"].any()) for sample in samples]
            assert has_masks == [index % period != 0 for index in range(8)]

    def test_each_kind_has_scenes_of_its_own(self, folder, monkeypatch):
        mixes, compose = [], room.compose_scene

        def recorded(library, item, seed, size, mix, background):
            mixes.append(mix)
            return compose(library, item, seed, size, mix, background)

        monkeypatch.setattr(room, "compose_scene", recorded)
        data = dataset(folder, period=3, mix=OPEN)
        for index in range(6):
            data.scene(index)
        assert mixes == [OPEN, CLOSE_MIX, CLOSE_MIX] * 2
        assert CLOSE_MIX.close and not SceneMix().close
        other = replace(OPEN, close=True)
        dataset(folder, period=3, close_mix=other).scene(1)
        assert mixes[-1] == other

    def test_input_masks_are_close_to_the_true_ones(self, folder):
        data, exact = dataset(folder, length=40, period=2, size=96), []
        for index in range(1, 40, 2):
            sample = data[index]
            assert set(sample["input_masks"].unique().tolist()) == {0.0, 1.0}
            for mask, name in zip(sample["input_masks"], ("mask", "occluder"), strict=True):
                true = sample[name][0]
                assert not (mask * (true.sum() == 0)).any()
                if name == "mask":
                    assert (mask * true).sum() / torch.maximum(mask, true).sum() > 0.75
                    exact.append(torch.equal(mask, true))
        assert 1 <= sum(exact) <= 12

    def test_an_input_mask_of_a_few_pixels_is_replaced_by_the_true_one(self, folder, monkeypatch):
        few = np.zeros((SIZE, SIZE), np.float32)
        few[0, :23] = 1
        monkeypatch.setattr(room, "predicted_like", lambda mask, rng: few)
        sample = dataset(folder, period=2)[1]
        assert torch.equal(sample["input_masks"], torch.cat([sample["mask"], sample["occluder"]]))


class TestPredictedLike:
    """Masks with the mistakes of a network: at the edge, and nowhere else."""

    y, x = np.mgrid[:128, :128]
    disk = np.hypot(y - 70, x - 55) < 38
    shapes = (disk, disk & (x > 40) & (y < 90), (np.abs(y - 64) < 20) & (x < 90))  # whole, hidden in part, cut off

    @pytest.fixture(scope="class")
    @classmethod
    def pairs(cls):
        dice = map(np.random.default_rng, range(90))
        return [(mask, predicted_like(mask, rng) > 0.5) for rng, mask in zip(dice, 30 * cls.shapes, strict=True)]

    def test_wrong_within_a_few_pixels_of_the_edge(self, pairs):
        farthest = 0.0
        for mask, predicted in pairs:
            beyond = np.where(mask, distance_transform_edt(mask), distance_transform_edt(~mask))
            farthest = max(farthest, (beyond * (mask != predicted)).max())
        assert 1 <= farthest < 4  # px of 128

    def test_no_islands_and_no_holes(self, pairs):
        for _, predicted in pairs:
            assert label(predicted)[1] == label(~predicted)[1] == 1

    def test_the_picture_s_border_is_no_edge(self):
        mask = self.shapes[2]
        for seed in range(20):
            predicted = predicted_like(mask, np.random.default_rng(seed)) > 0.5
            np.testing.assert_array_equal(predicted[:, 0], predicted[:, 1])
            assert predicted[50:78, 0].all()

    def test_at_times_exact_and_else_it_errs_to_both_sides(self, pairs):
        exact = np.mean([np.array_equal(*pair) for pair in pairs])
        assert 0.12 < exact < 0.4  # 0.25 on purpose
        grown = [predicted.sum() / mask.sum() - 1 for mask, predicted in pairs]
        assert min(grown) < -0.01 and max(grown) > 0.01 and abs(np.mean(grown)) < 0.01

    def test_nothing_stays_nothing_and_the_dice_decide(self):
        assert not predicted_like(self.disk & False, np.random.default_rng(0)).any()
        first, again, other = (predicted_like(self.disk, np.random.default_rng(seed)) for seed in (3, 3, 4))
        assert first.dtype == np.float32 and np.array_equal(first, again) and not np.array_equal(first, other)

    @pytest.mark.parametrize("size", [32, 48, 64, 96, 100])
    def test_every_size_of_picture(self, size):
        mask = self.disk[:size, :size]
        assert all(predicted_like(mask, np.random.default_rng(seed)).shape == (size, size) for seed in range(4))


def test_a_bank_of_backgrounds_is_used(folder, monkeypatch):
    from recon_lib.data.shards import scenes

    monkeypatch.setattr(scenes, "photograph", lambda canvas, rng: canvas)
    monkeypatch.setattr(scenes, "with_shadow", lambda canvas, alpha, rng: canvas)
    image = dataset(folder, mix=OPEN)[0]["image"]
    assert ((image - 77 / 255).abs() < 1e-3).all(0).float().mean() > 0.2


@pytest.mark.parametrize(("period", "expected"), [(1, [3, 11, 19]), (2, [3, 19]), (3, [3, 27])])
def test_an_object_hardly_seen_gives_way_to_another(folder, monkeypatch, period, expected):
    """The other is of the same kind, whole picture or crop."""
    data, indices = dataset(folder, period=period), []
    scene = data.scene

    def mostly_hidden(index):
        indices.append(index)
        made = scene(index)
        return replace(made, mask=made.mask & False) if index < 12 else made

    monkeypatch.setattr(data, "scene", mostly_hidden)
    sample = data[3]
    assert indices == expected
    assert sample["input_masks"].any() == (3 % period != 0)
    monkeypatch.undo()
    assert torch.equal(sample["image"], dataset(folder, period=period)[expected[-1]]["image"])


def test_no_shards(tmp_path):
    with pytest.raises(BadInput, match="No rendered shard"):
        SceneDataset(tmp_path, 3)
