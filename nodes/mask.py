"""Masks: find the object and what hides it, or bring a mask from elsewhere into shape."""

from comfy_api.latest import io

from ..recon_lib.errors import BadInput
from . import sockets
from .base import CATEGORY, Node, where_known
from .convert import (
    WHITE_IS_BACKGROUND,
    WHITE_IS_OBJECT,
    images_from_host,
    images_to_host,
    masks_from_host,
    masks_to_host,
    says_nothing,
)
from .host import ComfyProgress, reserve_memory


def meaning_input(**options) -> io.Combo.Input:
    """What white means in a mask."""
    return io.Combo.Input(
        "meaning", options=[WHITE_IS_OBJECT, WHITE_IS_BACKGROUND], default=WHITE_IS_OBJECT,
        tooltip="Segmentation nodes mark the object white. Load Image marks what is transparent, that is the "
        "background; its mask is empty (black) for a picture without transparency.",
        **options,
    )  # fmt: skip


class Segment(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_Segment",
            display_name="Segment (Removal: Background, rembg)",
            **where_known(
                search_aliases=["background removal", "remove background", "rembg", "segment", "matting", "mask"]
            ),
            category=f"{CATEGORY}/masks",
            description="Finds the main object of a photo and what stands in front of it, as masks.",
            inputs=[
                sockets.Model.Input("model", tooltip="From Load Reconstruction Model (ZeroShape-W)."),
                io.Image.Input("image", tooltip="Photos as they are; each of a batch is looked at by itself."),
            ],
            outputs=[
                io.Mask.Output("object_mask", display_name="object", tooltip="1 where the object is seen; soft edges."),
                io.Mask.Output(
                    "occluder_mask", display_name="occluder", tooltip="1 where something else hides the object."
                ),
                io.Image.Output(
                    "overlay", display_name="overlay", tooltip="The photo with the object green and the occluder red."
                ),
                io.Mask.Output(
                    "amodal", display_name="amodal mask",
                    tooltip="Both in one, as Amodal3R wants it: object grey, occluder black, background white.",
                ),
            ],
        )  # fmt: skip

    @classmethod
    def run(cls, model, image):
        from ..recon_lib.render.pictures import mask_picture
        from ..recon_lib.stages.single_view.mask import amodal_mask, segment

        images, progress = images_from_host(image), ComfyProgress()
        found = segment(model, images, device=reserve_memory(model), progress=progress)
        overlay = mask_picture(images, found.object, found.occluder)
        progress.report(overlay[0])
        masks = (masks_to_host(mask) for mask in (found.object, found.occluder, amodal_mask(found)))
        seen, hiding, both = masks
        return io.NodeOutput(seen, hiding, images_to_host(overlay), both)


class PrepareMask(Node):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Recon3D_PrepareMask",
            display_name="Prepare Mask",
            **where_known(search_aliases=["mask", "invert mask", "alpha"]),
            category=f"{CATEGORY}/masks",
            description="Turns a mask the right way round, fits it to its picture and says if it marks nothing.",
            inputs=[
                io.Image.Input("image", tooltip="The picture that the mask belongs to."),
                io.Mask.Input("mask", tooltip="One mask for all pictures, or one each; scaled to the picture's size."),
                meaning_input(),
            ],
            outputs=[
                io.Mask.Output("object_mask", display_name="mask", tooltip="1 = object, at the picture's size."),
                io.Image.Output(
                    "overlay", display_name="overlay", tooltip="The picture with the object green, for checking."
                ),
            ],
        )  # fmt: skip

    @classmethod
    def run(cls, image, mask, meaning):
        from ..recon_lib.render.pictures import mask_picture

        images = images_from_host(image)
        if says_nothing(mask, images):
            raise BadInput("The photo has no transparency, so Load Image gives no mask; use Segment.")
        masks = masks_from_host(mask, images, meaning)
        return io.NodeOutput(masks_to_host(masks), images_to_host(mask_picture(images, masks)))


NODES = [Segment, PrepareMask]
