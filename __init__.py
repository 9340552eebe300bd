"""ComfyUI's door to the pack: which nodes there are, and where their help pages lie."""

from .nodes import comfy_entrypoint

WEB_DIRECTORY = "./web"

__all__ = ["WEB_DIRECTORY", "comfy_entrypoint"]
