"""Similarity transforms between point sets: from known pairs, and the evaluation protocols.

Two protocols are used wherever this pack compares shapes, both deterministic and both symmetric:

`align_scale_translation` ("scale")  the uniform scale and the translation, without rotation, that bring the
    prediction to the smallest symmetric mean distance (Chamfer, unsquared). For shapes in the view-aligned
    frame, where the rotation is part of the answer and depth scale and offset are not.
`align_similarity` ("similarity")    the same with a rotation, searched over all of SO(3). For shapes in frames
    that have nothing to do with each other.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..check import check_finite, check_shape
from ..errors import BadInput
from ..progress import unchecked

SCHEDULE = ((500, 30), (2000, 8), (None, 2))  # points per side (None: all), iterations
SMOOTHING = 0.01  # distances below this part of the target's RMS radius count as quadratic (keeps weights finite)


@dataclass(frozen=True)
class Similarity:
    """x -> scale * rotation @ x + translation. float64, so that chains and inverses stay exact."""

    scale: float
    rotation: Tensor  # [3,3] float64, proper
    translation: Tensor  # [3] float64

    @classmethod
    def identity(cls) -> "Similarity":
        return cls(1.0, torch.eye(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64))

    def __call__(self, points: Tensor) -> Tensor:
        """points [N,3] -> [N,3] of the same dtype."""
        moved = self.scale * points.double() @ self.rotation.mT.to(points.device) + self.translation.to(points.device)
        return moved.to(points.dtype)

    def inverse(self) -> "Similarity":
        turned = self.rotation.mT
        return Similarity(1 / self.scale, turned, -(turned @ self.translation) / self.scale)

    @property
    def matrix(self) -> Tensor:
        """Homogeneous [4,4] float64."""
        matrix = torch.eye(4, dtype=torch.float64)
        matrix[:3, :3], matrix[:3, 3] = self.scale * self.rotation, self.translation
        return matrix


def similarity_from_pairs(
    source: Tensor,  # [N,3]
    target: Tensor,  # [N,3]
    weights: Tensor | None = None,  # [N] >= 0
    *,
    scale: bool = True,
    rotation: bool = True,
) -> Similarity:
    """The similarity that takes `source` to `target` with the least weighted squared distance, in closed form.

    Umeyama, "Least-squares estimation of transformation parameters between two point patterns", PAMI 1991,
    eqs. 40-42 with weights; never a reflection. `scale=False` keeps 1, `rotation=False` keeps the identity.
    """
    check_shape("source", source, "N", 3)
    check_shape("target", target, len(source), 3)
    source, target = source.double(), target.double()
    weights = source.new_ones(len(source)) if weights is None else weights.double()
    weights = (weights / weights.sum())[:, None]
    source_mean, target_mean = (weights * source).sum(0), (weights * target).sum(0)
    source, target = source - source_mean, target - target_mean
    covariance = (weights * target).mT @ source  # [3,3]
    turn = _closest_rotation(covariance) if rotation else torch.eye(3, dtype=torch.float64)
    factor = 1.0
    if scale:
        spread = float((weights * source.square()).sum())
        if spread <= 0:
            raise BadInput("All points to be aligned lie on one spot; a scale needs at least two different points.")
        factor = max(float((turn * covariance).sum()) / spread, 1e-12)
    return Similarity(factor, turn, target_mean - factor * turn @ source_mean)


def _closest_rotation(covariance: Tensor) -> Tensor:
    """The proper rotation R that maximises trace(R^T covariance). [3,3] -> [3,3]."""
    u, _, vt = torch.linalg.svd(covariance)
    sign = torch.ones(3, dtype=covariance.dtype)
    sign[2] = torch.sign(torch.linalg.det(u) * torch.linalg.det(vt))
    return u @ torch.diag(sign) @ vt


def align_scale_translation(
    predicted: Tensor,  # [N,3]
    true: Tensor,  # [M,3]
    check: Callable[[], None] = unchecked,
) -> Similarity:
    """The scale and translation that bring `predicted` to the least symmetric mean distance from `true`.

    The cost is (mean over p of |p - nearest t| + mean over t of |t - nearest p|) / 2, distances measured after
    the transform. It starts from equal centroids and RMS radii; every iteration pairs nearest neighbours in both
    directions and solves a weighted least-squares problem in closed form, with weights 1/distance. Both halves
    can only lower the cost, so it falls monotonically to a stationary point. `SCHEDULE` runs the iterations on
    growing parts of the clouds, so points must be in random order, as sampled. `check` is called before each
    iteration.
    """
    _check_clouds(predicted, true)
    pose = _match_moments(predicted, true, torch.eye(3, dtype=torch.float64))
    for points, iterations in SCHEDULE:
        pose, _ = _Pairing(predicted[:points], true[:points], check).descend(pose, iterations, 1e-6, rotation=False)
    return pose


def align_similarity(
    predicted: Tensor,  # [N,3]
    true: Tensor,  # [M,3]
    check: Callable[[], None] = unchecked,
) -> Similarity:
    """Scale, rotation and translation of the least symmetric mean distance, from any starting pose.

    The 60 rotations of the icosahedron (any rotation is within 45 degrees of one of them) are refined on 200
    points, the best five on 1000, the best one on 2000 and all. The identity comes first and wins ties. `check` is
    called before each iteration.
    """
    _check_clouds(predicted, true)
    rough, few, more = (_Pairing(predicted[:points], true[:points], check) for points in (200, 1000, 2000))
    starts = [_match_moments(predicted, true, rotation) for rotation in _icosahedral_rotations()]
    refined = sorted((rough.descend(start, 8, 1e-2) for start in starts), key=lambda pair: pair[1])[:5]
    best = min((few.descend(start, 30, 1e-4) for start, _ in refined), key=lambda pair: pair[1])[0]
    best, _ = more.descend(best, 15, 1e-5)
    return _Pairing(predicted, true, check).descend(best, 3, 1e-6)[0]


class _Pairing:
    """Nearest neighbours in both directions between a moving and a fixed cloud."""

    def __init__(self, source: Tensor, target: Tensor, check: Callable[[], None] = unchecked) -> None:
        from scipy.spatial import KDTree

        self.check = check
        self.source, self.target = source.double(), target.double()
        self.source_tree, self.target_tree = KDTree(self.source.numpy()), KDTree(self.target.numpy())
        self.smoothing = SMOOTHING * _rms_radius(self.target)

    def pair(self, pose: Similarity) -> tuple[Tensor, Tensor, Tensor]:
        """Source points, target points and weighted distances of all pairs: [N+M,3], [N+M,3], [N+M].

        Target points look up their neighbour in the source's own frame, so no tree is built twice.
        """
        forth = torch.from_numpy(self.target_tree.query(pose(self.source).numpy())[1])
        back = torch.from_numpy(self.source_tree.query(pose.inverse()(self.target).numpy())[1])
        source = torch.cat([self.source, self.source[back]])
        target = torch.cat([self.target[forth], self.target])
        distance = ((pose(source) - target).square().sum(-1) + self.smoothing**2).sqrt()
        return source, target, distance

    def descend(
        self, pose: Similarity, iterations: int, tolerance: float, rotation: bool = True
    ) -> tuple[Similarity, float]:
        """Lower the symmetric mean distance until a step gains less than `tolerance` of it. -> pose, cost."""
        sizes = torch.tensor([len(self.source), len(self.target)])
        weights = (0.5 / sizes).double().repeat_interleave(sizes)  # each direction weighs one half
        before = float("inf")
        for step in range(iterations + 1):
            self.check()
            source, target, distance = self.pair(pose)
            cost = float((weights * distance).sum())
            if step == iterations or before - cost < tolerance * cost:
                break
            pose, before = similarity_from_pairs(source, target, weights / distance, rotation=rotation), cost
        return pose, cost


def _match_moments(predicted: Tensor, true: Tensor, rotation: Tensor) -> Similarity:
    """Equal centroid and RMS radius, after `rotation` [3,3]."""
    scale = _rms_radius(true) / _rms_radius(predicted)
    return Similarity(scale, rotation, true.double().mean(0) - scale * rotation @ predicted.double().mean(0))


def _icosahedral_rotations() -> Tensor:
    """The 60 proper rotations of the icosahedron, smallest turn first, hence the identity: [60,3,3] float64.

    As quaternions they are the 600-cell, whose covering radius puts every rotation within 44.5 degrees of one.
    """
    from scipy.spatial.transform import Rotation

    group = Rotation.create_group("I")
    return torch.from_numpy(group[group.magnitude().argsort(kind="stable")].as_matrix())


def _rms_radius(points: Tensor) -> float:
    points = points.double()
    return float((points - points.mean(0)).square().sum(-1).mean().sqrt())


def _check_clouds(source: Tensor, target: Tensor) -> None:
    for name, points in (("source points", source), ("target points", target)):
        check_shape(name, points, "N", 3)
        check_finite(name, points)
        if len(points) < 3 or _rms_radius(points) <= 0:
            raise BadInput(f"The {name} are fewer than three or all on one spot; there is nothing to align.")
