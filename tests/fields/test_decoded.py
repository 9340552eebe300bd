from dataclasses import dataclass, replace

import pytest
import torch
from torch import nn

from recon_lib.fields.decoded import DecodedField, move
from recon_lib.fields.field import Field
from recon_lib.networks.contracts import PointDecoder, similarity_matrix

BOX = torch.tensor([[-1.0] * 3, [1.0] * 3])


@dataclass(frozen=True)
class Plane:
    """x of the decoder's frame and an offset."""

    module: nn.Module
    offset: torch.Tensor
    pairs: tuple = ()
    camera_to_decoder: torch.Tensor = None
    extent: float = 1.0

    def query(self, points):
        assert points.shape[0] == 1 and points.device == self.offset.device
        weight = next(self.module.parameters(), torch.ones(()))
        return points[..., 0] * weight + self.offset


class Weight(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))


def test_the_decoder_is_asked_in_its_own_frame():
    pose = torch.eye(4)
    pose[:3, :3], pose[:3, 3] = torch.tensor([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]]), torch.tensor([0.5, 0, 4])
    matrix = similarity_matrix(torch.tensor([0.25, 0, 4]), 2.0) @ pose
    field = DecodedField(Plane(nn.Identity(), torch.tensor(10.0)), matrix, BOX)
    points = torch.randn(7, 3)
    torch.testing.assert_close(field.inside(points), (points[:, 1] + 0.5 - 0.25) / 2 + 10)
    assert isinstance(field, Field) and isinstance(field.decoder, PointDecoder) and not field.has_color
    with pytest.raises(NotImplementedError, match="no colour"):
        field.color(points)


def test_no_gradient_is_kept_and_hosts_see_the_network():
    network = Weight()
    field = DecodedField(Plane(network, torch.tensor(0.0)), torch.eye(4), BOX)
    assert field.module is network
    assert not field.inside(torch.ones(2, 3)).requires_grad


def test_move_reaches_every_tensor_and_leaves_the_rest():
    network = Weight()
    plane = Plane(network, torch.ones(2), ((torch.ones(1), torch.zeros(1)), None))
    moved = move(plane, "meta")
    assert (moved.offset.device.type, moved.module, moved.pairs[1]) == ("meta", network, None)
    assert all(t.device.type == "meta" for t in moved.pairs[0])
    assert plane.offset.device.type == "cpu"
    nested = move((replace(plane, pairs=()), 3), "meta")
    assert nested[0].offset.device.type == "meta" and nested[1] == 3
