"""Projection of posed photos onto a mesh of any origin: its own UVs and colours stay wherever no photo shows it."""

import logging
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import BadInput
from ...memory import explain_oom
from ...meshes.mesh import Mesh
from ...meshes.one_origin import counted_alike
from ...progress import Progress
from ...provenance import Provenance
from ...render.projection import Projected, extent
from ...views.views import Views
from .canvas import Canvas
from .continued import continued
from .painted import GUESSED, NOTHING, OWN, Painted, Photos, smooth_shift
from .seen import Seen

log = logging.getLogger("recon3d")
STEPS = 4
ELSEWHERE = ("auto", "own", "continue")
PLAIN = 0.02  # sRGB: a mesh whose colours differ by no more has none to keep
DEFAULT_SIZE = 2048


@dataclass(frozen=True)
class Projection:
    """A mesh with photos on it, and where each of its colours comes from."""

    mesh: Mesh  # with a texture, or with vertex colours where it has very many triangles; provenance of both
    vertex_source: Tensor  # [N] int16: view from 0; painted.OWN, GUESSED
    texel_source: Tensor | None  # [H,W] int16, the same and NOTHING off the charts; None: vertices are coloured
    kept_uvs: bool
    seen: float  # share of the surface whose colour a photo shows, 0-1

    def __str__(self) -> str:
        where = "vertex colours" if self.texel_source is None else "a texture of {1} x {0}".format(
            *self.texel_source.shape)  # fmt: skip
        uvs = "" if self.texel_source is None else (", its own UVs" if self.kept_uvs else ", new UVs")
        return f"{100 * self.seen:.0f} % of the surface shows a photo; {where}{uvs}"


@explain_oom("putting photos onto the mesh", "choose a smaller texture")
def project_views(
    mesh: Mesh,
    views: Views,
    *,
    size: int = DEFAULT_SIZE,
    elsewhere: str = "auto",
    blend: float = 0.1,
    level: bool = False,
    mirror: bool = True,
    progress: Progress | None = None,
) -> Projection:
    """The mesh with what the views show of it; its vertices and triangles stay.

    The first view is painted first, and each later one only where no earlier one shows the surface, at the colours
    that it has there (`level`: brought to those of the earlier ones, where they meet). A photo that is on the mesh
    already (OBSERVED in its provenance) counts as earlier.
    UVs are kept if they give each place its own texels, and a texture is enlarged to `size` texels; otherwise the mesh
    is unwrapped, or its vertices are painted (over 100,000 triangles).
    elsewhere: "own" keeps the mesh's colours, shifted to those of the photos where they meet; the shift fades over
    `blend` of the mesh's extent (0: none). "continue" puts the mirror image (`mirror`) or a continuation of what the
    photos show there. "auto" is "own" if the mesh has colours that differ.
    Raises `BadInput` for a mesh without extent and for views that show none of it.
    """
    _check(mesh, views, size, elsewhere, blend)
    mesh, cameras = counted_alike(mesh, views.cameras)
    views = Views(views.images, cameras, views.masks, provenance=views.provenance)
    progress = progress or Progress()
    progress.start("Project views onto mesh", STEPS)
    canvas = Canvas.of(mesh, size, progress.check)
    progress.step()
    photos = Photos.of(views, canvas.mesh, progress.check)
    width = blend * extent(mesh.vertices)
    painted = photos.onto(canvas, width if level and blend else None, progress.check)
    if not painted.seen.any() or not (painted.source >= 0).any():
        raise BadInput("No view shows any part of the mesh; check masks and cameras, or align the mesh to the photo.")
    progress.step()
    if canvas.own is not None and _keeps(canvas.own, elsewhere):
        colors, rest = _beside_own(canvas, canvas.own, painted, width), OWN
    else:
        colors, rest = _beside_nothing(canvas, painted, photos, mirror), GUESSED
    progress.step()
    result = _result(canvas, painted, photos, colors, rest)
    progress.step()
    log.info("project views: %s", result)
    return result


def _check(mesh: Mesh, views: Views, size: int, elsewhere: str, blend: float) -> None:
    if not len(mesh.faces) or not extent(mesh.vertices) > 0:
        raise BadInput("The mesh has no extent, so no photo fits onto it; check the node or file that it comes from.")
    if not len(views):
        raise BadInput("There is no view to put onto the mesh; connect at least one.")
    if not 16 <= size <= 8192:
        raise BadInput(f"A texture of {size} texels a side is out of range; choose 16 to 8192, usually {DEFAULT_SIZE}.")
    if elsewhere not in ELSEWHERE:
        raise BadInput(f"Elsewhere {elsewhere!r} is not known; choose one of {', '.join(ELSEWHERE)}.")
    if not 0 <= blend <= 10:
        raise BadInput(f"A blend over {blend} of the mesh's extent is out of range; choose 0 to 10, usually 0.1.")


def _keeps(own: Tensor, elsewhere: str) -> bool:
    """Whether own colours [P,3] are kept where no photo shows the surface."""
    if elsewhere == "auto":
        return float((own.amax(0) - own.amin(0)).max()) > PLAIN
    return elsewhere == "own"


def _beside_own(canvas: Canvas, own: Tensor, painted: Painted, width: float) -> Tensor:
    """Colours [P,3]: the mesh's own where nothing is painted, shifted to what is painted where they meet."""
    shown = painted.seen & ~canvas.earlier  # at earlier photos the own colour is the painted one
    shift = smooth_shift(painted.colors - own, shown, canvas, width) if width > 0 else 0.0
    return torch.where(painted.seen[:, None], painted.colors, (own + shift).clamp(0, 1))


def _beside_nothing(canvas: Canvas, painted: Painted, photos: Photos, mirror: bool) -> Tensor:
    """Colours [P,3]: the mirror image's, or a continuation along the surface, where nothing is painted."""
    shown = photos.rims_onto(painted, canvas)
    if shown.seen.all():
        return shown.colors
    colors, at = canvas.samples.gathered(canvas.carrier, shown.colors, shown.seen)
    codes = torch.where(at, int(Provenance.OBSERVED), int(Provenance.INFERRED)).to(torch.uint8)
    seen = Seen(photos.projector, shown, Projected(colors, codes), codes)
    return continued(canvas.carrier.with_normals(), canvas.samples, seen, mirror)


def _result(canvas: Canvas, painted: Painted, photos: Photos, colors: Tensor, rest: int) -> Projection:
    source = torch.where(painted.seen, painted.source, torch.tensor(rest, dtype=torch.int16))
    shown = (painted.source >= 0).float().mean()
    if canvas.texels is None:
        mesh = canvas.finished(colors, painted.codes, painted.codes)
        return Projection(mesh, source, None, False, float(shown))
    vertex_source, codes = photos.at_vertices(canvas.mesh)
    before = canvas.mesh.provenance
    codes = codes if before is None else torch.where(vertex_source == NOTHING, before, codes)
    vertex_source = torch.where(vertex_source == NOTHING, torch.tensor(rest, dtype=torch.int16), vertex_source)
    covered = canvas.texels.fragments.mask[0]
    layer = torch.full(covered.shape, NOTHING, dtype=torch.int16, device=source.device)
    layer[covered] = source
    return Projection(
        canvas.finished(colors, painted.codes, codes), vertex_source, layer, canvas.kept_uvs, float(shown)
    )
