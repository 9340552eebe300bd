"""Space carving: accuracy, recall and speed, beside Open3D's on the same masks in the same run.

Run from the repository's root:

    python -m benchmarks.carve [--meshes FOLDER --split val --count 8] [--resolution 256] [--views 12] [--pixels 512]
        [--open3d PYTHON] [--json FILE]

For a ball, cubes and closed meshes of a folder:
* IoU with the exact hull (lines of sight through voxels' centres, no pixels; for meshes silhouettes 4 x as fine), from
  anti-aliased masks without a margin, and with the default margin;
* agreement: IoU with the same field evaluated at every voxel's centre (coarse to fine must lose nothing);
* recall of the solid's own voxels with true masks (no margin, default margin), and with the default margin when all
  masks lose their outermost pixels, or gain as many. A mask that is all rim is empty then, which `carve` refuses;
  it is dropped, as its message says, and counted.

Then the cost of one scene: time and added peak memory of `carve`, with all that it does to the masks, and of Open3D's
`VoxelGrid.carve_silhouette` (without making its grid, which is listed as "create"), each in a process of its own.
Open3D may live in another environment: name its Python with --open3d.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.carve_open3d import peak_megabytes, start_of_memory
from benchmarks.carve_scenes import Scene, cameras_around, dilated, eroded, mesh_scenes, overlap, recall, simple_scenes
from recon_lib.cameras.camera import Cameras
from recon_lib.fields.hull import SILHOUETTE_MARGIN_PX, SOLID
from recon_lib.fields.hull_voxels import voxel_centres
from recon_lib.stages.carving.carve import Carving, carve
from recon_lib.views.views import Views

COLUMNS = ("IoU m=0", "IoU m=def", "agreement", "recall m=0", "true", "eroded", "dilated", "dropped")


def as_views(cameras: Cameras, masks: Tensor) -> Views:
    return Views(masks.expand(-1, 3, -1, -1), cameras, masks)


def quality(scene: Scene) -> dict[str, float]:
    """Figures of one solid."""
    side = len(scene.truth)
    plain = carve(as_views(scene.cameras, scene.masks), side, margin=0.0)
    figures = {
        "IoU m=0": overlap(plain.occupancy, scene.hull),
        "agreement": agreement(plain),
        "recall m=0": recall(plain.occupancy, scene.truth),
    }
    default = carve(as_views(scene.cameras, scene.masks), side).occupancy
    figures["IoU m=def"] = overlap(default, scene.hull)
    figures["true"] = recall(default, scene.truth)
    for name, change in (("eroded", eroded), ("dilated", dilated)):
        changed = change(scene.masks)
        not_empty = (changed > SOLID).flatten(1).any(1)
        figures["dropped"] = figures.get("dropped", 0) + int((~not_empty).sum())
        figures[name] = recall(
            carve(as_views(scene.cameras[not_empty], changed[not_empty]), side).occupancy, scene.truth
        )
    return figures


def agreement(carving: Carving) -> float:
    """IoU of the voxels with the field evaluated at all of them, slab by slab."""
    side = len(carving.occupancy)
    both = either = 0
    for z in range(side):
        yx = torch.cartesian_prod(torch.arange(side), torch.arange(side))
        cells = torch.cat([torch.full_like(yx[:, :1], z), yx], 1)
        field_inside = carving.field.inside(voxel_centres(cells, side, 1.0)) > 0
        voxel_inside = carving.occupancy[z].flatten()
        both, either = (
            both + int((field_inside & voxel_inside).sum()),
            either + int((field_inside | voxel_inside).sum()),
        )
    return both / max(either, 1)


# -- cost -----------------------------------------------------------------------------------------------------


def save_scene(scene: Scene, path: Path) -> None:
    np.savez_compressed(
        path,
        masks=(scene.masks[:, 0] > 0.5).numpy().astype(np.uint8),
        world_to_camera=torch.linalg.inv(scene.cameras.camera_to_world.double()).numpy(),
        intrinsics=scene.cameras.intrinsics.double().numpy(),
        resolution=len(scene.truth),
    )


def carve_saved(scene_path: str, answer_path: str) -> None:
    """Our half of the comparison, in its own process."""
    saved = np.load(scene_path)
    masks = torch.from_numpy(saved["masks"]).float()[:, None]
    pose = torch.from_numpy(np.linalg.inv(saved["world_to_camera"])).float()
    cameras = Cameras(pose, torch.from_numpy(saved["intrinsics"]).float(), *masks.shape[-2:])
    views = as_views(cameras, masks)
    carve(views[:2], 16)  # imports
    before = start_of_memory()
    wall, cpu = time.perf_counter(), time.process_time()
    carving = carve(views, int(saved["resolution"]))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    added = peak_megabytes() - before
    np.savez_compressed(answer_path, occupancy=carving.occupancy.numpy())
    figures = {"wall": wall, "cpu": cpu, "megabytes": added, "tests": carving.tests}
    print(json.dumps({**figures, "version": torch.__version__}))


def cost(scene: Scene, command: list[str]) -> dict:
    """Run one half in its own process -> its figures, with the quality of its voxels."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder) / name) for name in ("scene.npz", "answer.npz")]
        save_scene(scene, Path(paths[0]))
        done = subprocess.run([*command, *paths], capture_output=True, text=True, check=False, env=dict(os.environ))
        if done.returncode:
            return {"failed": done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "no answer"}
        occupancy = torch.from_numpy(np.load(paths[1])["occupancy"])
    figures = json.loads(done.stdout.strip().splitlines()[-1])
    return {**figures, "iou": overlap(occupancy, scene.hull), "recall": recall(occupancy, scene.truth)}


def compare(scene: Scene, open3d: str) -> dict[str, dict]:
    here = Path(__file__).with_name("carve_open3d.py")
    ours = cost(scene, [sys.executable, "-m", "benchmarks.carve", "--saved"])
    theirs = cost(scene, [open3d, str(here)])
    for name, figures in (("carve", ours), ("Open3D", theirs)):
        values = (f"{k} {value:.4g}" if isinstance(value, float) else f"{k} {value}" for k, value in figures.items())
        print(f"{name:8s} {'  '.join(values)}")
    if "wall" in theirs and "wall" in ours:
        times = {kind: theirs[kind] / ours[kind] for kind in ("wall", "cpu")}
        print(f"carve is {times['wall']:.1f} times as fast on the clock, {times['cpu']:.1f} in processor time")
    return {"carve": ours, "open3d": theirs}


def main() -> None:
    if sys.argv[1:2] == ["--saved"]:
        carve_saved(*sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--resolution", type=int, default=256)
    parser.add_argument("--views", type=int, default=12)
    parser.add_argument("--pixels", type=int, default=512)
    parser.add_argument("--meshes", type=Path, help="a folder of meshes; only closed ones are used")
    parser.add_argument("--split", help="of the folder's manifest.json")
    parser.add_argument("--up", choices=["y", "z"], default="z")
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--open3d", default=sys.executable, help="a Python that has open3d")
    parser.add_argument("--no-cost", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    cameras, rows, costs = cameras_around(options.views, options.pixels), {}, {}
    print(
        f"{options.resolution}^3 voxels, {options.views} views of {options.pixels} px, "
        f"default margin {SILHOUETTE_MARGIN_PX} px"
    )
    print(f"{'':32s}" + "".join(f"{name:>12s}" for name in COLUMNS))
    scenes = simple_scenes(cameras, options.resolution)
    for index, scene in enumerate(scenes):
        rows[scene.name] = _row(scene)
        if index == 0 and not options.no_cost:
            costs = compare(scene, options.open3d)
    if options.meshes:
        about = options.meshes, options.count, options.up, options.split
        for scene in mesh_scenes(*about, cameras, options.resolution):
            rows[scene.name] = _row(scene)
    worst = {name: (max if name == "dropped" else min)(row[name] for row in rows.values()) for name in COLUMNS}
    print(f"{'worst':32s}" + "".join(f"{worst[name]:12.4f}" for name in COLUMNS))
    if options.json:
        names = ("resolution", "views", "pixels")
        report = {name: getattr(options, name) for name in names} | {
            "margin": SILHOUETTE_MARGIN_PX,
            "quality": rows,
            "cost": costs,
        }
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _row(scene: Scene) -> dict[str, float]:
    figures = quality(scene)
    print(f"{scene.name[:31]:32s}" + "".join(f"{figures[name]:12.4f}" for name in COLUMNS), flush=True)
    return figures


if __name__ == "__main__":
    main()
