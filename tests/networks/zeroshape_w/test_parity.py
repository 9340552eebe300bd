"""ZeroShape, as ZeroShape-W without occluders, against figures that the published code gave.

Weights and inputs are such that both sides can make them.

The figures are those of ZeroShape's published code (CPU, float32) for the weights of `parity_fill`, `intr_proj`
times 0.2, and a wavy image behind a disk.
"""

import hashlib

import pytest
import torch

from recon_lib.networks.encodings import sincos_grid_embedding
from recon_lib.networks.zeroshape_w.model import ZEROSHAPE, ZeroShapeW
from tests.helpers.parity_fill import Digest, disk, filled_state, wavy_image

DEPTH = Digest(50176, 2.97876130e-01, 4.02159696e-01, 1.00000000e00, 2.83653958e01)
INTRINSICS = Digest(9, 4.12636575e01, 4.93239034e01, 1.03203941e02, 1.44900542e02)
SURFACE = Digest(150528, -6.38175892e-10, 1.38032191e-01, 7.57226765e-01, 5.22334644e00)
LATENTS = Digest(50432, -1.45599313e-01, 9.75149322e-01, 3.42377639e00, -2.22391474e00)
LOGITS = Digest(200, -1.24958805e-01, 2.75007189e-02, 1.70473054e-01, 2.86548533e-01)
GRID = Digest(2146689, 4.77889250e-01, 2.59234332e-02, 5.46436906e-01, -7.01852385e-01)
LISTING = "07ada14bad0606f6f5209b817c62444388ad33ebfa5b1e4f9e9276bbe4607564"


def meta_network() -> ZeroShapeW:
    with torch.device("meta"):
        return ZeroShapeW(ZEROSHAPE).eval()


@pytest.fixture(scope="module")
def network():
    network = meta_network()
    state = dict(network.state_dict())
    state["impl_network.pos_embed"] = sincos_grid_embedding(256, 14)
    state = filled_state(state, keep=("impl_network.pos_embed",))
    for key in ("intr_proj.weight", "intr_proj.bias"):
        state[key] = state[key] * 0.2
    network.load_state_dict(state, assign=True)
    return network.requires_grad_(False)


@pytest.fixture(scope="module")
def prediction(network):
    mask = disk()
    with torch.inference_mode():
        return network.predict_dense(wavy_image() * mask + (1 - mask))


@pytest.fixture(scope="module")
def seen(network, prediction):
    with torch.inference_mode():
        return network.encode(prediction, disk())


@pytest.fixture(scope="module")
def latents(network, seen):
    with torch.inference_mode():
        return network.coord_encoder(seen.points)


class TestPublishedNames:
    state = meta_network().state_dict()

    def test_keys_and_shapes(self):
        listing = sorted(f"{key} {tuple(value.shape)}" for key, value in self.state.items())
        assert hashlib.sha256("\n".join(listing).encode()).hexdigest() == LISTING

    @pytest.mark.parametrize(
        ("part", "tensors", "elements"), [("", 813, 192_187_630), ("dpt_depth.", 368, 123_146_985)]
    )
    def test_counts(self, part, tensors, elements):
        sizes = [value.numel() for key, value in self.state.items() if key.startswith(part)]
        assert len(sizes) == tensors
        assert sum(sizes) == elements

    def test_parameters(self):
        assert sum(p.numel() for p in meta_network().parameters()) == 192_103_725


class TestPublishedFigures:
    def test_depth(self, prediction):
        Digest.of(prediction.dense.depth).assert_close(DEPTH)

    def test_intrinsics(self, seen):
        Digest.of(seen.intrinsics).assert_close(INTRINSICS)

    def test_surface(self, seen):
        Digest.of(seen.points.permute(0, 2, 3, 1)).assert_close(SURFACE)

    def test_latents(self, latents):
        Digest.of(latents).assert_close(LATENTS)

    def test_logits(self, network, seen):
        with torch.inference_mode():
            logits = network.query(torch.linspace(-1, 1, 600).view(1, 200, 3), seen)
        Digest.of(logits).assert_close(LOGITS)

    @pytest.mark.slow
    def test_dense_grid(self, network, seen):
        """All 129^3 nodes; a few minutes on two cores."""
        axis = torch.linspace(-1.5, 1.5, 129)
        slices = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1).flatten(1, 2)
        with torch.inference_mode():
            logits = torch.cat([network.query(nodes[None], seen) for nodes in slices], dim=1)
        Digest.of(logits.sigmoid()).assert_close(GRID)


def test_the_comparison_can_fail(latents):
    with pytest.raises(AssertionError, match="mean"):
        Digest.of(latents * 1.0002).assert_close(LATENTS)
    with pytest.raises(AssertionError, match="cosum"):
        Digest.of(latents.flip(1)).assert_close(LATENTS)
