"""Any mesh as a field: where a fit begins, or what bounds one."""

from comfy_api.latest import io

from . import sockets
from .base import CATEGORY, Node, where_known
from .convert import mesh_from_host
from .host import ComfyProgress
from .mesh import MESH_TIP


class MeshToField(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_MeshToField",
            display_name="Mesh to Field (Signed Distance)",
            **where_known(search_aliases=["mesh to sdf", "signed distance", "winding number", "mend mesh", "remesh"]),
            category=f"{CATEGORY}/shape",
            description="Signed distances of any mesh, closed or with holes: connect them to Fit VolSDF as start, and "
            "the photos mend the mesh.",
            inputs=[
                io.Mesh.Input("mesh", tooltip=MESH_TIP + " Open sheets enclose nothing."),
                io.Int.Input(
                    "resolution", default=128, min=16, max=256, step=16,
                    tooltip="Nodes along a side of the grid; thinner parts than a cell get lost. As fine as the fit's.",
                ),
            ],
            outputs=[
                sockets.Field.Output(
                    "field", display_name="field", tooltip="For Fit VolSDF, Extract Mesh, Render, with its colours."
                )
            ],
        )  # fmt: skip

    @classmethod
    def run(cls, mesh, resolution):
        from ..recon_lib.stages.meshing.mesh_to_field import mesh_to_field

        return io.NodeOutput(mesh_to_field(mesh_from_host(mesh), resolution, progress=ComfyProgress()))


NODES = [MeshToField]
