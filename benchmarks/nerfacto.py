"""Nerfstudio's nerfacto on the views that benchmarks/radiance_against_nerfacto.py saved.

    python nerfacto.py SCENE.npz ANSWER.npz SECONDS RAYS

Needs only numpy, torch and nerfstudio, so that it can run in an environment of its own. The torch fallback of its hash
grid, and the settings that nerfstudio's documentation names for single objects, but random backgrounds in training (by
the masks, as our fit has them: over white it ends up empty). Trained for so many processor seconds, at whose end the
rates have fallen to a twentieth. Prints one line of JSON.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch

NEAR, FAR = 1.9, 4.7  # of cameras 3.3 from an object in the unit sphere
CHUNK = 2048  # rays
RATE, FALL = 1e-2, 0.05


def cameras_of(poses: np.ndarray, intrinsics: np.ndarray, height: int, width: int):
    """Nerfstudio's cameras, whose axes are OpenGL's."""
    from nerfstudio.cameras.cameras import Cameras

    flip = torch.tensor([1.0, -1.0, -1.0])
    pose, lens = torch.tensor(poses[:, :3]).clone(), torch.tensor(intrinsics)
    pose[:, :, :3] *= flip
    return Cameras(pose, lens[:, 0, 0], lens[:, 1, 1], lens[:, 0, 2], lens[:, 1, 2], width, height)


def build(views: int):
    import torchmetrics.image.lpip as measure
    from nerfstudio.cameras.camera_optimizers import CameraOptimizerConfig
    from nerfstudio.data.scene_box import SceneBox
    from nerfstudio.models.nerfacto import NerfactoModelConfig

    measure.LearnedPerceptualImagePatchSimilarity = lambda **_: torch.nn.Identity()  # it would download weights
    box = SceneBox(torch.tensor([[-1.0, -1.0, -1.0], [1.0, 1.0, 1.0]]))
    config = NerfactoModelConfig(
        implementation="torch", background_color="random", proposal_initial_sampler="uniform", near_plane=NEAR,
        far_plane=FAR, camera_optimizer=CameraOptimizerConfig(mode="off"), use_average_appearance_embedding=False,
        distortion_loss_mult=0.0, disable_scene_contraction=True, eval_num_rays_per_chunk=CHUNK,
    )  # fmt: skip
    return config.setup(scene_box=box, num_train_data=views)


def train(model, cameras, images: torch.Tensor, seconds: float, rays: int) -> int:
    """-> steps. images [V,H,W,4], the mask last."""
    from nerfstudio.engine.callbacks import TrainingCallbackAttributes, TrainingCallbackLocation

    groups = [parameter for group in model.get_param_groups().values() for parameter in group]
    optimizer = torch.optim.Adam(groups, lr=RATE, eps=1e-15)
    callbacks = model.get_training_callbacks(TrainingCallbackAttributes(None, None, None, None))
    count, height, width = images.shape[:3]
    generator, steps, start = torch.Generator().manual_seed(0), 0, time.process_time()
    model.train()
    while (spent := time.process_time() - start) < seconds:
        for group in optimizer.param_groups:
            group["lr"] = RATE * FALL ** (spent / seconds)
        for callback in callbacks:
            callback.run_callback_at_location(steps, TrainingCallbackLocation.BEFORE_TRAIN_ITERATION)
        pixel = [torch.randint(n, (rays,), generator=generator) for n in (count, height, width)]
        bundle = cameras.generate_rays(pixel[0][:, None], torch.stack(pixel[1:], -1) + 0.5)
        outputs, batch = model(bundle), {"image": images[pixel[0], pixel[1], pixel[2]]}
        losses = model.get_loss_dict(outputs, batch, model.get_metrics_dict(outputs, batch))
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
        for callback in callbacks:
            callback.run_callback_at_location(steps, TrainingCallbackLocation.AFTER_TRAIN_ITERATION)
        steps += 1
    return steps


@torch.no_grad()
def render(model, cameras, count: int) -> np.ndarray:
    """Pictures [V,3,H,W]."""
    model.eval()
    model.renderer_rgb.background_color = "white"
    pictures = []
    for view in range(count):
        rgb = model.get_outputs_for_camera_ray_bundle(cameras.generate_rays(view))["rgb"]
        pictures.append(rgb.permute(2, 0, 1))
    return torch.stack(pictures).numpy()


def main(scene_path: str, answer_path: str, seconds: str, rays: str) -> None:
    from importlib.metadata import version

    torch.set_num_threads(1)
    torch.manual_seed(0)
    scene = np.load(scene_path)
    layers = np.concatenate([scene["images"], scene["masks"]], 1)
    images = torch.tensor(layers).permute(0, 2, 3, 1).contiguous()
    height, width = images.shape[1:3]
    seen = cameras_of(scene["poses"], scene["intrinsics"], height, width)
    held_out = cameras_of(scene["held_out_poses"], scene["held_out_intrinsics"], height, width)
    model = build(len(images))
    steps = train(model, seen, images, float(seconds), int(rays))
    pictures = render(model, held_out, len(scene["held_out_poses"]))
    np.savez_compressed(Path(answer_path), images=pictures)
    print(json.dumps({"steps": steps, "version": version("nerfstudio")}))


if __name__ == "__main__":
    main(*sys.argv[1:])
