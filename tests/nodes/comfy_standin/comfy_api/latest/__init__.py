"""Stand-in: the names that the pack takes from `comfy_api.latest`."""

from . import io


class ComfyExtension:
    async def on_load(self) -> None: ...

    async def get_node_list(self) -> list:
        raise NotImplementedError


class Types:
    """Newer versions hold MESH here; 0.3.64 does not."""


__all__ = ["ComfyExtension", "Types", "io"]
