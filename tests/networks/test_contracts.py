"""The shipped networks honour the contracts, and what honours them works in every stage."""

import pytest
import torch

from recon_lib.networks.contracts import DenseNetwork, PointDecoder, ShapeNetwork, similarity_matrix
from recon_lib.networks.zeroshape_w.model import MINI, ZEROSHAPE, ZeroShapeW
from tests.helpers.oracle import OracleNetwork


@pytest.fixture(scope="module")
def mini():
    return ZeroShapeW(MINI).eval()


def test_zeroshape_w_is_a_shape_network(mini):
    assert isinstance(mini, ShapeNetwork) and isinstance(mini, DenseNetwork)
    assert isinstance(OracleNetwork(), ShapeNetwork)
    assert not isinstance(torch.nn.Linear(2, 2), DenseNetwork)


def test_the_specification_follows_the_configuration(mini):
    assert (mini.input_spec.size, mini.input_spec.finds_masks, mini.input_spec.pixel_offset) == (128, True, 0.5)
    model = ZeroShapeW.__new__(ZeroShapeW)
    torch.nn.Module.__init__(model)
    model.config = ZEROSHAPE
    assert (model.input_spec.size, model.input_spec.finds_masks, model.input_spec.pixel_offset) == (224, False, 0.0)


@torch.no_grad()
def test_an_encoded_surface_is_a_point_decoder(mini):
    image, mask = torch.rand(1, 3, 128, 128), torch.zeros(1, 1, 128, 128)
    mask[..., 30:90, 40:100] = 1
    decoder = mini.encode(mini.predict_dense(image, masks=torch.cat([mask, mask * 0], 1)), mask)
    assert isinstance(decoder, PointDecoder) and decoder.module is mini and decoder.extent == MINI.extent
    points = torch.rand(1, 9, 3)
    logits = mini.query(points, decoder, MINI.threshold)
    torch.testing.assert_close(decoder.query(points), logits - MINI.threshold)
    matrix = decoder.camera_to_decoder
    camera = decoder.normalization.to_camera(points)
    torch.testing.assert_close(camera[0] @ matrix[:3, :3].T + matrix[:3, 3], points[0], rtol=1e-4, atol=1e-4)


def test_a_similarity_shifts_first_and_scales_then():
    centre, point = torch.tensor([1.0, -2.0, 3.0]), torch.tensor([2.0, 5.0, 1.0])
    matrix = similarity_matrix(centre, 4.0)
    torch.testing.assert_close(matrix[:3, :3] @ point + matrix[:3, 3], (point - centre) / 4)
