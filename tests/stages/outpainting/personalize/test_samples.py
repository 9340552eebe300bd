"""Training samples made of an orbit of an ellipsoid, whose colours are known everywhere."""

from dataclasses import replace

import pytest
import torch

from recon_lib.data.shards.orbits import OrbitShard
from recon_lib.errors import BadInput, Interrupted
from recon_lib.progress import unchecked
from recon_lib.provenance import Provenance
from recon_lib.stages.outpainting.personalize import samples as samples
from recon_lib.stages.outpainting.personalize.samples import _earlier, _view_probabilities, other_objects, view_samples
from recon_lib.views.views import Views
from tests.helpers.ellipsoid_orbits import write_ellipsoid_orbits

SIDE = 32


@pytest.fixture(scope="module")
def views(tmp_path_factory) -> Views:
    folder = write_ellipsoid_orbits(tmp_path_factory.mktemp("orbits"), 40, [(0.8, 0.5, 0.6)])
    return OrbitShard.open(folder / "ellipsoids").views(0)


@pytest.mark.parametrize("count", [1, 3])
def test_samples_are_outpaint_masks_with_the_true_view(views, count):
    batch = view_samples(views[:count], SIDE, 6, 0, unchecked)
    assert batch["truth"].shape == (6, 4, SIDE, SIDE) and batch["focal"].shape == (6,)
    seen, masks = batch["seen"] > 0.5, batch["masks"] > 0.5
    assert not (seen & masks).any()
    assert (masks.flatten(1).sum(1) >= 8).all() and (seen.flatten(1).sum(1) > 0).all()
    solid = batch["truth"][:, 3:] > 0.99
    off = (batch["images"] - batch["truth"][:, :3]).abs().amax(1, keepdim=True)
    assert off[seen & solid].mean() < 0.06, "what was seen looks as the answer does"
    assert (batch["depth"][seen] > 0).float().mean() > 0.95
    outside = (batch["truth"][:, 3:] == 0).expand(-1, 3, -1, -1)
    torch.testing.assert_close(batch["truth"][:, :3][outside], torch.ones(int(outside.sum())))


def test_the_background_of_a_view_is_not_learned(views):
    """A photo's surroundings are no part of the object."""
    one = views[:1]
    on_black = replace(one, images=one.images * one.masks)
    white, black = (view_samples(v, SIDE, 3, 0, unchecked)["truth"] for v in (one, on_black))
    torch.testing.assert_close(black, white, rtol=0, atol=0.02)
    outline = (white[:, 3:] > 0.2) & (white[:, 3:] < 0.8)
    assert outline.any(), "where a pixel shows both"


def test_the_seed_decides(views):
    first, again, other = (view_samples(views[:3], SIDE, 3, seed, unchecked) for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["masks"], other["masks"])


def test_a_view_alone_has_holes_and_others_do_not():
    class Always:
        def __init__(self, drawn: float) -> None:
            self.drawn = drawn

        def random(self) -> float:
            return self.drawn

        def integers(self, low: int, high: int) -> int:
            return high - 1

        def choice(self, others, count, replace):
            assert not replace
            return torch.tensor(others[:count])

    assert _earlier(1, 0, Always(0.9)) == [0]
    assert _earlier(4, 2, Always(0.9)) == [0, 1, 3]
    assert _earlier(4, 2, Always(0.1)) == [2]


def test_observed_views_are_painted_more_often(views):
    codes = torch.where(views.masks > 0.5, int(Provenance.OUTPAINTED), 0).to(torch.uint8)
    codes[0][codes[0] > 0] = int(Provenance.OBSERVED)
    probability = _view_probabilities(replace(views, provenance=codes)[:3])
    assert probability == pytest.approx([1 / 1.8, 0.4 / 1.8, 0.4 / 1.8])
    assert _view_probabilities(views[:2]) == pytest.approx([0.5, 0.5])


def test_other_objects_have_other_colours_in_the_same_masks(views):
    batch = view_samples(views[:2], SIDE, 4, 0, unchecked)
    before = batch["images"].clone()
    other = other_objects(batch, torch.Generator().manual_seed(0))
    assert torch.equal(batch["images"], before)
    seen = (batch["seen"] > 0.5).expand(-1, 3, -1, -1)
    assert torch.equal(other["images"][~seen], before[~seen])
    assert (other["images"] - before)[seen].abs().mean() > 0.1
    assert other["images"].min() >= 0 and other["images"].max() <= 1
    assert all(torch.equal(other[name], batch[name]) for name in batch if name != "images")


def test_views_without_a_surface_are_reported(views):
    with pytest.raises(BadInput, match="no depth and normals"):
        view_samples(replace(views, depth=None), SIDE, 2, 0, unchecked)
    with pytest.raises(BadInput, match="no depth and normals"):
        view_samples(replace(views, depth=views.depth * 0), SIDE, 2, 0, unchecked)


def test_an_object_of_which_nothing_can_be_left_out_is_reported(views, monkeypatch):
    monkeypatch.setattr(samples, "MIN_PAINTED_PX", SIDE**2)
    with pytest.raises(BadInput, match="too small"):
        view_samples(views[:1], SIDE, 2, 0, unchecked)


def test_it_can_be_stopped(views):
    def stop() -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        view_samples(views[:2], SIDE, 2, 0, stop)
