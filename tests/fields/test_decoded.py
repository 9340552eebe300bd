from dataclasses import dataclass, replace

import pytest
import torch
from torch import nn

from recon_lib.fields.decoded import DecodedField, move
from recon_lib.fields.field import Field
from recon_lib.networks.zeroshape_w.visible_points import Normalization


@dataclass(frozen=True)
class Seen:
    offset: torch.Tensor
    pairs: tuple
    name: str = "seen"


class Plane(nn.Module):
    """Logits: x of the normalised frame plus what the surface says."""

    def query(self, points, surface, level):
        assert points.shape[0] == 1
        return points[..., 0] + surface.offset + 100 * level


def test_the_network_is_asked_in_its_own_frame():
    pose = torch.eye(4)
    pose[:3, :3], pose[:3, 3] = torch.tensor([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]]), torch.tensor([0.5, 0, 4])
    normalization = Normalization(torch.tensor([[0.25, 0, 4]]), torch.tensor([2.0]))
    bounds = torch.tensor([[-1.0] * 3, [1.0] * 3])
    field = DecodedField(Plane(), Seen(torch.tensor(10.0), ()), pose, normalization, bounds)
    points = torch.randn(7, 3)
    torch.testing.assert_close(field.inside(points), (points[:, 1] + 0.5 - 0.25) / 2 + 10)
    lifted = replace(field, threshold=0.5)  # the network hears of it, then it is taken off
    torch.testing.assert_close(lifted.inside(points), field.inside(points) + 49.5, rtol=1e-4, atol=1e-4)
    assert isinstance(field, Field) and not field.has_color
    with pytest.raises(NotImplementedError, match="no colour"):
        field.color(points)


def test_no_gradient_is_kept():
    class Weighted(Plane):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(()))

        def query(self, points, surface, level):
            return points[..., 0] * self.weight

    identity = Normalization(torch.zeros(1, 3), torch.ones(1))
    field = DecodedField(Weighted(), None, torch.eye(4), identity, torch.zeros(2, 3))
    assert not field.inside(torch.ones(2, 3)).requires_grad


def test_move_reaches_every_tensor_and_leaves_the_rest():
    seen = Seen(torch.ones(2), ((torch.ones(1), torch.zeros(1)), None))
    moved = move(seen, "meta")
    assert (moved.offset.device.type, moved.name, moved.pairs[1]) == ("meta", "seen", None)
    assert all(t.device.type == "meta" for t in moved.pairs[0])
    assert seen.offset.device.type == "cpu"
    nested = move((Normalization(torch.zeros(1, 3), torch.ones(1)), 3), "meta")
    assert nested[0].scale.device.type == "meta" and nested[1] == 3
