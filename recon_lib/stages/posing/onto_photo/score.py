"""How well a pose explains a photo."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ....cameras.camera import Cameras
from ....color_space import srgb_to_linear
from .model import Model
from .renders import Render, render
from .target import Target

SILHOUETTE, SHADING, EDGES = 5.0, 0.4, 0.5  # weights beside colour's; the right pose differs by a per cent of overlap
LEAST_LIGHT = 1e-6  # variance of luminance


@dataclass(frozen=True)
class Score:
    """Agreements of one render with a photo, 1 at best. None: nothing to compare."""

    silhouette: float  # intersection over union of the masks
    color: float | None  # cosine of colour features
    shading: float | None  # share of the luminance's variance that a smooth light on the render's normals explains
    edges: float  # cosine of edge strength
    normals: float | None  # mean cosine of normals

    @property
    def total(self) -> float:
        """One number by which poses of one photo are ranked."""
        color = self.color if self.color is not None else SHADING * (self.shading or 0.0)
        return SILHOUETTE * self.silhouette + color + EDGES * self.edges + (self.normals or 0.0)

    @property
    def fit(self) -> float:
        """0-1: how surely this is a photo of the mesh."""
        look = self.edges if self.color is None else self.color
        return max(0.0, self.silhouette) * (0.5 + 0.5 * max(look, 0.0))

    def __str__(self) -> str:
        parts = {"silhouette": self.silhouette, "colour": self.color, "shading": self.shading, "edges": self.edges,
                 "normals": self.normals}  # fmt: skip
        return ", ".join(f"{name} {value:.3f}" for name, value in parts.items() if value is not None)


def score(model: Model, camera: Cameras, target: Target) -> Score:
    """The score of one camera of the target's pixels."""
    shown, looks = render(model, camera, target), target.looks
    framed = target.framed[None, None].float()
    own, mask = (shown.looks.mask > 0.5).float() * framed, (looks.mask > 0.5).float() * framed
    both = own * mask
    union = float((own + mask - both).sum())
    color = None
    if looks.color is not None and shown.looks.color is not None:
        color = _cosine(looks.color * framed, shown.looks.color * framed)
    normals = None
    if looks.normals is not None and shown.looks.normals is not None:
        normals = float((looks.normals * shown.looks.normals * framed).sum()) / max(union, 1.0)
    edges = _cosine(_softened(looks.edges * framed), _softened(shown.looks.edges * framed))
    return Score(float(both.sum()) / max(union, 1.0), color, _explained(shown, target, both), edges, normals)


def _cosine(one: Tensor, other: Tensor) -> float:
    return float(torch.nn.functional.cosine_similarity(one.flatten(), other.flatten(), dim=0))


def _softened(edges: Tensor) -> Tensor:
    """Edges [1,1,S,S] that may be two pixels off."""
    return torch.nn.functional.avg_pool2d(edges, 5, 1, 2)


def _explained(shown: Render, target: Target, both: Tensor) -> float | None:
    """R^2 of the photo's luminance on the render's normals: light of order one (Basri & Jacobs 2003).

    luminance = a + b . normal, by least squares over the pixels of `both` [1,1,S,S].
    """
    rows = both[0, 0] > 0.5
    if int(rows.sum()) < 20:
        return None
    light = srgb_to_linear(target.image).mean(1)[0][rows]
    normals = shown.looks.normals[0, :, rows].T
    basis = torch.cat([torch.ones_like(normals[:, :1]), normals], 1)
    total = float((light - light.mean()).square().sum())
    if total < LEAST_LIGHT * len(light):
        return None
    fitted = basis @ torch.linalg.lstsq(basis, light[:, None]).solution
    return max(0.0, 1 - float((light - fitted[:, 0]).square().sum()) / total)
