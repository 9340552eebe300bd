"""The photo that a mesh is fitted to, as square pictures around the object at any size."""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ....cameras.camera import Cameras
from ....errors import BadInput
from ....views.square_crop import SquareCrop
from ....views.views import Views
from .looks import Looks, looks_of_photo

SHARE = 0.7  # the object's longer side over the crop's side
LEAST_PIXELS = 16  # of the mask


@dataclass(frozen=True)
class Target:
    """One photo of S x S pixels around its object."""

    looks: Looks  # [1,...]
    framed: Tensor  # [S,S] bool: within the photo
    camera: Cameras  # one, of S x S pixels; its pose means nothing
    image: Tensor  # [1,3,S,S] sRGB

    @property
    def side(self) -> int:
        """Pixels."""
        return self.framed.shape[-1]


@dataclass(frozen=True)
class Photo:
    """A photo with the mask of an object."""

    view: Views  # one; the camera's pose means nothing; normals where they are known
    crop: SquareCrop

    @classmethod
    def of(cls, view: Views) -> "Photo":
        """Raises `BadInput` for anything but one view, and for a mask that marks next to nothing or everything."""
        if len(view) != 1:
            raise BadInput(f"{len(view)} photos were given, and a mesh is aligned to one; align them one at a time.")
        marked = int((view.masks > 0.5).sum())
        if marked < LEAST_PIXELS:
            raise BadInput("The mask marks nothing in the photo; white (1) must mark the object.")
        if marked == view.masks.numel():
            raise BadInput("The mask covers the whole photo, so the object has no outline; mark the object alone.")
        return cls(view, SquareCrop.around(view.masks[0, 0], SHARE))

    def at(self, side: int) -> Target:
        """The target of side x side pixels."""
        view, crop = self.view, self.crop
        mask = crop.crop_coverage(view.masks, side)
        framed = crop.crop_coverage(torch.ones_like(view.masks), side)[0, 0] > 0.99
        normals = None
        if view.normals is not None:
            normals, covered = crop.crop_masked(view.normals, view.masks, side)
            normals = F.normalize(normals, dim=1) * (covered > 0.5)
        image = crop.crop_masked(view.images, view.masks, side)[0]
        camera = replace(
            view.cameras, intrinsics=crop.crop_intrinsics(view.cameras.intrinsics, side), height=side, width=side
        )
        return Target(looks_of_photo(image, mask, normals), framed, camera, image)
