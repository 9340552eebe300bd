"""Stable Diffusion folders with random weights, a few hundred kilobytes each."""

import json
from pathlib import Path

WIDTH = 8


def _words(folder: Path) -> dict:
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = ["<|startoftext|>", "<|endoftext|>", "a</w>", "b</w>", "c</w>"]
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(vocabulary)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return {"vocab_file": str(folder / "vocab.json"), "merges_file": str(folder / "merges.txt"), "model_max_length": 8}


def _text_config():
    from transformers import CLIPTextConfig

    return CLIPTextConfig(
        vocab_size=5, hidden_size=WIDTH, intermediate_size=WIDTH, num_hidden_layers=2, num_attention_heads=1,
        max_position_embeddings=8, bos_token_id=0, eos_token_id=1, pad_token_id=1, projection_dim=WIDTH,
    )  # fmt: skip


def _unet(in_channels: int, **options):
    from diffusers import UNet2DConditionModel

    shape = {
        "sample_size": 16, "in_channels": in_channels, "out_channels": 4, "block_out_channels": (WIDTH, 2 * WIDTH),
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"), "layers_per_block": 1, "norm_num_groups": 4,
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"), "cross_attention_dim": WIDTH, "attention_head_dim": 4,
    }  # fmt: skip
    return UNet2DConditionModel(**{**shape, **options})


def _parts(folder: Path, in_channels: int, **unet) -> dict:
    import torch
    from diffusers import AutoencoderKL, DDIMScheduler
    from transformers import CLIPTextModel, CLIPTokenizer

    torch.manual_seed(0)
    vae = AutoencoderKL(
        block_out_channels=(WIDTH, WIDTH), norm_num_groups=4, latent_channels=4, sample_size=32,
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
    )  # fmt: skip
    return {
        "unet": _unet(in_channels, **unet),
        "vae": vae,
        "scheduler": DDIMScheduler(beta_schedule="scaled_linear", steps_offset=1, clip_sample=False),
        "text_encoder": CLIPTextModel(_text_config()).eval(),
        "tokenizer": CLIPTokenizer(**_words(folder / "words")),
    }


def tiny_sd(root: Path, name: str = "tiny-sd", inpainting: bool = False, **unet) -> Path:
    """Stable Diffusion 1.5's shape; with `inpainting` the network that takes a mask. unet: what differs of its UNet."""
    from diffusers import StableDiffusionInpaintPipeline, StableDiffusionPipeline

    made = StableDiffusionInpaintPipeline if inpainting else StableDiffusionPipeline
    parts = _parts(root.parent, 9 if inpainting else 4, **unet)
    pipeline = made(**parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    pipeline.save_pretrained(root / name)
    return root / name


def tiny_sdxl(root: Path, name: str = "tiny-xl") -> Path:
    """SDXL's shape: two text encoders, sizes as further conditions."""
    import torch
    from diffusers import StableDiffusionXLPipeline
    from transformers import CLIPTextModelWithProjection, CLIPTokenizer

    parts = _parts(
        root.parent, 4, cross_attention_dim=2 * WIDTH, addition_embed_type="text_time", addition_time_embed_dim=WIDTH,
        projection_class_embeddings_input_dim=7 * WIDTH, transformer_layers_per_block=1,
    )  # fmt: skip
    torch.manual_seed(1)
    second = CLIPTextModelWithProjection(_text_config()).eval()
    tokenizer = CLIPTokenizer(**_words(root.parent / "words"))
    StableDiffusionXLPipeline(**parts, text_encoder_2=second, tokenizer_2=tokenizer).save_pretrained(root / name)
    return root / name


def tiny_control(root: Path, name: str = "tiny-depth") -> Path:
    """A ControlNet for `tiny_sd`."""
    import torch
    from diffusers import ControlNetModel

    torch.manual_seed(2)
    made = ControlNetModel.from_unet(_unet(4), conditioning_embedding_out_channels=(4, WIDTH))
    for parameter in made.parameters():  # its last layers are zero: it would change nothing
        torch.nn.init.normal_(parameter, std=0.1)
    made.save_pretrained(root / name)
    return root / name
