"""Photos painted one after the other onto samples of a surface: what one of them shows, later ones leave alone."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ...meshes.diffuse import diffuse
from ...meshes.mesh import Mesh
from ...provenance import Provenance
from ...render.facing import facing_signs
from ...render.mesh import creased_normals
from ...render.projection import Projected, Projector
from ...views.views import Views
from .canvas import Canvas
from .seen import without_fringes

OWN, GUESSED, NOTHING = -1, -2, -3  # sources that are no photo


@dataclass(frozen=True)
class Painted:
    """Colours of P samples and where they come from."""

    colors: Tensor  # [P,3] sRGB, 0 where nothing has one
    source: Tensor  # [P] int16: number of the view from 0, else OWN (an earlier photo's) or NOTHING
    codes: Tensor  # [P] uint8 of `Provenance`

    @property
    def seen(self) -> Tensor:
        """[P] bool."""
        return self.source != NOTHING

    def over(self, found: Projected, view: int) -> "Painted":
        """The same with what `found` adds of a view where nothing is yet."""
        new = found.seen & ~self.seen
        return Painted(
            torch.where(new[:, None], found.colors, self.colors),
            torch.where(new, torch.tensor(view, dtype=torch.int16, device=new.device), self.source),
            torch.where(new, found.provenance, self.codes),
        )


@dataclass(frozen=True)
class Photos:
    """Views prepared for being painted onto a mesh of any winding."""

    projector: Projector
    signs: Tensor  # [V,M]: see `facing_signs`

    @classmethod
    def of(cls, views: Views, mesh: Mesh, check: Callable[[], None]) -> "Photos":
        projector = Projector.prepare(without_fringes(views), mesh, check)
        return cls(projector, facing_signs(mesh, projector.cameras))

    def look_up(self, view: int, points: Tensor, normals: Tensor, face: Tensor, include_rim: bool) -> Projected:
        """What one view shows at surface points [P,3] that lie on `face` [P]."""
        turned = normals * self.signs[view, face][:, None]
        return self.projector.only(view).look_up(points, turned, include_rim=include_rim)

    def onto(self, canvas: Canvas, width: float | None, check: Callable[[], None]) -> Painted:
        """All views in turn, observed pixels before outpainted ones. width: see `leveled`; None: not leveled."""
        start = torch.where(canvas.earlier, OWN, NOTHING).to(torch.int16)
        colors = torch.zeros_like(canvas.samples.points)
        if canvas.own is not None:
            colors = torch.where(canvas.earlier[:, None], canvas.own, colors)
        observed, inferred = int(Provenance.OBSERVED), int(Provenance.INFERRED)
        painted = Painted(colors, start, torch.where(canvas.earlier, observed, inferred).to(torch.uint8))
        found = []
        for view in range(len(self.projector.cameras)):
            check()
            found.append(self.look_up(view, canvas.samples.points, canvas.samples.normals, canvas.face, False))
        for wanted in (Provenance.OBSERVED, Provenance.OUTPAINTED):
            for view, each in enumerate(found):
                seen = _only(each, wanted)
                painted = painted.over(seen if width is None else leveled(seen, painted, canvas, width), view)
        return painted

    def rims_onto(self, painted: Painted, canvas: Canvas) -> Projected:
        """What is painted, and what the views show at grazing angles and on the rims of their masks."""
        out = Projected(painted.colors, torch.where(painted.seen, painted.codes, int(Provenance.INFERRED)))
        for view in range(len(self.projector.cameras)):
            rest = ~out.seen
            points, normals, face = (x[rest] for x in (canvas.samples.points, canvas.samples.normals, canvas.face))
            found = self.look_up(view, points, normals, face, True)
            colors, codes = out.colors.clone(), out.provenance.clone()
            colors[rest], codes[rest] = found.colors, found.provenance
            out = Projected(colors, codes)
        return out

    def at_vertices(self, mesh: Mesh) -> tuple[Tensor, Tensor]:
        """Source [N] int16 and provenance [N] uint8 of the vertices: the first view that shows one of their corners."""
        points, corners = mesh.triangles.reshape(-1, 3), mesh.faces.reshape(-1)
        normals = creased_normals(mesh).reshape(-1, 3)
        face = torch.arange(len(mesh.faces), device=corners.device).repeat_interleave(3)
        source = torch.full((len(mesh.vertices),), NOTHING, dtype=torch.int16, device=corners.device)
        painted = Painted(torch.zeros_like(mesh.vertices), source, torch.full_like(source, 3, dtype=torch.uint8))
        found = [
            self.look_up(view, points, normals, face, False).merged(corners, len(mesh.vertices))
            for view in range(len(self.projector.cameras))
        ]
        for wanted in (Provenance.OBSERVED, Provenance.OUTPAINTED):
            for view, each in enumerate(found):
                painted = painted.over(_only(each, wanted), view)
        return painted.source, painted.codes


def leveled(found: Projected, painted: Painted, canvas: Canvas, width: float) -> Projected:
    """What a view shows, brought to what is painted already where the two meet; fades over `width`, world units."""
    both = found.seen & painted.seen
    if not both.any():
        return found
    shift = smooth_shift(painted.colors - found.colors, both, canvas, width)
    return Projected(torch.where(found.seen[:, None], (found.colors + shift).clamp(0, 1), 0.0), found.provenance)


def smooth_shift(difference: Tensor, known: Tensor, canvas: Canvas, width: float) -> Tensor:
    """A difference [P,3] that is known at some samples [P] bool, smooth, and carried on over `width`."""
    values, at = canvas.samples.gathered(canvas.carrier, difference, known)
    if not at.any():
        return torch.zeros_like(difference)
    return canvas.samples.spread(canvas.carrier, diffuse(canvas.carrier, values, at, width))


def _only(found: Projected, code: Provenance) -> Projected:
    """What has one provenance code."""
    kept = found.provenance == code
    inferred = torch.tensor(int(Provenance.INFERRED), dtype=torch.uint8, device=kept.device)
    return Projected(torch.where(kept[:, None], found.colors, 0.0), torch.where(kept, found.provenance, inferred))
