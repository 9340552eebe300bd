import numpy as np
import pytest
import torch

from recon_lib.cameras.upright import up_from_angles, upright_rotation
from tests.helpers.tiny_shards import AXES, camera_around

pytest.importorskip("igl")
from recon_lib.data.shards.upright import DistanceLibrary
from tests.helpers.upright_shards import in_ellipsoid, write_upright


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return DistanceLibrary(write_upright(tmp_path_factory.mktemp("upright")))


def shapes(library):
    for index in range(len(library)):
        item = library.item(index)
        pose = library.cutout(item).world_to_camera
        yield index, pose, library.upright(item, pose, 500, 256, np.random.default_rng(index))


def test_the_box_is_centred_and_its_longest_side_is_one(library):
    for _, _, shape in shapes(library):
        low, high = shape.surface.min(0), shape.surface.max(0)
        np.testing.assert_allclose(low + high, 0, atol=1e-5)
        assert (high - low).max() == pytest.approx(1, abs=1e-5)


def test_back_in_the_world_points_and_surface_are_the_ellipsoids(library):
    """The stored pose takes the upright frame to the camera's, whose inverse takes it to the world."""
    for index, pose, shape in shapes(library):
        axes = AXES[index // 2]
        camera_to_world = np.linalg.inv(pose.astype(np.float64))
        side = np.linalg.norm(pose[:3, 3]) / np.linalg.norm(shape.object_to_camera[:3, 3])  # both see the same centre
        for points in (shape.points, shape.surface):
            camera = (points @ shape.object_to_camera[:3, :3].T + shape.object_to_camera[:3, 3]) * side
            world = camera @ camera_to_world[:3, :3].T + camera_to_world[:3, 3]
            level = in_ellipsoid(world, axes)
            if points is shape.surface:
                assert np.abs(level).max() < 0.02
            else:
                clear = np.abs(level) > 0.02
                np.testing.assert_array_equal(shape.distance[clear] < 0, level[clear] < 0)


def test_up_is_the_cameras(library):
    """Elevations of the cameras are known, and the vertical stays vertical."""
    for index, pose, shape in shapes(library):
        up = up_from_angles(torch.tensor([15.0 * (index % 3) - 10]), torch.zeros(1))[0]
        np.testing.assert_allclose(shape.up, up, atol=1e-5)
        rotation = upright_rotation(torch.from_numpy(shape.up)[None])[0].numpy()
        np.testing.assert_allclose(shape.object_to_camera[:3, :3], rotation, atol=1e-6)
        assert len(camera_around(index)) == 1
        np.testing.assert_allclose(pose[:3, 1], shape.up, atol=1e-6)


def test_the_same_draw_gives_the_same_points(library):
    first, second = ([shape.points for _, _, shape in shapes(library)] for _ in range(2))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def test_points_at_the_surface_are_drawn_more_rarely_than_others(library):
    item = library.item(0)
    pose, stored = library.cutout(item).world_to_camera, np.abs(library.distances(0).distance[0].astype(np.float32))
    drawn = [library.upright(item, pose, 100, 16, np.random.default_rng(seed)).distance for seed in range(30)]
    side = 2 * max(AXES[0])
    close = 0.005
    assert (np.abs(np.concatenate(drawn)) < close).mean() < 0.7 * (stored / side < close).mean()
