"""ComfyUI's IMAGE, MASK, MESH and VOXEL to the library's values and back. Always copies: ComfyUI caches them.

IMAGE is [B,H,W,C] 0-1, MASK [B,H,W]; the library uses [V,3,H,W] and [V,1,H,W].
"""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from torch import Tensor

from ..recon_lib.errors import BadInput
from ..recon_lib.views.prepare import fit_mask, prepare_image, prepare_mask

if TYPE_CHECKING:
    from PIL.Image import Image

    from ..recon_lib.meshes.mesh import Mesh

log = logging.getLogger("recon3d")
WHITE_IS_OBJECT, WHITE_IS_BACKGROUND = "white is the object", "white is the background (Load Image)"
NOTHING_SIDE = 64  # pixels of the mask that Load Image gives for a picture without transparency


def images_from_host(image: Tensor) -> Tensor:
    """IMAGE [B,H,W,C] with 1, 3 or 4 channels -> [B,3,H,W] float32, CPU, 0-1. `BadInput` as `prepare_image`."""
    if not isinstance(image, Tensor) or image.ndim != 4:
        raise BadInput(f"The image is {_told(image)}; ComfyUI's IMAGE [batch, height, width, channels] is needed.")
    return prepare_image(image.movedim(-1, 1).cpu().clone())


def one_image(image: Tensor) -> Tensor:
    """Like `images_from_host` for a batch of exactly one."""
    images = images_from_host(image)
    if len(images) != 1:
        raise BadInput(
            f"The image is a batch of {len(images)} and this node takes one; put Rebatch Images (batch_size 1) before "
            "it and it runs for each, or pick one with Image From Batch."
        )
    return images


def masks_from_host(mask: Tensor | None, images: Tensor, meaning: str = WHITE_IS_OBJECT) -> Tensor | None:
    """MASK -> [V,1,H,W], 1 = object, that fits images [V,3,H,W]; None stays None. `BadInput` as `prepare_mask`.

    meaning: what its white marks. Load Image's mask of a picture without transparency counts as none.
    """
    if mask is None or says_nothing(mask, images):
        return None
    return _fitted(mask if meaning == WHITE_IS_OBJECT else 1 - mask.clone(), images, prepare_mask)


def occluders_from_host(mask: Tensor | None, images: Tensor) -> Tensor | None:
    """The same for masks that may mark nothing. `BadInput` as `fit_mask`."""
    same_size = tuple(images.shape[-2:]) == (NOTHING_SIDE, NOTHING_SIDE)
    if mask is None or (not same_size and says_nothing(mask, images)):
        return None
    return _fitted(mask, images, fit_mask)


def says_nothing(mask: object, images: Tensor) -> bool:
    """True, with a line in the log, for what Load Image gives for a picture without transparency: 64x64 zeros.

    Inverted on the way they are ones, which count alike unless the images [V,3,H,W] are 64x64 themselves.
    """
    if not isinstance(mask, Tensor) or tuple(mask.shape[-2:]) != (NOTHING_SIDE, NOTHING_SIDE):
        return False
    ones = bool((mask == 1).all()) and tuple(images.shape[-2:]) != (NOTHING_SIDE, NOTHING_SIDE)
    if not ones and not bool((mask == 0).all()):
        return False
    log.info("the mask is Load Image's of a picture without transparency: taken as not connected")
    return True


def _fitted(mask: Tensor, images: Tensor, fit: Callable[[Tensor, int, int, int], Tensor]) -> Tensor:
    if not isinstance(mask, Tensor):
        raise BadInput(f"The mask is {_told(mask)}; ComfyUI's MASK [batch, height, width] is needed.")
    count, _, height, width = images.shape
    return fit(mask.cpu().clone(), count, height, width)


def images_to_host(images: Tensor) -> Tensor:
    """[V,3,H,W] or [V,1,H,W] -> IMAGE [V,H,W,3] float32, CPU."""
    return images.detach().cpu().float().expand(-1, 3, -1, -1).movedim(1, -1).clamp(0, 1).contiguous()


def masks_to_host(masks: Tensor) -> Tensor:
    """[V,1,H,W] -> MASK [V,H,W] float32, CPU."""
    return masks.detach()[:, 0].cpu().float().clamp(0, 1).contiguous()


def mesh_from_host(mesh: object) -> "Mesh":
    """MESH of either form, from this pack or another -> the library's `Mesh`. `BadInput` as `mesh_from_comfy`."""
    from ..recon_lib.meshes.files.comfy_mesh import mesh_from_comfy

    return mesh_from_comfy(mesh)


def mesh_to_host(mesh: "Mesh") -> object:
    """The mesh as this ComfyUI's MESH: its own class where it has one, an object with the same fields otherwise."""
    from comfy_api import latest

    from ..recon_lib.meshes.files.comfy_mesh import mesh_to_comfy

    return mesh_to_comfy(mesh, getattr(getattr(latest, "Types", None), "MESH", None))


def voxel_to_host(data: Tensor) -> object:
    """Occupancy [B,D,H,W] (z,y,x) as VOXEL: ComfyUI's own class where it has one, an object like it otherwise."""
    from types import SimpleNamespace

    from comfy_api import latest

    made = getattr(getattr(latest, "Types", None), "VOXEL", None) or SimpleNamespace
    return made(data=data)


def to_pil(image: Tensor) -> "Image":
    """[3,H,W] or [1,H,W] 0-1 -> an RGB picture."""
    from PIL import Image

    return Image.fromarray(images_to_host(image[None])[0].mul(255).round().byte().numpy())


def _told(value: object) -> str:
    """What a value is, for an error's sentence."""
    return f"a tensor {tuple(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
