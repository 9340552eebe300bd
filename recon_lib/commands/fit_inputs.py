"""What `fit` fits to: views with masks in the object's frame, and the ways back from there."""

from argparse import Namespace
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..errors import BadInput

if TYPE_CHECKING:
    from torch import Tensor

    from ..meshes.mesh import Mesh
    from ..progress import Progress
    from ..views.object_frame import ObjectFrame
    from ..views.posed_images import LoadedViews
    from ..views.views import Views

LARGEST_VIEWS = 1 << 29  # bytes of pictures in memory
CHECK_SIDE, CHECK_VOXELS = 192, 32
IN_FRONT = 0.9  # of the nearest camera's distance: nothing of the object is looked for beside a camera
SAME_PLACE = 1e-6  # of the cameras' distance from the origin


@dataclass(frozen=True)
class FitInputs:
    """Views to fit to, and where their world lies."""

    views: "Views"  # in the object's frame
    frame: "ObjectFrame"  # from there to the world of the source
    turn: "Tensor"  # [3,3] float64, from that world to the one that is written
    found: int  # masks that were found, not given

    def mesh_out(self, mesh: "Mesh") -> "Mesh":
        """A mesh of the object's frame as it is written."""
        import torch

        world = self.frame.mesh_out(mesh)
        x, y, z = (self.turn @ torch.tensor(world.origin, dtype=torch.float64)).tolist()
        turn, normals = self.turn.to(world.vertices), world.vertex_normals
        turned = None if normals is None else normals @ turn.T
        return replace(world, vertices=world.vertices @ turn.T, vertex_normals=turned, origin=(x, y, z))


def load_inputs(args: Namespace, side: int, progress: "Progress") -> FitInputs:
    """Views of `args.views` at most `side` pixels a side, posed and masked as the options say.

    Raises `BadInput` for views that cannot be fitted: one alone, all from one place, or without a common object.
    """
    import torch

    from ..cameras.world_up import turn_to_y_up, world_up
    from ..stages.single_view.view_masks import find_view_masks
    from ..views.object_frame import ObjectFrame
    from ..weights.registry import load_model
    from .fit_poses import MASK_MODEL

    loaded = _posed(args, side, progress)
    views, masked = loaded.views, loaded.masked
    check_cameras(views)
    if not bool(masked.all()):
        views = find_view_masks(load_model(MASK_MODEL), views, masked, progress=progress)
    if args.refine_poses:
        views = _refined(views, args.seed, progress)
    up = world_up(views.cameras, loaded.format == "transforms")
    turn = torch.eye(3, dtype=torch.float64) if args.keep_frame else turn_to_y_up(up)
    frame = ObjectFrame.of(views)
    views = frame.views_into(views)
    if args.field == "sdf":
        check_agreement(views, progress)
    return FitInputs(views, frame, turn, int((~masked).sum()))


def check_cameras(views: "Views") -> None:
    """Raise `BadInput` for views that show an object from one place alone."""
    positions = views.cameras.position.double()
    if len(positions) < 2:
        raise BadInput("One picture shows one side; give two or more, or use `reconstruct` for a single photo.")
    if float((positions - positions[0]).abs().max()) <= SAME_PLACE * float(positions.abs().max()):
        raise BadInput(
            f"All {len(positions)} cameras stand at one place, from which no depth can be seen; check the poses."
        )


def check_agreement(views: "Views", progress: "Progress") -> None:
    """Raise `BadInput` where the masks contradict the cameras: wrong poses or lenses. The views are normalised."""
    from ..stages.carving.carve import carve
    from ..stages.fitting.rays import check_views, reduced

    check_views(views)
    radius = min(1.0, IN_FRONT * float(views.cameras.position.norm(dim=-1).min()))
    carve(replace(reduced(views, CHECK_SIDE), depth=None), CHECK_VOXELS, radius=radius, progress=progress)


def _posed(args: Namespace, side: int, progress: "Progress") -> "LoadedViews":
    from ..views.posed_images import load_posed
    from .fit_poses import pose_by_colmap, pose_on_turntable

    if args.pose is None:
        return load_posed(args.views, progress, side, LARGEST_VIEWS)
    return (pose_by_colmap if args.pose == "colmap" else pose_on_turntable)(args.views, side, args.seed, progress)


def _refined(views: "Views", seed: int, progress: "Progress") -> "Views":
    from ..stages.posing.refine import refine_poses

    return refine_poses(views, seed=seed, progress=progress)
