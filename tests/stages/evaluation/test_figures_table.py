"""The small table of a comparison."""

import torch
import trimesh

from recon_lib.cameras.camera import Cameras
from recon_lib.meshes.mesh import Mesh
from recon_lib.stages.evaluation.figures_table import ROWS, figures_table
from recon_lib.stages.evaluation.meshes import compare_meshes


def ball(radius: float) -> Mesh:
    shape = trimesh.creation.icosphere(3, radius)
    return Mesh(torch.tensor(shape.vertices).float(), torch.tensor(shape.faces).long())


def test_every_row_is_a_figure_of_the_comparison():
    camera = Cameras.orbit(0.0, 0.0, 4.0, 40.0, 64, 64)
    figures = compare_meshes(ball(0.9), ball(1.0), samples=1000, camera=camera)
    assert set(ROWS.values()) <= set(figures)
    lines = figures_table(figures).splitlines()
    assert lines[0] == "| | all | seen | unseen |" and len(lines) == 2 + len(ROWS)
    chamfer = [cell.strip() for cell in lines[2].split("|")[2:-1]]
    assert chamfer == [f"{part['chamfer_unsquared']:.4g}" for part in (figures, figures["seen"], figures["unseen"])]


def test_what_is_undefined_is_a_dash():
    table = figures_table({"chamfer_unsquared": None, "volumetric_iou": 0.5})
    assert "| Chamfer distance | – |" in table and "| volume overlap (IoU) | 0.5 |" in table and "F-score" not in table
