"""Fits that begin with a mesh's distances: pulled to the photos, left alone elsewhere."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import Tensor

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import Interrupted
from recon_lib.fields.cells import Cells
from recon_lib.fields.distance_grid import DistanceGrid
from recon_lib.stages.fitting.checkpoint import Checkpoint
from recon_lib.stages.fitting.sdf_grid import fit as stage
from recon_lib.stages.fitting.sdf_grid.fit import fit_volsdf
from recon_lib.stages.fitting.sdf_grid.settings import FitLevel, FitSettings
from tests.helpers.posed import BOUNDS, SMALL, around, posed, sphere, surface_error
from tests.helpers.stop_button import StopButton

CELLS = Cells.within(BOUNDS, 40)
SETTINGS = replace(SMALL, shape_nodes=24)


def bumpy(radius: float = 0.6) -> DistanceGrid:
    """A ball with ripples at its back (z < 0)."""
    points = CELLS.positions()
    ripples = 0.03 * torch.sin(14 * points[:, 0]) * torch.sin(14 * points[:, 1]) * (-points[:, 2] * 4).clamp(0, 1)
    return DistanceGrid(CELLS, (points.norm(dim=-1) - radius + ripples).view(40, 40, 40))


def back(field) -> Tensor:
    """What a field answers at points of the back."""
    points = torch.nn.functional.normalize(torch.randn(2000, 3, generator=torch.Generator().manual_seed(0)), dim=-1)
    return field.inside(0.6 * points[points[:, 2] < -0.5])


def test_the_coarsest_grids_are_left_out():
    assert [level.nodes for level in FitSettings().from_shape().levels] == [64, 128]
    assert [level.nodes for level in SMALL.from_shape().levels] == [40], "the last one stays"


def test_a_mesh_that_is_too_small_is_pulled_to_the_photos():
    start = bumpy(0.54)
    fitted = fit_volsdf(posed(sphere(), around(6, 32)), start=start, settings=SETTINGS).field
    assert surface_error(start, sphere()) > 0.05
    assert surface_error(fitted, sphere()) < 0.016


def test_a_mesh_grows_beyond_its_own_box():
    cells = Cells.within(0.5 * BOUNDS, 30)
    start = DistanceGrid(cells, (cells.positions().norm(dim=-1) - 0.45).view(30, 30, 30))
    fitted = fit_volsdf(posed(sphere(), around(6, 32)), start=start, settings=SETTINGS).field
    assert (fitted.bounds.abs() > 0.6).all() and surface_error(fitted, sphere()) < 0.5 * surface_error(start, sphere())
    one = fit_volsdf(posed(sphere(), around(1, 16)), start=start, settings=replace(SETTINGS, epochs=1)).field
    assert torch.allclose(one.bounds, start.bounds), "one view's hull reaches far behind the object"


def test_what_no_photo_sees_keeps_its_shape():
    start = bumpy()
    front = Cameras.orbit([0.0], 0, 3.0, 40.0, 32, 32)
    fitted = fit_volsdf(posed(sphere(), front), start=start, settings=SETTINGS).field
    change = (back(fitted) - back(start)).abs()
    assert change.mean() < 0.1 * CELLS.spacing and back(start).std() > 0.15 * CELLS.spacing


def test_a_stopped_fit_goes_on_as_it_would_have(monkeypatch, tmp_path):
    monkeypatch.setattr(stage, "Checkpoint", partial(Checkpoint, pause=0.0))
    settings = replace(SETTINGS, levels=(FitLevel(24, 2, (0.9, 0.5)), FitLevel(32, 2, (0.6, 0.3))), epochs=1)
    views, kept = posed(sphere(), around(2, 16)), tmp_path / "fit.pt"
    button = StopButton()
    whole = fit_volsdf(views, start=bumpy(), settings=settings, progress=button).field
    late = button.looks * 3 // 4  # on the second grid
    with pytest.raises(Interrupted):
        fit_volsdf(views, start=bumpy(), settings=settings, checkpoint=kept, progress=StopButton(late))
    state = kept.read_bytes()
    again = fit_volsdf(views, start=bumpy(), settings=settings, checkpoint=kept)
    assert again.resumed and torch.equal(again.field.distance, whole.distance)
    kept.write_bytes(state)
    other = replace(bumpy(), distance=bumpy().distance + 0.001)
    assert not fit_volsdf(views, start=other, settings=settings, checkpoint=kept).resumed, "another mesh, another fit"
