"""Loop after POP3D on objects that were never trained on, beside ZeroShape-W's mesh textured from the input.

    python -m benchmarks.pop3d --meshes FOLDER [--split val --objects 10] [--cameras 8] [--painters embedded plain]
        [--outline surface|painted] [--cues 0-1] [--personalise K] [--resolution 128]
        [--json OUT.json] [--pictures FOLDER]

One unlit picture of each object over white, 256 px, from azimuth 30 and elevation 15; the system gets it with the
object's true mask and nothing else. Shapes are compared in the true world after scale + translation alignment: Chamfer
and F@0.05 of the bounding-sphere radius, over all of the truth, over what the input camera sees of it, and over the
rest. Pictures of the aligned mesh from 8 azimuths, every 45 degrees from the input's, are compared with the true ones:
PSNR and SSIM of whole pictures. `input` is the PSNR of the first of them, without alignment: the mesh seen by the
camera that the system estimated, where both it and the photo show the object. With --personalise each painter that can
be fine-tuned is measured twice: as it is, and (`+ learns`) fine-tuned on the views so far, first and after every K
painted ones.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from recon_lib.cameras.camera import FLIP_YZ, Cameras
from recon_lib.data.rendering.objects import list_objects, load_object
from recon_lib.errors import BadInput
from recon_lib.meshes.mesh import Mesh
from recon_lib.preview import Tile, sheet
from recon_lib.render.mesh import render_mesh
from recon_lib.stages.evaluation.images import compare_images
from recon_lib.stages.evaluation.meshes import alignment, compare_meshes
from recon_lib.stages.outpainting.outlines import OUTLINES
from recon_lib.stages.outpainting.painters import load_painter
from recon_lib.systems import zeroshape_w
from recon_lib.systems.options import Options
from recon_lib.systems.pop3d import loop as pop3d
from recon_lib.systems.pop3d.options import PLAIN
from recon_lib.views.photo import save_image
from recon_lib.views.views import Views
from recon_lib.weights.registry import LoadedModel, load_model

SEED, PIXELS = 3, 256
DISTANCE, FOV, AZIMUTH, ELEVATION = 3.5, 38.0, 30.0, 15.0
BASELINE, LEARNS = "zeroshape-w", " + learns"


@dataclass(frozen=True)
class Object:
    """A true mesh and its pictures, the input's first."""

    name: str
    mesh: Mesh
    views: Views  # 8, every 45 degrees


def objects(options: argparse.Namespace) -> Iterator[Object]:
    """The objects, drawn at random, with their true pictures."""
    files = list_objects(options.meshes, options.split)
    azimuths = [AZIMUTH + 45.0 * i for i in range(8)]
    cameras = Cameras.orbit(azimuths, ELEVATION, DISTANCE, FOV, PIXELS, PIXELS)
    for index in np.random.default_rng(SEED).permutation(len(files))[: options.objects]:
        mesh = load_object(files[index].path, options.up)
        yield Object(files[index].name, mesh, seen(mesh, cameras))


def seen(mesh: Mesh, cameras: Cameras) -> Views:
    return render_mesh(mesh, cameras, shading="albedo", supersample=2).as_views(cameras)


def in_true_world(mesh: Mesh, truth: Mesh, camera: Cameras) -> Mesh:
    """A mesh of the view-aligned frame in the world of the truth, aligned to it by scale and translation."""
    pose = camera.camera_to_world[0]
    turned = mesh.mapped(lambda v: (v @ FLIP_YZ) @ pose[:3, :3].T + pose[:3, 3])
    return turned.mapped(alignment(turned, truth, "scale"))


def figures(mesh: Mesh, thing: Object, surface_views: Views) -> dict[str, float]:
    """Figures of one result, see the top of the file."""
    camera = thing.views.cameras[0]
    placed = in_true_world(mesh, thing.mesh, camera)
    shape = compare_meshes(placed, thing.mesh, samples=20_000, camera=camera)
    pictures = seen(placed, thing.views.cameras)
    images = compare_images(pictures.images, thing.views.images)
    row = {"chamfer": shape["chamfer_unsquared"], "f_0.05": shape["f_score_0.05"]}
    row |= {f"f_{part}": shape[part]["f_score_0.05"] for part in ("seen", "unseen")}
    return row | {"psnr": images["psnr"], "ssim": images["ssim"], "input": input_psnr(mesh, surface_views)}


def input_psnr(mesh: Mesh, views: Views) -> float:
    """PSNR of the input's pixels on the object that the mesh shows to the input's own camera, dB."""
    rendered = seen(mesh, views.cameras)
    both = ((rendered.masks > 0.5) & (views.masks > 0.5)).expand_as(views.images)
    squared = float((rendered.images - views.images)[both].square().mean())
    return float(-10 * np.log10(max(squared, 1e-10)))


def methods(painters: list[str], personalize: int) -> list[str]:
    """The baseline and the methods that are compared with it."""
    twice = [[name, name + LEARNS] if personalize and name != PLAIN else [name] for name in painters]
    return [BASELINE, *(name for names in twice for name in names)]


def grown(method: str, image: Tensor, mask: Tensor, model: LoadedModel, options: argparse.Namespace):
    """The loop with the painter that `method` names."""
    every = options.personalize if method.endswith(LEARNS) else 0
    arguments = {name: getattr(options, name) for name in ("cameras", "resolution", "outline", "cues")}
    settings = pop3d.Options(**arguments, personalize=every)
    painter = load_painter(method.removesuffix(LEARNS), "cpu")
    return pop3d.reconstruct(image, model, painter, mask=mask, options=settings)


def run_object(thing: Object, model: LoadedModel, options: argparse.Namespace) -> dict[str, dict]:
    """Rows by method. A method that fails on an object is reported and has zeros."""
    image, mask = thing.views.images[:1], (thing.views.masks[:1] > 0.5).float()
    rows = {}
    for method in methods(options.painters, options.personalize):
        started = time.perf_counter()
        try:
            if method == BASELINE:
                result = zeroshape_w.reconstruct(
                    image, model, mask=mask, options=Options(resolution=options.resolution)
                )
            else:
                result = grown(method, image, mask, model, options)
            seconds = time.perf_counter() - started
            rows[method] = {**figures(result.mesh, thing, result.surface.views), "seconds": seconds, "failed": 0}
        except BadInput as reason:
            print(f"{thing.name}: {method}: {reason}")
            rows[method] = {"f_0.05": 0.0, "f_seen": 0.0, "f_unseen": 0.0, "failed": 1}
            continue
        if options.pictures:
            draw(result, thing, method, options.pictures)
    return rows


def draw(result, thing: Object, method: str, folder: Path) -> None:
    """True views, painted views and the mesh beside each other."""
    placed = in_true_world(result.mesh, thing.mesh, thing.views.cameras[0])
    turns = seen(placed, thing.views.cameras).images
    tiles = [Tile("true", image) for image in thing.views.images] + [Tile(method, image) for image in turns]
    if hasattr(result, "outpaint_masks"):
        tiles += [Tile(f"view {i + 1}", image) for i, image in enumerate(result.views.images)]
    save_image(sheet(tiles, columns=8), folder / f"{thing.name}_{method.replace(' + ', '_')}.png")


def means(rows: list[dict]) -> dict[str, float]:
    """Over the objects that have the figure."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: round(float(np.mean([row[name] for row in rows if name in row])), 4) for name in names}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--meshes", type=Path, required=True)
    parser.add_argument("--split", default="val")
    parser.add_argument("--up", choices=("y", "z"), default="z", help="the meshes' up axis")
    parser.add_argument("--objects", type=int, default=10)
    parser.add_argument("--cameras", type=int, default=8)
    parser.add_argument("--painters", nargs="+", default=["embedded", "plain"], help="as reconstruct's --outpainter")
    parser.add_argument("--outline", choices=OUTLINES, default=pop3d.Options.outline, help="as reconstruct's")
    parser.add_argument("--cues", type=float, default=pop3d.Options.cues, help="as reconstruct's")
    parser.add_argument(
        "--personalise", dest="personalize", type=int, default=0, metavar="K", help="as reconstruct's; 0: only without"
    )
    parser.add_argument("--resolution", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--pictures", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model, table = load_model("zeroshape_w_mini"), {}
    for thing in objects(options):
        for method, row in run_object(thing, model, options).items():
            table.setdefault(method, []).append({"object": thing.name, **row})
            print(thing.name, method, {k: round(v, 3) for k, v in row.items()}, flush=True)
    result = {
        method: means([{k: v for k, v in r.items() if k != "object"} for r in rows]) for method, rows in table.items()
    }
    for method, row in result.items():
        print(f"{method:20s} " + "  ".join(f"{k} {v}" for k, v in row.items()))
    if options.json:
        options.json.write_text(json.dumps({"mean": result, "objects": table}, indent=2) + "\n")


if __name__ == "__main__":
    main()
