"""Meshes: extracted from a field, and textured."""

from comfy_api.latest import io

from . import sockets
from .base import CATEGORY, Node, advanced, where_known
from .convert import mesh_from_host, mesh_to_host
from .host import ComfyProgress, device
from .pictures import mesh_picture

FOLDER = f"{CATEGORY}/mesh"
MESH_TIP = "A mesh of this pack or of ComfyUI's own nodes."


class ExtractMesh(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_ExtractMesh",
            display_name="Extract Mesh (Marching Cubes)",
            **where_known(search_aliases=["marching cubes", "isosurface", "field to mesh"]),
            category=FOLDER,
            description="The surface of a field as triangles: a coarse look first, then fine cells where it passes.",
            inputs=[
                sockets.Field.Input("field", tooltip="From Complete Shape or any other stage that makes a field."),
                io.Int.Input(
                    "resolution", default=256, min=8, max=1024, step=8,
                    tooltip="Cells along the longest side. 256 is fine enough for most shapes; twice that takes four "
                    "times as long.",
                ),
                io.Float.Input(
                    "level", default=0.0, min=-100.0, max=100.0, step=0.1, **advanced(),
                    tooltip="Value at which the surface lies; above 0 the shape gets thinner.",
                ),
                io.Boolean.Input(
                    "largest_only", default=True,
                    tooltip="Keep only the largest connected surface: drops floating bits, and walls of inner hollows.",
                ),
                io.Int.Input("smooth", default=0, min=0, max=100, tooltip="Smoothing passes; 5 is usual."),
                io.Int.Input(
                    "max_faces", default=0, min=0, max=10_000_000, step=1000,
                    tooltip="Reduce to about this many triangles; 0 keeps all.",
                ),
                io.Boolean.Input(
                    "fairing", default=True, **advanced(),
                    tooltip="Remove the bumps that a fit leaves where photos are plain, and steps and seams of a "
                    "single photo's shape. Fields of meshes keep all.",
                ),
            ],
            outputs=[io.Mesh.Output("mesh", display_name="mesh", tooltip="Closed triangle mesh without colours.")],
        )  # fmt: skip

    @classmethod
    def run(cls, field, resolution, level, largest_only, smooth, max_faces, fairing=True):
        from ..recon_lib.stages.meshing.extract import extract_mesh

        options = {"level": level, "largest": largest_only, "fairing": fairing, "smooth": smooth}
        options["faces"] = max_faces or None
        progress = ComfyProgress()
        found = extract_mesh(field, resolution, **options, device=device(), progress=progress)
        progress.report(mesh_picture(found.mesh))
        return io.NodeOutput(mesh_to_host(found.mesh))


class BakeTexture(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_BakeTexture",
            display_name="Bake Texture (UV Unwrap)",
            **where_known(search_aliases=["uv unwrap", "unwrap", "texture", "xatlas"]),
            category=FOLDER,
            description="Unwraps a mesh and paints it with what the views show; the rest is continued from there.",
            inputs=[
                io.Mesh.Input("mesh", tooltip=MESH_TIP),
                sockets.Views.Input("views", optional=True, tooltip="Pictures to take the colours from."),
                sockets.Field.Input("field", optional=True, tooltip="Gives the colour where no view looks."),
                io.Int.Input("size", default=1024, min=16, max=8192, step=16, tooltip="Texels a side."),
                io.Int.Input(
                    "max_faces", default=20_000, min=100, max=1_000_000, step=1000,
                    tooltip="The mesh is first reduced to this many triangles; unwrapping more takes long.",
                ),
                io.Boolean.Input(
                    "mirror", default=True,
                    tooltip="Where the shape has a plane of symmetry, unseen parts take the colours of their mirror "
                    "image.",
                ),
            ],
            outputs=[io.Mesh.Output("textured", display_name="mesh", tooltip="With UVs and texture.")],
        )  # fmt: skip

    @classmethod
    def run(cls, mesh, size, max_faces, mirror, views=None, field=None):
        from ..recon_lib.stages.meshing.texture import bake_texture

        options = {"size": size, "max_faces": max_faces, "mirror": mirror}
        progress = ComfyProgress()
        baked = bake_texture(mesh_from_host(mesh), views, field=field, **options, progress=progress)
        progress.report(mesh_picture(baked, "lit"))
        return io.NodeOutput(mesh_to_host(baked))


class SimplifyMesh(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_SimplifyMesh",
            display_name="Simplify, Decimate, Smooth Mesh",
            **where_known(search_aliases=["decimate", "simplify", "smooth mesh", "reduce polygons", "clean mesh"]),
            category=FOLDER,
            description="Fewer triangles, smoother, without loose bits. Colours go where triangles are saved: bake "
            "the texture afterwards.",
            inputs=[
                io.Mesh.Input("mesh", tooltip=MESH_TIP),
                io.Int.Input(
                    "max_faces", default=20_000, min=0, max=10_000_000, step=1000,
                    tooltip="Reduce to about this many triangles; 0 keeps all.",
                ),
                io.Int.Input("smooth", default=0, min=0, max=100, tooltip="Smoothing passes; 5 is usual."),
                io.Boolean.Input(
                    "largest_only", default=False, tooltip="Keep only the largest connected surface: drops loose bits."
                ),
            ],
            outputs=[io.Mesh.Output("simplified", display_name="mesh", tooltip="The same shape, changed.")],
        )  # fmt: skip

    @classmethod
    def run(cls, mesh, max_faces, smooth, largest_only):
        from ..recon_lib.meshes.clean import cleaned

        options = {"largest": largest_only, "smooth": smooth, "faces": max_faces or None}
        progress = ComfyProgress()
        progress.start("Simplify mesh", 1)
        changed = cleaned(mesh_from_host(mesh), **options, check=progress.check)
        progress.step(mesh_picture(changed))
        return io.NodeOutput(mesh_to_host(changed))


NODES = [ExtractMesh, BakeTexture, SimplifyMesh]
