from types import SimpleNamespace

import pytest
import torch

from recon_lib.stages.single_view import monocular_views as room
from recon_lib.stages.single_view.depth_normal import estimate_depth_normals
from recon_lib.stages.single_view.monocular_views import monocular_views
from tests.helpers.oracle import OracleNetwork, disk_picture, oracle_model

IMAGE, MASK = disk_picture(80, 96, (48, 40), 24)


def test_the_models_own_estimate():
    views = monocular_views(oracle_model(), IMAGE, MASK)
    alone = estimate_depth_normals(oracle_model(), IMAGE, MASK)
    assert torch.equal(views.depth, alone.depth) and torch.equal(views.normals, alone.normals)
    assert torch.equal(views.cameras.intrinsics, alone.cameras.intrinsics) and torch.equal(views.masks, MASK)


def test_without_a_mask_the_models_own_is_used():
    network = OracleNetwork()
    views = monocular_views(oracle_model(network), IMAGE)
    assert [masks is None for masks in network.told] == [True, True, False]
    assert ((views.masks > 0.5) != (MASK > 0.5)).sum() < 0.05 * MASK.sum()


@pytest.mark.parametrize("kind", ["depth", "inverse", "normals"])
def test_another_estimator_keeps_the_models_camera_and_scale(monkeypatch, kind):
    alone = estimate_depth_normals(oracle_model(), IMAGE, MASK)
    depth = torch.where(alone.depth > 0, alone.depth, 2.0)
    values = {"depth": depth * 5 + 1, "inverse": 3 / depth - 0.2, "normals": torch.ones(1, 3, 80, 96) / 3**0.5}[kind]
    monkeypatch.setattr(room, "predict", lambda folder, images, **_: values)
    views = monocular_views(oracle_model(), IMAGE, MASK, estimator=SimpleNamespace(kind=kind))
    assert torch.equal(views.cameras.intrinsics, alone.cameras.intrinsics)
    if kind == "normals":
        assert torch.equal(views.normals, values) and torch.equal(views.depth, alone.depth)
    else:
        on = MASK > 0.5
        torch.testing.assert_close(views.depth[on], alone.depth[on], rtol=1e-3, atol=1e-3)
