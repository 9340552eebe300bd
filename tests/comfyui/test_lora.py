"""The file that a Stable Diffusion painter leaves when it learned an object, in ComfyUI's own Load LoRA.

Set COMFYUI_PATH and COMFYUI_PYTHON as for test_server.py.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from recon_lib.stages.outpainting.painter_diffusers import DiffusersPainter
from recon_lib.stages.outpainting.personalize.painter import personalize
from recon_lib.stages.outpainting.personalize.settings import PersonalSettings
from recon_lib.views.views import Views
from recon_lib.weights.inpainters import find_inpaint_folders
from tests.helpers.outpaint_masks import disc, disc_outpaint_mask, truth
from tests.helpers.tiny_pipelines import tiny_sd

COMFYUI = os.environ.get("COMFYUI_PATH")
PYTHON = os.environ.get("COMFYUI_PYTHON", sys.executable)
MINUTES = float(os.environ.get("RECON3D_COMFY_MINUTES", "5"))
pytestmark = pytest.mark.skipif(not COMFYUI, reason="COMFYUI_PATH is not set: no real ComfyUI to load the file")
UNET = {  # the layers of tiny_sd's UNet, as diffusers calls them
    "block_out_channels": (32, 64), "down_block_types": ("CrossAttnDownBlock2D",) * 2, "norm_num_groups": 32,
    "up_block_types": ("CrossAttnUpBlock2D",) * 2,
}  # fmt: skip


def test_load_lora_changes_every_layer_as_it_was_learned(tmp_path):
    from safetensors.torch import load_file

    tiny_sd(tmp_path / "models", **UNET)
    (folder,) = find_inpaint_folders([tmp_path / "models"])
    lora, changes = tmp_path / "disc.safetensors", tmp_path / "changes.safetensors"
    views = Views(truth(), disc_outpaint_mask().cameras, disc().float())
    settings = PersonalSettings(steps=3, rate=1e-2, rank=4, prior=0)
    personalize(DiffusersPainter(folder, square=32), views, lora, kind="disc", settings=settings)

    script = Path(__file__).with_name("load_lora.py")
    done = subprocess.run(
        [PYTHON, str(script), COMFYUI, str(lora), str(changes)], cwd=COMFYUI, capture_output=True, text=True,
        timeout=60 * MINUTES, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert "not loaded" not in done.stdout + done.stderr, "ComfyUI names keys that it does not know"

    learned, changed = load_file(str(lora)), load_file(str(changes))
    layers = {key.removesuffix(".lora_up.weight") for key in learned if key.endswith(".lora_up.weight")}
    assert len(layers) == len(changed) == 7 * 2 * 4, "attention to itself and to words, four layers each"
    for key, change in changed.items():
        tail = "_".join(key.removesuffix(".weight").split(".")[-5:]).split("transformer_blocks")[1]
        matches = [
            name for name in layers if name.endswith(f"transformer_blocks{tail}") and same(learned, name, change)
        ]
        assert len(matches) == 1, key
        layers -= set(matches)
    assert not layers


def same(learned: dict[str, torch.Tensor], name: str, change: torch.Tensor) -> bool:
    """The product of the layer's factors is the change; it is not nothing."""
    down, up, alpha = (learned[f"{name}.{part}"] for part in ("lora_down.weight", "lora_up.weight", "alpha"))
    expected = up @ down * alpha / len(down)
    return (
        expected.shape == change.shape and bool(change.any()) and torch.allclose(expected, change, rtol=1e-3, atol=1e-6)
    )
