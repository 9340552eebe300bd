"""Near-plane clipping: areas and planes are kept."""

import pytest
import torch

from recon_lib.render.clip import clip_near

FACE = torch.tensor([[[0.0, 0.0, 2.0], [1.0, 0.0, 2.0], [0.0, 1.0, 2.0]]])


def area(corners):
    a, b, c = corners.unbind(1)
    return torch.linalg.cross(b - a, c - a).norm(dim=-1).sum() / 2


def test_faces_in_front_are_left_alone():
    corners, parent, weights = clip_near(FACE, 0.1)
    assert torch.equal(corners, FACE) and parent is None and weights is None


def test_faces_behind_are_dropped():
    corners, parent, weights = clip_near(torch.cat([FACE - 5, FACE]), 0.1)
    assert torch.equal(corners, FACE) and parent.tolist() == [1] and weights is None


@pytest.mark.parametrize("turn", [0, 1, 2])
@pytest.mark.parametrize(("depths", "fraction"), [((2.0, -2.0, -2.0), 0.25), ((2.0, 2.0, -2.0), 0.75)])
def test_the_front_part_stays(depths, fraction, turn):
    face = FACE.clone()
    face[0, :, 2] = torch.tensor(depths)
    face = face.roll(turn, 1)
    corners, parent, weights = clip_near(face, 1e-6)
    assert (corners[..., 2] >= 1e-6).all() and (parent == 0).all()
    torch.testing.assert_close(area(corners), fraction * area(face), rtol=1e-4, atol=0)
    torch.testing.assert_close(weights @ face, corners, atol=1e-5, rtol=0)
    torch.testing.assert_close(weights.sum(-1), torch.ones(len(corners), 3))
    normal = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    whole = torch.linalg.cross(face[:, 1] - face[:, 0], face[:, 2] - face[:, 0])
    assert ((normal * whole).sum(-1) > 0).all()  # the winding is kept
