"""Every family makes usable solids, the same for the same seed."""

from functools import lru_cache

import pytest
import torch

from recon_lib.data.solids.families import FAMILIES
from recon_lib.data.solids.generator import DESIGN_RADIUS, bounding_ball, draft_solid, random_solid
from recon_lib.data.solids.grid import surface_mesh
from recon_lib.data.solids.solid import Solid

SEEDS = (0, 1)


@lru_cache
def made(seed: int, family: str) -> Solid:
    return random_solid(seed, family)


def in_ball(count: int = 20000, radius: float = 1.0) -> torch.Tensor:
    direction = torch.nn.functional.normalize(torch.randn(count, 3), dim=-1)
    return direction * torch.rand(count, 1) ** (1 / 3) * radius


@pytest.mark.parametrize("family", FAMILIES)
def test_solids_fill_the_unit_ball_and_stay_inside(family: str) -> None:
    for seed in SEEDS:
        solid = made(seed, family)
        beyond = in_ball(20000)
        beyond = beyond / beyond.norm(dim=-1, keepdim=True) * (1.004 + 0.5 * torch.rand(len(beyond), 1))
        assert not (solid.distance(beyond) < 0).any(), (family, seed)
        share = (solid.distance(in_ball()) < 0).float().mean()
        assert 0.003 < share < 0.9, (family, seed, share)
        radii = surface_mesh(solid, 64).vertices.norm(dim=-1)
        assert 0.96 < radii.max() < 1.004, (family, seed)


@pytest.mark.parametrize("family", FAMILIES)
def test_solids_never_overshoot(family: str) -> None:
    """The gradient is nowhere longer than 1: what sphere tracing and the narrow band rely on."""
    for seed in SEEDS:
        points, h = in_ball(3000, 1.4).double(), 1e-5
        steps = torch.eye(3, dtype=torch.float64)[:, None] * h
        ahead, behind = (made(seed, family).distance((points + s).reshape(-1, 3)) for s in (steps, -steps))
        slope = ((ahead - behind) / (2 * h)).reshape(3, -1).norm(dim=0)
        assert slope.max() <= 1 + 1e-3, (family, seed)
        assert slope.median() > 0.05, (family, seed)


def test_same_seed_same_solid() -> None:
    assert random_solid(7) == random_solid(7)
    assert random_solid(7) != random_solid(8)


def test_seeds_draw_all_families() -> None:
    drawn = [draft_solid(seed).family for seed in range(400)]
    assert set(drawn) == set(FAMILIES)


@pytest.mark.parametrize("family", FAMILIES)
def test_drafts_stay_in_the_design_cube(family: str) -> None:
    wall = in_ball(300) * 1e9
    wall = wall.clamp(-DESIGN_RADIUS, DESIGN_RADIUS) * 0.999
    for seed in range(60):
        assert (draft_solid(seed, family).distance(wall) > 0).all(), (family, seed)


def test_parts_have_colours_and_every_part_number_is_known() -> None:
    solid = random_solid(5)
    parts = solid.part(in_ball())
    assert parts.min() >= 0 and parts.max() < len(solid.colors)
    assert all(0 <= c <= 1 for color in solid.colors for c in color)


def test_bounding_ball_of_a_shifted_sphere() -> None:
    points = torch.nn.functional.normalize(torch.randn(5000, 3), dim=-1) * 0.3 + torch.tensor([1.0, -2.0, 0.5])
    centre, radius = bounding_ball(points)
    torch.testing.assert_close(centre, torch.tensor([1.0, -2.0, 0.5]), atol=0.01, rtol=0)
    assert radius == pytest.approx(0.3, abs=0.005)
