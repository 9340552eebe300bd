"""Where fits begin: boxes, distances, colours."""

from dataclasses import replace

import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput
from recon_lib.fields.cells import Cells
from recon_lib.progress import unchecked
from recon_lib.stages.fitting.sdf_grid import start
from recon_lib.stages.fitting.sdf_grid.start import (
    ColorStart,
    HullLimit,
    Silhouettes,
    find_bounds,
    redistanced,
    starting_distance,
    view_center,
)
from tests.helpers.posed import around, box, posed, sphere

VIEWS = posed(sphere(), around(6, 40))
CELLS = Cells(torch.tensor([-1.0, -1, -1]), 2.0, 33)


def moved(views, offset, scale):
    """The same pictures in a world that is scaled and moved."""
    pose = views.cameras.camera_to_world.clone()
    pose[:, :3, 3] = pose[:, :3, 3] * scale + torch.tensor(offset)
    return replace(views, cameras=replace(views.cameras, camera_to_world=pose))


@pytest.mark.parametrize(("offset", "scale"), [((0.0, 0, 0), 1.0), ((5.0, -2.0, 30.0), 0.1), ((-400.0, 0, 9), 50.0)])
def test_the_object_is_found_wherever_the_cameras_stand(offset, scale):
    views = moved(VIEWS, offset, scale)
    center, radius = view_center(views)
    assert torch.allclose(center, torch.tensor(offset), atol=0.02 * scale)
    assert 0.6 * scale < radius < 1.5 * scale
    low, high = find_bounds(views)
    assert (low < torch.tensor(offset) - 0.59 * scale).all() and (high > torch.tensor(offset) + 0.59 * scale).all()
    assert ((high - low) < 1.7 * scale).all(), "it is no more than the object and a little room"


def test_one_view_means_the_unit_sphere():
    center, radius = view_center(VIEWS[0])
    assert not center.any() and radius == 1
    low, high = find_bounds(VIEWS[0])
    assert (low > -1.3).all() and (high < 1.3).all()


def test_cameras_side_by_side_have_no_centre():
    position = torch.tensor([[0.0, 0, 3], [0.5, 0, 3]])
    cameras = Cameras.look_at(position, position - torch.tensor([0.0, 0, 1]), 40.0, 40, 40)
    assert view_center(replace(VIEWS[:2], cameras=cameras))[1] == 1


def test_masks_without_a_common_point_are_reported():
    apart = replace(VIEWS, masks=torch.zeros_like(VIEWS.masks))
    apart.masks[:, :, 2:6, 2:6] = 1
    with pytest.raises(BadInput, match="no point in common"):
        find_bounds(apart)


def test_cameras_that_look_away_are_reported():
    pose = VIEWS.cameras.camera_to_world.clone()
    pose[:, :3, :2] *= -1
    pose[:, :3, 2] *= -1
    pose[:, :3, 0] *= -1
    away = replace(VIEWS, cameras=replace(VIEWS.cameras, camera_to_world=pose))
    with pytest.raises(BadInput, match="behind every camera"):
        find_bounds(away)


def test_what_no_picture_shows_is_outside():
    hull = Silhouettes.of(VIEWS[0])
    assert (hull.inside(torch.tensor([[0.0, 0, 0]])) > 0).all()
    far = torch.tensor([[50.0, 0, 0], [0, 50, 0]])
    assert (hull.inside(far) == -1).all()


def test_a_single_views_own_depth_begins_the_object():
    """And nothing lies before it, at the outline neither; depth of another scale is no place in the world."""
    view = VIEWS[0]
    axis = torch.nn.functional.normalize(view.cameras.position[0], dim=-1)
    before, behind = (torch.stack([axis * at]) for at in (0.7, 0.4))
    hull = Silhouettes.of(view)
    assert (hull.inside(before) < 0).all() and (hull.inside(behind) > 0).all()
    for other in (replace(view, depth=None), replace(view, depth=view.depth * 3), VIEWS):
        assert Silhouettes.of(other).hull.nearest is None
    assert (Silhouettes.of(replace(view, depth=view.depth * 0)).inside(before) > 0).all()
    side = view.cameras.rotation[0, :, 0]
    assert (hull.inside(torch.stack([0.59 * side + 0.3 * axis])) < 0).all(), "no fin stands at the outline"


def test_a_fitted_fields_own_distances_are_taken_as_they_are():
    from recon_lib.fields.sdf_grid import SdfGrid
    from recon_lib.networks.volsdf.grid_color import GridColor

    odd = torch.rand(33, 33, 33) - 0.5
    rows, features = torch.zeros(33, 33, 33, dtype=torch.int32), torch.zeros(1, 6)
    field = SdfGrid(CELLS, odd, rows, features, GridColor(), 0.1)
    assert torch.equal(starting_distance(field, CELLS, unchecked), odd)


def test_a_mask_at_the_pictures_edge_says_nothing_beyond():
    """The camera looks at the object's left half alone; its right half must not be carved away."""
    narrow = posed(sphere(), around(1, 40).cropped(0, 0, 20, 40))
    both = Silhouettes.of(narrow)
    assert not both.whole[0]
    right = narrow.cameras.to_world(torch.tensor([[[0.4, 0.0, 3.0]]]))[0]
    other = Silhouettes.of(posed(sphere(), around(1, 40)))
    assert other.whole[0] and (other.inside(right) > 0).all()


@pytest.mark.parametrize("solid", [sphere(), box()])  # whose distances are exact
def test_distances_of_any_field_become_those_to_its_surface(solid):
    """The field's own values are distorted first: only sign and place of the surface may count."""
    from types import SimpleNamespace

    def steep(points):
        value = solid.inside(points)
        return 7 * value + 3 * value**3

    distance = starting_distance(SimpleNamespace(inside=steep), CELLS, unchecked).view(-1)
    nodes = CELLS.positions()
    inner = CELLS.positions()[solid.distance(nodes).abs() < 0.3]
    expected = solid.distance(inner)
    error = (distance[solid.distance(nodes).abs() < 0.3] - expected).abs()
    assert error.mean() < 0.1 * CELLS.spacing or solid.distance(torch.zeros(1, 3)) > -0.4
    assert error.max() < CELLS.spacing
    assert ((distance < 0) == (solid.distance(nodes) < 0)).all()


def test_redistancing_moves_no_surface():
    nodes = CELLS.positions()
    values = (nodes.norm(dim=-1) - 0.55).view(33, 33, 33)
    again = redistanced(values, CELLS.spacing)
    near = values.abs() < CELLS.spacing
    assert (again - values)[near].abs().max() < 0.12 * CELLS.spacing


def test_an_empty_start_is_reported():
    with pytest.raises(BadInput, match="Nothing lies inside"):
        starting_distance(sphere(-1.0), CELLS, unchecked)


def test_a_field_that_fills_the_grid_is_inside_everywhere():
    assert (starting_distance(sphere(9.0), CELLS, unchecked) < 0).all()


def test_features_of_a_coloured_field_are_its_logits():
    points = torch.rand(20, 3) * 0.5
    features = ColorStart(sphere(), 6).features_at(points)
    assert features.shape == (20, 6) and (features[:, 3:] == 0).all()
    assert torch.allclose(features[:, :3].sigmoid(), sphere().color(points).clamp(0.02, 0.98), atol=1e-5)


def test_a_hull_limits_the_outside_alone():
    limit = HullLimit.of(sphere(0.5), CELLS, unchecked)
    least = limit.least(CELLS).view(-1)
    radius = CELLS.positions().norm(dim=-1)
    assert (least[radius > 0.55] > 0).all()
    assert (least[radius < 0.45] == -float("inf")).all()
    assert HullLimit.of(None, CELLS, unchecked).least(CELLS) is None


@pytest.mark.parametrize("solid", [sphere(), box()])
def test_a_fine_grid_is_asked_near_the_surface_alone(solid):
    cells = Cells.within(CELLS.bounds, start.SPARSE_NODES)
    asked = []

    class Counted:
        def inside(self, points):
            asked.append(len(points))
            return solid.inside(points)

    distance = starting_distance(Counted(), cells, unchecked).view(-1)
    assert sum(asked) < 0.5 * cells.nodes**3
    expected = solid.distance(cells.positions())
    assert ((distance < 0) == (expected < 0)).all()
    error = (distance - expected).abs()
    assert error[expected.abs() < start.BAND * cells.spacing].max() < cells.spacing
    assert error.max() < 1.5 * cells.spacing, "far from it distances are counted in nodes"
