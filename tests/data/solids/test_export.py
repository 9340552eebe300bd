"""What training gets: true labels, a light mesh, the same for the same seed."""

import numpy as np
import pytest
import torch

from recon_lib.data.solids.export import BALL, POINTS, training_solid
from recon_lib.data.solids.generator import random_solid


@pytest.fixture(scope="module")
def exported() -> dict[str, np.ndarray]:
    return training_solid(11, resolution=64, faces=3000)


def test_shapes_and_types(exported: dict[str, np.ndarray]) -> None:
    vertices, faces = exported["vertices"], exported["faces"]
    assert vertices.dtype == np.float32 and vertices.shape[1] == 3
    assert faces.dtype == np.int32 and len(faces) <= 3000 and faces.max() < len(vertices)
    assert exported["vertex_colors"].shape == vertices.shape and exported["vertex_colors"].dtype == np.uint8
    assert exported["face_parts"].shape == (len(faces),)
    assert exported["face_parts"].max() < len(exported["part_colors"])
    assert exported["points"].shape == (POINTS, 3) and exported["points"].dtype == np.float16
    assert exported["inside"].shape == (POINTS // 8,) and exported["inside"].dtype == np.uint8


def test_labels_hold_at_the_rounded_points(exported: dict[str, np.ndarray]) -> None:
    points = torch.from_numpy(exported["points"].astype(np.float32))
    inside = np.unpackbits(exported["inside"]).astype(bool)
    assert np.array_equal(inside, (random_solid(11).distance(points) < 0).numpy())
    assert 0.02 < inside.mean() < 0.9


def test_half_the_points_hug_the_surface_and_half_fill_the_ball(exported: dict[str, np.ndarray]) -> None:
    points = torch.from_numpy(exported["points"].astype(np.float32))
    near = (random_solid(11).distance(points).abs() < 0.025).float().mean()
    assert 0.25 < near < 0.65  # about a quarter has noise 0.01, half of the next quarter is as near
    far = points.norm(dim=-1)
    assert (far <= BALL + 0.3).all()
    outer = ((far > 0.9) & (far < BALL)).float().mean()
    assert outer > 0.5 * (1 - (0.9 / BALL) ** 3) * 0.9


def test_order_is_mixed(exported: dict[str, np.ndarray]) -> None:
    inside = np.unpackbits(exported["inside"]).reshape(16, -1).mean(1)
    assert inside.max() - inside.min() < 0.1


def test_same_seed_same_export(exported: dict[str, np.ndarray]) -> None:
    again = training_solid(11, resolution=64, faces=3000)
    assert all(np.array_equal(again[key], exported[key]) for key in exported)
