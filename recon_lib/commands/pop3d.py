"""What `reconstruct --system pop3d` has of its own."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadInput
from ..stages.outpainting.outlines import OUTLINES, SURFACE

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from ..preview import Tile
    from ..progress import Progress
    from ..stages.outpainting.outpaint import Painter
    from ..systems.pop3d.loop import Reconstruction
    from ..weights.registry import LoadedModel

EMBEDDED, PLAIN = "embedded", "plain"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--cameras", type=int, default=8, help="views around the object, the photo's own with them")
    parser.add_argument("--prompt", default="", help="what the object is, for painters that read")
    parser.add_argument(
        "--outpainter", default=EMBEDDED, metavar="embedded|plain|FOLDER",
        help="who paints the unseen sides: the pack's model, the nearest seen colours, or a local diffusers folder "
        "(Stable Diffusion 1.5, 2, XL)",
    )  # fmt: skip
    parser.add_argument(
        "--cues", type=float, default=0.0, metavar="0-1",
        help="how strongly estimated depth and normals lead the fits, beside the shape that they start from",
    )  # fmt: skip
    parser.add_argument(
        "--outline", choices=OUTLINES, default=SURFACE,
        help="whose outline painted views have: the current surface's, or what the painter drew",
    )  # fmt: skip
    parser.add_argument(
        "--personalise", dest="personalize", type=int, default=0, metavar="K",
        help="let the painter learn the object from the views so far, before it first paints and after every K views",
    )  # fmt: skip
    parser.add_argument("--kind", default="object", help="what the object is, in a word or two, for --personalise")
    parser.add_argument("--keep-views", type=Path, metavar="DIR", help="write the photo's and the painted views there")


def check(args: Namespace) -> None:
    """`BadInput` for what can be told before any work is done."""
    if not 1 <= args.cameras <= 16:
        raise BadInput(f"--cameras is {args.cameras}; give 1 to 16, 8 go around the object.")
    if not 0 <= args.personalize <= 16:
        raise BadInput(f"--personalise is {args.personalize}; give 0 for never, or 1 to 16 views.")
    if not 0 <= args.cues <= 10:
        raise BadInput(f"--cues is {args.cues}; give 0 for none, 1 for all of their usual weight.")
    if args.personalize and args.outpainter == PLAIN:
        raise BadInput("--personalise needs a painter that can learn; choose another --outpainter than plain.")
    if args.keep_views is not None and args.keep_views.exists():
        raise BadInput(f"{args.keep_views} exists already; name a new folder for --keep-views.")
    if args.outpainter not in (EMBEDDED, PLAIN) and not (Path(args.outpainter) / "model_index.json").is_file():
        raise BadInput(f"{args.outpainter} is no folder of a diffusers pipeline; give one, or embedded or plain.")


def choose_painter(name: str, device: "torch.device | str") -> "Painter":
    """The painter that --outpainter names."""
    if name == PLAIN:
        from ..stages.outpainting.painter_plain import PlainPainter

        return PlainPainter()
    if name == EMBEDDED:
        from ..stages.outpainting.painter_embedded import load_embedded_painter

        return load_embedded_painter(device=device)
    from ..stages.outpainting.painter_diffusers import DiffusersPainter
    from ..weights.inpainters import find_inpaint_folders

    path = Path(name).resolve()
    folder = next((f for f in find_inpaint_folders([path.parent]) if f.path.resolve() == path), None)
    if folder is None:
        raise BadInput(f"{name} holds no pipeline that can paint; give a Stable Diffusion 1.5, 2 or XL folder.")
    return DiffusersPainter(folder, device=device)


def reconstruct(
    args: Namespace,
    image: "Tensor",
    model: "LoadedModel",
    *,
    mask: "Tensor | None",
    device: "torch.device | str",
    progress: "Progress",
) -> "Reconstruction":
    """Run the loop; a file beside the output keeps where it stands until it is done."""
    from ..systems.pop3d.loop import Options
    from ..systems.pop3d.loop import reconstruct as run
    from ..views.posed_images import save_views

    painter = choose_painter(args.outpainter, device)
    options = Options(
        cameras=args.cameras, prompt=args.prompt, outline=args.outline, personalize=args.personalize, kind=args.kind,
        cues=args.cues, resolution=args.resolution, texture_size=args.texture_size, seed=args.seed,
    )  # fmt: skip
    kept = args.output.with_name(f".{args.output.stem}.pop3d")
    result = run(image, model, painter, mask=mask, options=options, checkpoint=kept, device=device, progress=progress)
    if args.keep_views is not None:
        save_views(result.views, args.keep_views, progress)
    return result


def tiles(result: "Reconstruction") -> "list[Tile]":
    """The painted views, and what each lacked, for the sheet of pictures."""
    from ..preview import Tile

    outpaint_masks = [
        Tile(f"lacking in view {i + 2}", outpaint_mask.preview()[0])
        for i, outpaint_mask in enumerate(result.outpaint_masks)
    ]
    painted = [Tile(f"view {i + 2}", image) for i, image in enumerate(result.views.images[1:])]
    return outpaint_masks + painted
