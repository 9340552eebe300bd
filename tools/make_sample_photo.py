"""Renders the pack's photo of a mesh, assets/photos/mug.jpg: python tools/make_sample_photo.py

assets/meshes/mug_scan.glb in the light of two lamps before a wall; needs requirements/train.txt.
"""

from pathlib import Path

import numpy as np
import torch
from make_sample_views import light
from PIL import Image

from recon_lib.cameras.camera import Cameras
from recon_lib.data.rendering.mesh_renders import MeshRenderer
from recon_lib.data.rendering.objects import in_unit_sphere
from recon_lib.meshes.files.mesh_io import load_mesh

ROOT = Path(__file__).resolve().parent.parent
PIXELS, SUPERSAMPLED = 640, 2
WALL, TABLE = (62, 92, 104), (96, 72, 58)  # sRGB 0-255


def backdrop(side: int, seed: int = 0) -> np.ndarray:
    """A wall over a table, brighter in the middle, with some grain: [side,side,3] 0-1."""
    y, x = np.mgrid[0:side, 0:side] / side
    table = (1 / (1 + np.exp(-(y - 0.68) * 60)))[..., None]
    colors = (np.array(WALL) * (1 - table) + np.array(TABLE) * table) / 255
    glow = 1.15 - 0.6 * ((x - 0.5) ** 2 + (y - 0.5) ** 2)
    grain = np.random.default_rng(seed).normal(0, 0.008, (side, side, 1))
    return (colors * glow[..., None] + grain).clip(0, 1).astype(np.float32)


def main() -> None:
    renderer = MeshRenderer(in_unit_sphere(load_mesh(ROOT / "assets" / "meshes" / "mug_scan.glb")))
    camera = Cameras.orbit(-35.0, 22.0, 4.4, 33.0, PIXELS * SUPERSAMPLED, PIXELS * SUPERSAMPLED)
    view = renderer.render(camera, np.random.default_rng(0), light=light(), back=False)
    alpha = (view.depth > 0).astype(np.float32)[..., None]
    picture = view.rgb / 255 * alpha + backdrop(PIXELS * SUPERSAMPLED) * (1 - alpha)
    small = torch.nn.functional.avg_pool2d(torch.from_numpy(picture).permute(2, 0, 1)[None].float(), SUPERSAMPLED)[0]
    pixels = (small.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    Image.fromarray(pixels).save(ROOT / "assets" / "photos" / "mug.jpg", quality=90)


if __name__ == "__main__":
    main()
