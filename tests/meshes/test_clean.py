"""Largest component, smoothing, decimation."""

import math
from dataclasses import replace

import pytest
import torch
import trimesh

from recon_lib.errors import BadInput
from recon_lib.meshes.clean import cleaned, decimated, largest_component, smoothed
from recon_lib.meshes.mesh import Mesh
from recon_lib.meshes.solid import is_closed, signed_volume


def ball(radius=1.0, centre=(0.0, 0.0, 0.0), subdivisions=3, **attributes) -> Mesh:
    shape = trimesh.creation.icosphere(subdivisions=subdivisions, radius=radius)
    vertices = torch.tensor(shape.vertices, dtype=torch.float32) + torch.tensor(centre)
    return Mesh(vertices, torch.tensor(shape.faces, dtype=torch.int64), **attributes)


def both(a: Mesh, b: Mesh) -> Mesh:
    count = len(a.vertices) + len(b.vertices)
    return Mesh(
        torch.cat([a.vertices, b.vertices]),
        torch.cat([a.faces, b.faces + len(a.vertices)]),
        vertex_colors=torch.linspace(0, 1, count)[:, None].expand(-1, 3),
        provenance=torch.arange(count).remainder(4).to(torch.uint8),
    )


@pytest.mark.parametrize("large_first", [True, False])
def test_largest_component_keeps_the_larger_area_with_its_attributes(large_first):
    large, small = ball(0.5, (1, 0, 0), 2), ball(0.2, (-1, 0, 0), 3)  # the small one has more triangles
    pair = both(large, small) if large_first else both(small, large)
    kept = largest_component(pair)
    assert torch.equal(kept.vertices, large.vertices)
    assert torch.equal(kept.faces, large.faces)
    start = 0 if large_first else len(small.vertices)
    assert torch.equal(kept.vertex_colors, pair.vertex_colors[start : start + len(large.vertices)])
    assert torch.equal(kept.provenance, pair.provenance[start : start + len(large.vertices)])


def test_smoothing_removes_noise_but_not_size():
    clean = ball()
    noise = 1 + 0.03 * torch.randn(len(clean.vertices), 1)
    noisy = clean.mapped(lambda v: v * noise)
    soft = smoothed(noisy, 10)
    assert (soft.vertices.norm(dim=1) - 1).std() < 0.4 * (noisy.vertices.norm(dim=1) - 1).std()
    assert signed_volume(soft) == pytest.approx(signed_volume(clean), rel=0.02)
    assert torch.equal(soft.faces, noisy.faces)
    assert torch.equal(noisy.vertices, clean.vertices * noise)  # the input is as it was


def test_decimation_keeps_the_solid():
    mesh = ball(subdivisions=4)
    few = decimated(mesh, 500)
    assert len(few.faces) == pytest.approx(500, abs=5)
    assert is_closed(few)
    assert signed_volume(few) == pytest.approx(4 / 3 * math.pi, rel=0.02)
    assert few.faces.dtype == torch.int64


def test_an_origin_stays():
    far = replace(ball(), origin=(1e6, 0.0, -3.5))
    assert decimated(far, 100).origin == smoothed(far, 1).origin == far.origin


def test_long_steps_ask_whether_to_stop():
    """Before each halving, and before each pair of passes."""
    asked = []
    mesh = ball()
    decimated(mesh, len(mesh.faces) // 7, lambda: asked.append("halve"))
    smoothed(mesh, 5, lambda: asked.append("pass"))
    assert asked == ["halve"] * 3 + ["pass"] * 6


def test_smoothing_is_trimesh_s_own():
    from trimesh import Trimesh
    from trimesh.smoothing import filter_taubin

    mesh = ball()
    whole = Trimesh(mesh.vertices.numpy(), mesh.faces.numpy(), process=False)
    filter_taubin(whole, lamb=0.5, nu=0.5263, iterations=6)
    assert torch.equal(smoothed(mesh, 3).vertices, torch.tensor(whole.vertices, dtype=torch.float32))


def test_decimation_to_more_than_there_is_changes_nothing():
    mesh = ball(subdivisions=1)
    assert decimated(mesh, 10_000) is mesh


def test_too_few_triangles_are_refused():
    with pytest.raises(BadInput, match="3 triangles cannot enclose"):
        decimated(ball(), 3)


def test_observed_pieces_stay_beside_the_largest_but_no_specks():
    pieces = [(0.0, 1.0), (5.0, 0.5), (9.0, 0.4), (12.0, 0.02)]  # where, how large
    corners = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
    vertices = torch.cat([corners * size + torch.tensor([x, 0.0, 0.0]) for x, size in pieces])
    mesh = Mesh(vertices, torch.arange(12).reshape(4, 3))
    observed = torch.zeros(12, dtype=torch.bool)
    observed[[3, 9, 10, 11]] = True
    kept = largest_component(mesh, observed)
    assert kept.vertices[:, 0].tolist() == pytest.approx([0, 1, 0, 5, 5.5, 5])
    assert len(largest_component(mesh).faces) == 1


def test_cleaning_takes_the_steps_that_are_asked_for_in_order():
    pair = both(ball(subdivisions=3), ball(0.05, (2, 0, 0), 2))
    assert cleaned(pair) is pair
    alone = cleaned(pair, largest=True)
    assert torch.equal(alone.vertices, largest_component(pair).vertices)
    made = cleaned(pair, largest=True, smooth=3, faces=200)
    assert torch.equal(made.vertices, decimated(smoothed(alone, 3), 200).vertices)


def with_seams(mesh: Mesh) -> Mesh:
    """Every triangle with corners of its own, and UVs: the worst that an unwrapping leaves."""
    corners = mesh.triangles.reshape(-1, 3)
    return Mesh(corners, torch.arange(len(corners)).view(-1, 3), uvs=corners[:, :2] / 4 + 0.5)


class TestSeams:
    def test_decimation_does_not_tear_them(self):
        few = decimated(with_seams(ball(subdivisions=4)), 500)
        assert is_closed(few) and len(few.faces) == pytest.approx(500, abs=5)
        assert signed_volume(few) == pytest.approx(4 / 3 * math.pi, rel=0.02)

    def test_smoothing_moves_both_sides_alike(self):
        noisy = ball().mapped(lambda v: v * (1 + 0.03 * torch.randn(len(v), 1)))
        split = with_seams(noisy)
        soft = smoothed(split, 5)
        torch.testing.assert_close(soft.triangles, smoothed(noisy, 5).triangles, atol=1e-5, rtol=0)
        assert torch.equal(soft.uvs, split.uvs) and torch.equal(soft.faces, split.faces)

    def test_what_meets_at_them_is_one_piece(self):
        pair = with_seams(both(ball(subdivisions=3), ball(0.05, (2, 0, 0), 2)))
        kept = largest_component(pair)
        assert torch.equal(kept.triangles, with_seams(ball(subdivisions=3)).triangles)
        assert torch.equal(kept.uvs, pair.uvs[: len(kept.vertices)])
