"""Load View Prior and Sample Novel View with a tiny network in the folder of models."""

import sys

import pytest
import torch

pytest.importorskip("diffusers")
from recon_lib.training.weight_files import save_card, save_weights
from tests.helpers.view_prior import SIDE, tiny_model


@pytest.fixture
def prior(pack, tmp_path, monkeypatch):
    path = tmp_path / "tiny_prior.safetensors"
    save_weights(tiny_model(), path)
    save_card(tiny_model(), "view-diffusion", path)
    monkeypatch.setattr(
        sys.modules[pack.nodes["Recon3D_LoadViewPrior"].__module__], "model_folders", lambda: [tmp_path]
    )
    return pack.run("Recon3D_LoadViewPrior", name="tiny_prior", kind="repair", guidance=1.5).result[0]


@pytest.fixture
def views(pack):
    cameras = pack.run("Recon3D_CameraOrbit", count=3, elevation=10.0, width=48, height=48).result[0]
    origins, directions = cameras.rays()
    mask = (torch.linalg.cross(origins, directions).norm(dim=-1) < 0.6).float()
    return pack.run("Recon3D_MakeView", image=mask[..., None].expand(-1, -1, -1, 3) * 0.5, cameras=cameras, mask=mask)


def test_from_views_to_a_picture(pack, prior, views):
    cameras = pack.run("Recon3D_CameraOrbit", count=2, elevation=30.0, width=40, height=60).result[0]
    (image,) = pack.run(
        "Recon3D_SampleNovelView", prior=prior, views=views.result[0], cameras=cameras, noise=1.0, seed=0
    ).result
    assert image.shape == (2, SIDE, SIDE, 3) and image.min() >= 0 and image.max() <= 1


def test_renders_must_be_one_for_each_camera(pack, prior, views):
    cameras = pack.run("Recon3D_CameraOrbit", count=2, elevation=30.0, width=40, height=40).result[0]
    with pytest.raises(ValueError, match="1 renders for 2 cameras"):
        pack.run(
            "Recon3D_SampleNovelView", prior=prior, views=views.result[0], cameras=cameras, noise=1.0, seed=0,
            renders=torch.ones(1, 40, 40, 3),
        )  # fmt: skip
