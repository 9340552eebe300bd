"""LPIPS where its weights are, EfficientNet-Lite0's features where they are not."""

import logging

import pytest
import torch
from safetensors.torch import save_file

from recon_lib.errors import BadInput
from recon_lib.networks.efficientnet_distance import EfficientNetDistance
from recon_lib.networks.lpips import Lpips
from recon_lib.weights import perceptual
from recon_lib.weights.perceptual import LPIPS_FILE, load_perceptual


@pytest.fixture
def none(monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: "/nowhere")


def test_without_lpips_the_log_names_what_stands_in(none, caplog):
    with caplog.at_level(logging.INFO, "recon3d"):
        network = load_perceptual()
    assert isinstance(network, EfficientNetDistance) and EfficientNetDistance.name in caplog.text
    assert not any(p.requires_grad for p in network.parameters()) and not network.training


def test_blur_and_shift_cost_more_than_a_little_noise(none):
    network, generator = load_perceptual(), torch.Generator().manual_seed(0)
    picture = torch.nn.functional.interpolate(torch.rand(1, 3, 8, 8, generator=generator), (64, 64), mode="nearest")
    noisy = (picture + 0.01 * torch.randn(picture.shape, generator=generator)).clamp(0, 1)
    blurred = torch.nn.functional.avg_pool2d(picture, 9, 1, 4, count_include_pad=False)
    assert float(network(picture, noisy)) < 0.5 * float(network(picture, blurred))


def test_lpips_in_a_folder_is_preferred(tmp_path):
    save_file(Lpips().state_dict(), tmp_path / LPIPS_FILE)
    assert isinstance(load_perceptual([tmp_path]), Lpips)


def test_damaged_and_foreign_weights_are_told(tmp_path):
    (tmp_path / LPIPS_FILE).write_bytes(b"\x10")
    with pytest.raises(BadInput, match="could not be read"):
        load_perceptual([tmp_path])
    save_file({"other": torch.zeros(1)}, tmp_path / LPIPS_FILE)
    with pytest.raises(BadInput, match="not AlexNet's"):
        load_perceptual([tmp_path])


def test_the_global_seed_stays(none):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    load_perceptual()
    assert torch.equal(torch.get_rng_state(), before) and perceptual.ENCODER_FILE.is_file()
