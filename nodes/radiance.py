"""Radiance fields: the fit to posed views, and frames along a path of cameras."""

from comfy_api.latest import io

from ..recon_lib.errors import BadInput
from . import sockets
from .base import CATEGORY, Node, advanced, seed_input, where_known
from .convert import images_to_host, masks_to_host
from .host import ComfyProgress, kept_path, reserve_memory
from .render import BACKGROUNDS

CHECKPOINT = "fit_radiance.pt"
ORBIT, SPIRAL, BETWEEN = "orbit", "spiral", "between the cameras"
SHOWN = ("colour", "depth", "normals", "opacity")


class FitRadianceField(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_FitRadianceField",
            display_name="Fit Radiance Field (NeRF)",
            **where_known(search_aliases=["nerf", "radiance field", "novel view", "instant-ngp"]),
            category=f"{CATEGORY}/shape",
            description="Fits density and colour in space to posed views: for new pictures of an object or a scene.",
            inputs=[
                sockets.Views.Input(
                    "views", tooltip="With object masks; masks of ones mean a whole scene around the cameras."
                ),
                sockets.Field.Input(
                    "start", optional=True,
                    tooltip="The shape to begin with. A radiance field of an earlier fit is fitted further.",
                ),
                sockets.Field.Input(
                    "hull", optional=True,
                    tooltip="From Visual Hull: nothing of the object may lie outside of it. Default: the masks' hull.",
                ),
                sockets.Prior.Input(
                    "prior", optional=True,
                    tooltip="From Load View Prior: guides what no view shows (ReconFusion). Objects only; slower.",
                ),
                sockets.Model.Input(
                    "model", optional=True,
                    tooltip="From Load Reconstruction Model: estimates the depth of views that have none, for "
                    "depth_ranking. Helps three photos.",
                ),
                io.Int.Input(
                    "detail", default=144, min=24, max=256, step=8,
                    tooltip="Nodes along each side of the finest grid around the object; coarser grids lie below it. "
                    "About as many as the object is wide in pixels; finer is of no use.",
                ),
                io.Int.Input("steps", default=400, min=1, max=30000, tooltip="More is better and slower."),
                io.Int.Input(
                    "pixels", default=192, min=16, max=1024, step=16,
                    tooltip="Larger pictures are reduced to this longest side for the fit.",
                ),
                seed_input("Chooses the rays of each step."),
                io.Boolean.Input(
                    "hull_start", default=True, tooltip="Begin with the hull of the masks: holds few views together."
                ),
                io.Float.Input(
                    "coarse_first", default=0.0, min=0.0, max=1.0, step=0.05, **advanced(),
                    tooltip="Part of the steps over which finer grids are opened (FreeNeRF); few views: 0.5 to 0.9.",
                ),
                io.Float.Input(
                    "occlusion", default=0.0, min=0.0, max=10.0, step=0.01, **advanced(),
                    tooltip="Weight against matter right before the cameras (FreeNeRF); 0.01 for few views.",
                ),
                io.Float.Input(
                    "depth_ranking", default=0.0, min=0.0, max=10.0, step=0.05, **advanced(),
                    tooltip="Weight of the order of depths that the views' own depth tells (SparseNeRF).",
                ),
                io.Boolean.Input(
                    "exposure", default=False, tooltip="Photos differ in brightness or white balance: find a gain each."
                ),
                io.Boolean.Input(
                    "gradient_scaling", default=False, **advanced(),
                    tooltip="Learn mostly near the depth that the views bring, in world units (G3DR).",
                ),
            ],
            outputs=[
                sockets.Field.Output(
                    "field", display_name="field", tooltip="For Render Path, Extract Mesh, Bake Texture."
                )
            ],
        )  # fmt: skip

    @classmethod
    def run(
        cls, views, detail, steps, pixels, seed, hull_start, coarse_first, occlusion, depth_ranking, exposure,
        gradient_scaling, start=None, hull=None, prior=None, model=None,
    ):  # fmt: skip
        from ..recon_lib.stages.fitting.checkpoint import remove_checkpoint
        from ..recon_lib.stages.fitting.radiance.fit import fit_radiance
        from ..recon_lib.stages.fitting.radiance.settings import RadianceSettings, RadianceWeights
        from ..recon_lib.stages.single_view.view_depths import with_estimated_depths

        settings = RadianceSettings(
            steps=steps, side=pixels, hull_start=hull_start, opening=coarse_first, exposure=exposure,
            gradient_scaling=gradient_scaling, weights=RadianceWeights(occlusion=occlusion, ranking=depth_ranking),
        ).upto(detail)  # fmt: skip
        kept, progress = kept_path(CHECKPOINT), ComfyProgress()
        if model is not None and depth_ranking > 0:
            if gradient_scaling and views.depth is None:
                raise BadInput("gradient_scaling wants depth in world units, which no model of single photos tells.")
            views = with_estimated_depths(model, views, reserve_memory(model), progress)
        fit = fit_radiance(
            views, start=start, hull=hull, settings=settings, prior=prior, seed=seed, checkpoint=kept, progress=progress
        )
        remove_checkpoint(kept)
        return io.NodeOutput(fit.field)


class RenderPath(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_RenderPath",
            display_name="Render Path",
            category=f"{CATEGORY}/views",
            description="A film of a fitted field: frames by volume rendering, for Create Video or Save WEBM.",
            inputs=[
                sockets.Field.Input("field", tooltip="Of Fit Radiance Field or Fit VolSDF."),
                io.Combo.Input(
                    "path", options=[ORBIT, SPIRAL, BETWEEN], default=ORBIT,
                    tooltip="Once around; around and up; or smoothly through the cameras that are connected.",
                ),
                sockets.Cameras.Input(
                    "cameras", optional=True, tooltip="For the path between them; they give the size of the frames."
                ),
                io.Int.Input("frames", default=24, min=1, max=1000, tooltip="Pictures along the path."),
                io.Float.Input(
                    "elevation", default=15.0, min=-90.0, max=90.0, step=1.0,
                    tooltip="Degrees above the horizon; of a spiral, where it ends.",
                ),
                io.Float.Input(
                    "turns", default=2.0, min=0.1, max=20.0, step=0.1, tooltip="Times that a spiral goes around."
                ),
                io.Int.Input("size", default=256, min=16, max=2048, tooltip="Width and height in pixels."),
                io.Combo.Input("shown", options=list(SHOWN), default="colour", tooltip="What the frames show."),
                io.Combo.Input("background", options=list(BACKGROUNDS), default="white", tooltip="Behind the object."),
            ],
            outputs=[
                io.Image.Output("image", display_name="frames", tooltip="One picture per camera."),
                io.Mask.Output("mask", display_name="mask", tooltip="Opacity: 1 = object."),
                sockets.Cameras.Output("route", display_name="cameras", tooltip="The path."),
            ],
        )  # fmt: skip

    @classmethod
    def run(cls, field, path, frames, elevation, turns, size, shown, background, cameras=None):
        from ..recon_lib.cameras.paths import interpolated, spiral
        from ..recon_lib.cameras.turntable import inscribed_sphere, turntable_cameras
        from ..recon_lib.render.frames import render_radiance
        from ..recon_lib.render.pictures import depth_picture, normal_picture

        if path == BETWEEN:
            if cameras is None:
                raise BadInput("A path between cameras needs cameras; connect two or more, or choose an orbit.")
            route = interpolated(cameras, frames)
        else:
            center, radius = inscribed_sphere(field.bounds)
            around = {"size": size, "center": center, "radius": radius}
            if path == SPIRAL:
                route = spiral(frames, turns=turns, lowest=-elevation, highest=elevation, **around)
            else:
                route = turntable_cameras(frames, elevation=elevation, **around)
        film = render_radiance(field, route, background=BACKGROUNDS[background], progress=ComfyProgress())
        pictures = {"colour": film.images, "opacity": film.masks}
        if shown == "depth":
            pictures["depth"] = depth_picture(film.depth)
        elif shown == "normals":
            pictures["normals"] = normal_picture(film.normals)
        return io.NodeOutput(images_to_host(pictures[shown]), masks_to_host(film.masks), route)


NODES = [FitRadianceField, RenderPath]
