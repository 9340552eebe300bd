import dataclasses
from dataclasses import FrozenInstanceError, replace

import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput
from recon_lib.provenance import Provenance
from recon_lib.views.views import Views


def some_views(count=3, height=4, width=5, **layers):
    cameras = Cameras.orbit([30.0 * i for i in range(count)], height=height, width=width)
    images = torch.rand(count, 3, height, width)
    return Views(images, cameras, torch.ones(count, 1, height, width), **layers)


def test_index_keeps_a_batch_of_one_with_all_its_layers():
    views = some_views(depth=torch.rand(3, 1, 4, 5), provenance=torch.ones(3, 1, 4, 5, dtype=torch.uint8))
    last = views[-1]
    assert len(last) == 1
    assert torch.equal(last.images[0], views.images[2])
    assert torch.equal(last.depth[0], views.depth[2])
    assert torch.equal(last.cameras.camera_to_world[0], views.cameras.camera_to_world[2])
    assert last.normals is None
    assert len(views[1:]) == 2
    assert torch.equal(views[torch.tensor([2, 0])].images, views.images[[2, 0]])


def test_a_loop_over_views_ends():
    assert sum(1 for _ in some_views(3)) == 3
    for index in (3, -4):
        with pytest.raises(IndexError):
            some_views(3)[index]


def test_cat_keeps_layers_that_all_have():
    depth = torch.rand(2, 1, 4, 5)
    joined = Views.cat([some_views(2, depth=depth, normals=torch.rand(2, 3, 4, 5)), some_views(2, depth=depth)])
    assert len(joined) == 4
    assert torch.equal(joined.depth, torch.cat([depth, depth]))
    assert joined.normals is None


def test_views_that_tell_no_provenance_are_joined_as_observed():
    painted = torch.full((1, 1, 4, 5), int(Provenance.OUTPAINTED), dtype=torch.uint8)
    masks = torch.zeros(1, 1, 4, 5)
    masks[..., :2] = 1
    plain = dataclasses.replace(some_views(1), masks=masks)
    joined = Views.cat([plain, some_views(1, provenance=painted)])
    assert torch.equal(joined.provenance[0], masks[0].to(torch.uint8) * int(Provenance.OBSERVED))
    assert torch.equal(joined.provenance[1:], painted)
    assert Views.cat([plain, plain]).provenance is None


def test_cat_of_pieces_is_the_whole():
    views = some_views(3)
    joined = Views.cat(list(views))
    assert torch.equal(joined.images, views.images)
    assert torch.equal(joined.cameras.intrinsics, views.cameras.intrinsics)


def test_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        some_views().images = None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"images": torch.zeros(3, 4, 4, 5)}, "images has shape"),
        ({"images": torch.zeros(2, 3, 4, 5)}, "2 images of 5x4 do not fit 3 cameras of 5x4"),
        ({"images": torch.zeros(3, 3, 8, 5)}, "3 images of 5x8 do not fit 3 cameras of 5x4"),
        ({"masks": torch.ones(3, 1, 4, 4)}, "masks has shape"),
        ({"depth": torch.ones(3, 4, 5)}, "depth has shape"),
        ({"normals": torch.ones(3, 1, 4, 5)}, "normals has shape"),
        ({"provenance": torch.ones(2, 1, 4, 5)}, "provenance has shape"),
    ],
)
def test_refuses_layers_that_do_not_fit(change, sentence):
    with pytest.raises(BadInput, match=sentence):
        replace(some_views(3), **change)


def test_refuses_to_join_nothing_and_other_sizes():
    with pytest.raises(BadInput, match="no view to join"):
        Views.cat([])
    with pytest.raises(BadInput, match="share one image size"):
        Views.cat([some_views(1), some_views(1, height=8)])
