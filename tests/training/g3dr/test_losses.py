import pytest
import torch

from recon_lib.networks.g3dr.frame import CameraBox
from recon_lib.training.g3dr.losses import (
    SHARPNESS,
    LossTerms,
    LossWeights,
    fields_of,
    occupancy_loss,
    total,
    total_variation,
)
from recon_lib.training.g3dr.views import canonical_target
from tests.helpers.g3dr import starting_network
from tests.training.g3dr.test_views import batch


def test_the_start_already_looks_like_the_picture():
    sample = batch(64)
    box = CameraBox.of(sample["intrinsics"], sample["depth"], sample["given_mask"])
    terms = LossTerms(starting_network(), torch.nn.Identity(), (12, 8), True)
    target = canonical_target(sample, 16, torch.Generator().manual_seed(0))
    rendered = terms.render(fields_of(starting_network(), sample, box), box, target, True, None)
    found = terms.canonical_terms(rendered, target, box, 0.0)
    assert set(found) == {"color", "depth", "mask"} and all(value < 0.08 for value in found.values())


def test_occupancy_is_the_cross_entropy_of_what_extraction_asks():
    sample = batch(64)
    box = CameraBox.of(sample["intrinsics"], sample["depth"], sample["given_mask"])
    field = fields_of(starting_network(), sample, box)[0]
    points = torch.tensor([[0.0, 0.0, float(box.middle) - 0.02], [0.9, 0.9, float(box.middle)], [0.0, 0.0, -1.0]])
    logits = field.inside(points[:2])
    assert logits[0] > 0 > logits[1] and field.log_ratio(points)[2] == -torch.inf
    known = {"points": points[None], "inside": torch.tensor([[1.0, 1.0, 1.0]])}
    expected = torch.nn.functional.softplus(
        -field.log_ratio(points[:2]) / SHARPNESS
    ).mean()  # what is not in the box is left out
    assert float(occupancy_loss([field], known)) == pytest.approx(float(expected), rel=1e-5)


def test_total_variation_counts_neighbours_that_are_both_sure():
    depth, sure = torch.zeros(1, 1, 2, 3), torch.ones(1, 1, 2, 3, dtype=torch.bool)
    depth[..., 2] = 1
    assert total_variation(depth, sure) == 0.5
    sure[..., 2] = False
    assert total_variation(depth, sure) == 0


def test_the_opacitys_weight_grows():
    terms = {"opacity": torch.ones(())}
    found = [float(total(terms, LossWeights(opacity=2.0), done)) for done in (0.0, 0.25, 0.5, 1.0)]
    assert found == [0.0, 1.0, 2.0, 2.0]
