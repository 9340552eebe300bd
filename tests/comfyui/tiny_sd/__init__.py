"""A custom node for tests: a Stable Diffusion of random weights, so small that a CPU samples it in a second.

Its UNet and autoencoder have the layers of version 1.5 at a fraction of the width.
"""

import comfy.model_base
import comfy.model_management as management
import comfy.model_patcher
import comfy.sd
import comfy.supported_models
import torch
from comfy.ldm.models.autoencoder import AutoencoderKL
from comfy_api.latest import ComfyExtension, io

WORD_WIDTH = 16
UNET = {
    "image_size": 32, "in_channels": 4, "out_channels": 4, "model_channels": 32, "num_res_blocks": [1, 1],
    "channel_mult": [1, 2], "transformer_depth": [1, 1], "transformer_depth_output": [1, 1, 1, 1],
    "transformer_depth_middle": 1, "use_linear_in_transformer": False, "context_dim": WORD_WIDTH, "num_heads": 4,
    "num_head_channels": -1, "use_spatial_transformer": True, "legacy": False, "adm_in_channels": None,
    "use_temporal_attention": False, "dtype": torch.float32,
}  # fmt: skip
AUTOENCODER = {
    "double_z": True, "z_channels": 4, "resolution": 64, "in_channels": 3, "out_ch": 3, "ch": 32,
    "ch_mult": [1, 1, 1, 1], "num_res_blocks": 1, "attn_resolutions": [], "dropout": 0.0,
}  # fmt: skip


def tiny_unet():
    config = comfy.supported_models.SD15(dict(UNET))
    config.unet_config = dict(UNET)
    model = comfy.model_base.BaseModel(config, model_type=comfy.model_base.ModelType.EPS, device=torch.device("cpu"))
    for parameter in model.parameters():
        parameter.data = torch.randn_like(parameter) * 0.05
    return comfy.model_patcher.ModelPatcher(
        model, load_device=management.get_torch_device(), offload_device=management.unet_offload_device()
    )


def tiny_autoencoder():
    weights = AutoencoderKL(ddconfig=AUTOENCODER, embed_dim=4).state_dict()
    weights = {name: torch.randn_like(value) * 0.05 for name, value in weights.items()}
    return comfy.sd.VAE(sd=weights, config={"params": {"ddconfig": AUTOENCODER, "embed_dim": 4}})


class TinyStableDiffusion(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        outputs = [io.Model.Output(), io.Vae.Output(), io.Conditioning.Output(), io.Conditioning.Output()]
        return io.Schema(node_id="TinyStableDiffusion", category="tests", inputs=[], outputs=outputs)

    @classmethod
    def execute(cls):
        torch.manual_seed(0)
        unet, autoencoder, words = tiny_unet(), tiny_autoencoder(), torch.randn(1, 7, WORD_WIDTH)
        return io.NodeOutput(unet, autoencoder, [[words, {"pooled_output": None}]], [[words * 0, {}]])


class TinyExtension(ComfyExtension):
    async def get_node_list(self):
        return [TinyStableDiffusion]


async def comfy_entrypoint():
    return TinyExtension()
