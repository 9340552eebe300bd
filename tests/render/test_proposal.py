import pytest
import torch

from recon_lib.render.proposal import ProposalSampler, resampled
from recon_lib.render.rays import RayBundle
from tests.helpers.radiance import Ball


def rays(count=3):
    return RayBundle(torch.tensor([[0.0, 0, -3]]).repeat(count, 1), torch.tensor([[0.0, 0, 1]]).repeat(count, 1))


def test_distances_are_even_in_disparity():
    sampler = ProposalSampler(Ball(), 0.5, 50.0)
    t = sampler.distance(torch.tensor([0.0, 0.5, 1.0]))
    assert t.tolist() == pytest.approx([0.5, 1 / (1 + 0.01), 50.0])


def test_intervals_share_the_weight_evenly():
    edges = torch.tensor([[0.0, 0.2, 0.6, 1.0]])
    weights = torch.tensor([[1.0, 2.0, 1.0]])
    fine = resampled(edges, weights, 4)
    assert fine[0].tolist() == pytest.approx([0.0, 0.2, 0.4, 0.6, 1.0], abs=1e-6)


def test_fine_intervals_gather_where_the_proposal_is_dense():
    sampler = ProposalSampler(Ball(radius=0.5, sigma=50.0), 1.0, 20.0, coarse=128, fine=16)
    proposal = sampler.propose(rays())
    t = proposal.samples.t
    assert ((t > 2.2) & (t < 2.8)).float().mean() > 0.6
    assert proposal.coarse.shape == (3, 129) and proposal.weights.shape == (3, 128) and t.shape == (3, 16)
    torch.testing.assert_close(proposal.samples.length.sum(-1), torch.full((3,), 19.0))


@pytest.mark.parametrize("seed", [0, 1])
def test_random_intervals_stay_ordered_and_repeat(seed):
    sampler = ProposalSampler(Ball(sigma=5.0), 0.5, 30.0)
    first, second = (sampler.propose(rays(50), torch.Generator().manual_seed(seed)) for _ in range(2))
    assert torch.equal(first.fine, second.fine)
    for edges in (first.coarse, first.fine):
        assert (edges[:, 1:] >= edges[:, :-1]).all() and (edges[:, 0] == 0).all() and (edges[:, -1] == 1).all()
    assert not torch.equal(first.fine[0], first.fine[1])
    assert torch.equal(sampler(Ball(), rays(50), torch.Generator().manual_seed(seed)).t, first.samples.t)
