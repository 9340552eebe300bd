import time

import pytest
import torch
from scipy.spatial.transform import Rotation

from recon_lib.errors import BadInput
from recon_lib.meshes.align import (
    Similarity,
    _icosahedral_rotations,
    align_scale_translation,
    align_similarity,
    similarity_from_pairs,
)
from tests.helpers.turns import rotation_about


def chair(count, seed):
    """Points on five faces of boxes, no symmetry but left-right: seat, back, one arm, two unequal legs. [count,3]."""
    generator = torch.Generator().manual_seed(seed)
    low = torch.tensor([[-1, 0, -1], [-1, 0, -1], [1, 0, -1], [-1, -1, 1], [0.8, -0.6, -1]])
    size = torch.tensor([[2, 0, 2], [2, 1.5, 0], [0, 0.6, 1.2], [0.2, 1, 0], [0.2, 0.6, 0.0]])
    part = torch.multinomial(torch.tensor([4, 3, 0.8, 0.2, 0.15]), count, True, generator=generator)
    return low[part] + size[part] * torch.rand(count, 3, generator=generator)


def chamfer(a, b):
    distance = torch.cdist(a, b)
    return float(distance.amin(1).mean() + distance.amin(0).mean()) / 2


def some_similarity(scale=1.7, degrees=130.0):
    return Similarity(scale, rotation_about((1, 2, -0.5), degrees), torch.tensor([0.4, -3.0, 2.0], dtype=torch.float64))


# -- the transform ----------------------------------------------------------------------------------------


def test_inverse_and_matrix_agree_with_the_call():
    pose, points = some_similarity(), torch.randn(20, 3, dtype=torch.float64)
    assert torch.allclose(pose.inverse()(pose(points)), points)
    homogeneous = torch.cat([points, torch.ones(20, 1)], -1) @ pose.matrix.mT
    assert torch.allclose(homogeneous[:, :3], pose(points))
    assert torch.equal(Similarity.identity()(points), points)
    assert pose(points.float()).dtype == torch.float32


# -- pairs ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("degrees", [0.0, 45.0, 130.0, 180.0])
def test_pairs_give_back_the_transform_that_made_them(degrees):
    pose, points = some_similarity(degrees=degrees), torch.randn(30, 3, dtype=torch.float64)
    found = similarity_from_pairs(points, pose(points))
    assert found.scale == pytest.approx(1.7)
    assert torch.allclose(found.rotation, pose.rotation)
    assert torch.allclose(found.translation, pose.translation)


def test_a_mirrored_target_never_gives_a_reflection():
    points = torch.randn(30, 3, dtype=torch.float64)
    found = similarity_from_pairs(points, points * torch.tensor([1.0, 1.0, -1.0]))
    assert torch.linalg.det(found.rotation) == pytest.approx(1)


def test_flat_and_collinear_points_still_give_a_proper_rotation():
    points = torch.randn(30, 3, dtype=torch.float64) * torch.tensor([1.0, 1.0, 0.0])
    pose = some_similarity()
    assert torch.allclose(similarity_from_pairs(points, pose(points)).rotation, pose.rotation)
    line = points * torch.tensor([1.0, 0.0, 0.0])
    found = similarity_from_pairs(line, pose(line))
    assert torch.linalg.det(found.rotation) == pytest.approx(1)
    assert torch.allclose(found(line), pose(line))


def test_without_scale_and_without_rotation_the_rest_is_least_squares():
    source, target = torch.randn(40, 3, dtype=torch.float64), torch.randn(40, 3, dtype=torch.float64)
    weights = torch.rand(40, dtype=torch.float64)

    def cost(pose):
        return float((weights * (pose(source) - target).square().sum(-1)).sum())

    for options in ({"scale": False}, {"rotation": False}, {"scale": False, "rotation": False}):
        best = similarity_from_pairs(source, target, weights, **options)
        assert options.get("scale", True) or best.scale == 1
        assert options.get("rotation", True) or torch.equal(best.rotation, torch.eye(3, dtype=torch.float64))
        for _ in range(20):  # every small step of the free parameters is uphill
            step = 1e-3 * torch.randn(3, dtype=torch.float64)
            grow = best.scale * (1 + 1e-3 * float(torch.randn(1))) if options.get("scale", True) else 1.0
            turn = rotation_about(tuple(torch.randn(3).tolist()), 0.1) if options.get("rotation", True) else 1
            turned = best.rotation @ turn if options.get("rotation", True) else best.rotation
            assert cost(Similarity(grow, turned, best.translation + step)) > cost(best)


def test_pairs_without_weight_do_not_count():
    pose, points = some_similarity(), torch.randn(30, 3, dtype=torch.float64)
    target = pose(points)
    target[:10] = torch.randn(10, 3, dtype=torch.float64) * 100
    weights = torch.ones(30)
    weights[:10] = 0
    assert torch.allclose(similarity_from_pairs(points, target, weights)(points)[10:], target[10:])


# -- starts of the search over rotations ------------------------------------------------------------------


def test_the_sixty_rotations_form_a_group_and_the_identity_is_first():
    group = _icosahedral_rotations()
    assert group.shape == (60, 3, 3)
    assert torch.allclose(group[0], torch.eye(3, dtype=torch.float64), atol=1e-15)
    products = (group[:, None] @ group).reshape(-1, 9)
    assert torch.cdist(products, group.reshape(60, 9)).amin(1).max() < 1e-6  # closed
    assert torch.pdist(group.reshape(60, 9)).min() > 0.5  # all different


def test_every_rotation_is_within_45_degrees_of_one():
    others = torch.from_numpy(Rotation.random(3000, random_state=0).as_matrix())
    traces = torch.einsum("nij,gij->ng", others, _icosahedral_rotations())
    worst = torch.rad2deg(torch.acos(((traces - 1) / 2).clamp(-1, 1)).amin(1).max())
    assert 35 < float(worst) <= 45


# -- protocols --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [0.2, 1.0, 6.0])
def test_scale_and_translation_are_found_between_independent_samples(scale):
    truth, other = chair(4000, 0), chair(4000, 1)
    offset = torch.tensor([3.0, -1.0, 0.5])
    found = align_scale_translation((other - offset) / scale, truth)
    assert torch.equal(found.rotation, torch.eye(3, dtype=torch.float64))
    assert found.scale == pytest.approx(scale, rel=0.01)
    assert torch.allclose(found.translation.float(), offset, atol=0.03)


def test_the_result_is_a_minimum_of_the_symmetric_distance():
    """A shape that differs: every small change of scale or place makes the distance larger."""
    truth = chair(1500, 0)
    predicted = chair(1500, 1) * torch.tensor([0.8, 1.3, 1.0]) + 0.4
    found = align_scale_translation(predicted, truth)
    best = chamfer(found(predicted), truth)
    assert best < chamfer(predicted, truth)
    for axis in range(3):
        for step in (-0.06, 0.06):
            shift = found.translation.clone()
            shift[axis] += step
            assert chamfer(Similarity(found.scale, found.rotation, shift)(predicted), truth) > best
    middle = found(predicted).double().mean(0)
    for factor in (0.95, 1.05):
        grown = Similarity(found.scale * factor, found.rotation, middle + factor * (found.translation - middle))
        assert chamfer(grown(predicted), truth) > best


def test_alignment_does_not_depend_on_where_the_prediction_stood():
    truth, predicted = chair(3000, 0), chair(3000, 1) * torch.tensor([1.0, 0.7, 1.2])
    here, there = (align_scale_translation(p, truth)(p) for p in (predicted, predicted * 3 - 5))
    assert torch.allclose(here, there, atol=1e-3)


def test_same_input_same_answer():
    truth, predicted = chair(2000, 0), chair(2000, 1) * 1.5
    first, second = (align_scale_translation(predicted, truth) for _ in range(2))
    assert torch.equal(first.matrix, second.matrix)


def test_any_rotation_is_found():
    truth, other = chair(3000, 0), chair(3000, 1)
    pose = some_similarity(scale=0.4, degrees=160.0)
    moved = pose.inverse()(other)
    found = align_similarity(moved, truth)
    assert found.scale == pytest.approx(0.4, rel=0.02)
    angle = torch.acos((((found.rotation.mT @ pose.rotation).trace() - 1) / 2).clamp(-1, 1))
    assert float(torch.rad2deg(angle)) < 1.5
    assert (found(moved) - other).norm(dim=-1).max() < 0.05  # the chair is 2.5 high


@pytest.mark.slow
def test_ten_thousand_points_take_a_third_of_a_second():
    truth, predicted = chair(10000, 0), chair(10000, 1) * torch.tensor([0.9, 1.1, 1.0])
    align_scale_translation(predicted[:100], truth[:100])  # imports
    start = time.process_time()
    align_scale_translation(predicted, truth)
    assert time.process_time() - start < 0.6  # 0.2 to 0.25 on a quiet core


@pytest.mark.parametrize("method", [align_scale_translation, align_similarity])
def test_refuses_clouds_without_extent(method):
    cloud = chair(100, 0)
    for bad in (cloud[:2], torch.zeros(50, 3)):
        with pytest.raises(BadInput, match="nothing to align"):
            method(bad, cloud)
        with pytest.raises(BadInput, match="nothing to align"):
            method(cloud, bad)
    with pytest.raises(BadInput, match="NaN"):
        method(cloud * float("nan"), cloud)


def test_refuses_pairs_on_one_spot():
    with pytest.raises(BadInput, match="on one spot"):
        similarity_from_pairs(torch.ones(5, 3), torch.randn(5, 3))
