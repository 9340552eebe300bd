import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.fields.cells import Cells
from recon_lib.fields.distance_grid import DistanceGrid
from recon_lib.stages.evaluation.cameras import camera_errors
from recon_lib.stages.posing.adjust import Evidence, adjust
from recon_lib.stages.posing.descent import AdjustSettings
from recon_lib.stages.posing.increments import moved
from recon_lib.stages.posing.pictures import Pictures
from recon_lib.stages.posing.surface import sample_surface
from recon_lib.stages.posing.tangency import Outlines, usable_pairs
from recon_lib.views.views import Views
from tests.helpers.posed import Solid, around, ellipsoid, posed

SOLID = ellipsoid((0.7, 0.5, 0.45))
SETTINGS = AdjustSettings(
    outline=0.5, inside=0.5, shift=0.01, rim_shift=0.01, iterations=8
)  # the true surface must not give way


class Textured(Solid):
    """A solid with waves of colour a quarter of its size."""

    def color(self, points: torch.Tensor, directions: torch.Tensor | None = None) -> torch.Tensor:
        return 0.5 + 0.4 * torch.sin(10 * points)


def adjusted(truth: Views, start: Cameras, settings: AdjustSettings, tangents: bool = True) -> tuple[float, float]:
    """Mean errors of rotation and position after an adjustment against the true surface."""
    cells = Cells.within(torch.tensor([[-1.0] * 3, [1.0] * 3]), 48)
    surface = DistanceGrid(cells, SOLID.distance(cells.positions()).view(48, 48, 48))
    points = sample_surface(surface, truth.cameras, 150, 60, torch.Generator().manual_seed(0))
    outlines = Outlines.of(truth.masks)
    pairs = usable_pairs(start, outlines)[:, : None if tangents else 0]
    evidence = Evidence(Pictures.of(truth, 0.5), points, outlines, pairs, start)
    errors = camera_errors(adjust(start, evidence, settings), truth.cameras)
    return float(errors.rotation.mean()), float(errors.position.mean())


def seen() -> Views:
    views = posed(Textured(SOLID.distance), around(8, 64))
    return Views(views.images, views.cameras, views.masks)


@pytest.mark.parametrize("tangents", [False, True])
def test_true_cameras_stay_within_a_fraction_of_a_pixel(tangents):
    truth = seen()
    rotation, position = adjusted(truth, truth.cameras, SETTINGS, tangents)
    assert rotation < 0.6 and position < 1.0  # 0.6 degrees at the surface are 0.15 of these pixels


def test_cameras_come_back_to_the_true_surface():
    truth = seen()
    step = torch.zeros(len(truth), 7)
    step[:, :6] = 0.03 * torch.randn(len(truth), 6, generator=torch.Generator().manual_seed(1))
    start = moved(truth.cameras, step)
    before = float(camera_errors(start, truth.cameras).rotation.mean())
    rotation, _ = adjusted(truth, start, SETTINGS, tangents=False)
    assert rotation < 0.4 * before
