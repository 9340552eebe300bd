"""Nearest values."""

import torch

from recon_lib.render.fill import continued, fill_nearest, nearest_values


def test_every_pixel_takes_the_nearest_known_one():
    known = torch.zeros(7, 9, dtype=torch.bool)
    places = torch.tensor([[1, 1], [5, 7], [6, 0]])
    known[places[:, 0], places[:, 1]] = True
    image = torch.rand(3, 7, 9)
    filled = fill_nearest(image, known)
    pixels = torch.stack(torch.meshgrid(torch.arange(7), torch.arange(9), indexing="ij"), -1).float()
    distance = (pixels[:, :, None] - places).norm(dim=-1)
    first, second = distance.sort(-1).values[..., :2].unbind(-1)
    clear = second - first > 1e-6
    expected = image[:, places[:, 0], places[:, 1]][:, distance.argmin(-1)]
    assert torch.equal(filled[:, clear], expected[:, clear])
    assert torch.equal(filled[:, known], image[:, known])


def test_nothing_known_or_all_known():
    image = torch.rand(3, 4, 4)
    assert torch.equal(fill_nearest(image, torch.zeros(4, 4, dtype=torch.bool)), image)
    assert torch.equal(fill_nearest(image, torch.ones(4, 4, dtype=torch.bool)), image)


def test_nearest_values_in_space():
    positions, values = torch.eye(3), torch.tensor([[1.0], [2.0], [3.0]])
    filled = nearest_values(torch.tensor([[0.1, 0.9, 0.2], [2.0, 0.0, 0.0]]), positions, values)
    assert filled.flatten().tolist() == [2.0, 1.0]


def test_pictures_are_continued_each_from_its_own_known_pixels():
    images = torch.zeros(3, 1, 1, 9)
    images[0, ..., 0], images[0, ..., 8], images[1, ..., 4] = 0.25, 0.75, 1.0
    known = torch.zeros(3, 1, 1, 9, dtype=torch.bool)
    known[0, ..., 0] = known[0, ..., 8] = known[1, ..., 4] = True
    filled = continued(images, known, without=0.5)
    assert filled[0, 0, 0, :4].tolist() == [0.25] * 4
    assert filled[0, 0, 0, 5:].tolist() == [0.75] * 4
    assert (filled[1] == 1).all()
    assert (filled[2] == 0.5).all(), "nothing is known"
