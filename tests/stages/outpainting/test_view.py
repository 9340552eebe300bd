"""Painted pictures as views."""

from dataclasses import replace

import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput
from recon_lib.provenance import Provenance
from recon_lib.stages.outpainting.mask import OutpaintMask
from recon_lib.stages.outpainting.view import MAX_STRETCH, Cues, painted_views

SIDE, LEFT = 32, 12  # pixels; columns of the object left of LEFT were seen


@pytest.fixture
def scene() -> tuple[torch.Tensor, torch.Tensor, OutpaintMask]:
    """A tilted relief on a square object, of which the left part was seen before."""
    camera = Cameras.orbit(0.0, 0.0, 3.0, 40.0, SIDE, SIDE)
    on = torch.zeros(1, 1, SIDE, SIDE)
    on[..., 4:28, 4:28] = 1
    y, x = torch.meshgrid(torch.linspace(-1, 1, SIDE), torch.linspace(-1, 1, SIDE), indexing="ij")
    depth = (3 + 0.3 * x - 0.2 * y + 0.1 * (x * y))[None, None]
    seen = on.clone()
    seen[..., LEFT:] = 0
    normals = torch.tensor([0.0, 0.0, -1.0]).view(1, 3, 1, 1) * on
    image = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    return image, on, OutpaintMask(camera, on - seen, seen, on, image, depth * on, normals)


def cue(depth: torch.Tensor, outpaint_mask: OutpaintMask, lens: float = 1.0) -> Cues:
    """Depth cue of a network that takes the focal length to be `lens` times as long, at a scale of its own."""
    focal = outpaint_mask.cameras.intrinsics[:, 0, 0] * lens
    tilted = torch.nn.functional.normalize(torch.tensor([0.0, 0.6, -0.8]), dim=0).view(1, 3, 1, 1)
    return Cues((depth.clamp_min(0.1).log() / lens).exp() * 7, tilted.expand(1, 3, SIDE, SIDE), focal)


@pytest.mark.parametrize("lens", [0.5, 1.0, 2.0])
def test_depth_in_another_scale_and_lens_comes_back_true(scene, lens):
    image, on, outpaint_mask = scene
    view = painted_views(image, on, outpaint_mask, cue(outpaint_mask.depth, outpaint_mask, lens))
    torch.testing.assert_close(view.depth, outpaint_mask.depth, atol=1e-4, rtol=0)


def test_seen_pixels_keep_the_surface_and_say_where_they_come_from(scene):
    image, on, outpaint_mask = scene
    view = painted_views(image, on, outpaint_mask, cue(outpaint_mask.depth, outpaint_mask))
    seen, painted = outpaint_mask.seen[0, 0] > 0.5, outpaint_mask.masks[0, 0] > 0.5
    assert (view.provenance[0, 0][seen] == Provenance.INFERRED).all()
    assert (view.provenance[0, 0][painted] == Provenance.OUTPAINTED).all()
    assert (view.provenance[0, 0][~(seen | painted)] == Provenance.NONE).all()
    assert (view.normals[0, 2, seen] == -1).all()
    torch.testing.assert_close(view.normals[0, 1, painted], torch.full((int(painted.sum()),), 0.6))
    assert torch.equal(view.images, image)


def test_the_seen_part_decides_where_the_surface_is_wrong_behind(scene):
    image, on, outpaint_mask = scene
    bulge = outpaint_mask.depth + 0.5 * outpaint_mask.masks * (outpaint_mask.depth > 0)
    aligned = painted_views(image, on, replace(outpaint_mask, depth=bulge), cue(outpaint_mask.depth, outpaint_mask))
    blind = painted_views(
        image,
        on,
        replace(outpaint_mask, depth=bulge, seen=outpaint_mask.seen * 0),
        cue(outpaint_mask.depth, outpaint_mask),
    )
    painted = outpaint_mask.masks > 0.5
    error, naive = (float((views.depth - outpaint_mask.depth).abs()[painted].mean()) for views in (aligned, blind))
    assert error < naive / 1.5


def test_relief_that_runs_against_the_surface_is_flattened_not_turned_over(scene):
    image, on, outpaint_mask = scene
    inverse = replace(cue(outpaint_mask.depth, outpaint_mask), depth=9 / outpaint_mask.depth.clamp_min(0.1))
    view = painted_views(image, on, outpaint_mask, inverse)
    cue_relief, aligned = (value[outpaint_mask.masks > 0.5].log() for value in (inverse.depth, view.depth))
    torch.testing.assert_close(
        (aligned - aligned.mean()) * MAX_STRETCH, cue_relief - cue_relief.mean(), atol=1e-3, rtol=0
    )


def test_without_cues_only_the_seen_part_has_a_surface(scene):
    image, on, outpaint_mask = scene
    view = painted_views(image, on, outpaint_mask)
    assert torch.equal(view.depth > 0, outpaint_mask.seen > 0.5)
    assert torch.equal(view.normals.norm(dim=1, keepdim=True) > 0, outpaint_mask.seen > 0.5)


def test_bad_input(scene):
    image, on, outpaint_mask = scene
    with pytest.raises(BadInput, match="no object"):
        painted_views(image, on * 0, outpaint_mask)
    with pytest.raises(BadInput, match="do not meet"):
        painted_views(
            image, on, replace(outpaint_mask, depth=outpaint_mask.depth * 0), cue(outpaint_mask.depth, outpaint_mask)
        )
    with pytest.raises(BadInput, match="images"):
        painted_views(image[..., :16], on, outpaint_mask)
