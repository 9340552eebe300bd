import pytest
import torch

from recon_lib.errors import BadInput, Interrupted
from recon_lib.progress import Progress
from recon_lib.systems.options import Options
from recon_lib.systems.zeroshape_w import reconstruct
from tests.helpers.oracle import RED, disk_picture, fit_ball, oracle_model


@pytest.fixture(scope="module")
def result():
    return reconstruct(
        disk_picture(120, 150, (80, 60), 40)[0], oracle_model(), options=Options(resolution=24, texture_size=64)
    )


def test_a_picture_of_a_disk_becomes_a_red_ball(result):
    centre, radius = fit_ball(result.mesh.vertices)
    assert ((result.mesh.vertices - centre).norm(dim=1) / radius - 1).abs().max() < 0.03
    assert float(radius) == pytest.approx(1, abs=0.06)
    assert result.mesh.texture.shape == (3, 64, 64)
    assert result.mesh.uvs.shape == (len(result.mesh.vertices), 2)
    covered = (result.mesh.uvs.clamp(0, 0.999) * 64).long()
    colors = result.mesh.texture[:, covered[:, 1], covered[:, 0]].mT
    torch.testing.assert_close(colors.median(0).values, torch.tensor(RED), rtol=0, atol=0.05)


def test_what_it_tells_on_the_way(result):
    assert list(result.seconds) == ["visible surface", "complete shape", "extract", "texture"]
    assert all(seconds >= 0 for seconds in result.seconds.values())
    assert result.report["dense_evaluations"] == 25**3
    assert result.report["share_of_dense"] == pytest.approx(result.report["field_evaluations"] / 25**3, abs=1e-4)
    assert torch.equal(result.field.bounds[0], -result.field.bounds[1])
    assert result.surface.views.depth is not None


def test_a_users_mask_and_depth_reach_the_stages(result):
    image, mask = disk_picture(120, 150, (80, 60), 40)
    half = mask * (torch.arange(150) < 80)
    depth = result.surface.views.depth * 3
    own = reconstruct(image, oracle_model(), mask=half, depth=depth, options=Options(resolution=12, texture_size=16))
    assert torch.equal(own.surface.views.masks, half)
    ratio = (depth / own.surface.views.depth)[own.surface.views.depth > 0]
    assert ratio.max() / ratio.min() == pytest.approx(1, abs=1e-4)


class StopAt(Progress):
    def __init__(self, title):
        super().__init__()
        self.stop = title

    def check(self):
        if self.title == self.stop and self.done:
            raise Interrupted


@pytest.mark.parametrize("stage", ["finding the object", "visible surface"])
def test_it_can_be_stopped(stage):
    image = disk_picture(64, 64, (30, 30), 20)[0]
    with pytest.raises(Interrupted):
        reconstruct(image, oracle_model(), options=Options(resolution=12, texture_size=16), progress=StopAt(stage))


def test_no_object():
    with pytest.raises(BadInput, match="No object"):
        reconstruct(torch.zeros(1, 3, 64, 64), oracle_model())
