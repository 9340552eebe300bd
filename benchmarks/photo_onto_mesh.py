"""Photos put onto meshes: the pose found, the photo seen again, and what a few photos add to a mesh without colour.

Run from the repository's root:

    python -m benchmarks.photo_onto_mesh --meshes FOLDER [--split val --match gso_ --count 10] [--pixels 320]
        [--json FILE]

Photos are renders of textured meshes by a camera of 25 to 60 degrees vertical field of view, in the light of a sky and
a sun that stand somewhere else for each object. Meshes are handed over turned by any rotation, moved and scaled,
without a lens, once with their colours and once grey.

* pose: degrees between the found and the true rotation; `symmetric` objects look alike from another side (two planes
  of symmetry, and equal colours under the rotation that they make), their best answer counts in `any`.
* photo: PSNR in dB of the photo rendered again, from the mesh that was coloured through the found camera, over the
  pixels of the object.
* other: the score of the next object's photo, which is to be told from the right one.
* colours: PSNR in dB of eight sides of a grey mesh, over the pixels of the object, before and after 1, 2 and 4 photos
  from known cameras in one light.
"""

import argparse
import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

import torch
from scipy.spatial import KDTree
from scipy.spatial.transform import Rotation
from torch import Tensor

from benchmarks.colored_solids import add_arguments, is_colored, spread, write
from recon_lib.cameras.camera import Cameras
from recon_lib.color_space import linear_to_srgb, srgb_to_linear
from recon_lib.data.rendering.objects import list_objects, load_object
from recon_lib.meshes.mesh import Mesh
from recon_lib.meshes.symmetry import mirror_planes
from recon_lib.render.mesh import render_mesh
from recon_lib.render.surface_colors import surface_colors
from recon_lib.stages.meshing.project import project_views
from recon_lib.stages.posing.onto_photo.align import AlignSettings, Answer, align_mesh
from recon_lib.stages.posing.onto_photo.search import angle
from recon_lib.views.photo_camera import camera_from_fov
from recon_lib.views.views import Views

SKY, SUN = 0.45, 0.8  # linear light
SAMPLES, SAME_COLOR = 4000, 0.06
PHOTOS, SIDES = (1, 2, 4), 8
GUESSED_FOV = 40.0
LEVELS_OF_OTHER = ((64, 6, 4), (96, 10, 1))  # no pose is refined where none is right


def photographed(mesh: Mesh, cameras: Cameras, sun: Tensor) -> Views:
    """Photos with exact masks under a sky from above and a sun [3] (unit, towards it) without shadows, over white."""
    flat = render_mesh(mesh, cameras, shading="albedo", supersample=3)
    normals = torch.einsum("vij,vjhw->vihw", cameras.rotation, flat.normals)
    light = SKY * (0.75 + 0.25 * normals[:, 1:2]) + SUN * (normals * sun.view(1, 3, 1, 1)).sum(1, keepdim=True).relu()
    lit = torch.where(flat.depth > 0, linear_to_srgb(srgb_to_linear(flat.images) * light), flat.images)
    return Views(lit, cameras, (flat.masks > 0.5).float())


def sun_of(generator: torch.Generator) -> Tensor:
    """A direction of the upper half."""
    turn, height = torch.rand(2, generator=generator)
    angle, up = 2 * math.pi * float(turn), 0.3 + 0.6 * float(height)
    return torch.tensor([math.cos(angle) * (1 - up**2) ** 0.5, up, math.sin(angle) * (1 - up**2) ** 0.5])


def handed_over(mesh: Mesh, seed: int) -> tuple[Mesh, Tensor]:
    """The mesh turned, moved and scaled, and its rotation [3,3]."""
    turn = torch.tensor(Rotation.random(rng=seed).as_matrix()).float()
    return mesh.mapped(lambda v: 3 * v @ turn.T + torch.tensor([1.0, -2.0, 3.0])), turn


def grey(mesh: Mesh) -> Mesh:
    return replace(mesh, uvs=None, texture=None, vertex_colors=None)


def psnr(image: Tensor, truth: Tensor, mask: Tensor) -> float:
    error = (image - truth).square()[mask.expand_as(image) > 0.5].mean()
    return float(-10 * error.clamp_min(1e-10).log10())


def is_symmetric(mesh: Mesh, colors: bool) -> bool:
    """Whether a rotation lays the shape on itself, and its colours too."""
    planes = mirror_planes(mesh)
    points, _, face = mesh.sample_surface(SAMPLES)
    albedo = surface_colors(mesh, points, face) if colors else None
    for motion in (a.then(b) for a in planes for b in planes if a is not b):
        nearest = torch.from_numpy(KDTree(points.numpy()).query(motion.apply(points).numpy())[1])
        if albedo is None or float((albedo[nearest] - albedo).abs().mean()) < SAME_COLOR:
            return True
    return False


def taken(mesh: Mesh, seed: int, pixels: int) -> Views:
    """A photo from anywhere but far below, with the camera that took it."""
    generator = torch.Generator().manual_seed(seed)
    lens, turn, height, far = torch.rand(4, generator=generator).tolist()
    fov = 25 + 35 * lens
    distance = (1.15 + 0.5 * far) / math.sin(math.radians(fov / 2))
    camera = Cameras.orbit(360 * turn, -15 + 60 * height, distance, fov, pixels, pixels)
    return photographed(mesh, camera, sun_of(generator))


def without_camera(view: Views) -> Views:
    height, width = view.images.shape[-2:]
    return replace(view, cameras=camera_from_fov(GUESSED_FOV, height, width))


def aligned(mesh: Mesh, photo: Views, other: Views, seed: int) -> dict:
    """Figures of one mesh's alignment."""
    given, turn = handed_over(mesh, seed)
    true = turn @ photo.cameras.rotation[0]
    clock = time.process_time()
    answers = align_mesh(given, without_camera(photo))
    seconds = time.process_time() - clock
    errors = [angle(answer.cameras.rotation[0], true) for answer in answers]
    best: Answer = answers[0]
    view = replace(photo, cameras=best.cameras)
    again = render_mesh(
        project_views(given, view, size=1024).mesh, best.cameras, shading="albedo", supersample=2
    ).images
    fov, true_fov = (float(c.vertical_fov[0]) for c in (best.cameras, photo.cameras))
    wrong = align_mesh(given, without_camera(other), settings=AlignSettings(levels=LEVELS_OF_OTHER))[0]
    return {
        "degrees": round(errors[0], 2), "any": round(min(errors), 2), "answers": len(answers),
        "fov": round(fov, 1), "true_fov": round(true_fov, 1), "photo": round(psnr(again, photo.images, photo.masks), 2),
        "fit": round(best.score.fit, 3), "fit_other": round(wrong.score.fit, 3), "cpu": round(seconds, 1),
        "symmetric": is_symmetric(mesh, is_colored(given)), "score": str(best.score), "score_other": str(wrong.score),
    }  # fmt: skip


def colored(mesh: Mesh, seed: int, pixels: int) -> dict:
    """Figures of one grey mesh and photos from known cameras."""
    sun = sun_of(torch.Generator().manual_seed(seed))
    around = Cameras.orbit([360 / SIDES * i for i in range(SIDES)], 20.0, 3.3, 40.0, pixels, pixels)
    truth, bare = photographed(mesh, around, sun), grey(mesh)
    figures = {"before": round(psnr(photographed(bare, around, sun).images, truth.images, truth.masks), 2)}
    for count in PHOTOS:
        photos = photographed(mesh, Cameras.orbit([22 + 360 / count * i for i in range(count)], 15.0, 3.3, 40.0, pixels,
                                                  pixels), sun)  # fmt: skip
        clock = time.process_time()
        found = project_views(bare, photos, size=1024)
        figures[f"cpu_{count}"] = round(time.process_time() - clock, 1)
        shown = render_mesh(found.mesh, around, shading="albedo", supersample=2).images
        figures[f"photos_{count}"] = round(psnr(shown, truth.images, truth.masks), 2)
    return figures


def summary(rows: dict[str, dict], asymmetric: bool) -> dict:
    """Medians over objects; of poses over asymmetric ones."""
    kept = [row for row in rows.values() if not (asymmetric and row.get("symmetric"))]
    if not kept:
        return {"objects": 0}
    numbers = [key for key, value in kept[0].items() if isinstance(value, float)]
    return {"objects": len(kept)} | {key: round(median(row[key] for row in kept), 3) for key in numbers}


def run(options: argparse.Namespace) -> dict:
    files = [f for f in list_objects(options.meshes, options.split) if any(f.name.startswith(m) for m in options.match)]
    loaded = [(f.name, load_object(f.path, options.up)) for f in files]
    textured = [pair for pair in loaded if pair[1].texture is not None]
    chosen = [textured[i] for i in spread(len(textured), options.count)]
    photos = [taken(mesh, seed, options.pixels) for seed, (_, mesh) in enumerate(chosen)]
    report: dict = {"pixels": options.pixels}

    def part(name: str, row: Callable[[int, Mesh], dict], asymmetric: bool) -> None:
        report[name] = {"median": {}, "objects": {}}
        for seed, (title, mesh) in enumerate(chosen):
            report[name]["objects"][title] = row(seed, mesh)
            print(f"{name} {title[:34]:35s}{report[name]['objects'][title]}", flush=True)
            report[name]["median"] = summary(report[name]["objects"], asymmetric)
            write(options.json, report)
        print(name, report[name]["median"], flush=True)

    following = photos[1:] + photos[:1]
    part("textured", lambda i, mesh: aligned(mesh, photos[i], following[i], i), True)
    part("grey", lambda i, mesh: aligned(grey(mesh), photos[i], following[i], i), True)
    part("colours", lambda i, mesh: colored(mesh, i, options.pixels // 2), False)
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("--match", nargs="*", default=[""], help="beginnings of names")
    parser.add_argument("--pixels", type=int, default=320)
    parser.add_argument("--threads", type=int, default=1)

    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    run(options)


if __name__ == "__main__":
    main()
