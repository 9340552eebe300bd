"""Open3D's silhouette carving on the masks that benchmarks/carve.py saved: python carve_open3d.py SCENE.npz ANSWER.npz

Needs only numpy and open3d, so that it can run in an environment of its own. Prints one line of JSON.
"""

import json
import resource
import sys
import time

import numpy as np
import open3d as o3d


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(scene_path: str, answer_path: str) -> None:
    scene = np.load(scene_path)
    resolution, before = int(scene["resolution"]), peak_megabytes()
    started = time.perf_counter()
    grid = o3d.geometry.VoxelGrid.create_dense(
        origin=np.full(3, -1.0), color=np.ones(3), voxel_size=2 / resolution, width=2.0, height=2.0, depth=2.0
    )
    made = time.perf_counter()
    for mask, pose, intrinsics in zip(scene["masks"], scene["world_to_camera"], scene["intrinsics"], strict=True):
        camera = o3d.camera.PinholeCameraParameters()
        height, width = mask.shape
        (fx, _, cx), (_, fy, cy) = intrinsics[:2]
        # its pixels' centres are whole numbers
        camera.intrinsic = o3d.camera.PinholeCameraIntrinsic(width, height, fx, fy, cx - 0.5, cy - 0.5)
        camera.extrinsic = pose.astype(np.float64)
        grid.carve_silhouette(o3d.geometry.Image(mask.astype(np.float32)), camera, keep_voxels_outside_image=True)
    done = time.perf_counter()
    answer = {"create": made - started, "carve": done - made, "megabytes": peak_megabytes() - before}
    indices = np.array([voxel.grid_index for voxel in grid.get_voxels()])
    occupancy = np.zeros((resolution,) * 3, bool)
    kept = indices[(indices < resolution).all(1)]
    occupancy[kept[:, 2], kept[:, 1], kept[:, 0]] = True
    np.savez_compressed(answer_path, occupancy=occupancy)
    print(json.dumps({**answer, "version": o3d.__version__}))


if __name__ == "__main__":
    main(*sys.argv[1:])
