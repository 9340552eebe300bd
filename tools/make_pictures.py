"""Draw the README's picture: six photos and four scenes, their masks, depth and normals, and the meshes.

    python -m tools.make_pictures OUT.jpg

Shipped photographs, and scenes that the data engine makes of the shipped meshes (none of which is trained on).
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from recon_lib.data.shards.cutouts import Library
from recon_lib.data.shards.render_shards import render_meshes
from recon_lib.data.shards.scenes import SceneMix, compose_scene
from recon_lib.preview import Tile, sheet
from recon_lib.render.mesh import turntable
from recon_lib.render.pictures import depth_picture, mask_picture, normal_picture
from recon_lib.systems.reconstruction import Reconstruction
from recon_lib.systems.upright import stood_upright
from recon_lib.systems.zeroshape_w import reconstruct
from recon_lib.views.photo import load_photo, save_image
from recon_lib.weights.registry import load_model

ASSETS = Path(__file__).resolve().parent.parent / "assets"
PHOTOS = ("buddha_side", "dahlia", "sneaker", "toy_bear", "toy_robot", "coffee_cup")
TILE_SIDE_PX = 176
SCENE_SIDE_PX = 320


def scenes(kind: str, count: int, mix: SceneMix) -> list[tuple[str, Tensor]]:
    """`count` pictures [1,3,S,S] of shipped meshes."""
    with tempfile.TemporaryDirectory() as folder:
        render_meshes(ASSETS / "meshes", Path(folder), views=1, size=SCENE_SIDE_PX, seed=3, up="y")
        library = Library(Path(folder))
        pictures = []
        for index in range(count):
            seed = 4_000 + index
            while True:
                scene = compose_scene(library, library.item(index), seed, SCENE_SIDE_PX, mix)
                if scene.mask.sum() > 2000 and (mix.clean == 1.0 or scene.occluder.any()):
                    break
                seed += 100
            pictures.append((kind, torch.from_numpy(np.ascontiguousarray(scene.image))[None]))
        return pictures


def row(name: str, image: Tensor, result: Reconstruction) -> list[Tile]:
    """Input, masks, depth, normals and four views of the mesh, upright."""
    views = result.surface.views
    turns = turntable(stood_upright(result).mesh, 4, 15.0, size=TILE_SIDE_PX).images
    pictures = [
        image[0],
        mask_picture(views.images, views.masks, result.surface.occluder)[0],
        depth_picture(views.depth)[0],
        normal_picture(views.normals)[0],
        *turns,
    ]
    names = (name, "object, occluder", "depth", "normals", "front", "right", "back", "left")
    return [Tile(label, picture) for label, picture in zip(names, pictures, strict=True)]


def main() -> None:
    model = load_model("zeroshape_w_mini")
    inputs = [("photo", load_photo(ASSETS / "photos" / f"{name}.jpg").image) for name in PHOTOS]
    inputs += scenes("clean", 2, SceneMix(clean=1.0))
    inputs += scenes("occluded", 2, SceneMix(clean=0.0, occluded=1.0, truncated=0.0))
    tiles = [tile for name, image in inputs for tile in row(name, image, reconstruct(image, model))]
    save_image(sheet(tiles, columns=8, side=TILE_SIDE_PX), Path(sys.argv[1]))


if __name__ == "__main__":
    main()
