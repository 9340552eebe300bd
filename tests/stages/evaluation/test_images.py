import json
import math

import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.networks.lpips import Lpips
from recon_lib.stages.evaluation.images import compare_images
from recon_lib.weights.perceptual import LPIPS_FILE, TRUNK_FILE


@pytest.fixture(autouse=True)
def bare_machine(tmp_path, monkeypatch):
    """No weights in torch's own place, whatever this machine holds."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))


@pytest.mark.parametrize("step", [0.1, 0.01])
def test_psnr_of_a_constant_offset(step):
    image = torch.full((2, 3, 20, 30), 0.5)
    assert compare_images(image + step, image)["psnr"] == pytest.approx(-20 * math.log10(step), abs=1e-3)


def test_psnr_is_the_mean_of_decibels():
    image = torch.full((2, 3, 20, 20), 0.5)
    offset = torch.tensor([0.1, 0.01]).view(2, 1, 1, 1)
    assert compare_images(image + offset, image)["psnr"] == pytest.approx(30, abs=1e-3)


def test_ssim_of_flat_images_is_the_luminance_term():
    a, b = torch.full((1, 3, 20, 20), 0.4), torch.full((1, 3, 20, 20), 0.6)
    expected = (2 * 0.4 * 0.6 + 1e-4) / (0.4**2 + 0.6**2 + 1e-4)
    assert compare_images(a, b)["ssim"] == pytest.approx(expected, abs=1e-5)


def test_ssim_of_the_negative_is_below_zero_and_of_itself_is_one():
    image = torch.rand(1, 3, 32, 32)
    assert compare_images(1 - image, image)["ssim"] < -0.5
    assert compare_images(image, image)["ssim"] == pytest.approx(1)


def test_what_cannot_be_had_is_none_with_its_reason():
    image = torch.rand(1, 3, 8, 8)
    figures = compare_images(image, image)
    assert [figures[name] for name in ("psnr", "ssim", "lpips")] == [None, None, None]
    assert "infinite" in figures["psnr_reason"]
    assert "11 pixels" in figures["ssim_reason"]
    assert "32 pixels" in figures["lpips_reason"]
    json.dumps(figures, allow_nan=False)
    larger = compare_images(torch.rand(1, 3, 40, 40), torch.rand(1, 3, 40, 40))
    assert larger["lpips"] is None
    assert TRUNK_FILE in larger["lpips_reason"]
    assert larger["psnr_reason"] is None


def test_lpips_weights_in_a_folder_are_used(tmp_path):
    from safetensors.torch import save_file

    torch.manual_seed(0)
    model = Lpips().eval()
    save_file(model.state_dict(), tmp_path / LPIPS_FILE)
    a, b = torch.rand(3, 3, 40, 40), torch.rand(3, 3, 40, 40)
    figures = compare_images(a, b, folders=[tmp_path / "nowhere", tmp_path])
    with torch.no_grad():
        assert figures["lpips"] == pytest.approx(model(a, b).mean().item())
    assert figures["lpips_reason"] is None


def test_foreign_and_truncated_lpips_weights_are_reported(tmp_path):
    from safetensors.torch import save_file

    a, b = torch.rand(1, 3, 40, 40), torch.rand(1, 3, 40, 40)
    save_file({"other": torch.zeros(1)}, tmp_path / LPIPS_FILE)
    assert "are not AlexNet's" in compare_images(a, b, folders=[tmp_path])["lpips_reason"]
    (tmp_path / LPIPS_FILE).write_bytes(b"\x10")
    assert "could not be read" in compare_images(a, b, folders=[tmp_path])["lpips_reason"]


def test_values_beyond_the_range_are_clipped():
    image = torch.ones(1, 3, 20, 20)
    assert compare_images(image * 3, image)["psnr"] is None


def test_refuses_what_cannot_be_compared():
    image = torch.rand(1, 3, 20, 20)
    with pytest.raises(BadInput, match="truth has shape"):
        compare_images(image, torch.rand(1, 3, 20, 21))
    with pytest.raises(BadInput, match="image holds NaN"):
        compare_images(image * float("nan"), image)
    with pytest.raises(BadInput, match="no image to compare"):
        compare_images(image[:0], image[:0])
