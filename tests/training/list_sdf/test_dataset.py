import numpy as np
import pytest
import torch
from torch.utils.data import default_collate

from recon_lib.cameras.upright import upright_rotation

pytest.importorskip("igl")
from recon_lib.training.list_sdf.dataset import CLEAN, UprightDataset, mirrored
from tests.helpers.upright_shards import write_upright

SIZE = 64


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return UprightDataset(
        write_upright(tmp_path_factory.mktemp("data")), 6, size=SIZE, queries=300, surface=200, mix=CLEAN
    )


def pixels(positions):
    return (positions * SIZE).long().clamp(0, SIZE - 1).unbind(-1)


def test_points_show_where_they_are_said_to(data):
    """Inner points lie on the mask, and the silhouette holds nothing but them."""
    for index in range(len(data)):
        sample = data[index]
        deep = sample["distance"] < -0.05
        x, y = pixels(sample["position"][deep])
        assert (sample["masks"][0, y, x] > 0.5).float().mean() > 0.97


def test_the_frame_is_upright_normalised_and_seen_from_the_front(data):
    for index in range(len(data)):
        sample = data[index]
        low, high = sample["surface"].amin(0), sample["surface"].amax(0)
        assert (low + high).abs().max() < 0.02 and (high - low).max() == pytest.approx(1, abs=0.02)
        rotation = upright_rotation(sample["up"][None])[0]
        toward = rotation.T @ torch.tensor([0.0, 0.0, -1.0])  # back along the optical axis, in the upright frame
        assert toward[0].abs() < 1e-5 and toward[2] > 0.5


def test_the_same_index_gives_the_same_sample(data):
    first, second = data[3], data[3]
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["image"], data[4]["image"])


def test_a_mirror_image_shows_its_own_points(data):
    batch = default_collate([data[i] for i in range(4)])
    flipped = mirrored(batch)
    for row in range(4):
        deep = flipped["distance"][row] < -0.05
        x, y = pixels(flipped["position"][row][deep])
        assert (flipped["masks"][row, 0, y, x] > 0.5).float().mean() > 0.97
    again = mirrored(flipped)
    for name, value in batch.items():
        torch.testing.assert_close(again[name], value)


def test_the_mirror_images_points_are_those_of_the_mirrored_view(data):
    """Turned into the mirrored camera by the mirrored up direction, points project to the mirrored places."""
    flipped = mirrored(default_collate([data[0]]))
    rotation = upright_rotation(flipped["up"])
    camera = flipped["points"] @ rotation.mT
    x = camera[0, :, 0]
    place = flipped["position"][0, :, 0]
    assert np.corrcoef(x, place)[0, 1] > 0.98
