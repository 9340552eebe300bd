"""G3DR at the paper's size against figures that the published code gave (CPU, float32, weights of `parity_fill`).

Input: a wavy picture, and a bump 0.8 high before a plane at 5.3.
"""

import hashlib
import math

import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.networks.g3dr.base import G3drBase
from recon_lib.networks.g3dr.published import TENSORS, fold, published_shapes, standardized
from recon_lib.networks.g3dr.triplanes import KnotPlanes
from tests.helpers.parity_fill import Digest, filled, wavy_image

PLANES = Digest(3145728, -4.96963963e-02, 1.11173094e00, 4.87685204e00, -1.87238514e01)
SIGMA = Digest(200, 5.14876508e-02, 8.74522199e-03, 7.10313842e-02, -1.37235600e-01)
COLOR = Digest(600, 5.18454341e-01, 1.90082395e-02, 5.42243838e-01, 1.57659453e00)
LISTING = "c7c6790b7f8482e891be2b3767a3d69b5c247706cdf688b0489d6786d3198694"


def test_published_keys_and_shapes():
    shapes = published_shapes()
    listing = sorted(f"{key} {shape}" for key, shape in shapes.items())
    assert len(shapes) == TENSORS and sum(math.prod(shape) for shape in shapes.values()) == 147406212
    assert hashlib.sha256("\n".join(listing).encode()).hexdigest() == LISTING


def test_other_weights_are_told():
    with pytest.raises(BadInput, match="not G3DR's published weights"):
        fold({"module.pos_embed": torch.zeros(1)})


def test_standardized_kernels():
    kernel = standardized(torch.randn(4, 3, 3, 3) * 5 + 2)
    torch.testing.assert_close(kernel.mean((1, 2, 3)), torch.zeros(4), atol=1e-6, rtol=0)
    torch.testing.assert_close(kernel.var((1, 2, 3), correction=0), torch.ones(4), atol=1e-4, rtol=0)


@pytest.mark.slow
def test_planes_density_and_colour():
    with torch.device("meta"):
        network = G3drBase().eval()
    state = {f"module.{key}": filled(key, torch.Size(shape)) for key, shape in published_shapes().items()}
    network.load_state_dict(fold(state), assign=True)
    line = torch.linspace(-1, 1, 128)
    depth = 5.3 - 0.8 * torch.exp(-3 * (line[None, :] ** 2 + line[:, None] ** 2))
    with torch.inference_mode():
        planes = network.planes(wavy_image(128), depth[None, None])
        knots = KnotPlanes.of(network.decoder.on_planes(planes), network.config.axes)
        raw = network.decoder(knots.read(torch.linspace(-0.9, 0.9, 600).view(200, 3)))
    for found, published in ((planes, PLANES), (raw[:, 0], SIGMA), (raw[:, 1:], COLOR)):
        Digest.of(found).assert_close(published)
