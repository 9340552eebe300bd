"""Scattered cameras: views of one object from all around, to train priors of views on."""

import numpy as np
import torch

from ...cameras.camera import Cameras
from ...meshes.mesh import Mesh
from ..rendering.mesh_renders import rolled
from .orbits import DrawOrbit, filled

SCATTERED_SIDE_PX = 64
FOV = (20.0, 55.0)  # degrees
FILL = (0.75, 0.95)  # range of the object's largest extent over the pictures'
RINGS = 0.4  # fraction of objects whose cameras stand on one level, as on a turntable
RING_JITTER = 4.0  # degrees of elevation, standard deviation
TILT = 6.0  # degrees by which an object leans, standard deviation


def scattered(views: int) -> DrawOrbit:
    """Draws `views` cameras around an object: even azimuths with jitter, one focal length, one distance within 8 %.

    On a ring the elevations are alike (-10 to 50 degrees); otherwise each is -35 to 75 degrees, mostly 15, and every
    eighth view is from anywhere. Cameras roll by some degrees. The order is random, so any views of an object do as
    inputs and any as targets.
    """

    def draw(mesh: Mesh, rng: np.random.Generator, size: int) -> tuple[Mesh, Cameras]:
        mesh = _turned(mesh, rng)
        fov = float(rng.uniform(*FOV))
        distance = 1.12 / np.sin(np.radians(fov / 2)) * rng.uniform(0.95, 1.3) * rng.uniform(0.92, 1.08, views)
        azimuth = 360 / views * (np.arange(views) + rng.uniform(-0.5, 0.5, views))
        if rng.random() < RINGS:
            elevation = rng.triangular(-10, 15, 50) + rng.normal(0, RING_JITTER, views)
        else:
            anywhere = np.degrees(np.arcsin(rng.uniform(-0.95, 0.98, views)))
            elevation = np.where(rng.random(views) < 1 / 8, anywhere, rng.triangular(-35, 15, 75, views))
        order = rng.permutation(views)
        around, above, away = (list(map(float, row[order])) for row in (azimuth, elevation, distance))
        cameras = Cameras.orbit(around, above, away, fov, size, size)
        cameras = Cameras.cat([rolled(cameras[i], float(rng.normal(0, 3))) for i in range(views)])
        return mesh, filled(cameras, mesh.vertices, float(rng.uniform(*FILL)))

    return draw


def _turned(mesh: Mesh, rng: np.random.Generator) -> Mesh:
    """The mesh turned about the vertical axis by any angle, leaning a little."""
    from scipy.spatial.transform import Rotation

    angles = [rng.uniform(0, 360), rng.normal(0, TILT), rng.normal(0, TILT)]
    turn = torch.from_numpy(Rotation.from_euler("yxz", angles, degrees=True).as_matrix())
    return mesh.mapped(lambda v: v @ turn.to(v).T)
