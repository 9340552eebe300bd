"""Options of the loop after POP3D."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import BadInput
from ...parsing import check_text, is_file, number, shown, whole_number
from ...stages.outpainting.outlines import OUTLINES, SURFACE
from ..options import Options as CommonOptions
from ..options import option

if TYPE_CHECKING:
    from ...stages.fitting.sdf_grid.settings import FitSettings

EMBEDDED, PLAIN = "embedded", "plain"  # painters
VIEW_SIDE = 256  # pixels of the views that are painted and fitted
MAX_CAMERAS, MAX_CUES = 16, 10.0


@dataclass(frozen=True)
class Options(CommonOptions):
    """How the loop goes."""

    cameras: int = option(8, "views around the object, the photo's own with them")
    prompt: str = option("", "what the object is, for painters that read")
    outpainter: str = option(
        EMBEDDED,
        "who paints the unseen sides: the pack's model, the nearest seen colours, or a local diffusers folder "
        "(Stable Diffusion 1.5, 2, XL)",
        metavar="embedded|plain|FOLDER",
    )
    cues: float = option(
        0.0,  # the shape that the first fit starts from is nearer to the truth (docs/pop3d.md)
        "how strongly estimated depth and normals lead the fits, beside the shape that they start from",
        metavar="0-1",
    )
    outline: str = option(
        SURFACE, "whose outline painted views have: the current surface's, or what the painter drew", choices=OUTLINES
    )
    personalize: int = option(
        0,
        "let the painter learn the object from the views so far, before it first paints and after every K views",
        flag="--personalise",
        metavar="K",
    )
    kind: str = option("object", "what the object is, in a word or two, for --personalise")
    side: int = VIEW_SIDE
    settings: "FitSettings | None" = None  # of the fits; None: `loop.FIT`

    @property
    def hold_shape(self) -> bool:
        """Whether painted views bring colours alone: with the surface's outline, and depth that counts nothing."""
        return self.outline == SURFACE and self.cues == 0

    def __post_init__(self) -> None:
        """Raises `BadInput` for what cannot work, before any work is done."""
        super().__post_init__()
        whole_number(self.cameras, "cameras", 1, MAX_CAMERAS)
        whole_number(self.personalize, "personalise", 0, MAX_CAMERAS)
        number(self.cues, "cues", 0, MAX_CUES)
        for name in ("prompt", "kind", "outpainter"):
            check_text(getattr(self, name), name)
        if self.personalize and self.outpainter == PLAIN:
            raise BadInput("The plain painter cannot learn; choose another outpainter, or 0 for personalise.")
        if self.outpainter not in (EMBEDDED, PLAIN) and not is_file(Path(self.outpainter) / "model_index.json"):
            raise BadInput(
                f"{shown(self.outpainter)} is no folder of a diffusers pipeline; give one, or embedded or plain."
            )
