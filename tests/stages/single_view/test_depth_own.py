"""A user's own depth picture: brought to the scale of the model's, whatever its own."""

from types import SimpleNamespace

import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.stages.single_view import depth_own as room
from recon_lib.stages.single_view.depth_own import own_depth

torch.manual_seed(0)
DEPTH = 1 + torch.rand(1, 1, 20, 24)
IMAGE, MASK = torch.rand(1, 3, 20, 24), torch.ones(1, 1, 20, 24)


@pytest.fixture
def asked(monkeypatch):
    """The network is replaced by its answer; the masks it was asked about are noted."""
    masks: list = []

    def estimate(model, images, mask, *_):
        masks.append(mask)
        return SimpleNamespace(depth=DEPTH)

    monkeypatch.setattr(room, "estimate_depth_normals", estimate)
    monkeypatch.setattr(room, "segment", lambda *_: SimpleNamespace(object=MASK * 0.75))
    return masks


@pytest.mark.parametrize(("kind", "picture"), [("depth", DEPTH / 2 - 0.3), ("inverse", 0.5 / DEPTH - 0.1)])
def test_scale_and_shift_are_found(asked, kind, picture):
    found = own_depth(None, IMAGE, picture.expand(-1, 3, -1, -1), kind, MASK)
    torch.testing.assert_close(found, DEPTH)
    assert torch.equal(asked[0], MASK)


def test_without_a_mask_the_models_own_is_used(asked):
    own_depth(None, IMAGE, DEPTH, "depth", None)
    assert torch.equal(asked[0], MASK * 0.75)


@pytest.mark.parametrize("picture", [DEPTH[..., :12], DEPTH.repeat(2, 1, 1, 1)])
def test_the_depth_of_another_picture_is_told(asked, picture):
    with pytest.raises(BadInput, match="this very image"):
        own_depth(None, IMAGE, picture, "depth", MASK)
