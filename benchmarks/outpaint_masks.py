"""Outpaint masks against the truth, and beside the masks that they replace.

Run from the repository's root:

    python -m benchmarks.outpaint_masks --meshes FOLDER [--split val --count 5] [--pixels 128] [--threads 1]
        [--painter plain|embedded] [--weights FILE] [--json FILE]

The meshes are those of `colored_solids`. Pictures are unlit, over white. The first camera (azimuth 30, elevation 20)
is the photo's, seven more follow the schedule after POP3D. The hull at each next camera is carved by the true masks of
the cameras before it; the true mesh is the surface.

The masks (what of the next view is painted; the rest is kept as earlier views show it):
* hull: `stages.outpainting.mask`, which widens the region for the seam by a pixel for every 256 of the picture's side;
  and "wide seam", with two more;
* whole: the hull's whole silhouette. The plain painter, which could only paint it grey, paints the mean colour of the
  object in the earlier views instead; by definition this mask keeps nothing else of them;
* depth: what the warped depth of earlier views covers is kept. Without the hull it is not known where else the object
  may be, so only the rest of the outline of those warped surfaces is painted: holes, and what shows their back;
* depth+: the same, but the true surface's outline is painted. More than depth can know: a generous rival.

Figures with true views so far:
* recall: fraction of the unseen pixels that is painted. A pixel of the true view is unseen if no earlier camera saw its
  surface point: outside the picture, occluded (exact ray tests) or beyond the mask's maximum view angle.
* precision: fraction of the painted pixels that is unseen, of those that show the object. Pixels beside the object are
  no mistake of a mask that cannot know the outline: nothing seen is lost there. "strict" counts them as mistakes.
* seen dB: PSNR of the completed view where earlier views saw the object (pixels wholly covered by it).
* object dB: the same wherever the true view shows the object.

And with each mask's own completed views as the views so far, as in the loop:
* photo dB: PSNR of the completed views where the photo saw the surface: how much of the input remains in the end.
* apart: inconsistency of all eight views; smaller is better. A surface point has one colour, so a fit cannot reproduce
  views that differ. The mean squared difference of the same true surface point's colours in all pairs of views that
  see it (not at grazing angles), divided by its value for shuffled points: 0 is one colour for each point, 1 is no more
  alike than by chance. Without the division flat paint would win. A view that lacks the point shows white there, which
  counts. "truth" is the figure of the true views, from resampling.
* differ: the mean absolute difference of a channel.
Sums are over all cameras of an object, the table's last rows are means over objects.
"""

import argparse
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.colored_solids import add_arguments, colored_solids, seen, write
from benchmarks.outpaint_truth import (
    MeanPainter,
    Truth,
    counts,
    depth_masks,
    incoherence,
    point_colors,
    squared_error,
)
from recon_lib.cameras.camera import Cameras
from recon_lib.fields.hull import HullField
from recon_lib.meshes.mesh import Mesh
from recon_lib.stages.meshing.extract import extract_mesh
from recon_lib.stages.outpainting.mask import RESOLUTION, OutpaintMask, find_outpaint_mask, seam_width
from recon_lib.stages.outpainting.outlines import PAINTED
from recon_lib.stages.outpainting.outpaint import Painted, Painter, outpaint, with_mask
from recon_lib.stages.outpainting.painter_embedded import load_embedded_painter
from recon_lib.stages.outpainting.painter_plain import PlainPainter
from recon_lib.stages.outpainting.view import painted_views
from recon_lib.views.next_views import after_pop3d
from recon_lib.views.views import Views

CAMERAS = 8
MASKS = ("hull", "wide seam", "whole", "depth", "depth+")
COLUMNS = ("recall", "precision", "strict", "seen dB", "object dB", "photo dB", "apart", "differ")


@dataclass(frozen=True)
class Scene:
    """A mesh, its true views in the schedule's order, and the hull and truth of each but the first."""

    name: str
    mesh: Mesh
    views: Views
    hulls: list[Mesh]  # of the views before 1, 2, ...
    truths: list[Truth]

    @classmethod
    def of(cls, name: str, mesh: Mesh, pixels: int, cameras: int = CAMERAS) -> "Scene":
        front = Cameras.orbit(30.0, 20.0, 3.3, 38.0, pixels, pixels)
        views = seen(mesh, Cameras.cat([front, after_pop3d(front, cameras - 1)]))
        later = range(1, len(views))
        hulls = [extract_mesh(HullField.of(views[:k]), RESOLUTION).mesh for k in later]
        return cls(name, mesh, views, hulls, [Truth.of(mesh, views.cameras[k], views.cameras[:k]) for k in later])


@dataclass
class Sum:
    """Squared errors so far."""

    error: float = 0.0
    values: int = 0

    def add(self, image: Tensor, truth: Tensor, where: Tensor) -> None:
        error, values = squared_error(image, truth, where)
        self.error, self.values = self.error + error, self.values + values

    @property
    def psnr(self) -> float:
        """dB; infinite where nothing differs, NaN where nothing was compared."""
        if not self.values:
            return math.nan
        return -10 * math.log10(self.error / self.values) if self.error else math.inf


@dataclass
class Tally:
    """Counts and errors of one mask in the views of one object."""

    pixels: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("right", "wasted", "beside", "missed"), 0))
    seen: Sum = field(default_factory=Sum)
    object: Sum = field(default_factory=Sum)

    def row(self) -> dict[str, float]:
        right, wasted, beside, missed = (self.pixels[name] for name in ("right", "wasted", "beside", "missed"))
        return {
            "recall": ratio(right, right + missed), "precision": ratio(right, right + wasted),
            "strict": ratio(right, right + wasted + beside), "seen dB": self.seen.psnr, "object dB": self.object.psnr,
        }  # fmt: skip


def ratio(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def outpaint_masks(
    views: Views, camera: Cameras, hull: Mesh, surface: Mesh, names: tuple[str, ...]
) -> dict[str, OutpaintMask]:
    """The masks of `names` at the next camera."""
    full = find_outpaint_mask(views, camera, hull, surface)
    masks = {"hull": full, "whole": with_mask(full, full.silhouettes)}
    if "wide seam" in names:
        masks["wide seam"] = find_outpaint_mask(views, camera, hull, surface, grow=seam_width(camera) + 2)
    if {"depth", "depth+"} & set(names):
        masks["depth"], masks["depth+"] = depth_masks(views, camera, hull, full)
    return {name: masks[name] for name in names}


def completed(painter: Painter, outpaint_mask: OutpaintMask, views: Views, seed: int) -> Painted:
    """The completed view; where nothing was seen, the plain painter is replaced by the mean colour of `views`."""
    if isinstance(painter, PlainPainter) and not outpaint_mask.seen.any():
        painter = MeanPainter(views, painter.side)
    return outpaint(painter, outpaint_mask, seed=seed, outline=PAINTED)


def step_rows(scene: Scene, painter: Painter, seed: int) -> dict[str, dict[str, float]]:
    """Figures of every mask with true views so far."""
    tallies = {name: Tally() for name in MASKS}
    for k, (hull, truth) in enumerate(zip(scene.hulls, scene.truths, strict=True), 1):
        before, now = scene.views[:k], scene.views[k]
        solid = truth.hit & (now.masks > 0.99)
        for name, outpaint_mask in outpaint_masks(before, now.cameras, hull, scene.mesh, MASKS).items():
            tally, image = tallies[name], completed(painter, outpaint_mask, before, seed + k).image
            for what, number in counts(outpaint_mask.masks, truth).items():
                tally.pixels[what] += number
            tally.seen.add(image, now.images, solid & truth.seen)
            tally.object.add(image, now.images, solid)
    return {name: tally.row() for name, tally in tallies.items()}


def loop_row(scene: Scene, painter: Painter, name: str, seed: int) -> dict[str, float]:
    """Figures of one mask in a loop over its own completed views. Depth is the true one, where there is an object."""
    views, photo = scene.views[0], Sum()
    views = replace(views, provenance=views.codes)
    for k, (hull, truth) in enumerate(zip(scene.hulls, scene.truths, strict=True), 1):
        now = scene.views[k]
        outpaint_mask = outpaint_masks(views, now.cameras, hull, scene.mesh, (name,))[name]
        painted = completed(painter, outpaint_mask, views, seed + k)
        photo.add(painted.image, now.images, truth.hit & (now.masks > 0.99) & truth.seen_by[:1])
        view = painted_views(painted.image, painted.mask, outpaint_mask)
        views = Views.cat([views, replace(view, depth=now.depth * view.masks, normals=now.normals * view.masks)])
    return {"photo dB": photo.psnr, **apart(scene, views.images)}


def apart(scene: Scene, images: Tensor) -> dict[str, float]:
    """Inconsistency of pictures [V,3,H,W] from the scene's cameras."""
    chance, difference = incoherence(*point_colors(scene.mesh, images, scene.views.cameras))
    return {"apart": chance, "differ": difference}


def scene_rows(scene: Scene, painter: Painter, seed: int) -> dict[str, dict[str, float]]:
    rows = step_rows(scene, painter, seed)
    table = {name: rows[name] | loop_row(scene, painter, name, seed) for name in MASKS}
    return table | {"truth": apart(scene, scene.views.images)}


def scenes(options: argparse.Namespace) -> Iterator[Scene]:
    for name, mesh in colored_solids(options):
        yield Scene.of(name, mesh, options.pixels)


def means(objects: dict[str, dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Means of every figure over the objects that have it."""
    table: dict = {}
    for name in next(iter(objects.values())):
        rows_of_mask = [rows[name] for rows in objects.values()]
        finite = {c: [r[c] for r in rows_of_mask if math.isfinite(r[c])] for c in rows_of_mask[0]}
        table[name] = {c: sum(values) / len(values) for c, values in finite.items() if values}
    return table


def show(title: str, rows: dict[str, dict[str, float]]) -> None:
    print(f"{title[:32]:33s}" + "".join(f"{column:>11s}" for column in COLUMNS))
    for name, row in rows.items():
        print(f"  {name:31s}" + "".join(cell(row, column) for column in COLUMNS), flush=True)


def cell(row: dict[str, float], column: str) -> str:
    if column not in row:
        return " " * 11
    return f"{row[column]:11.{2 if column.endswith('dB') else 3}f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("--pixels", type=int, default=128)
    parser.add_argument("--painter", choices=["plain", "embedded"], default="plain")
    parser.add_argument("--weights", help="name or file of the embedded painter's")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    painter = PlainPainter() if options.painter == "plain" else load_embedded_painter(options.weights)
    report: dict = {"pixels": options.pixels, "cameras": CAMERAS, "painter": painter.name, "mean": {}, "objects": {}}
    started = time.perf_counter()
    for scene in scenes(options):
        report["objects"][scene.name] = rows = scene_rows(scene, painter, options.seed)
        show(scene.name, rows)
        report["mean"] = means(report["objects"])
        write(options.json, report)
    if report["objects"]:
        show(f"mean of {len(report['objects'])} ({time.perf_counter() - started:.0f} s)", report["mean"])


if __name__ == "__main__":
    main()
