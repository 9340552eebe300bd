"""Mesh files: loaded from ComfyUI's input folder, saved to its output folder."""

from pathlib import Path
from typing import TYPE_CHECKING

from comfy_api.latest import io

from . import sockets
from .base import Node, where_known
from .convert import mesh_from_host, mesh_to_host
from .host import ComfyProgress, changed, graph_texts, input_files, input_path, output_path, reserve_memory
from .mesh import FOLDER, MESH_TIP

if TYPE_CHECKING:
    from ..recon_lib.cameras.camera import Cameras
    from ..recon_lib.meshes.mesh import Mesh
    from ..recon_lib.views.views import Views

UPRIGHT_MODEL = "list_mini"
ENDINGS = {".glb", ".gltf", ".obj", ".ply", ".stl"}


class LoadMesh(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_LoadMesh",
            display_name="Load Mesh (GLB, OBJ, PLY, STL)",
            **where_known(search_aliases=["load obj", "load glb", "load stl", "import mesh", "glb"]),
            category=FOLDER,
            description="A mesh file of the input or output folder, with its colours and texture.",
            inputs=[
                io.Combo.Input(
                    "file", options=input_files(ENDINGS),
                    tooltip="GLB, OBJ, PLY or STL in ComfyUI's input folder, then those in its output folder, newest "
                    "first. Press R after adding one.",
                )
            ],
            outputs=[io.Mesh.Output("mesh", display_name="mesh", tooltip="All parts of the file as one mesh.")],
        )  # fmt: skip

    @classmethod
    def fingerprint_inputs(cls, file, **_):
        return changed(input_path(file, "Mesh file"))

    @classmethod
    def run(cls, file):
        from ..recon_lib.meshes.files.mesh_io import load_mesh

        return io.NodeOutput(mesh_to_host(load_mesh(input_path(file, "Mesh file"))))


class SaveMesh(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_SaveMesh",
            display_name="Save Mesh (Export GLB, OBJ, STL)",
            **where_known(search_aliases=["glb", "save glb", "export", "stl", "gltf", "ply", "3d print"]),
            category=FOLDER,
            description="Writes a mesh with its texture into the output folder, upright and in real size if wanted.",
            is_output_node=True,
            inputs=[
                io.Mesh.Input("mesh", tooltip=MESH_TIP),
                io.String.Input(
                    "filename_prefix", default="3d/object",
                    tooltip="Path below ComfyUI's output folder; a number is added, nothing is overwritten.",
                ),
                io.Combo.Input(
                    "format", options=["glb", "obj", "ply", "stl"], default="glb",
                    tooltip="glb keeps texture or vertex colours in one file, and the graph: drop it onto the page. "
                    "obj writes them beside it; ply keeps vertex colours; stl is shape alone, for printing.",
                ),
                io.Combo.Input(
                    "up", options=["default", "y", "z"], default="default",
                    tooltip="The axis that points up. default: y, as glTF and ComfyUI want it, but z for stl.",
                ),
                io.Float.Input(
                    "size_mm", default=0.0, min=0.0, max=100_000.0, step=1.0,
                    tooltip="Longest side in millimetres. 0: 100 mm for stl; the others keep the object's own units.",
                ),
                io.Boolean.Input(
                    "provenance", default=False,
                    tooltip="Write for each vertex whether it was seen, outpainted or inferred (glb, ply).",
                ),
                sockets.Cameras.Input(
                    "cameras", optional=True,
                    tooltip="The photo's camera, written into a glb: in Blender photo and mesh lie over each other.",
                ),
                sockets.Views.Input(
                    "upright", optional=True,
                    tooltip="The photo's views: the mesh is turned so that it stands as the object does, however the "
                    "camera was tilted. The embedded LIST model tells the vertical.",
                ),
            ],
            outputs=[
                io.String.Output("path", display_name="path", tooltip="Relative to the output folder, for Preview 3D."),
                io.String.Output("report", display_name="report", tooltip="Watertight or not, volume, bounds, counts."),
            ],
        )  # fmt: skip

    @classmethod
    def run(cls, mesh, filename_prefix, format, up, size_mm, provenance, cameras=None, upright=None):  # noqa: A002

        from ..recon_lib.stages.meshing.export import save_mesh

        progress, solid = ComfyProgress(), mesh_from_host(mesh)
        if upright is not None:
            solid, cameras = _stood(solid, cameras, upright, progress)
        path, entry = output_path(filename_prefix, f".{format}")
        options = {
            "up": None if up == "default" else up, "size_mm": size_mm or None, "provenance": provenance,
            "extras": graph_texts(getattr(cls, "hidden", None)), "cameras": cameras,
        }  # fmt: skip
        report = save_mesh(solid, path, **options, progress=progress)
        name = (Path(entry["subfolder"]) / entry["filename"]).as_posix()
        return io.NodeOutput(name, str(report), ui={"3d": [entry]})


def _stood(
    mesh: "Mesh", cameras: "Cameras | None", views: "Views", progress: ComfyProgress
) -> "tuple[Mesh, Cameras | None]":
    """Mesh and cameras turned upright by the vertical of the views' photo."""
    from ..recon_lib.stages.single_view.stand_upright import cameras_turned, turned, vertical, world_to_upright
    from ..recon_lib.weights.registry import load_model

    model = load_model(UPRIGHT_MODEL)
    turn = world_to_upright(vertical(model, views, reserve_memory(model), progress), views.cameras)
    return turned(mesh, turn), None if cameras is None else cameras_turned(cameras, turn)


NODES = [LoadMesh, SaveMesh]
