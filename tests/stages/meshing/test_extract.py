"""Extraction of analytic solids: exact position, few evaluations, closed, interruptible, clear about bad fields."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
import torch
from torch import Tensor

from recon_lib.errors import BadInput, Interrupted
from recon_lib.fields.field import Field
from recon_lib.meshes import marching
from recon_lib.meshes.solid import is_closed, signed_volume
from recon_lib.progress import Progress
from recon_lib.stages.meshing.extract import extract_mesh

CUBE = torch.tensor([[-1.0, -1, -1], [1, 1, 1]])


@dataclass
class Solid:
    """A field from a distance function, which notes the sizes of its calls."""

    distance: Callable[[Tensor], Tensor]
    bounds: Tensor = field(default_factory=lambda: CUBE)
    has_color: bool = False
    calls: list = field(default_factory=list)

    def inside(self, points: Tensor) -> Tensor:
        self.calls.append(len(points))
        return -self.distance(points)

    def color(self, points, directions=None):
        raise NotImplementedError


def ball(radius: float, centre=(0.0, 0.0, 0.0)) -> Callable[[Tensor], Tensor]:
    return lambda p: (p - torch.tensor(centre)).norm(dim=-1) - radius


def torus(p: Tensor) -> Tensor:
    return torch.hypot(p[:, [0, 2]].norm(dim=-1) - 0.55, p[:, 1]) - 0.2


def box(p: Tensor, *half: float) -> Tensor:
    q = p.abs() - torch.tensor(half)
    return q.clamp_min(0).norm(dim=-1) + q.max(-1).values.clamp_max(0)


def tilted_plate(p: Tensor) -> Tensor:
    """2.5 voxels thick at 256^3, in the direction of no axis."""
    turn = torch.linalg.qr(torch.tensor([[1.0, 2, 3], [0, 1, -2], [2, 0, 1]]))[0]
    return box(p @ turn, 0.6, 0.4, 0.01)


def test_the_stand_in_is_a_field():
    assert isinstance(Solid(torus), Field)


@pytest.mark.parametrize("resolution", [16, 37, 64, 100])
@pytest.mark.parametrize("pymcubes", [True, False])
def test_a_sphere_has_its_radius_to_a_tenth_of_a_voxel(resolution, pymcubes, monkeypatch):
    if pymcubes:
        pytest.importorskip("mcubes")
    monkeypatch.setattr(marching, "has_pymcubes", lambda: pymcubes)
    centre = torch.tensor([0.11, -0.07, 0.05])
    mesh = extract_mesh(Solid(ball(0.7, centre.tolist())), resolution).mesh
    radius = (mesh.vertices - centre).norm(dim=-1)
    assert (radius - 0.7).abs().max() < 0.1 * 2 / resolution
    assert abs(radius.mean() - 0.7) < 0.05 * 2 / resolution  # no shift, no shrinkage
    assert is_closed(mesh)
    assert signed_volume(mesh) == pytest.approx(4 / 3 * math.pi * 0.7**3, rel=3 / resolution)  # > 0: wound outward


def test_long_bounds_are_spanned_exactly():
    """Cells are nearly cubes whatever the bounds, and an ellipsoid that touches them keeps its extent."""
    half = torch.tensor([1.0, 0.33, 0.52])
    centre = torch.tensor([3.0, -1.0, 0.4])
    solid = Solid(lambda p: ((p - centre) / half).norm(dim=-1) - 1, torch.stack([centre - half, centre + half]))
    extraction = extract_mesh(solid, 64)
    assert extraction.dense == 65 * 22 * 34
    assert torch.allclose(extraction.mesh.bounds, solid.bounds, atol=0.1 * 2 / 64)
    assert is_closed(extraction.mesh)


@pytest.mark.parametrize(
    ("distance", "area", "max_fraction"),
    [
        pytest.param(ball(0.7), 4 * math.pi * 0.49, 0.035, id="sphere"),
        pytest.param(torus, 4 * math.pi**2 * 0.55 * 0.2, 0.025, id="torus"),
        pytest.param(tilted_plate, 2 * (1.2 * 0.8 + 0.02 * 2.0), 0.02, id="thin plate"),
        pytest.param(
            lambda p: torch.minimum(ball(0.4, (-0.3, 0, 0))(p), ball(0.03, (0.7, 0.61, 0))(p)),
            4 * math.pi * (0.4**2 + 0.03**2), 0.02, id="two components",
        ),
        pytest.param(
            lambda p: (p.norm(dim=-1) - 0.6).abs() - 0.01, 4 * math.pi * (0.61**2 + 0.59**2), 0.04, id="hollow shell"
        ),
    ],
)  # fmt: skip
def test_at_256_few_values_give_the_whole_surface(distance, area, max_fraction):
    extraction = extract_mesh(Solid(distance), 256)
    assert extraction.evaluated_fraction < max_fraction
    assert is_closed(extraction.mesh)
    assert float(extraction.mesh.face_areas.sum()) == pytest.approx(area, rel=0.02)
    assert distance(extraction.mesh.vertices).abs().max() < 0.1 * 2 / 256 or distance is tilted_plate


@pytest.mark.parametrize("distance", [torus, tilted_plate], ids=["torus", "plate"])
def test_the_sparse_surface_is_the_dense_one(distance):
    from scipy.spatial import cKDTree

    sparse, dense = (extract_mesh(Solid(distance), 80, coarse=c) for c in (20, 80))
    assert dense.evaluations == dense.dense == 81**3
    assert sparse.evaluations < dense.evaluations / 4
    assert len(sparse.mesh.faces) == len(dense.mesh.faces)
    for one, other in ((sparse, dense), (dense, sparse)):
        assert cKDTree(one.mesh.vertices).query(other.mesh.vertices)[0].max() < 0.5 * 2 / 80


def test_a_field_that_knows_its_detail_costs_less():
    """A network's logits bend everywhere; where they hold nothing thin, most of those bends need no refinement."""

    def wavy(p: Tensor) -> Tensor:
        return (ball(0.6)(p) + 0.04 * torch.sin(25 * p).prod(-1)).mul(6).tanh()

    with_size, plain = Solid(wavy), Solid(wavy)
    with_size.min_feature_size = 2.1 * 2 / 128
    one, other = (extract_mesh(solid, 128) for solid in (with_size, plain))
    assert torch.equal(one.mesh.faces, other.mesh.faces)
    assert one.evaluations < 0.9 * other.evaluations


@dataclass
class Detailed(Solid):
    """A field that says how fine it is, and is asked at the nodes of a lattice of so many spacings."""

    detail: float = 0.0
    asked: int = 0
    every: float = 1.0

    def interpolated(self, lower: Tensor, step: Tensor, cells: Tensor) -> "Detailed":
        self.every = float(step.max()) / (2 / 64)
        return replace(self)


@pytest.mark.parametrize(("detail", "every"), [(1.5, 1), (1.7, 2), (3.1, 2), (3.3, 4), (6.5, 8)])
def test_a_network_is_asked_at_nodes_at_most_one_and_a_quarter_details_apart(detail, every):
    field = Detailed(ball(0.6), detail=detail * 2 / 64)
    extract_mesh(field, 64)
    assert field.every == pytest.approx(every)


def test_a_plate_loses_no_part_at_the_edge_of_its_thickness():
    """One voxel thick: the dense grid itself has holes there, and the sparse one has the same surface."""
    thin = Solid(lambda p: box(p + 0.003, 0.5, 0.5, 0.5 * 2 / 64))
    sparse, dense = (extract_mesh(thin, 64, coarse=c) for c in (8, 64))
    assert torch.equal(sparse.mesh.faces, dense.mesh.faces)


def test_level_moves_the_surface():
    mesh = extract_mesh(Solid(ball(0.7)), 32, level=0.2).mesh
    assert torch.allclose(mesh.vertices.norm(dim=-1), torch.tensor(0.5), atol=0.1 * 2 / 32)


def test_closed_at_the_bounds_or_left_open():
    cylinder = Solid(lambda p: p[:, [0, 2]].norm(dim=-1) - 0.5)  # passes through top and bottom
    closed, left_open = (extract_mesh(cylinder, 64, closed=c).mesh for c in (True, False))
    assert is_closed(closed)
    assert not is_closed(left_open)
    assert signed_volume(closed) == pytest.approx(math.pi * 0.25 * 2, rel=0.01)
    assert torch.allclose(closed.bounds[:, 1], torch.tensor([-1.0, 1.0]))
    assert float(left_open.face_areas.sum()) == pytest.approx(2 * math.pi * 0.5 * 2, rel=0.01)


def test_a_field_that_is_inside_everywhere_is_its_box():
    full = Solid(lambda p: -torch.ones(len(p)))
    assert signed_volume(extract_mesh(full, 16).mesh) == pytest.approx(8.0, rel=1e-5)
    with pytest.raises(BadInput, match="inside everywhere"):
        extract_mesh(full, 16, closed=False)


def test_surfaces_on_the_nodes_leave_no_degenerate_triangles():
    """A box whose faces lie exactly on nodes, where the values are exactly zero."""
    mesh = extract_mesh(Solid(lambda p: box(p, 0.5, 0.5, 0.5)), 32).mesh
    assert is_closed(mesh)
    assert mesh.face_areas.min() > 0
    assert torch.allclose(mesh.bounds, torch.tensor([[-0.5] * 3, [0.5] * 3]), atol=0.1 * 2 / 32)


def test_infinite_logits_are_no_trouble():
    mesh = extract_mesh(Solid(lambda p: torch.where(p.norm(dim=-1) < 0.5, -math.inf, math.inf)), 32).mesh
    assert is_closed(mesh)
    assert (mesh.vertices.norm(dim=-1) - 0.5).abs().max() < 2 / 32 * 1.01


def test_options_after_extraction():
    pair = Solid(lambda p: torch.minimum(ball(0.4, (-0.4, 0, 0))(p), ball(0.2, (0.6, 0, 0))(p)))
    mesh = extract_mesh(pair, 64, largest=True, smooth=3, faces=1000).mesh
    assert len(mesh.faces) == pytest.approx(1000, abs=10)
    assert mesh.vertices[:, 0].max() < 0.05
    assert is_closed(mesh)
    assert signed_volume(mesh) == pytest.approx(4 / 3 * math.pi * 0.4**3, rel=0.02)


def test_half_precision_answers_are_fine():
    mesh = extract_mesh(Solid(lambda p: ball(0.5)(p).half()), 16).mesh
    assert mesh.vertices.dtype == torch.float32
    assert is_closed(mesh)


@pytest.mark.parametrize(
    ("solid", "options", "sentence"),
    [
        (Solid(ball(-1.0)), {}, "Nothing lies inside the field at resolution 32: the hull was carved empty"),
        (Solid(ball(0.5)), {"level": 9.0}, "Nothing lies inside"),
        (Solid(lambda p: torch.full((len(p),), math.nan)), {}, "has NaN values"),
        (Solid(lambda p: torch.where(p[:, 0] > 0.3, math.nan, ball(0.5)(p))), {}, "has NaN values"),
        (Solid(ball(0.5)), {"resolution": 7}, "resolution is 7; a whole number from 8 to 1024"),
        (Solid(ball(0.5), CUBE.flip(0)), {}, "enclose no volume"),
        (Solid(ball(0.5), CUBE * math.nan), {}, "NaN or infinite"),
        (Solid(ball(0.5), CUBE[0]), {}, "field bounds has shape"),
        (Solid(lambda p: ball(0.5)(p)[:, None]), {}, "field values has shape"),
    ],
)
def test_bad_fields_get_one_sentence(solid, options, sentence):
    with pytest.raises(BadInput, match=sentence) as caught:
        extract_mesh(solid, **{"resolution": 32} | options)
    assert str(caught.value).count(". ") == 0


def test_progress_counts_to_its_total():
    progress = Progress()
    extract_mesh(Solid(ball(0.5)), 128, progress=progress)
    assert progress.title == "Extract mesh"
    assert progress.done == progress.total == 5  # 32, 64, 128, surface, cleaning


def test_the_user_can_stop_at_every_chunk():
    class Stopped(Progress):
        checks = 0

        def check(self):
            self.checks += 1
            if self.checks == 5:
                raise Interrupted

    solid = Solid(ball(0.5))
    with pytest.raises(Interrupted):
        extract_mesh(solid, 64, chunk=1000, progress=Stopped())
    assert max(solid.calls) <= 1000
    assert len(solid.calls) < 6


def test_chunks_shrink_when_memory_runs_out():
    solid = Solid(ball(0.5))
    plain = extract_mesh(solid, 32).mesh

    def short_of_memory(points):
        if len(points) > 4096:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return ball(0.5)(points)

    assert torch.equal(extract_mesh(Solid(short_of_memory), 32).mesh.vertices, plain.vertices)


def test_the_answer_is_the_same_each_time_and_the_bounds_stay():
    bounds = CUBE.clone()
    first, second = (extract_mesh(Solid(torus, bounds), 64).mesh for _ in range(2))
    assert torch.equal(first.vertices, second.vertices)
    assert torch.equal(first.faces, second.faces)
    assert torch.equal(bounds, CUBE)


class TestFairing:
    """Of the bumps that a field says it has."""

    class Bumpy(Solid):
        bumps = 0.4

    @staticmethod
    def hammered(p: Tensor) -> Tensor:
        return p.norm(dim=-1) - 0.6 + 0.01 * torch.sin(40 * p).sum(-1)

    @staticmethod
    def spread(solid: Solid, **options) -> float:
        return float(extract_mesh(solid, 64, **options).mesh.vertices.norm(dim=1).std())

    def test_bumps_that_a_field_says_it_has_go(self):
        assert self.spread(self.Bumpy(self.hammered)) < 0.6 * self.spread(Solid(self.hammered))

    def test_it_can_be_left_out(self):
        assert self.spread(self.Bumpy(self.hammered), fairing=False) == self.spread(Solid(self.hammered))
