"""Stand-in: options of ComfyUI's command line."""

from types import SimpleNamespace

args = SimpleNamespace(disable_metadata=False)
