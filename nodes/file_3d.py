"""FILE_3D of newer ComfyUI, a mesh file on disk or in memory, as a mesh and back."""

import io as streams
from pathlib import Path
from typing import Any

from comfy_api import latest
from comfy_api.latest import io

from ..recon_lib.errors import BadInput
from . import sockets
from .base import Node, where_known
from .convert import mesh_from_host, mesh_to_host
from .host import ComfyProgress, passing_path
from .mesh import FOLDER, MESH_TIP


class MeshFromFile3D(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_MeshFromFile3D",
            display_name="Mesh from File 3D (GLB, OBJ, PLY, STL)",
            **where_known(search_aliases=["file3d", "file to mesh", "load 3d mesh"]),
            category=FOLDER,
            description="The mesh of a FILE_3D, as newer ComfyUI's own 3D nodes hand it on, with colours and texture.",
            inputs=[sockets.File3D.Input("model_3d", tooltip="From Load 3D, or a node that generates 3D files.")],
            outputs=[io.Mesh.Output("mesh", display_name="mesh", tooltip="All parts of the file as one mesh.")],
        )

    @classmethod
    def run(cls, model_3d):
        return io.NodeOutput(mesh_to_host(_read(model_3d)))


class MeshToFile3D(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_MeshToFile3D",
            display_name="Mesh to File 3D (GLB with Camera)",
            **where_known(search_aliases=["file3d", "mesh to file", "glb camera"]),
            category=FOLDER,
            description="The mesh as a GLB in memory, for newer ComfyUI's Preview 3D and Save 3D nodes.",
            inputs=[
                io.Mesh.Input("mesh", tooltip=MESH_TIP),
                sockets.Cameras.Input("cameras", optional=True, tooltip="The photo's camera, written into the file."),
            ],
            outputs=[sockets.File3DGLB.Output("model_3d", display_name="model_3d", tooltip="A GLB with texture.")],
        )

    @classmethod
    def run(cls, mesh, cameras=None):
        from ..recon_lib.stages.meshing.export import save_mesh

        made = getattr(getattr(latest, "Types", None), "File3D", None)
        if made is None:
            raise BadInput("This ComfyUI knows no FILE_3D; use Save Mesh, or update ComfyUI.")
        path = passing_path(".glb")
        try:
            save_mesh(mesh_from_host(mesh), path, cameras=cameras, progress=ComfyProgress())
            content = path.read_bytes()
        finally:
            path.unlink(missing_ok=True)
        return io.NodeOutput(made(streams.BytesIO(content), "glb"))


def _read(file: Any):
    """The mesh of a FILE_3D: on disk where it lies, since a glTF's other files lie beside it; else a copy of it."""
    from ..recon_lib.meshes.files.mesh_io import load_mesh

    source, ending = getattr(file, "get_source", lambda: None)(), str(getattr(file, "format", "")).lower()
    if isinstance(source, str):
        return load_mesh(Path(source))
    if not callable(getattr(file, "get_bytes", None)) or not ending.isalnum():
        raise BadInput(f"The file is a {type(file).__name__}; connect a FILE_3D, such as Load 3D's model_3d.")
    path = passing_path(f".{ending}")
    try:
        path.write_bytes(file.get_bytes())
        return load_mesh(path)
    finally:
        path.unlink(missing_ok=True)


NODES = [MeshFromFile3D, MeshToFile3D]
