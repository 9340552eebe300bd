"""Draw the registry's pictures: python tools/make_icon.py

assets/icon.png (square) and assets/banner.png (21:9): shipped meshes, one half in colour, the other in normals.
"""

import sys
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from recon_lib.meshes.files.mesh_io import load_mesh  # noqa: E402
from recon_lib.render.mesh import turntable  # noqa: E402
from recon_lib.views.photo import save_image  # noqa: E402

ICON, BANNER = ("tower", 30.0), (("teacup", 20.0), ("tower", 30.0), ("tractor", 325.0), ("barrel", 20.0))
ICON_SIDE_PX, BANNER_SIDES_PX = 400, (540, 1260)
GROUND = (0.11, 0.13, 0.19)


def half_and_half(name: str, turn: float, side: int) -> torch.Tensor:
    """A shipped mesh [3,S,S], its left half in its colours, its right half in its surface normals."""
    mesh = load_mesh(ROOT / "assets" / "meshes" / f"{name}.glb")
    options = {"elevation": 18.0, "start": turn, "size": side, "background": GROUND}
    left, right = (turntable(mesh, 1, shading=shading, **options).images[0] for shading in ("lit", "normal"))
    return torch.cat([left[..., : side // 2], right[..., side // 2 :]], -1)


def main() -> None:
    save_image(half_and_half(*ICON, ICON_SIDE_PX), ROOT / "assets" / "icon.png")
    height, width = BANNER_SIDES_PX
    side = width // len(BANNER)
    above = (height - side) // 2
    banner = torch.tensor(GROUND)[:, None, None].repeat(1, height, width)
    tiles = [half_and_half(name, turn, side) for name, turn in BANNER]
    banner[:, above : above + side] = torch.cat(tiles, -1)
    save_image(banner, ROOT / "assets" / "banner.png")


if __name__ == "__main__":
    main()
