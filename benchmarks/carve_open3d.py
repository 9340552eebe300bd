"""Open3D's silhouette carving on the masks that benchmarks/carve.py saved: python carve_open3d.py SCENE.npz ANSWER.npz

Needs only numpy and open3d, so that it can run in an environment of its own. Prints one line of JSON.
"""

import json
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np


def start_of_memory() -> float:
    """Megabytes in use, after a reset of the peak (Linux; elsewhere the peak so far)."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return peak_megabytes()


def peak_megabytes() -> float:
    """Peak memory of this process since `start_of_memory`, megabytes."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    except (OSError, StopIteration):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(scene_path: str, answer_path: str) -> None:
    import open3d as o3d

    scene = np.load(scene_path)
    resolution, before = int(scene["resolution"]), start_of_memory()
    started = time.perf_counter()
    grid = o3d.geometry.VoxelGrid.create_dense(
        origin=np.full(3, -1.0), color=np.ones(3), voxel_size=2 / resolution, width=2.0, height=2.0, depth=2.0
    )
    made, cpu = time.perf_counter(), time.process_time()
    for mask, pose, intrinsics in zip(scene["masks"], scene["world_to_camera"], scene["intrinsics"], strict=True):
        camera = o3d.camera.PinholeCameraParameters()
        height, width = mask.shape
        (fx, _, cx), (_, fy, cy) = intrinsics[:2]
        # its pixels' centres are whole numbers
        camera.intrinsic = o3d.camera.PinholeCameraIntrinsic(width, height, fx, fy, cx - 0.5, cy - 0.5)
        camera.extrinsic = pose.astype(np.float64)
        grid.carve_silhouette(o3d.geometry.Image(mask.astype(np.float32)), camera, keep_voxels_outside_image=True)
    wall, cpu = time.perf_counter() - made, time.process_time() - cpu
    answer = {"wall": wall, "cpu": cpu, "create": made - started, "megabytes": peak_megabytes() - before}
    indices = np.array([voxel.grid_index for voxel in grid.get_voxels()])
    occupancy = np.zeros((resolution,) * 3, bool)
    inside = indices[(indices < resolution).all(1)]
    occupancy[inside[:, 2], inside[:, 1], inside[:, 0]] = True
    np.savez_compressed(answer_path, occupancy=occupancy)
    print(json.dumps({**answer, "version": o3d.__version__}))


if __name__ == "__main__":
    main(*sys.argv[1:])
