"""Quality of ZeroShape-W on objects that were never trained on, beside baselines, in one run.

    python -m benchmarks.quality_single_view MESHES [--split val] [--model FILE] [--ablation FILE] [--json OUT.json]

Every object is rendered once by the data engine (seeds that training never reaches) and shown twice: clean (plain
background) and in a scene (background, clutter, an occluder in front; the object is the most central one, see
`data.shards.scenes`). The model's only input is the picture. Shapes are compared in the view-aligned frame after
scale + translation alignment (no rotation); F@0.05 counts samples nearer than 0.05 of the truth's bounding-sphere
radius. The rows "model, ..." are given the true mask, depth (of the whole scene, or within the mask), picture of a
depth node, or lens as well; share_below_model is the share of objects to which that does harm.
A picture on which a method fails counts as F = 0. depth_ratio is the median of the shape's depth over its
width, divided by the same of the truth: above 1 it is too deep.
"""

import argparse
import json
import logging
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from benchmarks.single_view_baselines import inflated, mirrored, sphere
from recon_lib.cameras.camera import FLIP_YZ, Cameras
from recon_lib.data.rendering.mesh_renders import MeshRenderer, random_camera
from recon_lib.data.rendering.objects import list_objects, load_object
from recon_lib.data.shards.cutouts import Library
from recon_lib.data.shards.scenes import Scene, SceneMix, compose_scene
from recon_lib.data.shards.shards import POINTS, ShardWriter
from recon_lib.errors import BadInput
from recon_lib.meshes.mesh import Mesh
from recon_lib.stages.evaluation.meshes import compare_meshes
from recon_lib.stages.meshing.extract import extract_mesh
from recon_lib.stages.single_view.mask import segment
from recon_lib.stages.single_view.regress import VisibleSurface, complete_shape, visible_surface
from recon_lib.weights.registry import LoadedModel, load_model

SEED = 910_000_000
MIXES = {
    "clean": SceneMix(clean=1.0),
    "occluded": SceneMix(clean=0.0, occluded=1.0, truncated=0.0, clutter=0.35),
}


def rendered(meshes: Path, split: str, up: str, count: int | None, folder: Path) -> list[Mesh]:
    """Render one view of each object into a shard below `folder`. -> meshes in the shard's order."""
    files = list_objects(meshes, split)
    if count:
        files = [files[i] for i in np.random.default_rng(SEED).permutation(len(files))[:count]]
    writer, meshes_in_order = ShardWriter(), []
    empty = np.zeros((POINTS, 3), np.float16), np.zeros(POINTS // 8, np.uint8)
    for index, file in enumerate(files):
        mesh = load_object(file.path, up)
        rng = np.random.default_rng([SEED, index])
        writer.add(*empty, iter([MeshRenderer(mesh).render(random_camera(rng, mesh, 320), rng)]))
        meshes_in_order.append(mesh)
    writer.write(folder / "benchmark")
    return meshes_in_order


def scenes(library: Library, mix: SceneMix, size: int) -> Iterator[Scene]:
    """One scene of each object; occluded scenes are drawn until there is an occluder in front."""
    for index in range(len(library)):
        for attempt in range(40):
            scene = compose_scene(library, library.item(index), SEED + index + 10_000 * attempt, size, mix)
            if scene.mask.sum() > 0.001 * size**2 and (mix.clean == 1.0 or scene.occluder.any()):
                break
        yield scene


def view_aligned(mesh: Mesh, scene: Scene) -> Mesh:
    """The true mesh in the frame of the scene's camera: looking along -z, +y up."""
    pose = torch.tensor(scene.world_to_camera)
    return mesh.mapped(lambda v: (v @ pose[:3, :3].T + pose[:3, 3]) @ FLIP_YZ)


TOLD = {
    "model, depth": ("depth",),
    "model, depth picture": ("picture",),
    "model, mask": ("mask",),
    "model, mask + depth picture": ("mask", "picture"),
    "model, mask + depth": ("mask", "depth"),
    "model, mask + depth + lens": ("mask", "depth", "lens"),
}
BACKGROUND, FOREGROUND = 1.3, 0.8  # depths of what lies behind and in front, in depths of the object's far and near end
FAILED = {"f_0.05": 0.0, "f_0.1": 0.0, "chamfer": float("nan"), "depth_ratio": float("nan")}


def f_score(predicted: Mesh | None, truth: Mesh) -> dict[str, float]:
    """F-scores, Chamfer distance (in truth radii = world units) and depth ratio of one shape; `FAILED` if there is
    none.
    """
    if predicted is None or not len(predicted.faces):
        return FAILED
    try:
        figures = compare_meshes(predicted, truth, align="scale", samples=10_000)
    except BadInput:
        return FAILED
    return {
        "f_0.05": figures["f_score_0.05"],
        "f_0.1": figures["f_score_0.1"],
        "chamfer": figures["chamfer_unsquared"],
        "depth_ratio": depth_to_width(predicted) / depth_to_width(truth),
    }


def depth_to_width(mesh: Mesh) -> float:
    """Extent along the view's axis over the extent across it, in the view-aligned frame."""
    width, _, depth = (mesh.bounds[1] - mesh.bounds[0]).clamp_min(1e-6).tolist()
    return depth / width


def iou(predicted: torch.Tensor, true: np.ndarray) -> float:
    """Intersection over union of [1,1,H,W] and [H,W]; NaN, undefined, where the truth is empty."""
    predicted, true = predicted[0, 0].numpy() > 0.5, np.asarray(true)
    if not true.any():
        return float("nan")
    return float((predicted & true).sum() / max((predicted | true).sum(), 1))


def measure(model: LoadedModel, scene: Scene, truth: Mesh, resolution: int, baselines: bool) -> dict[str, dict]:
    """Rows of figures by method for one picture."""
    image = torch.from_numpy(np.ascontiguousarray(scene.image))[None]
    rows: dict[str, dict] = {}
    try:
        segmentation = segment(model, image)
        rows["masks"] = {
            "mask_iou": iou(segmentation.object, scene.mask),
            "occluder_iou": iou(segmentation.occluder, scene.occluder),
        }
        surface = visible_surface(model, image)
        mesh = extract_mesh(complete_shape(model, surface), resolution, largest=True).mesh
    except BadInput as reason:
        logging.getLogger("recon3d").info("failed: %s", reason)
        nothing = torch.zeros(1, 1, *scene.mask.shape)
        rows.setdefault("masks", {"mask_iou": iou(nothing, scene.mask), "occluder_iou": iou(nothing, scene.occluder)})
        surface = mesh = None
    rows["model"] = f_score(mesh, truth)
    rows |= {name: told_row(model, image, scene, truth, resolution, told) for name, told in TOLD.items()}
    if baselines:
        rows["sphere"] = f_score(sphere(), truth)
        rows["inflated silhouette"] = f_score(inflated(torch.from_numpy(scene.amodal)), truth)
        rows["mirrored surface"] = f_score(None if surface is None else mirrored(surface), truth)
    return rows


def told_row(
    model: LoadedModel, image: torch.Tensor, scene: Scene, truth: Mesh, resolution: int, told: tuple[str, ...]
) -> dict[str, float]:
    """Figures of the shape where the true mask (with the occluder), depth or lens are given with the picture.

    seen_recall: share of the true seen surface within 0.05 of the shape, when depth and lens place both alike.
    """
    planes = [torch.from_numpy(np.array(a, np.float32))[None, None] for a in (scene.mask, scene.occluder, scene.depth)]
    mask, occluder, depth = planes
    camera = Cameras(torch.eye(4)[None], torch.from_numpy(scene.intrinsics)[None].float(), *scene.mask.shape)
    given = {"mask": mask, "occluder": occluder} if "mask" in told else {}
    if "depth" in told:
        given["depth"] = depth if "mask" in told else whole_depth(depth, occluder)
    if "picture" in told:
        given |= {"depth_picture": depth_picture(whole_depth(depth, occluder)), "depth_kind": "inverse"}
    if "lens" in told:
        given["cameras"] = camera
    recall = float("nan")
    try:
        surface = visible_surface(model, image, **given)
        mesh = extract_mesh(complete_shape(model, surface), resolution, largest=True).mesh
        if {"mask", "depth", "lens"} <= set(told):
            recall = seen_recall(mesh, surface)
    except BadInput as reason:
        logging.getLogger("recon3d").info("failed: %s", reason)
        mesh = None
    return f_score(mesh, truth) | {"seen_recall": recall}


def whole_depth(depth: torch.Tensor, occluder: torch.Tensor) -> torch.Tensor:
    """Depth [1,1,H,W] as a depth camera gives it: with a background behind the object and the occluder in front."""
    on = depth[depth > 0]
    whole = torch.where(depth > 0, depth, BACKGROUND * on.max())
    return torch.where(occluder > 0.5, FOREGROUND * on.min(), whole)


def depth_picture(depth: torch.Tensor) -> torch.Tensor:
    """What a depth node shows of a true depth [1,1,H,W]: inverse depth from 0 to 1, in 256 steps, with soft edges."""
    inverse = 1 / depth
    inverse = (inverse - inverse.min()) / (inverse.max() - inverse.min()).clamp_min(1e-9)
    soft = torch.nn.functional.avg_pool2d(inverse, 3, 1, 1, count_include_pad=False)
    return (soft * 255).round() / 255


def seen_recall(mesh: Mesh, surface: VisibleSurface, radius: float = 0.05) -> float:
    """Share of the visible surface's points within `radius` of the mesh."""
    from scipy.spatial import KDTree

    points, _, _ = mesh.sample_surface(30_000, 0)
    distance, _ = KDTree(points.numpy()).query(surface.points.numpy())
    return float((distance < radius).mean())


def run(args: argparse.Namespace) -> dict:
    models = {"model": load_model(args.model)}
    if args.ablation:
        models["without occluders"] = load_model(args.ablation)
    table: dict[str, dict] = {}
    with tempfile.TemporaryDirectory() as folder:
        meshes = rendered(args.meshes, args.split, args.up, args.objects, Path(folder))
        library = Library(Path(folder))
        for kind, mix in MIXES.items():
            rows: dict[str, list[dict]] = {}
            for scene, mesh in zip(scenes(library, mix, args.size), meshes, strict=True):
                truth = view_aligned(mesh, scene)
                for name, model in models.items():
                    measured = measure(model, scene, truth, args.resolution, baselines=name == "model")
                    for method, figures in measured.items():
                        key = method if name == "model" else f"{name}: {method}"
                        rows.setdefault(key, []).append(figures)
            table[kind] = {method: _means(many) for method, many in rows.items()}
            for name in TOLD:
                worse = [d["f_0.05"] < m["f_0.05"] for d, m in zip(rows[name], rows["model"], strict=True)]
                table[kind][name]["share_below_model"] = round(float(np.mean(worse)), 4)
    return table


def _means(rows: list[dict]) -> dict[str, float | None]:
    """Means over the pictures where a figure is defined (medians of ratios); None where it is nowhere."""
    means: dict[str, float | None] = {}
    for name in rows[0]:
        values = [row[name] for row in rows if not np.isnan(row[name])]
        middle = np.median if name.endswith("_ratio") else np.mean
        means[name] = round(float(middle(values)), 4) if values else None
    return means | {"count": len(rows)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("meshes", type=Path)
    parser.add_argument("--split", default="val")
    parser.add_argument("--up", choices=("y", "z"), default="z", help="the meshes' up axis")
    parser.add_argument("--model", default="zeroshape_w_mini")
    parser.add_argument("--ablation", help="weights trained without occluders, measured on the same pictures")
    parser.add_argument("--objects", type=int, help="only that many, drawn at random")
    parser.add_argument("--size", type=int, default=256, help="side of the pictures, pixels")
    parser.add_argument("--resolution", type=int, default=128, help="cells a side of the extraction")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    start = time.time()
    table = run(args)
    for kind, methods in table.items():
        for method, figures in methods.items():
            print(f"{kind:9s} {method:32s} " + "  ".join(f"{k} {v}" for k, v in figures.items()))
    print(f"{time.time() - start:.0f} s")
    if args.json:
        args.json.write_text(json.dumps(table, indent=2) + "\n")


if __name__ == "__main__":
    main()
