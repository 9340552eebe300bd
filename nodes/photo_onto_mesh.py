"""Photos onto meshes of any origin: the pose of a mesh in a photo, and the photo's colours on the mesh."""

import logging

import torch
from comfy_api.latest import io

from ..recon_lib.errors import BadInput
from . import sockets
from .base import CATEGORY, Node, where_known
from .convert import (
    WHITE_IS_OBJECT,
    images_to_host,
    masks_from_host,
    masks_to_host,
    mesh_from_host,
    mesh_to_host,
    one_image,
)
from .host import ComfyProgress, picture_on_node
from .mask import meaning_input
from .mesh import FOLDER, MESH_TIP

log = logging.getLogger("recon3d")


class AlignMesh(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_AlignMesh",
            display_name="Align Mesh to Photo (Camera Match)",
            **where_known(search_aliases=["camera match", "pose estimation", "fit mesh to photo", "align mesh"]),
            category=f"{CATEGORY}/cameras",
            description="Finds camera and lens under which a mesh of any origin looks like a photo of the thing.",
            inputs=[
                io.Mesh.Input("mesh", tooltip=MESH_TIP + " It may be turned any way, open, with or without colours."),
                io.Image.Input("image", tooltip="One photo that shows the thing as a whole."),
                io.Mask.Input("mask", tooltip="1 = object. For Load Image's mask change meaning."),
                sockets.Cameras.Input(
                    "cameras", optional=True, tooltip="The photo's lens, if you know it; its pose does not matter."
                ),
                sockets.Views.Input(
                    "surface", optional=True,
                    tooltip="Views of Visible Surface or Views from Geometry of this photo: their normals help with "
                    "meshes without colours.",
                ),
                io.Int.Input(
                    "answer", default=1, min=1, max=4,
                    tooltip="Where a mesh looks alike from several sides, or the first answer is wrong: take the next.",
                ),
                meaning_input(optional=True),
            ],
            outputs=[
                sockets.Views.Output("posed", display_name="views", tooltip="The photo with its camera and mask."),
                sockets.Cameras.Output("cameras_out", display_name="cameras", tooltip="All answers, best first."),
                io.Float.Output("fit", display_name="fit", tooltip="0-1; below 0.6 the photo may show another thing."),
                io.String.Output("report", display_name="report", tooltip="Scores of all answers."),
                io.Image.Output("picture", display_name="picture", tooltip="Photo, mesh, and both over each other."),
            ],
        )  # fmt: skip

    @classmethod
    def run(cls, mesh, image, mask, cameras=None, surface=None, answer=1, meaning=WHITE_IS_OBJECT):
        from ..recon_lib.cameras.camera import Cameras
        from ..recon_lib.stages.posing.onto_photo.align import align_mesh, photo_view
        from ..recon_lib.stages.posing.onto_photo.picture import overlay
        from ..recon_lib.stages.posing.onto_photo.report import doubt, fit_report

        photo, solid = one_image(image), mesh_from_host(mesh)
        view = photo_view(photo, masks_from_host(mask, photo, meaning), cameras, _normals(surface, photo))
        answers = align_mesh(solid, view, known_lens=cameras is not None, progress=ComfyProgress())
        if answer > len(answers):
            raise BadInput(f"There is no answer {answer} among {len(answers)}; lower the number.")
        chosen, report = answers[answer - 1], fit_report(answers)
        if doubt(answers):
            log.warning(doubt(answers))
        posed = type(view)(view.images, chosen.cameras, view.masks)
        picture = overlay(solid, posed)
        all_cameras = Cameras.cat([each.cameras for each in answers])
        outputs = posed, all_cameras, chosen.score.fit, report, images_to_host(picture)
        return io.NodeOutput(*outputs, ui={**picture_on_node(picture[0]), "text": [report]})


def _normals(surface, photo):
    """Normals [1,3,H,W] of the surface's view of this photo; None where nothing is connected."""
    if surface is None:
        return None
    if len(surface) != 1 or surface.normals is None or surface.images.shape != photo.shape:
        raise BadInput("The surface must be one view with normals of this very photo; connect Visible Surface's views.")
    return surface.normals.clone()


class ProjectViews(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_ProjectViews",
            display_name="Project Views onto Mesh (Photo to Texture)",
            **where_known(
                search_aliases=["project texture", "photo to texture", "texture projection", "retexture", "bake photo"]
            ),
            category=FOLDER,
            description="Puts posed photos onto a mesh of any origin. Its UVs, and its colours where no photo shows "
            "it, stay; the first photo wins.",
            inputs=[
                io.Mesh.Input("mesh", tooltip=MESH_TIP + " One that photos are on already keeps them."),
                sockets.Views.Input("views", tooltip="From Align Mesh to Photo, Make View or Load Views; first wins."),
                io.Int.Input(
                    "size", default=2048, min=16, max=8192, step=16,
                    tooltip="Texels a side at least: a smaller texture of the mesh is enlarged.",
                ),
                io.Combo.Input(
                    "elsewhere", options=["auto", "own", "continue"], default="auto",
                    tooltip="Where no photo shows the mesh. own: its own colours, blended at the seam. continue: the "
                    "mirror image, or a continuation of what is seen. auto: own, if it has colours.",
                ),
                io.Float.Input(
                    "blend", default=0.1, min=0.0, max=10.0, step=0.01,
                    tooltip="Width over which own colours are brought to the photos', in parts of the mesh's extent. "
                    "0: a hard seam.",
                ),
                io.Boolean.Input(
                    "level", default=False,
                    tooltip="Bring later photos to the colours of the first one where they meet: for photos in "
                    "different light.",
                ),
                io.Boolean.Input(
                    "mirror", default=True,
                    tooltip="With continue: unseen parts take the colours of their mirror image, if the shape has one.",
                ),
            ],
            outputs=[
                io.Mesh.Output("painted", display_name="mesh", tooltip="The same mesh with the photos on it."),
                io.Image.Output(
                    "sources", display_name="sources",
                    tooltip="The texture's texels: a colour for each photo, light grey own, dark grey guessed.",
                ),
                io.Mask.Output("unseen", display_name="unseen", tooltip="1 = texels that no photo shows."),
                io.String.Output("report", display_name="report", tooltip="What was seen, and what became of the UVs."),
            ],
        )  # fmt: skip

    @classmethod
    def run(cls, mesh, views, size, elsewhere, blend, level, mirror):
        from ..recon_lib.render.mesh import turntable
        from ..recon_lib.stages.meshing.painted import GUESSED, OWN
        from ..recon_lib.stages.meshing.project import project_views
        from ..recon_lib.stages.meshing.source_picture import source_picture

        options = {"size": size, "elsewhere": elsewhere, "blend": blend, "level": level, "mirror": mirror}
        found = project_views(mesh_from_host(mesh), views, **options, progress=ComfyProgress())
        shown = torch.cat(list(turntable(found.mesh, 4, size=192, shading="albedo").images), -1)
        source = found.vertex_source[None] if found.texel_source is None else found.texel_source
        unseen = ((source == OWN) | (source == GUESSED)).float()[None, None]
        outputs = mesh_to_host(found.mesh), images_to_host(source_picture(source)), masks_to_host(unseen), str(found)
        return io.NodeOutput(*outputs, ui=picture_on_node(shown))


NODES = [AlignMesh, ProjectViews]
