"""The smallest graph: a photo in, a textured mesh out, and nothing to set."""

from workflow_graph import Graph

PHOTO = "recon3d_dahlia.jpg"
TALL = 330  # pixels of a node with a picture below its widgets

WELCOME = """## One photo to a 3D model
1. **Choose a photo** in *Load Image* (or press Run with this one).
2. Press **Run**. It takes 10 to 20 seconds without a GPU.

Turn the model with the mouse. The file lies in ComfyUI's output folder under `3d/`.

The photo may have any background; the object should be whole and near the middle. \
Every step by itself: workflow *zeroshape_w*.
"""


def photo_to_mesh(surface: dict) -> Graph:
    """Photo, shape, mesh, texture, file, viewer."""
    g = Graph("photo_to_mesh", surface, view=(1.0, 70, 110))
    wide = 300
    g.note(WELCOME, (0, 0), (wide, 290), "Start here")
    photo = g.node("LoadImage", (0, 340), (wide, TALL), "1  Choose a photo", image=PHOTO)
    model = g.node("Recon3D_LoadModel", (340, 0), (wide, 80), name="zeroshape_w_mini")
    shape = g.node("Recon3D_RegressShape", (340, 130), (wide, TALL), "2  Shape", model=model[0], image=photo[0])
    mesh = g.node("Recon3D_ExtractMesh", (340, 510), (wide, 190), "3  Mesh", field=shape[0])
    baked = g.node("Recon3D_BakeTexture", (680, 0), (wide, 330), "4  Texture", mesh=mesh[0], views=shape[1])
    saved = g.node("Recon3D_SaveMesh", (680, 380), (wide, 230), "5  File", mesh=baked[0], filename_prefix="3d/photo")
    g.node("Preview3D", (1020, 0), (440, 700), "Your model", model_file=saved[0])
    return g
