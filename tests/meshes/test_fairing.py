"""Fairing of meshes."""

import math

import numpy as np
import pytest
import torch
import trimesh

from recon_lib.errors import BadInput
from recon_lib.meshes.fairing import faired
from recon_lib.meshes.mesh import Mesh


def as_mesh(shape: trimesh.Trimesh, **attributes) -> Mesh:
    return Mesh(torch.tensor(shape.vertices, dtype=torch.float32), torch.tensor(shape.faces), **attributes)


def ball() -> Mesh:
    return as_mesh(trimesh.creation.icosphere(4))


def rod(radius: float) -> Mesh:
    """A rod without ends: a torus of about square facets."""
    sections = 12
    around = round(2 * math.pi / (2 * math.pi * radius / sections))
    return as_mesh(trimesh.creation.torus(1.0, radius, major_sections=around, minor_sections=sections))


def girth(mesh: Mesh) -> float:
    """Mean distance from the unit circle that a rod is bent around."""
    across = mesh.vertices[:, :2].norm(dim=1) - 1
    return float(torch.hypot(across, mesh.vertices[:, 2]).mean())


def sheet(wave: float, height: float, side: int = 96) -> Mesh:
    """Equal triangles with edges of 1, waved along x."""
    y, x = np.mgrid[:side, :side].astype(float)
    x, y = x + 0.5 * (y % 2), y * math.sqrt(0.75)
    points = np.stack([x, y, height * np.sin(2 * np.pi * x / wave)], -1).reshape(-1, 3)
    at = np.arange(side * side).reshape(side, side)
    a, b, c, d = at[:-1, :-1], at[:-1, 1:], at[1:, :-1], at[1:, 1:]
    even = (np.arange(side - 1) % 2 == 0)[:, None, None]
    first = np.where(even, np.stack([a, b, c], -1), np.stack([a, b, d], -1))
    second = np.where(even, np.stack([b, d, c], -1), np.stack([a, d, c], -1))
    faces = np.concatenate([first.reshape(-1, 3), second.reshape(-1, 3)])
    return Mesh(torch.from_numpy(points).float(), torch.from_numpy(faces))


def rough(mesh: Mesh, size: float) -> Mesh:
    noise = torch.randn(mesh.vertices.shape, generator=torch.Generator().manual_seed(0))
    return mesh.mapped(lambda v: v + size * noise)


def test_noise_goes_and_the_ball_keeps_its_size():
    noisy = rough(ball(), 0.01)
    radius = faired(noisy, 0.5).vertices.norm(dim=1)
    assert radius.std() < 0.4 * noisy.vertices.norm(dim=1).std()
    assert float(radius.mean()) == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize(("length", "kept"), [(48.0, 0.999), (24.0, 0.985), (12.0, 0.75), (6.0, 0.12)])
def test_a_wave_keeps_what_theory_says(length, kept):
    """s = 1 / (1 + (wave / length)^4), and what a neighbourhood shares is taken back: s (2 - s)."""
    height = 0.3
    z = faired(sheet(length, height), 12.0).vertices[:, 2].view(96, 96)[36:60, 24:72]
    assert float(z.abs().max()) / height == pytest.approx(kept, abs=0.02)


def test_a_thin_rod_keeps_its_girth():
    thin = rod(0.03)  # 0.19 around
    assert girth(faired(thin, 0.25)) > 0.9 * girth(thin)


def test_place_scale_and_turn_do_not_matter():
    noisy = rough(ball(), 0.01)
    turn = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(1)))[0]
    moved = faired(noisy.mapped(lambda v: 5 * v @ turn.T + 40), 2.5)
    expected = 5 * faired(noisy, 0.5).vertices @ turn.T + 40
    torch.testing.assert_close(moved.vertices, expected, atol=5e-3, rtol=0)


def test_an_open_flat_sheet_stays_as_it_is():
    flat = sheet(10.0, 0.0, side=20)
    torch.testing.assert_close(faired(flat, 8.0).vertices, flat.vertices, atol=1e-3, rtol=0)


def test_seams_stay_shut_and_uvs_stay():
    box = trimesh.creation.box().subdivide_loop(3)
    split = box.faces.reshape(-1)
    uvs = torch.rand(len(split), 2)
    mesh = Mesh(torch.tensor(box.vertices[split], dtype=torch.float32), torch.arange(len(split)).view(-1, 3), uvs=uvs)
    whole = faired(as_mesh(box), 0.4)
    soft = faired(mesh, 0.4)
    torch.testing.assert_close(soft.triangles, whole.triangles, atol=1e-5, rtol=0)
    assert torch.equal(soft.uvs, uvs)


def test_a_mesh_without_extent_comes_back():
    point = Mesh(torch.zeros(3, 3), torch.tensor([[0, 1, 2]]))
    assert torch.equal(faired(point, 1.0).vertices, point.vertices)


@pytest.mark.parametrize("wave", [0.0, -1.0, math.nan, math.inf])
def test_no_length_is_refused(wave):
    with pytest.raises(BadInput, match="no length"):
        faired(ball(), wave)


def test_it_can_be_stopped():
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        faired(rough(ball(), 0.01), 0.5, stop)
