"""The unseen side: load a painter, let it complete a view, or join what other nodes painted."""

from comfy_api.latest import io

from ..recon_lib.stages.outpainting.outlines import OUTLINES, SURFACE
from ..recon_lib.weights.inpainters import find_depth_controls, find_folder, find_inpaint_folders, find_outpainters
from ..recon_lib.weights.lora_files import find_loras
from . import sockets
from .base import Node, advanced, seed_input
from .carve import FOLDER
from .convert import images_to_host, masks_from_host, masks_to_host, one_image
from .host import (
    ComfyProgress,
    changed,
    device,
    lora_folders,
    make_room,
    model_folders,
    pipeline_folders,
    reserve_memory,
)

PLAIN, NO_CONTROL, NO_LORA = "nearest seen colour (no model)", "none", "none"
PRECISIONS = ("automatic", "float32", "float16", "bfloat16")


class LoadOutpainter(Node):
    @classmethod
    def define_schema(cls):
        names = [card.name for card in find_outpainters(model_folders())] + [PLAIN]
        names += [folder.name for folder in find_inpaint_folders(pipeline_folders())]
        controls = [NO_CONTROL] + [folder.name for folder in find_depth_controls(pipeline_folders())]
        return io.Schema(
            node_id="Recon3D_LoadOutpainter",
            display_name="Load Outpainter",
            category=FOLDER,
            description="What paints unseen parts: the embedded model, or a Stable Diffusion folder on this machine.",
            inputs=[
                io.Combo.Input(
                    "name", options=names, default=names[0],
                    tooltip="Embedded models first. Diffusers folders of Stable Diffusion 1.5, 2 and XL, made for "
                    "inpainting or not, lie in models/diffusers or models/recon3d. Nothing is downloaded.",
                ),
                io.Combo.Input(
                    "control", options=controls, default=NO_CONTROL,
                    tooltip="For Stable Diffusion: a ControlNet folder trained on depth, so that the current surface "
                    "leads the brush.",
                ),
                io.Int.Input("steps", default=0, min=0, max=500, tooltip="Of the sampler; 0 = the model's usual."),
                io.Int.Input(
                    "size", default=0, min=0, max=2048, step=8,
                    tooltip="Pixels of the square that is painted; 0 = what the model was trained on.",
                ),
                io.Float.Input(
                    "guidance", default=7.5, min=1.0, max=30.0, step=0.5, **advanced(),
                    tooltip="For Stable Diffusion: how closely the prompt is followed.",
                ),
                io.Float.Input(
                    "strength", default=1.0, min=0.05, max=1.0, step=0.05, **advanced(),
                    tooltip="For Stable Diffusion: below 1, the nearest seen colours are the start of the painting.",
                ),
                io.Float.Input(
                    "control_strength", default=0.7, min=0.0, max=2.0, step=0.05, **advanced(),
                    tooltip="How strongly the ControlNet leads.",
                ),
                io.Combo.Input(
                    "precision", options=list(PRECISIONS), default=PRECISIONS[0], **advanced(),
                    tooltip="For Stable Diffusion: automatic is float16 on CUDA and float32 elsewhere.",
                ),
                io.Combo.Input(
                    "lora", options=[NO_LORA, *find_loras(lora_folders())], default=NO_LORA, optional=True,
                    tooltip="What the painter learned of an object: a file of Personalise Painter, or for Stable "
                    "Diffusion any LoRA. They lie in models/loras, output/loras or models/recon3d/loras.",
                ),
            ],
            outputs=[sockets.Outpainter.Output("outpainter", display_name="outpainter", tooltip="For Outpaint View.")],
        )  # fmt: skip

    @classmethod
    def fingerprint_inputs(cls, name, control=NO_CONTROL, lora=NO_LORA, **_):
        known = find_outpainters(model_folders())
        known += find_inpaint_folders(pipeline_folders()) + find_depth_controls(pipeline_folders())
        learned = [path for told, path in find_loras(lora_folders()).items() if told == lora]
        return [changed(path) for path in [e.path for e in known if e.name in (name, control)] + learned]

    @classmethod
    def run(cls, name, control, steps, size, guidance, strength, control_strength, precision, lora=NO_LORA):
        import torch

        from ..recon_lib.stages.outpainting.painter_diffusers import USUAL_STEPS, DiffusersPainter
        from ..recon_lib.stages.outpainting.painter_embedded import load_embedded_painter
        from ..recon_lib.stages.outpainting.painter_plain import PlainPainter
        from ..recon_lib.stages.outpainting.personalize.painter import with_lora

        if name == PLAIN:
            painter = PlainPainter(size) if size else PlainPainter()
        elif name in [card.name for card in find_outpainters(model_folders())]:
            options = {"device": device(), "steps": steps or None, "square": size or None}
            painter = load_embedded_painter(name, model_folders(), **options)
        else:
            controls = find_depth_controls(pipeline_folders())
            painter = DiffusersPainter(
                find_folder(name, find_inpaint_folders(pipeline_folders())),
                None if control == NO_CONTROL else find_folder(control, controls),
                device=device(),
                dtype=getattr(torch, precision, None),
                steps=steps or USUAL_STEPS,
                strength=strength,
                guidance=guidance,
                control_scale=control_strength,
                square=size or None,
            )
        if lora != NO_LORA:
            painter = with_lora(painter, find_loras(lora_folders())[lora])
        return io.NodeOutput(painter)


class OutpaintView(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_OutpaintView",
            display_name="Outpaint View",
            category=FOLDER,
            description="Paints what nobody saw of the next view. What was seen stays as it was, bit by bit.",
            inputs=[
                sockets.Outpainter.Input("outpainter", tooltip="From Load Outpainter."),
                sockets.OutpaintMask.Input("gap", tooltip="From Outpainting Mask."),
                io.String.Input(
                    "prompt", default="", multiline=True,
                    tooltip="What the object is. The embedded model reads no prompt.",
                ),
                seed_input("Another seed paints another unseen side."),
                number_input(),
                io.Mask.Input(
                    "mask", optional=True,
                    tooltip="1 = to be painted, in place of the gap's own; it is cut to the hull's silhouette.",
                ),
                *joining_inputs(),
                outline_input(),
            ],
            outputs=painted_outputs(),
        )  # fmt: skip

    @classmethod
    def run(cls, outpainter, gap, prompt, seed, number, mask=None, model=None, views=None, outline=SURFACE):
        from ..recon_lib.stages.outpainting.outpaint import outpaint, pick, with_mask

        gap, progress = pick(gap, number - 1), ComfyProgress()
        gap = with_mask(gap, masks_from_host(mask, gap.images))
        make_room(getattr(outpainter, "bytes", 0))
        painted = outpaint(outpainter, gap, prompt=prompt, seed=seed, outline=outline, progress=progress)
        progress.report(painted.image[0])
        return joined(painted, gap, model, views, progress)


class JoinPaintedView(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_JoinPaintedView",
            display_name="Join Painted View",
            category=FOLDER,
            description="Makes a view of a picture that other nodes painted, a KSampler for instance.",
            inputs=[
                io.Image.Input("image", tooltip="The painted picture, of the gap's proportions and any size."),
                sockets.OutpaintMask.Input(
                    "gap", tooltip="From Outpainting Mask, whose image and mask were painted on."
                ),
                number_input(),
                io.Mask.Input(
                    "mask", optional=True,
                    tooltip="1 = object in the painted picture. Nothing connected: as outline says.",
                ),
                *joining_inputs(),
                outline_input(),
            ],
            outputs=painted_outputs(),
        )  # fmt: skip

    @classmethod
    def run(cls, image, gap, number, mask=None, model=None, views=None, outline=SURFACE):
        from ..recon_lib.stages.outpainting.outpaint import join_painted, pick

        gap, image = pick(gap, number - 1), one_image(image)
        painted = join_painted(gap, image, masks_from_host(mask, image), outline)
        return joined(painted, gap, model, views, ComfyProgress())


# -- what both ways share -------------------------------------------------------------------------------------


def number_input() -> io.Int.Input:
    return io.Int.Input(
        "number", default=1, min=1, max=4096, tooltip="Which camera of the gap, where it has several; 1 is the first."
    )


def outline_input() -> io.Combo.Input:
    return io.Combo.Input(
        "outline", options=list(OUTLINES), default=SURFACE, optional=True,
        tooltip="Whose outline the object has: the current surface's, which gets colours then, or what was painted "
        "within the hull, which changes the shape too.",
    )  # fmt: skip


def joining_inputs() -> list:
    return [
        sockets.Model.Input(
            "model", optional=True,
            tooltip="From Load Reconstruction Model: adds depth and normals of the painted view, brought to the "
            "current surface. Nothing connected: the view has none.",
        ),
        sockets.Views.Input("views", optional=True, tooltip="Earlier views that the painted one is added to."),
    ]  # fmt: skip


def painted_outputs() -> list:
    return [
        sockets.Views.Output("views_out", display_name="views", tooltip="Earlier views and the painted one."),
        io.Image.Output("image_out", display_name="image", tooltip="The completed view on white."),
        io.Mask.Output("mask_out", display_name="mask", tooltip="1 = object: what was seen, and what was painted."),
    ]


def joined(painted, gap, model, views, progress) -> io.NodeOutput:
    """The painted view behind the earlier ones, its picture and its mask."""
    from ..recon_lib.stages.outpainting.view import monocular_cues, painted_views
    from ..recon_lib.views.views import Views

    cues = None
    if model is not None:
        cues = monocular_cues(model, painted.image, painted.mask, reserve_memory(model), progress)
    view = painted_views(painted.image, painted.mask, gap, cues)
    every = view if views is None else Views.cat([views, view])
    return io.NodeOutput(every, images_to_host(painted.image), masks_to_host(painted.mask))


NODES = [LoadOutpainter, OutpaintView, JoinPaintedView]
