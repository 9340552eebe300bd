"""VolSDF's perceptrons, sampler and renderer against figures that the published code gave.

Weights and inputs are such that both sides can make them; the figures are those of VolSDF's published code (CPU,
float32, DTU configuration). The colour perceptron is filled from its keys; the distance is that of the geometric
initialisation, its normal numbers drawn from the CRC-32 of the keys.
"""

import hashlib
import math
import zlib
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from recon_lib.fields.perceptron import PerceptronField
from recon_lib.networks.volsdf.perceptron import VolSDF
from recon_lib.render.error_bounded import ErrorBoundedSampler
from recon_lib.render.rays import RayBundle, render_rays
from tests.helpers.parity_fill import Digest, filled

COLOR = Digest(3072, 5.09737232e-01, 1.24358714e-02, 5.36155343e-01, -7.39183136e-01)
NORMAL = Digest(3072, -1.86821955e-01, 4.67157637e-01, 9.74869490e-01, 1.08141203e00)
SAMPLES = Digest(196, 1.74647320e00, 1.18517857e00, 6.0, -2.60226509e01)
DISTANCE = Digest(200, 2.73812409e-01, 4.51858297e-01, 1.31781983e00, -3.12971812e00)
FEATURE = Digest(51200, 2.73806920e-01, 4.50739904e-01, 1.31837559e00, 5.97280008e-01)
LISTING = "3f38b87ade9d687ede1e00fe24256669bb18a222a47c930bdeeadadfbad166d7"
SIDE, FOCAL = 384, 500.0


def geometric(key: str, shape: torch.Size) -> torch.Tensor:
    """The distance network's tensor of that name; weight_g follows from weight_v."""
    layer, part = key.split(".")[1:]
    if part == "bias":
        return torch.full(shape, -0.6 if layer == "lin8" else 0.0)
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(zlib.crc32(key.encode()) & 0x7FFFFFFF))
    if layer == "lin8":
        return math.sqrt(math.pi) / math.sqrt(shape[1]) + 1e-4 * noise
    weight = noise * math.sqrt(2) / math.sqrt(shape[0])
    if layer == "lin0":
        weight[:, 3:] = 0
    elif layer == "lin4":
        weight[:, -36:] = 0
    return weight


def row_lengths() -> list[torch.Tensor]:
    """Those of the colour perceptron as the published code builds it after seed 0: the fill only scales them.

    Ahead of it, the distance network's layers are drawn twice each: PyTorch's own way, then geometrically.
    """
    torch.manual_seed(0)
    for layer in range(9):
        linear = nn.Linear(39 if layer == 0 else 256, (256, 217, 257)[(layer == 3) + 2 * (layer == 8)])
        (linear.weight[:, :3] if layer == 0 else linear.weight).detach().normal_()
    widths = [289, 256, 256, 256, 256, 3]
    return [nn.Linear(a, b).weight.detach().norm(dim=1, keepdim=True) for a, b in pairwise(widths)]


@pytest.fixture(scope="module")
def network() -> VolSDF:
    network = VolSDF().eval()
    state, lengths = network.state_dict(), row_lengths()
    for key, value in state.items():
        if key.startswith("rendering_network"):
            state[key] = filled(key, value.shape)
            if key.endswith("weight_g"):  # drawn like a matrix with fan-in 1: the normal number itself
                state[key] = lengths[int(key.split(".")[1][3:])] * (1 + 0.1 * state[key])
        elif key.startswith("implicit_network") and not key.endswith("weight_g"):
            state[key] = geometric(key, value.shape)
    for key in state:
        if key.startswith("implicit_network") and key.endswith("weight_g"):
            state[key] = state[key.replace("weight_g", "weight_v")].norm(dim=1, keepdim=True)
    network.load_state_dict(state)
    return network.requires_grad_(False)


def as_field(network: VolSDF) -> PerceptronField:
    """The network in its own frame."""
    return PerceptronField(network, torch.zeros(3), 1.0, torch.tensor([[-3.0] * 3, [3.0] * 3]))


POINTS = torch.linspace(-1, 1, 600).view(200, 3)
EYE = torch.tensor([0.0, 0.0, -2.0])


class TestPublishedNames:
    state = VolSDF().state_dict()

    def test_keys_and_shapes(self):
        listing = sorted(f"{key} {tuple(value.shape)}" for key, value in self.state.items())
        assert hashlib.sha256("\n".join(listing).encode()).hexdigest() == LISTING

    def test_counts(self):
        assert len(self.state) == 43
        assert sum(p.numel() for p in VolSDF().parameters()) == 802_491


class TestPublishedFigures:
    def test_distance_and_feature(self, network):
        distance, _, feature = network.distance_and_slope(POINTS)
        Digest.of(distance).assert_close(DISTANCE)
        Digest.of(feature).assert_close(FEATURE)

    def test_samples(self, network):
        directions = F.normalize(torch.tensor([[0.0, 0, 1], [0.1, 0.05, 1]]), dim=-1)
        samples = ErrorBoundedSampler()(as_field(network), RayBundle(EYE.expand(2, 3), directions))
        Digest.of(samples.t).assert_close(SAMPLES)

    @pytest.mark.slow  # a thousand rays through eight layers
    def test_pictures(self, network):
        pixel = torch.linspace(0, SIDE * SIDE - 1, 1024).long()
        x, y = (pixel % SIDE - SIDE / 2) / FOCAL, (pixel // SIDE - SIDE / 2) / FOCAL
        directions = F.normalize(torch.stack([x, y, torch.ones(1024)], -1), dim=-1)
        field, sampler = as_field(network), ErrorBoundedSampler()
        parts = [render_rays(field, sampler, RayBundle(EYE.expand_as(d), d)) for d in directions.split(256)]
        Digest.of(torch.cat([p.color for p in parts])).assert_close(COLOR)
        # the published code blends normals without dividing by the opacity
        Digest.of(torch.cat([p.normal * p.opacity[:, None] for p in parts])).assert_close(NORMAL)


def test_the_comparison_can_fail(network):
    distance = network.distance(POINTS)
    with pytest.raises(AssertionError, match="mean"):
        Digest.of(distance * 1.0002).assert_close(DISTANCE)
