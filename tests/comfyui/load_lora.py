"""Run by ComfyUI's Python: python load_lora.py COMFYUI LORA OUT.safetensors

Does with a tiny Stable Diffusion what the node Load LoRA does, and writes by how much each weight changed.
"""

import sys
from pathlib import Path


def main(comfyui: str, lora: str, out: str) -> None:
    sys.path[:0] = [comfyui, str(Path(__file__).parent)]
    sys.argv[1:] = ["--cpu"]
    import comfy.options

    comfy.options.enable_args_parsing()
    import comfy.sd
    import comfy.utils
    import tiny_sd
    from safetensors.torch import save_file

    tiny_sd.UNET["context_dim"] = 8  # as in the diffusers folder that the LoRA was made with
    untuned = tiny_sd.tiny_unet()
    before = {key: value.clone() for key, value in untuned.model.state_dict().items()}
    tuned, _ = comfy.sd.load_lora_for_models(untuned, None, comfy.utils.load_torch_file(lora, safe_load=True), 1.0, 0.0)
    tuned.patch_model()
    after = tuned.model.state_dict()
    save_file({key: (after[key] - before[key]).contiguous() for key in tuned.patches}, out)


if __name__ == "__main__":
    main(*sys.argv[1:])
