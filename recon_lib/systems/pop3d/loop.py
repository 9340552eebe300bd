"""After POP3D (Ryu et al., SIGGRAPH Asia 2023): the object grows from one photo, painted view by painted view.

The photo's visible surface starts a signed-distance field. Then, camera by camera around the object: carve the visual
hull of all masks so far; paint what of it no view saw; read depth and normals off the painted picture; add it to the
views; fit the field further. The paper's numbers are not known to us; ours are chosen (see `docs/pop3d.md`).
"""

import logging
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from ...cameras.camera import Cameras
from ...fields.hull import HullField
from ...meshes.mesh import Mesh
from ...parsing import RESOLUTIONS, SEEDS, TEXTURE_SIZES
from ...progress import Progress
from ...stages.carving.carve import carve
from ...stages.fitting.checkpoint import Checkpoint, fingerprint
from ...stages.fitting.sdf_grid.fit import fit_volsdf
from ...stages.fitting.sdf_grid.settings import FitSettings
from ...stages.meshing.extract import extract_mesh
from ...stages.meshing.texture import bake_texture
from ...stages.outpainting.mask import OutpaintMask, find_outpaint_mask
from ...stages.outpainting.outpaint import Painter, outpaint
from ...stages.outpainting.painters import load_painter
from ...stages.outpainting.personalize.painter import usual_settings
from ...stages.outpainting.view import monocular_cues, painted_views
from ...stages.single_view.regress import VisibleSurface, complete_shape, visible_surface
from ...views.crop import crop_to_object
from ...views.next_views import after_pop3d
from ...views.views import Views
from ...weights.card import file_sha256
from ...weights.registry import LoadedModel
from ..reconstruction import Reconstruction, timed
from .learning import Learner
from .options import Options
from .state import LoopState, load_loop_state, loop_state_dict

log = logging.getLogger("recon3d")
SEED_COUNT = SEEDS[1] + 1
HULL_CELLS = 64  # of the carving that checks the masks; the hull's field itself is exact
FIT = FitSettings().upto(128, 14)


def reconstruct(
    image: Tensor,  # [1,3,H,W]
    model: LoadedModel,
    painter: Painter | None = None,  # None: the one that the options name
    *,
    mask: Tensor | None = None,  # [1,1,H,W]
    depth: Tensor | None = None,  # [1,1,H,W]
    cameras: Cameras | None = None,
    options: Options | None = None,
    checkpoint: Path | None = None,
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
) -> Reconstruction:
    """Photo to textured mesh by the loop; see `reconstruction.Reconstruct`.

    checkpoint: a file that keeps the state of the loop after every camera; run again after a crash, it goes on from
    there with the same result. It stays at the end: a caller that has written the result removes it, with what the
    loop keeps beside it, by `remove_checkpoint`.
    """
    options, progress = options or Options(), progress or Progress()
    painter = painter or load_painter(options.outpainter, device)
    loop = Loop(model, painter, options, device, progress, checkpoint)
    with timed(loop.seconds, "visible surface"):
        surface = visible_surface(model, image, mask, depth, device, progress, cameras=cameras)
    first = crop_to_object(surface.views, options.side)
    saved = Checkpoint(checkpoint, loop.key(first)) if checkpoint else None
    if options.personalize:
        usual_settings(painter)  # one that cannot learn is told of before the work
    state = saved.resume(lambda state: load_loop_state(state, options.cameras)) if saved else None
    if state is None:
        state = loop.begin(first, surface)
    outpaint_masks = []
    for camera in loop.schedule(state):
        state, outpaint_mask = loop.grow(state, camera)
        outpaint_masks.append(outpaint_mask)
        if saved:
            saved.write(lambda at=state: loop_state_dict(at), now=True)
    mesh = loop.mesh(state)
    report = {"views": len(state.views)}
    return Reconstruction(mesh, state.views, state.field, loop.seconds, report, surface, tuple(outpaint_masks))


class Loop:
    """The steps of one reconstruction, and the time that they took."""

    def __init__(
        self,
        model: LoadedModel,
        painter: Painter,
        options: Options,
        device: torch.device | str,
        progress: Progress,
        checkpoint: Path | None = None,
    ) -> None:
        self.model, self.painter, self.options = model, painter, options
        self.device, self.progress, self.checkpoint = device, progress, checkpoint
        self.seconds: dict[str, float] = {}
        self._learner: Learner | None = None

    def key(self, first: Views) -> str:
        """Equal for loops that give the same result; one with more cameras goes on where one with fewer ended."""
        options = replace(self.options, cameras=1, resolution=RESOLUTIONS[0], texture_size=TEXTURE_SIZES[0])
        lora = getattr(self.painter, "lora", "")
        fine_tuned = file_sha256(Path(lora)) if lora else ""
        settings = repr((options, self.model.card.name, self.painter.name, fine_tuned))
        return fingerprint(first.images, first.masks, first.depth, first.normals, settings)

    def learner(self, first: Views) -> Learner:
        """Whom to ask for painters; what it keeps lies beside the checkpoint and is of this very loop."""
        if self._learner is None:
            file, options = self.checkpoint, self.options
            beside = file.with_name(f"{file.name}-{self.key(first)[:12]}") if file else None
            self._learner = Learner(self.painter, options.personalize, options.kind, options.seed, beside)
        return self._learner

    def begin(self, first: Views, surface: VisibleSurface) -> LoopState:
        """The first field: the photo's view is fitted from the shape that the network completes behind it."""
        with self._timed("complete shape"):
            start = complete_shape(self.model, surface, self.device, self.progress)
        return self._fitted(first, self._hull(first), start)

    def schedule(self, state: LoopState) -> Cameras:
        """The cameras that are still to come."""
        around = after_pop3d(state.views.cameras, max(self.options.cameras - 1, 1))
        return around[len(state.views) - 1 : self.options.cameras - 1]

    def grow(self, state: LoopState, camera: Cameras) -> tuple[LoopState, OutpaintMask]:
        """One camera further."""
        number = len(state.views)
        with self._timed("outpainting mask"):
            outpaint_mask = find_outpaint_mask(
                state.views, camera, state.hull, state.field, device=self.device, progress=self.progress
            )
        with self._timed("personalise"):
            painter = self.learner(state.views[0]).painter_after(state.views, self.progress)
        with self._timed("outpaint"):
            painted = outpaint(
                painter, outpaint_mask, prompt=self.options.prompt, outline=self.options.outline,
                seed=self._seed(number), progress=self.progress,
            )  # fmt: skip
        with self._timed("depth and normals"):
            cues = monocular_cues(self.model, painted.image, painted.mask, self.device, self.progress)
            view = painted_views(painted.image, painted.mask, outpaint_mask, cues)
        views = Views.cat([state.views, view])
        log.info("painted view %d of %d", number, self.options.cameras - 1)
        return self._fitted(views, self._hull(views), state.field), outpaint_mask

    def mesh(self, state: LoopState) -> Mesh:
        """The textured mesh of where the loop stands."""
        with self._timed("extract"):
            options = {"largest": True, "device": self.device, "progress": self.progress}
            mesh = extract_mesh(state.field, self.options.resolution, **options).mesh
        with self._timed("texture"):
            size = self.options.texture_size
            return bake_texture(mesh, state.views, field=state.field, size=size, progress=self.progress)

    def _hull(self, views: Views) -> HullField:
        with self._timed("carve"):
            return carve(views, HULL_CELLS, device=self.device, progress=self.progress).field

    def _fitted(self, views: Views, hull: HullField, start: object) -> LoopState:
        with self._timed("fit"):
            file = self.checkpoint.with_name(f"{self.checkpoint.name}-fit") if self.checkpoint else None
            settings = (self.options.settings or FIT).with_cues(self.options.cues)
            settings = settings.held() if self.options.hold_shape else settings
            fit = fit_volsdf(
                views, start=start, hull=hull, settings=settings, seed=self._seed(len(views)),
                checkpoint=file, progress=self.progress,
            )  # fmt: skip
        return LoopState(views, hull, fit.field)

    def _seed(self, number: int) -> int:
        return (self.options.seed + number) % SEED_COUNT

    def _timed(self, stage: str) -> AbstractContextManager[None]:
        return timed(self.seconds, stage)
