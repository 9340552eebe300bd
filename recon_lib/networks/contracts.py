"""Contracts: what a stage may ask of a learned model that reconstructs an object from one image.

A network that honours `ShapeNetwork` works in every stage, node and command of the single view; one that honours
`DenseNetwork` alone gives masks, depth, normals and camera. A `ViewPrior` says what posed pictures don't show.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from ..cameras.camera import Cameras
from ..views.views import Views
from .blocks import DenseFeatures


@dataclass(frozen=True)
class InputSpec:
    """What a network is shown."""

    size: int  # side of the square image, pixels
    finds_masks: bool = True  # masks of object and occluder are predicted; False: they must be given, object on white
    pixel_offset: float = 0.5  # where its intrinsics put a pixel's centre; the pack's convention is 0.5
    finds_lens: bool = True  # its focal length is better than a constant; False: stages assume one


@dataclass(frozen=True)
class DensePrediction:
    """What a network predicts for every pixel, and the camera."""

    dense: DenseFeatures
    intrinsics: Tensor  # [B,3,3] pixels
    mask: Tensor | None = None  # [B,1,S,S] logits of the object's visible mask
    occluder: Tensor | None = None  # [B,1,S,S] logits of what stands in front of it


@runtime_checkable
class PointDecoder(Protocol):
    """A completed shape that answers point by point, in a normalised frame of its own (axes of the camera)."""

    module: nn.Module  # whose weights answer; hosts move it between devices
    camera_to_decoder: Tensor  # [4,4] camera frame, units of the encoded depth -> the decoder's frame (a similarity)
    extent: float  # half the side of the cube of the decoder's frame in which the object lies

    def query(self, points: Tensor) -> Tensor:
        """points [1,N,3] in the decoder's frame -> [1,N], > 0 inside, 0 on the surface, on the points' device."""
        ...


@runtime_checkable
class DenseNetwork(Protocol):
    """Image -> masks, depth, normals, camera."""

    input_spec: InputSpec

    def predict_dense(self, image: Tensor, *, masks: Tensor | None = None) -> DensePrediction:
        """image [B,3,S,S] sRGB 0-1; masks [B,2,S,S] 0-1 of object and occluder where they are known."""
        ...


@runtime_checkable
class ShapeNetwork(DenseNetwork, Protocol):
    """Image -> completed shape."""

    def encode(
        self,
        prediction: DensePrediction,
        mask: Tensor,  # [1,1,S,S] 0-1, the object's visible pixels
        occluder: Tensor | None = None,  # [1,1,S,S] 0-1
        depth: Tensor | None = None,  # [1,1,S,S] z-depth in place of the predicted one
    ) -> PointDecoder:
        """The shape behind the visible surface."""
        ...


@runtime_checkable
class ViewPrior(Protocol):
    """What an object looks like from cameras without pictures, judged from some posed ones (Wu et al. 2024,
    "ReconFusion")."""

    size: int  # side of the square pictures that it works at, pixels

    def sample(
        self,
        renders: Tensor,  # [B,3,S,S] sRGB 0-1, of the field as it is, over white
        cameras: Cameras,  # B of S x S
        inputs: Views,  # the posed pictures, masked, in the same world
        noise_level: float,  # 0-1: how little of the renders is trusted; 1: nothing
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Better pictures [B,3,S,S] sRGB 0-1, over white, without gradients."""
        ...


def similarity_matrix(centre: Tensor, scale: Tensor | float) -> Tensor:
    """(x - centre [3]) / scale as a matrix [4,4]."""
    matrix = torch.eye(4, dtype=centre.dtype, device=centre.device)
    matrix[:3, :3] /= scale
    matrix[:3, 3] = -centre / scale
    return matrix
