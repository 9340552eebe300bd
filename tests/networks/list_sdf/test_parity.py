"""LIST at the paper's size against figures that the published code gave (CPU, float32, weights of `parity_fill`).

Input: a wavy picture. The feature volumes of `VOLUMES` and the distances of `GRID` are of the coarse cloud squeezed
into the box, which that of random weights leaves; `DISTANCES` are of the whole forward pass.
"""

import hashlib

import pytest
import torch

from recon_lib.networks.list_sdf.base import ListBase
from recon_lib.networks.list_sdf.occupancy import grid_nodes
from tests.helpers.parity_fill import Digest, filled_state, wavy_image

WHOLE = Digest(128, -3.84772406e-03, 5.67685587e-01, 1.80002415e00, 1.86148669e00)
WHOLE_LOCAL = Digest(128, 1.93419150e-02, 5.86279298e-01, 1.73011494e00, -6.24406689e00)
COARSE = Digest(12288, 6.43814269e-01, 2.89966151e00, 3.62510991e00, 8.84941528e-01)
MATRIX = Digest(12, 2.11353318e-01, 4.49519418e-01, 1.05912817e00, 1.72539401e00)
FIRST_MAP = Digest(3211264, 2.70744975e-01, 3.84262466e-01, 2.28797102e00, -5.06105161e00)
LAST_MAP = Digest(100352, 3.48386069e-01, 4.38134942e-01, 2.89403296e00, -5.65200619e00)
VOLUMES = (
    Digest(2097152, 4.84559845e-01, 1.30514465e-03, 5.75188518e-01, -8.29575040e-01),
    Digest(33554432, 2.03548955e-01, 3.07490493e-01, 1.22452819e00, 6.78488180e00),
    Digest(8388608, 5.87777273e-02, 1.54583903e-01, 6.67953849e-01, -6.08061412e-01),
    Digest(2097152, 6.49025257e-02, 1.52170682e-01, 5.46009123e-01, -7.52488587e00),
    Digest(524288, 3.81079879e-02, 1.65876397e-01, 5.99971116e-01, -2.08727672e00),
    Digest(65536, 5.13269193e-02, 1.54674232e-01, 7.37662673e-01, -2.07708389e00),
)
OCCUPANCY = Digest(2097152, 4.84558493e-01, 1.24223302e-03, 4.98379260e-01, -8.87908622e-01)
DISTANCES = Digest(4096, 1.45729298e-01, 2.01745435e-02, 2.64358401e-01, -5.03613731e-02)
GRID = Digest(2097152, 1.46575463e-02, 1.79736656e-03, 3.44953462e-02, 8.26304129e-02)
LISTING = "2d7c7ae7af109ef1f7e9fd25e1323cab8701531dce5e89476e687b82d0493999"


def meta_network() -> ListBase:
    with torch.device("meta"):
        return ListBase().eval()


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """One coarse point lies halfway between two nodes, so that the order of a sum decides which of them it fills."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def network():
    network = meta_network()
    network.load_state_dict(filled_state(dict(network.state_dict())), assign=True)
    return network.requires_grad_(False)


@pytest.fixture(scope="module")
def encoded(network):
    with torch.inference_mode():
        return network.encode(wavy_image())


@pytest.fixture(scope="module")
def squeezed(network, encoded):
    points = encoded.points / encoded.points.abs().max() * 0.45
    with torch.inference_mode():
        return network.vox_encoder(network.occupancy(points))


def test_keys_and_shapes():
    state = meta_network().state_dict()
    listing = sorted(f"{key} {tuple(value.shape)}" for key, value in state.items())
    assert len(listing) == 415 and sum(value.numel() for value in state.values()) == 105258242
    assert hashlib.sha256("\n".join(listing).encode()).hexdigest() == LISTING


def test_parameters():
    assert sum(p.numel() for p in meta_network().parameters()) == 105236071


def test_pictures(network):
    with torch.inference_mode():
        first, second = network.im_encoder(wavy_image()), network.im_encoder2(wavy_image())
    for found, published in (
        (first.whole, WHOLE), (second.whole, WHOLE_LOCAL), (second.maps[0], FIRST_MAP), (second.maps[4], LAST_MAP),
    ):  # fmt: skip
        Digest.of(found).assert_close(published)


def test_coarse_points_and_projection(encoded):
    Digest.of(encoded.points).assert_close(COARSE)
    Digest.of(encoded.matrix).assert_close(MATRIX)


@pytest.mark.slow
def test_volumes(encoded, squeezed):
    for found, published in zip(squeezed.maps, VOLUMES, strict=True):
        Digest.of(found).assert_close(published)
    Digest.of(encoded.grid.maps[0]).assert_close(OCCUPANCY)


def test_distances(network, encoded):
    with torch.inference_mode():
        distances = network.distance(grid_nodes(16, 0.5).reshape(1, -1, 3), encoded)
    Digest.of(distances).assert_close(DISTANCES, 2e-4)  # the coarse point between two nodes, on other processors
    torch.testing.assert_close(
        encoded.query(torch.zeros(1, 1, 3)), -network.distance(torch.zeros(1, 1, 3), encoded) / 10
    )


@pytest.mark.slow
def test_a_dense_grid_of_distances(network, encoded, squeezed):
    from dataclasses import replace

    squeezed_shape = replace(encoded, grid=squeezed)
    nodes = grid_nodes(128, 0.5).reshape(1, -1, 3)
    with torch.inference_mode():
        pieces = [network.distance(piece, squeezed_shape) for piece in nodes.split(65536, 1)]
    Digest.of(torch.cat(pieces, 1) / network.config.sdf_scale).assert_close(GRID)
