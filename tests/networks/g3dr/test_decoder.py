import math

import torch

from recon_lib.networks.g3dr.decoder import EqualizedLinear, TriplaneDecoder


def test_an_equalized_layer_divides_its_weights():
    layer = EqualizedLinear(16, 3)
    x = torch.randn(5, 16)
    torch.testing.assert_close(layer(x), x @ (layer.weight / math.sqrt(16)).T + layer.bias)


def test_the_first_layer_on_planes_is_the_first_layer_on_features():
    decoder = TriplaneDecoder(6, 10)
    torch.nn.init.normal_(decoder.net[0].bias)
    planes = torch.randn(2, 3, 6, 4, 4)
    read = decoder.on_planes(planes).sum(1)[:, :, 1, 2]  # one texel of each plane
    raw = decoder.net(planes.mean(1)[:, :, 1, 2])
    found = decoder(read)
    torch.testing.assert_close(found[:, 0], raw[:, 0])
    torch.testing.assert_close(found[:, 1:], raw[:, 1:].sigmoid() * 1.002 - 0.001)
    torch.testing.assert_close(decoder.sigma(read), raw[:, 0])


def test_planes_keep_their_places():
    decoder = TriplaneDecoder(2, 3)
    planes = torch.zeros(1, 3, 2, 4, 4)
    planes[0, 1, :, 2, 3] = 1
    filled = decoder.on_planes(planes).abs().sum(2)
    assert filled.nonzero().tolist() == [[0, 1, 2, 3]]
