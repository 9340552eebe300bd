from dataclasses import replace

import pytest
import torch

from recon_lib import networks
from recon_lib.errors import BadInput
from recon_lib.networks.visible_points import Normalization
from recon_lib.networks.zeroshape_w import BASE, MINI, ZEROSHAPE, ZeroShapeW, ZeroShapeWConfig

SIDE = 48


def shapes(module):
    return {key: tuple(value.shape) for key, value in module.state_dict().items()}


@pytest.fixture(scope="module")
def mini():
    torch.manual_seed(0)
    return ZeroShapeW(MINI).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def image():
    return torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def mask():
    mask = torch.zeros(2, 1, SIDE, SIDE)
    mask[0, :, 10:30, 12:40], mask[1, :, 4:44, 20:30] = 1, 1
    return mask


class TestSizes:
    def test_base_adds_the_heads_the_occluder_channel_and_the_prior(self):
        with torch.device("meta"):
            base, zeroshape = shapes(ZeroShapeW(BASE)), shapes(ZeroShapeW(ZEROSHAPE))
        assert {key.split(".")[0] for key in base.keys() - zeroshape.keys()} == {
            "mask_head", "occluder_head", "impl_network",
        }  # fmt: skip
        changed = {key: (zeroshape[key], base[key]) for key in zeroshape if base[key] != zeroshape[key]}
        assert len(changed) == 1
        ((before, after),) = changed.values()
        assert (before[1], after[1]) == (3, 4)

    def test_mini_is_small(self, mini):
        assert sum(p.numel() for p in mini.parameters()) <= 10_000_000
        assert 2 * sum(v.numel() for v in mini.state_dict().values()) <= 20_000_000  # bytes in half precision

    def test_no_other_size(self):
        with pytest.raises(BadInput, match="no size 'huge'; use mini or base"):
            ZeroShapeW(ZeroShapeWConfig("huge"))


class TestConfig:
    @pytest.mark.parametrize("config", [MINI, BASE, ZEROSHAPE])
    def test_there_and_back(self, config):
        assert ZeroShapeWConfig.of(config.to_dict()) == config

    def test_unknown_settings_are_named(self):
        with pytest.raises(BadInput, match="no setting depth, wings; update the pack"):
            ZeroShapeWConfig.of({"size": "mini", "wings": 2, "depth": 1})

    def test_build(self):
        with torch.device("meta"):
            built = networks.build("zeroshape-w", replace(MINI, extent=2.5).to_dict())
            assert built.config.extent == 2.5
            assert shapes(built) == shapes(ZeroShapeW(MINI))
        with pytest.raises(BadInput, match="No network is known for system 'shape-o-matic'"):
            networks.build("shape-o-matic", {})


class TestGlance:
    def test_a_picture_of_each_thing(self, mini, image):
        glance = mini.glance(image)
        assert glance.mask.shape == glance.occluder.shape == glance.dense.depth.shape == (2, 1, SIDE, SIDE)
        assert (glance.dense.depth > 0).all()
        prior = torch.tensor([[1.3875 * SIDE, 0, SIDE / 2], [0, 1.3875 * SIDE, SIDE / 2], [0, 0, 1]])
        torch.testing.assert_close(glance.intrinsics, prior.expand(2, 3, 3))  # the untrained camera

    def test_the_focal_length_flattens_the_depth(self, mini, image):
        other = ZeroShapeW(MINI).eval()
        other.load_state_dict(mini.state_dict())
        other.intr_proj.bias.data[0] = 10.0  # tanh is 1: four times the prior
        plain, long = mini.glance(image), other.glance(image)
        torch.testing.assert_close(long.intrinsics[:, 0, 0], 4 * plain.intrinsics[:, 0, 0])
        torch.testing.assert_close(long.dense.depth.log() * 4, plain.dense.depth.log(), rtol=1e-3, atol=1e-5)

    def test_text_without_a_prior(self, mini, image):
        with pytest.raises(BadInput, match="trained without a category prior"):
            mini.glance(image, torch.zeros(2, 512))

    def test_pictures_must_be_square(self, mini):
        with pytest.raises(BadInput, match="image has shape"):
            mini.glance(torch.zeros(1, 3, 32, 48))


class TestSurface:
    def test_the_surface_is_normalised_on_the_hard_mask(self, mini, image, mask):
        seen = mini.surface(mini.glance(image), mask * 0.7)
        squared = seen.points.square().sum(1, keepdim=True)
        torch.testing.assert_close(squared.sum((1, 2, 3)) / mask.sum((1, 2, 3)), torch.ones(2))
        assert not (seen.points * (1 - mask)).any()
        torch.testing.assert_close(seen.cache.geometry[:, 1], mask[:, 0].unfold(1, 2, 2).unfold(2, 2, 2).mean((-2, -1)))

    def test_ones_own_depth_takes_the_place_of_the_predicted(self, mini, image, mask):
        glance = mini.glance(image)
        seen = mini.surface(glance, mask, depth=torch.full((2, 1, SIDE, SIDE), 3.0))
        assert not seen.points[:, 2].abs().max() > 1e-5  # a plane that faces the camera
        torch.testing.assert_close(seen.normalization.centre[:, 2], torch.tensor([3.0, 3.0]))
        own = mini.surface(glance, mask, depth=glance.dense.depth)
        torch.testing.assert_close(own.points, mini.surface(glance, mask).points)

    def test_no_occluder_is_an_empty_one(self, mini, image, mask):
        glance, points = mini.glance(image), torch.randn(2, 20, 3)
        none, empty, some = (mini.surface(glance, mask, o) for o in (None, mask * 0, 1 - mask))
        torch.testing.assert_close(mini.query(points, none), mini.query(points, empty))
        assert (mini.query(points, some) - mini.query(points, none)).abs().max() > 1e-4

    def test_queries_in_a_given_frame(self, mini, image, mask):
        """The same points in the camera's frame give the same pixels to read, whatever frame they are told in."""
        glance = mini.glance(image)
        frame = (
            glance.intrinsics * torch.tensor([[1.2], [1.2], [1.0]]),
            Normalization(torch.ones(2, 3), torch.ones(2) * 2),
        )
        seen = mini.surface(glance, mask, frame=frame)
        assert seen.normalization is frame[1] and seen.intrinsics is frame[0]
        torch.testing.assert_close(seen.cache.intrinsics[:, 0, 0], frame[0][:, 0, 0] / SIDE)
        torch.testing.assert_close(seen.points, mini.surface(glance, mask).points)

    def test_an_empty_mask_is_told(self, mini, image, mask):
        with pytest.raises(BadInput, match="image 1 is empty"):
            mini.surface(mini.glance(image), mask * torch.tensor([1.0, 0.0]).reshape(2, 1, 1, 1))


def test_a_loss_on_every_output_reaches_every_weight(image, mask):
    model = ZeroShapeW(MINI)
    for block in model.modules():  # convolutions that begin at zero stop the first gradient before them
        for value in block.parameters(recurse=False):
            if value.ndim > 1 and not value.any():
                torch.nn.init.normal_(value, std=0.02)
    glance = model.glance(image)
    logits = model.query(torch.randn(2, 16, 3), model.surface(glance, mask))
    outputs = (logits, glance.mask, glance.occluder, glance.dense.depth, glance.dense.normals, glance.intrinsics)
    sum(x.square().mean() for x in outputs).backward()
    dead = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert dead == []
