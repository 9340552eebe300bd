import pytest
import torch
import torch.nn.functional as F

from recon_lib.training.zeroshape_w.dataset import SceneDataset
from recon_lib.training.zeroshape_w.mirror import mirrored
from tests.helpers.tiny_shards import write_ellipsoids


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    shards = write_ellipsoids(tmp_path_factory.mktemp("mirror"))
    data = SceneDataset(shards, 6, size=64, queries=512, period=2)
    return torch.utils.data.default_collate([data[i] for i in range(6)])


def test_twice_is_once(batch):
    again = mirrored(mirrored(batch))
    for name, value in batch.items():
        torch.testing.assert_close(again[name], value, msg=name)


def test_nothing_but_left_and_right_changes(batch):
    other = mirrored(batch)
    torch.testing.assert_close(other["image"].flip(-1), batch["image"])
    torch.testing.assert_close(other["depth"].flip(-1), batch["depth"])
    torch.testing.assert_close(other["normals"].flip(-1)[:, 0], -batch["normals"][:, 0])
    torch.testing.assert_close(other["normals"].flip(-1)[:, 1:], batch["normals"][:, 1:])
    assert torch.equal(other["inside"], batch["inside"])
    assert torch.equal(other["points"][..., 1:], batch["points"][..., 1:])


def test_points_and_camera_still_agree_with_the_picture(batch):
    """What lies inside is seen on the silhouette, in the mirror as before it."""

    def fractions(b):
        pixels = b["points"] @ b["intrinsics"].mT
        grid = pixels[..., :2] / pixels[..., 2:] / b["image"].shape[-1] * 2 - 1
        on = F.grid_sample(b["amodal"], grid[:, :, None], mode="nearest", align_corners=False)[:, 0, :, 0]
        return (on * b["inside"]).sum(1) / b["inside"].sum(1)

    before, after = fractions(batch), fractions(mirrored(batch))
    assert before.min() > 0.75
    torch.testing.assert_close(after, before, atol=0.03, rtol=0)
