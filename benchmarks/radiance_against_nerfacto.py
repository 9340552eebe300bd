"""The radiance fit beside nerfstudio's nerfacto, at equal processor time on true views of meshes.

Run from the repository's root:

    python -m benchmarks.radiance_against_nerfacto --meshes FOLDER --peer PYTHON [--split val --count 3] [--pixels 128]
        [--many 24] [--steps 100 400] [--rays 256] [--sheets FOLDER] [--json FILE]

PYTHON is that of an environment with numpy, torch and nerfstudio (`benchmarks/nerfacto.py`). The views are those of
`benchmarks.radiance --many`. Ours is fitted with so many steps; then nerfacto has the processor seconds that ours took,
both on one thread. Figures: PSNR and SSIM of the held-out views.
"""

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.colored_solids import add_arguments, colored_solids, seen, write
from benchmarks.radiance import save_sheet
from benchmarks.volsdf_fit import HELD_OUT, spiral
from recon_lib.render.frames import render_radiance
from recon_lib.stages.evaluation.images import compare_images
from recon_lib.stages.fitting.radiance.fit import fit_radiance
from recon_lib.stages.fitting.radiance.settings import RadianceSettings
from recon_lib.views.views import Views

PEER = Path(__file__).with_name("nerfacto.py")


def figures_of(images: Tensor, truth: Views) -> dict[str, float]:
    found = compare_images(images.clamp(0, 1), truth.images)
    return {"psnr": found["psnr"], "ssim": found["ssim"]}


def ours(views: Views, held_out: Views, steps: int) -> tuple[dict, Tensor]:
    """Figures with the processor seconds, and the pictures."""
    start = time.process_time()
    field = fit_radiance(views, settings=RadianceSettings(steps=steps), seed=0).field
    seconds = time.process_time() - start
    images = render_radiance(field, held_out.cameras).images
    return {**figures_of(images, held_out), "steps": steps, "cpu": seconds}, images


def theirs(views: Views, held_out: Views, seconds: float, options: argparse.Namespace) -> tuple[dict, Tensor]:
    """Figures and pictures of nerfacto after so many processor seconds."""
    with tempfile.TemporaryDirectory() as folder:
        scene, answer = Path(folder) / "scene.npz", Path(folder) / "answer.npz"
        np.savez(
            scene, images=views.images.numpy(), masks=views.masks.numpy(), poses=views.cameras.camera_to_world.numpy(),
            intrinsics=views.cameras.intrinsics.numpy(), held_out_poses=held_out.cameras.camera_to_world.numpy(),
            held_out_intrinsics=held_out.cameras.intrinsics.numpy(),
        )  # fmt: skip
        command = [options.peer, str(PEER), str(scene), str(answer), str(seconds), str(options.rays)]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        images = torch.from_numpy(np.load(answer)["images"])
    told = json.loads(printed.strip().splitlines()[-1])
    return {**figures_of(images, held_out), **told, "rays": options.rays, "cpu": seconds}, images


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("--peer", required=True, help="python of nerfstudio's environment")
    parser.add_argument("--pixels", type=int, default=128)
    parser.add_argument("--many", type=int, default=24)
    parser.add_argument("--steps", type=int, nargs="+", default=[100, 400])
    parser.add_argument("--rays", type=int, default=256, help="of a step of nerfacto's")
    parser.add_argument("--sheets", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    report: dict = {"pixels": options.pixels, "views": options.many, "objects": {}}
    for name, mesh in colored_solids(options):
        views = seen(mesh, spiral(options.many, options.pixels))
        held_out = seen(mesh, spiral(HELD_OUT, options.pixels, 61.0))
        for steps in options.steps:
            own, own_images = ours(views, held_out, steps)
            peer, peer_images = theirs(views, held_out, own["cpu"], options)
            report["objects"].setdefault(name, {})[str(steps)] = {"recon3d": own, "nerfacto": peer}
            print(
                f"{name[:32]:33s}{own['cpu']:5.0f} s  PSNR {own['psnr']:.2f}, nerfacto {peer['psnr']:.2f} dB",
                flush=True,
            )
            write(options.json, report)
            if options.sheets:
                sheet = torch.stack([held_out.images, own_images.clamp(0, 1), peer_images.clamp(0, 1)])
                save_sheet(sheet, options.sheets / f"{name}_{steps}.png")


if __name__ == "__main__":
    main()
