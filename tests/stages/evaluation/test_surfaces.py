import pytest
import torch

from recon_lib.meshes.mesh import Mesh
from recon_lib.stages.evaluation.surfaces import F_THRESHOLDS, Matches, match_surfaces, surface_figures


def matches(forth, forth_index, back, cosine=1.0):
    forth, back = torch.tensor(forth).double(), torch.tensor(back).double()
    cosines = (torch.full_like(forth, cosine), torch.full_like(back, cosine))
    return Matches(forth, torch.tensor(forth_index), cosines[0], back, cosines[1])


def plane(z, half=1.0):
    corners = torch.tensor([[-half, -half, z], [half, -half, z], [half, half, z], [-half, half, z]])
    return Mesh(corners, torch.tensor([[0, 1, 2], [0, 2, 3]]))


def test_figures_by_hand():
    figures = surface_figures(matches([0.1, 0.3], [0, 1], [0.2, 0.2, 0.5, 0.7], cosine=0.5), radius=4.0)
    assert figures["predicted_to_truth"] == pytest.approx(0.2)
    assert figures["truth_to_predicted"] == pytest.approx(0.4)
    assert figures["chamfer_unsquared"] == pytest.approx(0.3)
    assert figures["chamfer_squared"] == pytest.approx((0.05 + 0.205) / 2)
    assert figures["normal_consistency"] == pytest.approx(0.5)
    assert figures["f_score_0.02"] == 0  # threshold 0.08
    assert figures["f_score_0.05"] == 0  # threshold 0.2, which is not below 0.2; precision 1/2, recall 0
    assert figures["f_score_0.1"] == pytest.approx(2 * 1 * 0.5 / 1.5)  # threshold 0.4


def test_parts_take_predicted_samples_by_their_nearest_true_sample():
    seen = torch.tensor([True, False, False, False])
    some = matches([0.1, 0.3, 0.5], [0, 1, 1], [0.2, 0.4, 0.4, 0.7])
    figures, rest = (surface_figures(some, 1.0, part) for part in (seen, ~seen))
    assert (figures["predicted_to_truth"], figures["truth_to_predicted"]) == pytest.approx((0.1, 0.2))
    assert (rest["predicted_to_truth"], rest["truth_to_predicted"]) == pytest.approx((0.4, 0.5))


def test_a_part_without_truth_has_no_figures_and_one_without_prediction_has_few():
    some = matches([0.1], [0], [0.2, 0.4])
    nothing = surface_figures(some, 1.0, torch.tensor([False, False]))
    assert set(nothing.values()) == {None}
    missed = surface_figures(some, 1.0, torch.tensor([False, True]))
    assert missed["truth_to_predicted"] == pytest.approx(0.4)
    assert missed["chamfer_unsquared"] is None
    assert missed["normal_consistency"] is None
    assert [missed[f"f_score_{t}"] for t in F_THRESHOLDS] == [0, 0, 0]
    assert set(nothing) == set(missed) == set(surface_figures(some, 1.0))


def test_matching_parallel_planes():
    truth = plane(0.0)
    points, normals, _ = truth.sample_surface(5000, 1)
    found = match_surfaces(plane(0.3), points, normals, 4000, 2)
    assert found.forth.shape == (4000,)
    assert found.back.shape == (5000,)
    assert found.forth.min() >= 0.3 - 1e-6
    assert found.forth.mean().item() == pytest.approx(0.3, abs=2e-3)
    assert torch.allclose(found.forth_cosine, torch.ones(4000))
    nearest = points[found.forth_index]
    own = plane(0.3).sample_surface(4000, 2)[0]
    assert torch.allclose((own - nearest).norm(dim=-1).double(), found.forth, atol=1e-6)


def test_normals_count_without_sign():
    points, normals, _ = plane(0.0).sample_surface(100, 1)
    flipped = Mesh(plane(0.0).vertices, plane(0.0).faces.flip(1))
    assert match_surfaces(flipped, points, normals, 100, 2).back_cosine.min().item() == pytest.approx(1)
