"""LIST's occluded-surface metric: each mesh is split by what the input camera sees of it, and the parts are compared.

Arshad and Beksi (2023) score the faces of the prediction that the input view hides. `meshes.compare_meshes` splits the
truth alone, and counts a predicted sample where its nearest true sample is; here each surface is split by itself, so
that a hidden side is compared with a hidden side even where the prediction puts it near the visible one.
"""

from collections.abc import Callable

from torch import Tensor

from ...cameras.camera import Cameras
from ...errors import BadInput
from ...meshes.mesh import Mesh
from ...meshes.visibility import visible_points
from ...progress import unchecked
from .surfaces import NO_MATCHES, Figures, match_points, surface_figures

PARTS = ("seen", "unseen")


def occluded_surface_figures(
    predicted: Mesh,
    truth: Mesh,
    cameras: Cameras,
    radius: float,
    *,
    samples: int = 100_000,
    seeds: tuple[int, int] = (1, 0),
    check: Callable[[], None] = unchecked,
) -> dict[str, Figures]:
    """Figures of `surface_figures` for the seen and the unseen part, by name, in one frame and its units.

    A sample is seen if one of the cameras sees it past its own mesh. `share_of_truth` and `share_of_predicted` say how
    much of either area a part is. Where one of the surfaces has no such part all other figures are None. seeds: of the
    samples of prediction and truth. radius: of the truth's bounding sphere.
    """
    if not len(cameras):
        raise BadInput("No camera says what is seen; connect the camera of the photo.")
    (points, normals, seen), (true_points, true_normals, true_seen) = (
        _split(mesh, cameras, samples, seed, check) for mesh, seed in zip((predicted, truth), seeds, strict=True)
    )
    figures = {}
    for name, part, true_part in zip(PARTS, (seen, ~seen), (true_seen, ~true_seen), strict=True):
        shares = {"share_of_truth": float(true_part.double().mean()), "share_of_predicted": float(part.double().mean())}
        if part.any() and true_part.any():
            matches = match_points(points[part], normals[part], true_points[true_part], true_normals[true_part])
            figures[name] = {**shares, **surface_figures(matches, radius)}
        else:
            figures[name] = {**shares, **surface_figures(NO_MATCHES, radius)}
        check()
    return figures


def _split(
    mesh: Mesh, cameras: Cameras, samples: int, seed: int, check: Callable[[], None]
) -> tuple[Tensor, Tensor, Tensor]:
    """Points and normals [N,3] of the surface, and whether a camera sees them [N]."""
    points, normals, _ = mesh.sample_surface(samples, seed)
    return points, normals, visible_points(mesh, points, cameras, check).any(0)
