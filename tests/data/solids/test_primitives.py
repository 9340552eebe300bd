"""Distances against closed forms, and the bound that keeps sphere tracing safe."""

import math

import pytest
import torch

from recon_lib.data.solids import outlines
from recon_lib.data.solids.combine import Difference, Intersection, Shell, Union, smooth_min
from recon_lib.data.solids.node import Node
from recon_lib.data.solids.primitives import Ball, Box, Cone, Cylinder, Superquadric, Torus, Tube, capsule, ellipsoid
from recon_lib.data.solids.profiles import Extrude, Lathe
from recon_lib.data.solids.space import LinearArray, Mirror, Placed, RadialArray, moved, rotation, turned
from recon_lib.data.solids.warp import Bend, Bumpy, Taper, Twist
from recon_lib.errors import BadInput

RING = ((0.5, -0.2), (0.8, -0.2), (0.8, 0.3), (0.5, 0.3))
BAR = Box((0.2, 0.6, 0.1))

NODES: dict[str, Node] = {
    "ball": Ball(0.7),
    "box": Box((0.6, 0.4, 0.3), 0.1),
    "cylinder": Cylinder(0.5, 0.4, 0.1),
    "cone": Cone(0.6, 0.2, 0.5),
    "torus": Torus(0.6, 0.2),
    "tube": Tube(((-0.5, 0, 0), (0, 0.4, 0), (0.5, 0, 0.2)), (0.1, 0.25, 0.05)),
    "ellipsoid": ellipsoid(0.8, 0.3, 0.5),
    "boxy superquadric": Superquadric((0.8, 0.3, 0.5), 0.3, 0.2),
    "octahedral superquadric": Superquadric((0.8, 0.3, 0.5), 2.0, 2.0),
    "pinched superquadric": Superquadric((0.4, 0.7, 0.5), 1.6, 0.4),
    "lathe": Lathe(outlines.wall([(0.3, -0.6), (0.6, 0.0), (0.4, 0.6)], 0.08, 0.1)),
    "extrude": Extrude(outlines.star(5, 0.8, 0.4), 0.3, 0.05),
    "union": Union((Ball(0.5), moved(Box((0.3, 0.3, 0.3)), x=0.5)), 0.2),
    "intersection": Intersection((Ball(0.6), Box((0.5, 0.5, 0.5))), 0.1),
    "difference": Difference(Ball(0.7), moved(Ball(0.4), y=0.5), 0.1),
    "shell": Shell(Ball(0.7), 0.1),
    "placed": Placed(BAR, (0.2, 0.1, -0.3), rotation(20, 40, 60), 1.4),
    "mirror": Mirror(moved(turned(BAR, z=30), x=0.3), "xz"),
    "radial": RadialArray(moved(turned(BAR, x=20), x=0.6), 5),
    "linear": LinearArray(BAR, 4, 0.5),
    "twist": Twist(Box((0.4, 0.7, 0.1)), 2.0, 1.0),
    "bend": Bend(Box((0.15, 0.8, 0.2)), 0.6, 1.1),
    "taper": Taper(Box((0.4, 0.7, 0.3)), 0.5, 1.2),
    "bumpy": Bumpy(Ball(0.6), 0.04, 12.0),
}


def points_in_cube(count: int = 4000, reach: float = 1.6) -> torch.Tensor:
    return (torch.rand(count, 3, generator=torch.Generator().manual_seed(1)) * 2 - 1) * reach


@pytest.mark.parametrize("name", NODES)
def test_never_changes_faster_than_distance(name: str) -> None:
    generator = torch.Generator().manual_seed(2)
    a = points_in_cube()
    step = torch.randn(a.shape, generator=generator)
    step = step / step.norm(dim=-1, keepdim=True) * 10 ** (torch.rand(len(a), 1, generator=generator) * 3 - 3)
    change = (NODES[name].distance(a + step) - NODES[name].distance(a)).abs()
    assert (change / step.norm(dim=-1)).max() <= 1 + 2e-3  # float32 at steps of 1e-3
    axes, exact = torch.eye(3, dtype=torch.float64)[:, None] * 1e-5, a.double()
    ahead, behind = (NODES[name].distance((exact + s).reshape(-1, 3)) for s in (axes, -axes))
    assert ((ahead - behind) / 2e-5).reshape(3, -1).norm(dim=0).max() <= 1 + 1e-4


@pytest.mark.parametrize("name", NODES)
def test_has_an_inside_and_an_outside(name: str) -> None:
    distance = NODES[name].distance(points_in_cube(20000))
    assert 0.002 < (distance < 0).float().mean() < 0.5


def test_ball_and_torus_and_capsule_are_exact() -> None:
    p = points_in_cube()
    torch.testing.assert_close(Ball(0.7).distance(p), p.norm(dim=-1) - 0.7)
    ring = torch.stack([p[:, [0, 2]].norm(dim=-1) - 0.6, p[:, 1]], -1).norm(dim=-1) - 0.2
    torch.testing.assert_close(Torus(0.6, 0.2).distance(p), ring)
    on_axis = torch.stack([p[:, 0] * 0, p[:, 1].clamp(-0.5, 0.5), p[:, 2] * 0], -1)
    rod = capsule((0, -0.5, 0), (0, 0.5, 0), 0.2)
    torch.testing.assert_close(rod.distance(p), (p - on_axis).norm(dim=-1) - 0.2, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        ((1.0, 0.0, 0.0), 0.4),
        ((0.0, 1.0, 0.0), 0.6),
        ((0.9, 0.8, 0.0), 0.5),
        ((0.9, 0.8, 0.5), math.sqrt(0.29)),
        ((0.0, 0.0, 0.0), -0.3),
        ((0.5, 0.0, 0.0), -0.1),
    ],
)
def test_box_is_exact(point: tuple[float, float, float], expected: float) -> None:
    assert Box((0.6, 0.4, 0.3)).distance(torch.tensor([point])).item() == pytest.approx(expected, abs=1e-6)


def test_cone_agrees_with_its_lathe_and_cylinder() -> None:
    p = points_in_cube()
    turned_cone = Lathe(outlines.filled([(0.6, -0.5), (0.2, 0.5)]))
    torch.testing.assert_close(Cone(0.6, 0.2, 0.5).distance(p), turned_cone.distance(p), atol=2e-6, rtol=0)
    torch.testing.assert_close(Cone(0.4, 0.4, 0.5).distance(p), Cylinder(0.4, 0.5).distance(p), atol=2e-6, rtol=0)


def test_superquadric_with_round_exponents_is_an_ellipsoid() -> None:
    p = points_in_cube()
    near_round = Superquadric((0.8, 0.3, 0.5), 1.0, 1.0 + 1e-7)
    torch.testing.assert_close(near_round.distance(p), ellipsoid(0.8, 0.3, 0.5).distance(p), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("east", "north"), [(1.0, 1.0), (0.3, 0.6), (1.7, 0.5), (2.0, 2.0)])
def test_superquadric_is_zero_on_its_surface(east: float, north: float) -> None:
    u, v = torch.meshgrid(torch.linspace(-1.5, 1.5, 30), torch.linspace(-3.1, 3.1, 60), indexing="ij")
    power = lambda t, e: t.sign() * t.abs() ** e  # noqa: E731
    x = 0.8 * power(u.cos(), north) * power(v.cos(), east)
    y, z = 0.3 * power(u.sin(), north), 0.5 * power(u.cos(), north) * power(v.sin(), east)
    distance = Superquadric((0.8, 0.3, 0.5), east, north).at(x.ravel(), y.ravel(), z.ravel())
    assert distance.abs().max() < 1e-5


def test_extrude_of_a_rectangle_is_a_box() -> None:
    p = points_in_cube()
    pushed = Extrude(outlines.rectangle(1.2, 0.8), 0.3)
    torch.testing.assert_close(pushed.distance(p), Box((0.6, 0.4, 0.3)).distance(p), atol=1e-6, rtol=0)


def test_lathe_of_a_rectangle_off_the_axis_is_a_tube() -> None:
    p = points_in_cube()
    ring = Box((0.15, 0.25, 9.0)).at(p[:, [0, 2]].norm(dim=-1) - 0.65, p[:, 1] - 0.05, p[:, 0] * 0)
    torch.testing.assert_close(Lathe(RING).distance(p), ring, atol=1e-6, rtol=0)


def test_polygon_gives_the_same_either_way_round() -> None:
    p = points_in_cube()
    star = outlines.star(5, 0.8, 0.4)
    torch.testing.assert_close(Extrude(star, 0.3).distance(p), Extrude(star[::-1], 0.3).distance(p), atol=1e-6, rtol=0)


def test_smooth_min_is_the_minimum_away_from_the_joint() -> None:
    a, b = torch.tensor([0.0, 0.0, 0.1]), torch.tensor([1.0, 0.3, 0.1])
    torch.testing.assert_close(smooth_min(a, b, 0.2), torch.tensor([0.0, 0.0, 0.1 - 0.05]))


def test_shell_has_the_wall_below_the_surface() -> None:
    wall = Shell(Ball(0.7), 0.1).distance(torch.tensor([[0.7, 0, 0], [0.65, 0, 0], [0.6, 0, 0], [0.0, 0, 0]]))
    torch.testing.assert_close(wall, torch.tensor([0.0, -0.05, 0.0, 0.6]), atol=1e-6, rtol=0)


@pytest.mark.parametrize("axis", [0, 2])
def test_mirror_is_symmetric(axis: int) -> None:
    p = points_in_cube()
    flipped = p.clone()
    flipped[:, axis] *= -1
    assert torch.equal(NODES["mirror"].distance(p), NODES["mirror"].distance(flipped))


def test_radial_array_repeats_around_y() -> None:
    p = points_in_cube()
    c, s = math.cos(2 * math.pi / 5), math.sin(2 * math.pi / 5)
    around = torch.stack([c * p[:, 0] - s * p[:, 2], p[:, 1], s * p[:, 0] + c * p[:, 2]], -1)
    torch.testing.assert_close(NODES["radial"].distance(p), NODES["radial"].distance(around), atol=1e-5, rtol=0)


def test_linear_array_is_the_union_of_its_copies() -> None:
    p = points_in_cube()
    copies = Union(tuple(moved(BAR, x=x) for x in (-0.75, -0.25, 0.25, 0.75)))
    torch.testing.assert_close(LinearArray(BAR, 4, 0.5).distance(p), copies.distance(p), atol=1e-6, rtol=0)


def test_placed_moves_turns_and_scales() -> None:
    node = Placed(Box((0.5, 0.1, 0.1)), (1.0, 2.0, 3.0), rotation(z=90), 2.0)
    tip = torch.tensor([[1.0, 3.0, 3.0], [1.0, 3.5, 3.0], [1.7, 2.0, 3.0]])  # the long axis now points along y
    torch.testing.assert_close(node.distance(tip), torch.tensor([0.0, 0.5, 0.5]), atol=1e-5, rtol=0)


def test_rotation_turns_about_x_then_y_then_z() -> None:
    matrix = torch.tensor(rotation(90, 90, 0)).reshape(3, 3)
    torch.testing.assert_close(matrix @ torch.tensor([0.0, 1.0, 0.0]), torch.tensor([1.0, 0.0, 0.0]), atol=1e-6, rtol=0)


def test_twist_turns_sections_by_height() -> None:
    twist = Twist(Box((0.4, 0.7, 0.05)), math.pi / 2, 1.0)
    tips = torch.tensor([[0.4, 0.0, 0.0], [0.2828, 0.5, -0.2828], [0.2828, 0.5, 0.2828]])
    inside = twist.distance(tips * torch.tensor([0.98, 1.0, 0.98])) < 0
    assert inside.tolist() in ([True, True, False], [True, False, True])


def test_taper_shrinks_upward() -> None:
    taper = Taper(Box((0.4, 0.7, 0.3)), -0.5, 1.2)
    edge = torch.tensor([[0.4 * (1 - 0.5 * y) * f, y, 0.0] for y in (-0.6, 0.0, 0.6) for f in (0.99, 1.01)])
    assert (taper.distance(edge) < 0).tolist() == [True, False] * 3


def test_distance_wants_points_in_rows() -> None:
    with pytest.raises(BadInput, match="points has shape"):
        Ball(1.0).distance(torch.zeros(3, 4))
