"""Errors of cameras: refined from disturbed ones, found from photos on a textured ground, guessed for real photos.

Run from the repository's root:

    python -m benchmarks.poses --meshes FOLDER [--split val --count 5] [--views 12] [--pixels 160] [--off 3]
        [--scenes 3] [--photos FOLDER] [--json FILE]

The meshes are those of `colored_solids`. Rotation errors are degrees, those of positions per cent of the camera's
distance, both after the similarity that aligns all cameras best; mean and largest.

* refine: rings of true views whose cameras are turned by --off degrees and moved by --off per cent of their distance,
  about and along random axes; `refine_poses`.
* photos on ground: 24 pictures of 400 pixels of a mesh that stands on a textured ground, without poses; `pose_photos`.
* real: photographs with a projection matrix each (manifest.json: file, projection_3x4); how many register without
  poses.
"""

import argparse
import math
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.colored_solids import add_arguments, colored_solids, seen, write
from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput
from recon_lib.meshes.mesh import Mesh
from recon_lib.parsing import read_json
from recon_lib.render.mesh import render_mesh
from recon_lib.stages.evaluation.cameras import camera_errors
from recon_lib.stages.posing.colmap import pose_photos
from recon_lib.stages.posing.increments import moved
from recon_lib.stages.posing.refine import refine_poses
from recon_lib.views.image_files import read_picture
from recon_lib.views.views import Views

ELEVATIONS = (15.0, 40.0, -5.0, 25.0, 50.0, 5.0, 30.0, -15.0, 45.0, 10.0, 35.0, -10.0)
PHOTOS, SIDE, GROUND, TEXELS = 24, 400, 2.2, 1024


def figures(cameras: Cameras, truth: Cameras) -> dict[str, float]:
    """Mean and largest errors."""
    errors = camera_errors(cameras, truth)
    return {
        "rotation": float(errors.rotation.mean()), "rotation_max": float(errors.rotation.max()),
        "position": float(errors.position.mean()), "position_max": float(errors.position.max()),
    }  # fmt: skip


def disturbed(cameras: Cameras, degrees: float, percent: float, seed: int) -> Cameras:
    """Cameras turned about and moved along random axes by so much."""
    generator = torch.Generator().manual_seed(seed)
    turn, shift = (F.normalize(torch.randn(len(cameras), 3, generator=generator), dim=-1) for _ in range(2))
    distance = cameras.position.norm(dim=-1, keepdim=True)
    step = [math.radians(degrees) * turn, percent / 100 * distance * shift, torch.zeros(len(cameras), 1)]
    return moved(cameras, torch.cat(step, 1))


def refined(mesh: Mesh, options: argparse.Namespace) -> dict:
    azimuth = [360.0 * i / options.views for i in range(options.views)]
    elevation = [ELEVATIONS[i % len(ELEVATIONS)] for i in range(options.views)]
    truth = Cameras.orbit(azimuth, elevation, 3.3, 38.0, options.pixels, options.pixels)
    views = seen(mesh, truth)
    start = Views(views.images, disturbed(truth, options.off, options.off, options.seed), views.masks)
    clock = time.process_time()
    cameras = refine_poses(start, seed=options.seed).cameras
    return {
        "before": figures(start.cameras, truth),
        "after": figures(cameras, truth),
        "cpu": time.process_time() - clock,
    }


def on_ground(mesh: Mesh, cameras: Cameras, seed: int) -> tuple[Tensor, Tensor]:
    """Pictures [V,3,H,W] and masks [V,1,H,W] of a mesh that stands on a textured square."""
    low = float(mesh.vertices[:, 1].min())
    corners = torch.tensor(
        [[-GROUND, low, -GROUND], [GROUND, low, -GROUND], [GROUND, low, GROUND], [-GROUND, low, GROUND]]
    )
    generator = torch.Generator().manual_seed(seed)
    octaves = [torch.rand(1, 3, n, n, generator=generator) for n in (16, 64, 256)]
    texture = sum(F.interpolate(o, (TEXELS, TEXELS), mode="bicubic") for o in octaves)[0] / 3
    uvs = torch.tensor([[0.0, 0], [1, 0], [1, 1], [0, 1]])
    plane = Mesh(corners, torch.tensor([[0, 2, 1], [0, 3, 2]]), uvs=uvs, texture=texture.clamp(0, 1))
    ground, thing = (render_mesh(m, cameras, shading="albedo", supersample=2) for m in (plane, mesh))
    hidden = (ground.depth > 0) & (thing.depth > 0) & (ground.depth < thing.depth)
    masks = torch.where(hidden, 0.0, thing.masks)
    return thing.images * masks + ground.images * (1 - masks), masks


def found(mesh: Mesh, seed: int) -> dict:
    azimuth = [360.0 * i / PHOTOS for i in range(PHOTOS)]
    truth = Cameras.orbit(azimuth, [20.0 + 15 * (i % 2) for i in range(PHOTOS)], 4.2, 42.0, SIDE, SIDE)
    images, masks = on_ground(mesh, truth, seed)
    clock = time.process_time()
    try:
        posed = pose_photos(images, masks, seed=seed, threads=1)
    except BadInput as error:
        return {"registered": 0, "sentence": str(error)}
    errors = figures(posed.views.cameras, truth[torch.tensor(posed.registered)])
    return {"registered": len(posed.registered), **errors, "cpu": time.process_time() - clock}


def real(folder: Path, seed: int) -> dict:
    """What `pose_photos` says of the photographs that the manifest gives a projection matrix."""
    rows = [row for row in read_json(folder / "manifest.json", "The manifest") if "projection_3x4" in row]
    images = torch.stack([read_picture(folder / Path(row["file"]).name) for row in rows])
    try:
        posed = pose_photos(images, seed=seed, threads=1)
    except BadInput as error:
        return {"photos": len(rows), "sentence": str(error)}
    return {"photos": len(rows), "registered": len(posed.registered)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("--views", type=int, default=12)
    parser.add_argument("--pixels", type=int, default=160)
    parser.add_argument("--off", type=float, default=3.0, help="degrees and per cent")
    parser.add_argument("--scenes", type=int, default=3, help="of the meshes on ground; 0: none")
    parser.add_argument("--photos", type=Path, help="folder of photographs with manifest.json")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    report: dict = {"views": options.views, "pixels": options.pixels, "off": options.off}
    chosen = colored_solids(options)
    for part, meshes, row in (
        ("ground", chosen[: options.scenes], lambda mesh: found(mesh, options.seed)),
        ("refine", chosen, lambda mesh: refined(mesh, options)),
    ):
        report[part] = {}
        for name, mesh in meshes:
            report[part][name] = row(mesh)
            print(f"{part} {name[:40]:41s}{report[part][name]}", flush=True)
            write(options.json, report)
    if options.photos:
        report["real"] = real(options.photos, options.seed)
        print(f"real {report['real']}", flush=True)
    write(options.json, report)


if __name__ == "__main__":
    main()
