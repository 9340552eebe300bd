from dataclasses import replace

import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.meshes.mesh import Mesh
from recon_lib.stages.meshing.extract import extract_mesh
from recon_lib.stages.single_view.regress import complete_shape
from recon_lib.stages.single_view.upright_shape import (
    WORLD_SIDE,
    CoarsePoints,
    coarse_points,
    fitted_camera,
    held_to_silhouette,
    normalized_points,
    occupancy_grid,
    points_in_object,
    upright_shape,
)
from tests.helpers.list_oracle import ELEVATION, HALF_AXES, ROLL, list_model, photo
from tests.helpers.oracle import oracle_model, overlap
from tests.helpers.shapes import ball


@pytest.fixture(scope="module")
def picture():
    return photo()


@pytest.fixture(scope="module")
def shape(picture):
    return upright_shape(list_model(), *picture)


@pytest.fixture(scope="module")
def mesh(shape):
    return extract_mesh(shape.field, 32).mesh


def outline(views, mesh):
    pixels, _ = views.cameras.project(mesh.vertices)
    return torch.stack([pixels[0].amin(0), pixels[0].amax(0)])


def true_box(mask):
    rows, columns = (mask[0, 0] > 0.5).any(1).nonzero(), (mask[0, 0] > 0.5).any(0).nonzero()
    return torch.tensor([[columns.min(), rows.min()], [columns.max() + 1, rows.max() + 1]]).float()


class TestUprightShape:
    def test_it_stands_upright_in_the_unit_sphere(self, mesh):
        torch.testing.assert_close(mesh.vertices.amax(0), HALF_AXES * WORLD_SIDE, atol=0.02, rtol=0)
        assert mesh.vertices.norm(dim=-1).max() < 1

    def test_the_camera_is_where_the_photo_was_taken(self, shape, mesh, picture):
        assert shape.angles == (pytest.approx(ELEVATION, abs=1e-3), pytest.approx(ROLL, abs=1e-3))
        assert shape.described() == "Camera: elevation 30°, roll 12°."
        assert (outline(shape.views, mesh) - true_box(picture[1])).abs().max() < 2.5
        assert shape.views.cameras.position[0, 0].abs() < 1e-5 < shape.views.cameras.position[0, 2]

    def test_own_points_are_handed_on(self, picture):
        cloud = torch.rand(30, 3)
        torch.testing.assert_close(upright_shape(list_model(), *picture, cloud).points, cloud * WORLD_SIDE)

    def test_what_cannot_work_is_told(self, picture):
        image, mask = picture
        with pytest.raises(BadInput, match="needs a mask, white on the object; connect Segment"):
            upright_shape(list_model(), image, None)
        with pytest.raises(BadInput, match="The mask is empty"):
            upright_shape(list_model(), image, mask * 0)
        with pytest.raises(BadInput, match="oracle has no coarse points; load a LIST model"):
            upright_shape(oracle_model(), image, mask)
        with pytest.raises(BadInput, match="NaN"):
            upright_shape(list_model(), image * torch.nan, mask)


class TestPoints:
    def test_coarse_points_pass_unchanged(self, picture):
        points = coarse_points(list_model(), *picture)
        assert isinstance(points, CoarsePoints) and points.colors.shape == points.points.shape
        level = (points_in_object(points) / HALF_AXES).norm(dim=-1)
        torch.testing.assert_close(level, torch.ones(len(level)))

    def test_they_are_no_visible_surface(self, picture):
        with pytest.raises(BadInput, match="no visible surface, they have no depth"):
            complete_shape(oracle_model(), coarse_points(list_model(), *picture))

    def test_others_are_normalised(self):
        found = normalized_points(ball().vertices * torch.tensor([2.0, 4.0, 1.0]) + 7)
        torch.testing.assert_close(found.amax(0), torch.tensor([0.25, 0.5, 0.125]), atol=1e-3, rtol=0)

    @pytest.mark.parametrize(
        ("points", "message"),
        [
            (torch.zeros(5, 3), "16 or more rows"),
            (torch.zeros(50, 2), "16 or more rows"),
            (torch.zeros(50, 3), "one and the same"),
            (torch.full((50, 3), torch.inf), "NaN or infinite"),
        ],
    )
    def test_what_is_no_cloud_is_told(self, points, message):
        with pytest.raises(BadInput, match=message):
            normalized_points(points)

    def test_occupancy_is_a_probability_of_each_node(self, picture):
        grid = occupancy_grid(list_model(), points_in_object(coarse_points(list_model(), *picture)))
        assert grid.shape == (32, 32, 32) and 0 <= grid.min() < grid.max() <= 1
        with pytest.raises(BadInput, match="no occupancy grid"):
            occupancy_grid(oracle_model(), torch.zeros(20, 3))


class TestFittedCamera:
    @pytest.mark.parametrize("error", [-0.15, 0.1])
    def test_a_wrong_scale_is_corrected(self, picture, error):
        shape = upright_shape(list_model(error), *picture)
        mesh = extract_mesh(shape.field, 32).mesh
        assert (outline(shape.views, mesh) - true_box(picture[1])).abs().max() > 3
        fitted = fitted_camera(shape.views, mesh)
        assert (outline(fitted, mesh) - true_box(picture[1])).abs().max() < 2
        assert torch.equal(fitted.cameras.camera_to_world, shape.views.cameras.camera_to_world)
        assert overlap(fitted.masks, picture[1]) == 1

    def test_an_empty_mesh_changes_nothing(self, shape):
        empty = Mesh(torch.zeros(0, 3), torch.zeros(0, 3, dtype=torch.int64))
        assert fitted_camera(shape.views, empty) is shape.views


class TestHeldToSilhouette:
    @pytest.mark.parametrize("error", [0.0, 0.1])
    def test_the_mesh_fills_the_mask_and_no_more(self, picture, error):
        held = held_to_silhouette(upright_shape(list_model(error), *picture))
        mesh = extract_mesh(held.field, 64).mesh
        assert (outline(held.views, mesh) - true_box(picture[1])).abs().max() < 2.5

    def test_what_the_mask_cuts_off_is_gone(self, picture):
        image, mask = picture
        half = mask.clone()
        half[..., : mask.shape[-1] // 2] = 0
        whole = upright_shape(list_model(), image, mask)
        held = held_to_silhouette(replace(whole, views=replace(whole.views, masks=half)))
        mesh = extract_mesh(held.field, 48).mesh
        pixels = held.views.cameras.project(mesh.vertices)[0][0]
        assert pixels[:, 0].amin() > mask.shape[-1] // 2 - 4

    def test_behind_an_occluder_the_shape_goes_on(self, picture):
        image, mask = picture
        left = torch.zeros_like(mask)
        left[..., : mask.shape[-1] // 2] = 1
        whole = upright_shape(list_model(), image, mask)
        half = replace(whole, views=replace(whole.views, masks=mask * (1 - left)), occluder=left)
        mesh = extract_mesh(held_to_silhouette(half).field, 48).mesh
        assert (outline(whole.views, mesh) - true_box(mask)).abs().max() < 3

    def test_the_occluder_is_what_no_mask_takes(self, picture):
        image, mask = picture
        assert (upright_shape(list_model(), image, mask, occluder=torch.ones_like(mask)).occluder * mask).sum() == 0

    def test_without_a_camera_or_a_shape_nothing_changes(self, shape):
        blind = replace(shape, views=None)
        assert held_to_silhouette(blind) is blind
        nothing = replace(shape, field=replace(shape.field, bounds=shape.field.bounds * 0.01 + 5))
        assert held_to_silhouette(nothing) is nothing
