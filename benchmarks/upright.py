"""How far off the vertical is that meshes of single photos are turned upright by, beside not turning them.

Run from the repository's root:

    python -m benchmarks.upright MESHES [--split val] [--objects 40] [--json FILE]

Objects and pictures are those of `quality_single_view`, clean and in scenes; masks are found. Angles in degrees between
the true vertical and

* told: what the embedded LIST model tells, by which `--upright` and Save Mesh turn
* level: the camera held level, as a mesh stands that is not turned
* constant: the elevation, the same for all, that has the least median here

worse: share of pictures that are better left as they are.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.colored_solids import write
from benchmarks.quality_single_view import MIXES, rendered, scenes
from recon_lib.cameras.upright import up_from_angles
from recon_lib.data.shards.cutouts import Library
from recon_lib.data.shards.scenes import Scene
from recon_lib.errors import BadInput
from recon_lib.stages.single_view.regress import visible_surface
from recon_lib.stages.single_view.stand_upright import vertical
from recon_lib.weights.registry import LoadedModel, load_model

ELEVATIONS = torch.arange(0.0, 60.0, 2.0)


def true_vertical(scene: Scene) -> Tensor:
    """[3], unit, in the frame of the scene's camera."""
    return F.normalize(torch.tensor(scene.world_to_camera)[:3, 1].float(), dim=0)


def told_vertical(finder: LoadedModel, teller: LoadedModel, scene: Scene) -> Tensor | None:
    """[3], unit; None where no object is found."""
    image = torch.from_numpy(np.ascontiguousarray(scene.image))[None]
    try:
        return vertical(teller, visible_surface(finder, image).views)
    except BadInput:
        return None


def angles(told: Tensor, true: Tensor) -> Tensor:
    """Degrees between unit vectors [N,3]."""
    return torch.rad2deg((told * true).sum(-1).clamp(-1, 1).acos())


def figures(told: Tensor, true: Tensor) -> dict[str, float]:
    """Medians over N pictures of verticals told and true [N,3]; the mean of what is told as well."""
    constants = up_from_angles(ELEVATIONS, torch.zeros_like(ELEVATIONS))
    level, off = angles(constants[:1], true), angles(told, true)
    constant = min(float(angles(one, true).median()) for one in constants)
    return {
        "told": float(off.median()), "told_mean": float(off.mean()), "level": float(level.median()),
        "level_mean": float(level.mean()), "constant": constant, "worse": float((off > level).float().mean()),
        "pictures": len(true),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("meshes", type=Path)
    parser.add_argument("--split", default="val")
    parser.add_argument("--up", choices=("y", "z"), default="z", help="the meshes' up axis")
    parser.add_argument("--objects", type=int, default=40)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    finder, teller, report = load_model("zeroshape_w_mini"), load_model("list_mini"), {}
    with tempfile.TemporaryDirectory() as folder:
        rendered(options.meshes, options.split, options.up, options.objects, Path(folder))
        library = Library(Path(folder))
        for kind, mix in MIXES.items():
            pairs = [
                (told_vertical(finder, teller, scene), true_vertical(scene)) for scene in scenes(library, mix, 256)
            ]
            found = [(told, true) for told, true in pairs if told is not None]
            told, true = (torch.stack(column) for column in zip(*found, strict=True))
            report[kind] = figures(told, true)
            print(kind, "  ".join(f"{name} {value:.2f}" for name, value in report[kind].items()), flush=True)
    write(options.json, report)


if __name__ == "__main__":
    main()
