"""Frames of radiance fields by volume rendering: colour, opacity, depth and normals, in memory or as PNG files."""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from ..cameras.camera import Cameras
from ..errors import BadInput
from ..fields.field import DistanceField, Field, RadianceField
from ..fields.radiance import RadianceGrid
from ..files import check_output_folder, written_whole
from ..memory import explain_oom
from ..progress import Progress
from .cones import ConeBundle
from .field import NORMAL_STEP, TETRAHEDRON
from .layers import Rendering, background_color
from .near_surface import NearSurfaceSampler
from .occupied import OccupiedSampler
from .proposal import ProposalSampler
from .rays import RaySampler, render_rays

CHUNK = 4096  # rays at once
OURS = ("Software", "Recon3D")  # text in each PNG: frames of an earlier run may be replaced, pictures of others not
SURFACE = 0.5  # opacity from which a pixel has depth and normal
DISTANCE_SAMPLES = 24  # of rays around the surface of a distance field
LATTICE = 128  # nodes a side at which a distance field without a grid of its own is taken to be detailed


def default_sampler(field: RadianceField, progress: Progress | None = None) -> RaySampler:
    """The sampler that fits a radiance field best. Raises `BadInput` for fields without density or colour."""
    if not isinstance(field, RadianceField) or not field.has_color:
        raise BadInput("The field has no density or no colour to see along rays; use Render Turntable for it.")
    if isinstance(field, RadianceGrid):
        if field.proposal is not None:
            return ProposalSampler(field.proposal, *field.frame.ends, fine=48)
        density = field.module.log_density_grid(LATTICE).clamp_max(10).exp() / field.spacing
        return OccupiedSampler.of_density(density.cpu(), field.bounds, field.spacing)
    if isinstance(field, DistanceField):
        cells = getattr(field, "cells", None)
        spacing = float((field.bounds[1] - field.bounds[0]).max()) / LATTICE if cells is None else cells.spacing
        return NearSurfaceSampler(spacing, DISTANCE_SAMPLES)
    return OccupiedSampler.of(field, check=(progress or Progress()).check)


@torch.no_grad()
@explain_oom("rendering the field", "ask for smaller pictures")
def render_radiance(
    field: RadianceField,
    cameras: Cameras,
    *,
    background: tuple[float, float, float] = (1.0, 1.0, 1.0),
    sampler: RaySampler | None = None,
    chunk: int = CHUNK,
    progress: Progress | None = None,
) -> Rendering:
    """Volume rendering from all cameras: images over the background, masks the opacity, depth the mean distance.

    sampler: default that of `default_sampler`. Computed on the CPU. Raises `BadInput` for fields that rays cannot see.
    """
    progress, color = progress or Progress(), background_color(background, torch.device("cpu"))
    sampler = sampler or default_sampler(field, progress)
    progress.start("Render frames", len(cameras))
    frames = []
    for i in range(len(cameras)):
        frames.append(_frame(field, sampler, cameras[i].to("cpu"), color, chunk, progress))
        progress.step(frames[-1].images[0])
    return Rendering.cat(frames)


def render_frames(
    field: RadianceField, cameras: Cameras, folder: Path | str, progress: Progress | None = None
) -> list[Path]:
    """Write a PNG with transparency for each camera: 000.png, 001.png, … in their order. -> the files

    Colours are straight (not multiplied by alpha), alpha is the opacity. Frames are written one by one, each whole.
    """
    progress, folder = progress or Progress(), check_output_folder(folder)
    sampler = default_sampler(field, progress)
    progress.start("Render frames", len(cameras))
    paths = []
    for i in range(len(cameras)):
        frame = _frame(field, sampler, cameras[i].to("cpu"), torch.zeros(3), CHUNK, progress)
        color = (frame.images / frame.masks.clamp_min(1e-3)).clamp(0, 1)
        paths.append(folder / f"{i:03}.png")
        save_rgba(torch.cat([color, frame.masks], 1)[0], paths[-1])
        progress.step(frame.images[0] + 1 - frame.masks[0])
    return paths


def check_frames(folder: Path | str, count: int) -> None:
    """`BadInput` for a folder that cannot be made, and where one of `count` frames would replace what is no frame."""
    folder = check_output_folder(folder)
    for path in (folder / f"{i:03}.png" for i in range(count)):
        if path.exists() and not _is_frame(path):
            raise BadInput(f"{path} exists already and is no frame of an earlier run; name a new folder for frames.")


def _is_frame(path: Path) -> bool:
    from PIL import Image

    try:
        with Image.open(path, formats=("PNG",)) as picture:
            return picture.info.get(OURS[0]) == OURS[1]
    except (OSError, ValueError, SyntaxError):
        return False


def save_rgba(image: Tensor, path: Path) -> None:
    """Write [4,H,W] 0-1, straight alpha, as a PNG, whole or not at all."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text(*OURS)
    pixels = image.movedim(0, -1).mul(255).round().clamp(0, 255).byte().cpu().numpy()
    with written_whole(path) as beside:
        Image.fromarray(pixels, "RGBA").save(beside, format="PNG", pnginfo=info)


@torch.no_grad()
def _frame(
    field: RadianceField, sampler: RaySampler, camera: Cameras, background: Tensor, chunk: int, progress: Progress
) -> Rendering:
    rays = ConeBundle.of(camera)
    parts = []
    for begin in range(0, len(rays), chunk):
        progress.check()
        part = rays[begin : begin + chunk]
        rendered = render_rays(field, sampler, part, background)
        normals = _normals(field, part.at(rendered.distance), rendered.opacity > SURFACE)
        parts.append(torch.cat([rendered.color, rendered.opacity[:, None], rendered.distance[:, None], normals], -1))
    layers = torch.cat(parts).view(1, camera.height, camera.width, 8).movedim(-1, 1)
    seen = (layers[:, 3:4] > SURFACE).float()
    cos_axis = (camera.rays()[1] * camera.rotation[:, None, None, :, 2]).sum(-1)[:, None]
    turned = torch.einsum("vij,vihw->vjhw", camera.rotation, layers[:, 5:])
    images = layers[:, :3].clamp(0, 1)
    return Rendering(images, layers[:, 3:4].clamp(0, 1), layers[:, 4:5] * cos_axis * seen, turned * seen)


def _normals(field: Field, points: Tensor, seen: Tensor) -> Tensor:
    """Outward unit normals [N,3] at points [N,3] where they are seen [N], else 0."""
    normals = torch.zeros_like(points)
    rows = seen.nonzero().flatten()
    if len(rows):
        step = NORMAL_STEP * float((field.bounds[1] - field.bounds[0]).norm())
        corners = points.new_tensor(TETRAHEDRON)
        values = field.inside((points[rows, None] + step * corners).reshape(-1, 3)).view(-1, 4)
        normals[rows] = F.normalize(-(values @ corners), dim=-1)
    return normals
