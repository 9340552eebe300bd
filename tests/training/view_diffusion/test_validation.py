import pytest
import torch

from recon_lib.errors import Interrupted
from recon_lib.training.view_diffusion.validation import INPUTS, novel_view_pictures, psnr, validate
from tests.helpers.view_prior import SIDE, ellipsoid_views, tiny_model, write_scattered_ellipsoids

pytest.importorskip("diffusers")
METHODS = ["nearest", "pixel_nerf", "sample", "from_map", "bad", "repair"]


@pytest.fixture(scope="module")
def model():
    return tiny_model()


def test_figures_and_a_sheet_of_all_methods(model, tmp_path):
    write_scattered_ellipsoids(tmp_path)
    figures, sheet = validate(model, tmp_path, count=2)
    assert list(figures) == METHODS and sheet.shape == (3, 2 * SIDE, (INPUTS + len(METHODS) + 1) * SIDE)
    assert figures["bad"] > figures["sample"]  # the network is not trained
    again, _ = validate(model, tmp_path, count=2)
    assert again == figures


def test_the_nearest_input_is_the_nearest(model, tmp_path):
    views = ellipsoid_views(tmp_path)
    pictures = novel_view_pictures(model, views[0], views[torch.tensor([5, 9, 4])], 0)
    assert torch.equal(pictures["nearest"], views.images[9:10])


def test_it_can_be_stopped(model, tmp_path):
    write_scattered_ellipsoids(tmp_path)

    def stop():
        raise Interrupted

    with pytest.raises(Interrupted):
        validate(model, tmp_path, stop)


def test_psnr():
    assert psnr(torch.full((1, 3, 4, 4), 0.6), torch.full((1, 3, 4, 4), 0.5)) == pytest.approx(20, abs=1e-4)
    assert psnr(torch.ones(1, 3, 4, 4), torch.ones(1, 3, 4, 4)) == pytest.approx(60)
