"""Distances between two sampled surfaces, and metrics computed from them.

Both surfaces are sampled uniformly by area; every sample is matched with the nearest sample of the other surface.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ...meshes.mesh import Mesh
from ...meshes.nearest_points import NearestPoints
from ...progress import unchecked

F_THRESHOLDS = (0.02, 0.05, 0.1)  # of the truth's bounding-sphere radius

Figures = dict[str, float | None]


@dataclass(frozen=True)
class Matches:
    """Nearest samples in both directions between N predicted and M true samples."""

    forth: Tensor  # [N] distance from each predicted sample to the nearest true one, world units
    forth_index: Tensor  # [N] that true sample
    forth_cosine: Tensor  # [N] |cosine| of the angle between their normals
    back: Tensor  # [M] distance from each true sample to the nearest predicted one
    back_cosine: Tensor  # [M]


NO_MATCHES = Matches(*(torch.zeros(0, dtype=kind) for kind in (torch.float32, torch.int64, *[torch.float32] * 3)))


def match_surfaces(
    predicted: Mesh,
    points: Tensor,
    normals: Tensor,
    samples: int,
    seed: int,
    check: Callable[[], None] = unchecked,
) -> Matches:
    """Match `samples` points of `predicted` with a truth's sampled points and normals [M,3]."""
    predicted_points, predicted_normals, _ = predicted.sample_surface(samples, seed)
    return match_points(predicted_points, predicted_normals, points, normals, check)


def match_points(
    predicted: Tensor,
    predicted_normals: Tensor,
    points: Tensor,
    normals: Tensor,
    check: Callable[[], None] = unchecked,
) -> Matches:
    """Match predicted points and normals [N,3] with true ones [M,3]."""
    forth, forth_index = NearestPoints(points, check).query(predicted)
    back, back_index = NearestPoints(predicted, check).query(points)
    return Matches(
        forth,
        forth_index,
        (predicted_normals * normals[forth_index]).sum(-1).abs(),
        back,
        (normals * predicted_normals[back_index]).sum(-1).abs(),
    )


def surface_figures(matches: Matches, radius: float, part: Tensor | None = None) -> Figures:
    """Metrics of the whole, or of the part of the truth marked by `part` [M] bool.

    A predicted sample belongs to the part of its nearest true sample, so every sample of either surface
    counts once, in one part. Distances are in world units of the truth:
    predicted_to_truth   mean distance of predicted samples (accuracy; small = nothing superfluous)
    truth_to_predicted   mean distance of true samples (completeness; small = nothing missing)
    chamfer_unsquared    mean of the two;  chamfer_squared  the same of squared distances
    f_score_T            harmonic mean of the fractions of samples closer than T * radius, both directions, 0-1
    normal_consistency   mean |cosine| between matched normals, mean of both directions, 0-1
    All are None if the truth has no sample in the part; if only the prediction has none, those that need predicted
    samples are None, and the F-scores 0.
    """
    back = slice(None) if part is None else part
    forth = slice(None) if part is None else part[matches.forth_index]
    to_truth, to_predicted = matches.forth[forth], matches.back[back]
    if not len(to_predicted):
        return dict.fromkeys(_names())
    has_predicted = len(to_truth) > 0
    accuracy, completeness = _mean(to_truth), _mean(to_predicted)
    figures: Figures = {
        "chamfer_unsquared": (accuracy + completeness) / 2 if has_predicted else None,
        "chamfer_squared": (_mean(to_truth.square()) + _mean(to_predicted.square())) / 2 if has_predicted else None,
        "predicted_to_truth": accuracy if has_predicted else None,
        "truth_to_predicted": completeness,
    }
    for threshold in F_THRESHOLDS:
        precision, recall = (_mean(d < threshold * radius) for d in (to_truth, to_predicted))
        total = precision + recall
        figures[f"f_score_{threshold}"] = 2 * precision * recall / total if total > 0 else 0.0
    cosines = _mean(matches.forth_cosine[forth]), _mean(matches.back_cosine[back])
    figures["normal_consistency"] = sum(cosines) / 2 if has_predicted else None
    return figures


def _names() -> list[str]:
    distances = ["chamfer_unsquared", "chamfer_squared", "predicted_to_truth", "truth_to_predicted"]
    return [*distances, *(f"f_score_{threshold}" for threshold in F_THRESHOLDS), "normal_consistency"]


def _mean(values: Tensor) -> float:
    return float(values.double().mean()) if len(values) else 0.0
