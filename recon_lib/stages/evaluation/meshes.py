"""Mesh metrics against the truth: distances, F-scores, normals, volume, also split by what a camera sees."""

import math
from collections.abc import Callable
from dataclasses import fields, replace

import torch
from torch import Tensor

from ...cameras.camera import Cameras
from ...errors import BadInput
from ...memory import explain_oom
from ...meshes.align import Similarity, align_scale_translation, align_similarity
from ...meshes.bounding_sphere import bounding_sphere
from ...meshes.mesh import Mesh
from ...meshes.solid import is_closed, solid_iou
from ...meshes.surface_distance import distance_to_surface
from ...meshes.visibility import visible_points
from ...progress import Progress, unchecked
from .occluded import occluded_surface_figures
from .surfaces import Matches, match_surfaces, surface_figures

ALIGNMENTS = ("none", "scale", "similarity")
SPLITS = ("truth", "both")
ALIGNMENT_SAMPLES = 10_000
LARGEST = 1e9  # units: the squares of areas must fit float32

# Moreland, "Diverging color maps for scientific visualization", 2009: cool to warm, sRGB
COOL_TO_WARM = torch.tensor(
    [[0.23, 0.30, 0.75], [0.55, 0.69, 1.0], [0.87, 0.87, 0.87], [0.96, 0.60, 0.48], [0.71, 0.02, 0.15]]
)


@explain_oom("comparing the meshes", "ask for fewer samples")
def compare_meshes(
    predicted: Mesh,
    truth: Mesh,
    *,
    align: str = "none",
    camera: Cameras | None = None,
    split: str = "truth",
    samples: int = 100_000,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict:
    """Metrics of `predicted` against `truth`, by name; either may be open. Lengths are in the truth's world units.

    align   "none"; "scale" = scale and translation, no rotation; "similarity" = rotation as well. The prediction
            is moved onto the truth (`meshes.align` defines both), so a camera stays in the truth's frame.
    camera  adds "seen" and "unseen": the same figures for the part of the truth that the camera sees (inside its
            image, no triangle of the truth in front) and for the rest, after LIST (Arshad & Beksi 2023).
            True samples are split by that ray test, predicted samples by their nearest true sample. With
            several cameras, seen means seen by any of them.
    split   "truth": as said; "both": predicted samples by what the camera sees of the prediction itself, and each part
            is matched with its like alone (`occluded`).
    The two surfaces are sampled independently, so even equal meshes keep the distance "sampling_floor", the mean
    nearest-neighbour distance of as many random points on the truth's area (Clark & Evans 1954).
    volumetric_iou is None, with the reason beside it, unless both meshes are closed.
    Meshes far from their files' origin are compared near it (`Mesh.origin`), in the truth's frame; the camera and
    the reported alignment stay in the coordinates of the files.
    """
    progress = progress or Progress()
    progress.start("Comparing meshes", 4)
    if samples < 100:
        raise BadInput(f"{samples} samples are too few to compare meshes; use 1000 or more, 100000 for reports.")
    if split not in SPLITS:
        raise BadInput(f"Split {split!r} is unknown; choose {', '.join(SPLITS)}.")
    predicted, truth = _pair(predicted, truth, align)
    pose = alignment(predicted, truth, align, seed, progress.check)
    written = _in_file(pose, predicted, truth).matrix.tolist()
    predicted = replace(predicted.mapped(pose), origin=truth.origin)
    progress.step()
    points, normals, _ = truth.sample_surface(samples, _truth_seed(seed))
    matches = match_surfaces(predicted, points, normals, samples, _predicted_seed(seed), progress.check)
    progress.step()
    radius = bounding_sphere(truth.vertices[truth.faces.unique()])[1]
    figures = {
        "align": align,
        "alignment": written,
        "samples": samples,
        "seed": seed,
        "bounding_sphere_radius": radius,
        "sampling_floor": 0.5 * math.sqrt(float(truth.face_areas.sum()) / samples),
        **surface_figures(matches, radius),
    }
    if camera is not None:
        near = camera.to("cpu").moved_to(truth.origin)
        if split == "both":
            seeds = _predicted_seed(seed), _truth_seed(seed)
            figures |= occluded_surface_figures(
                predicted, truth, near, radius, samples=samples, seeds=seeds, check=progress.check
            )
        else:
            seen = visible_points(truth, points, near, progress.check).any(0)
            figures["seen"], figures["unseen"] = (_part_figures(matches, radius, part) for part in (seen, ~seen))
    progress.step()
    figures["volumetric_iou"], figures["volumetric_iou_reason"] = _volume_figure(predicted, truth, progress)
    progress.step()
    return figures


def _part_figures(matches: Matches, radius: float, part: Tensor) -> dict:
    """Figures of a part of the truth; part [N] bool of its samples."""
    return {"share_of_truth": float(part.double().mean()), **surface_figures(matches, radius, part)}


def alignment(
    predicted: Mesh, truth: Mesh, align: str, seed: int = 0, check: Callable[[], None] = unchecked
) -> Similarity:
    """Transform that `compare_meshes` applies to the prediction, from its origin to the truth's (`Mesh.origin`)."""
    if align not in ALIGNMENTS:
        raise BadInput(f"Alignment {align!r} is unknown; choose {', '.join(ALIGNMENTS)}.")
    if align == "none":
        return Similarity.identity()
    method = align_scale_translation if align == "scale" else align_similarity
    predicted, truth = _pair(predicted, truth, align)
    predicted_points = predicted.sample_surface(ALIGNMENT_SAMPLES, _predicted_seed(seed))[0]
    return method(predicted_points, truth.sample_surface(ALIGNMENT_SAMPLES, _truth_seed(seed))[0], check)


@explain_oom("colouring the error", "ask for fewer samples")
def error_mesh(
    predicted: Mesh,
    truth: Mesh,
    *,
    align: str = "none",
    limit: float = 0.1,
    samples: int = 100_000,
    seed: int = 0,
    progress: Progress | None = None,
) -> Mesh:
    """Aligned prediction with each vertex coloured by its distance from the truth's surface.

    Blue on the truth, white at half of `limit`, red at `limit` and beyond; `limit` is relative to the truth's
    bounding-sphere radius. Texture and UVs are dropped so that viewers show the colours.
    """
    if not limit > 0:
        raise BadInput(f"The colour limit is {limit}; it must be above 0, for example 0.1.")
    predicted, truth = _pair(predicted, truth, align)
    progress = progress or Progress()
    progress.start("Colouring the error", 2)
    aligned = predicted.mapped(alignment(predicted, truth, align, seed, progress.check))
    aligned = replace(aligned, origin=truth.origin)
    progress.step()
    distance = distance_to_surface(aligned.vertices, truth, samples, seed, progress.check)
    progress.step()
    radius = bounding_sphere(truth.vertices[truth.faces.unique()])[1]
    colors = error_colors(distance / (limit * radius))
    return replace(aligned, vertex_colors=colors, uvs=None, texture=None, texture_provenance=None)


def error_colors(error: Tensor) -> Tensor:
    """Colours [N,3] sRGB of an error [N]: blue at 0, white, red at 1 and more."""
    position = error.clamp(0, 1).float() * (len(COOL_TO_WARM) - 1)
    index = position.floor().long().clamp_max(len(COOL_TO_WARM) - 2)
    return torch.lerp(COOL_TO_WARM[index], COOL_TO_WARM[index + 1], (position - index)[:, None])


def _volume_figure(predicted: Mesh, truth: Mesh, progress: Progress) -> tuple[float | None, str | None]:
    opened = [name for name, mesh in (("predicted mesh", predicted), ("truth", truth)) if not is_closed(mesh)]
    if opened:
        return None, f"The {' and the '.join(opened)} {'is' if len(opened) == 1 else 'are'} not closed."
    return solid_iou(predicted, truth, check=progress.check), None


def _pair(predicted: Mesh, truth: Mesh, align: str) -> tuple[Mesh, Mesh]:
    """Both on the CPU, the prediction counted from the truth's origin unless it is to be aligned anyway.

    Raises `BadInput` for a mesh without surface and one that reaches too far.
    """
    predicted, truth = _ready(predicted, "predicted mesh"), _ready(truth, "truth")
    if align == "none":
        predicted = _ready(predicted.moved_to(truth.origin), "predicted mesh")
    return predicted, truth


def _in_file(pose: Similarity, predicted: Mesh, truth: Mesh) -> Similarity:
    """A transform between the meshes' own origins, as one between the files' coordinates."""
    before, after = (torch.tensor(mesh.origin, dtype=torch.float64) for mesh in (predicted, truth))
    return replace(pose, translation=pose.translation + after - pose.scale * pose.rotation @ before)


def _ready(mesh: Mesh, name: str) -> Mesh:
    """The mesh on the CPU. Raises `BadInput` if it has no surface, or is too large for squared distances."""
    area = float(mesh.face_areas.sum()) if len(mesh.faces) else 0.0
    if len(mesh.faces) and not float(mesh.vertices.abs().max()) < LARGEST:
        raise BadInput(f"The {name} reaches beyond {LARGEST:.0e} units, which is too large to compare; scale it down.")
    if not area > 0:
        raise BadInput(f"The {name} has no surface to compare; it is empty or all its triangles are degenerate.")
    parts = {field.name: getattr(mesh, field.name) for field in fields(mesh)}
    return replace(mesh, **{key: part.detach().cpu() for key, part in parts.items() if isinstance(part, Tensor)})


# Two seeds from one: with the same seed, equal meshes would match sample by sample and have no sampling floor.
def _truth_seed(seed: int) -> int:
    return 2 * seed % 2**63


def _predicted_seed(seed: int) -> int:
    return (2 * seed + 1) % 2**63
