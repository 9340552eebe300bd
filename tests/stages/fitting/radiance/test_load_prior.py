import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.stages.fitting.radiance.load_prior import EMBEDDED_PRIOR, load_prior
from recon_lib.stages.fitting.radiance.view_priors import DiffusionPrior, PixelNerfPrior, RepairPrior
from recon_lib.training.weight_files import save_card, save_weights
from tests.helpers.view_prior import ellipsoid_views, tiny_model

pytest.importorskip("diffusers")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out, model = tmp_path_factory.mktemp("models"), tiny_model()
    save_weights(model, out / f"{EMBEDDED_PRIOR}.safetensors")
    save_card(model, "view-diffusion", out / f"{EMBEDDED_PRIOR}.safetensors")
    return out


def test_all_kinds_of_a_trained_network(folder, tmp_path):
    path, views = str(folder / f"{EMBEDDED_PRIOR}.safetensors"), ellipsoid_views(tmp_path)
    repair, diffusion = load_prior(path), load_prior(path, kind="diffusion", guidance=2.0)
    assert isinstance(repair, RepairPrior) and isinstance(diffusion, DiffusionPrior) and diffusion.guidance == 2
    assert isinstance(load_prior(path, kind="pixelnerf"), PixelNerfPrior)
    call = (views.images[:1], views.cameras[:1], views[1:4], 1.0)
    picture = RepairPrior(tiny_model()).sample(*call)
    torch.testing.assert_close(repair.sample(*call), picture, atol=0.02, rtol=0)  # weights are stored in half precision


def test_other_models_and_kinds_are_told(folder):
    with pytest.raises(BadInput, match="zeroshape_w_mini is a zeroshape-w model"):
        load_prior("zeroshape_w_mini")
    with pytest.raises(BadInput, match="no prior of kind 'magic'"):
        load_prior(str(folder / f"{EMBEDDED_PRIOR}.safetensors"), kind="magic")
    with pytest.raises(BadInput, match="There is no model"):
        load_prior("no_such_model")
