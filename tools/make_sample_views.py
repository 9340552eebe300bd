"""Renders the pack's sample of posed pictures, assets/views/figure: python tools/make_sample_views.py

Twelve pictures around assets/meshes/figure_scan.glb in fixed light, with transparency for a mask; needs
requirements/train.txt.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from recon_lib.cameras.camera import Cameras
from recon_lib.data.appearance.shading import Lighting
from recon_lib.data.rendering.mesh_renders import MeshRenderer
from recon_lib.data.rendering.objects import in_unit_sphere
from recon_lib.meshes.files.mesh_io import load_mesh
from recon_lib.views.transforms_json import write_frames

ROOT = Path(__file__).resolve().parent.parent
COUNT, PIXELS, SUPERSAMPLED = 12, 256, 2
ELEVATIONS = (10.0, 30.0)  # degrees, by turns


def light() -> Lighting:
    """Two lamps from above and soft light all around."""
    directions = np.array([[0.5, 0.8, 0.6], [-0.7, 0.4, -0.3]], np.float32)
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    colors = np.array([[0.5, 0.48, 0.45], [0.2, 0.22, 0.25]], np.float32)
    grey = np.full(3, 0.45, np.float32)
    return Lighting(directions, colors, grey, 0.7 * grey, specular=0.0, shininess=8.0, shadow=0.6, exposure=1.0)


def main() -> None:
    folder = ROOT / "assets" / "views" / "figure"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "images").mkdir(parents=True)
    renderer = MeshRenderer(in_unit_sphere(load_mesh(ROOT / "assets" / "meshes" / "figure_scan.glb")))
    azimuths = [360 * i / COUNT for i in range(COUNT)]
    elevations = [ELEVATIONS[i % len(ELEVATIONS)] for i in range(COUNT)]
    cameras = Cameras.orbit(azimuths, elevations, 3.2, 40.0, PIXELS, PIXELS)
    fine = cameras.resized(PIXELS * SUPERSAMPLED, PIXELS * SUPERSAMPLED)
    names = []
    for i in range(COUNT):
        view = renderer.render(fine[i], np.random.default_rng(0), light=light(), back=False)
        alpha = (view.depth > 0).astype(np.float32)[..., None]
        planes = torch.from_numpy(np.concatenate([view.rgb / 255 * alpha, alpha], -1)).permute(2, 0, 1)[None].float()
        small = torch.nn.functional.avg_pool2d(planes, SUPERSAMPLED)[0]
        colors = small[:3] / small[3:].clamp_min(1e-6)
        pixels = (torch.cat([colors, small[3:]]).clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
        names.append({"image": f"images/{i:02d}.png"})
        Image.fromarray(pixels).save(folder / names[-1]["image"], optimize=True)
    write_frames(folder, cameras, names)
    path = folder / "transforms.json"
    value = json.loads(path.read_text(encoding="utf-8"))
    few = {**value, "frames": value["frames"][:: COUNT // 3]}
    for target, content in ((path, value), (folder / "three_views.json", few)):
        target.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
