"""The smallest graph: a photo in, a textured mesh out, and nothing to set."""

from workflow_graph import Graph

PHOTO = "recon3d_dahlia.jpg"
TALL = 420  # pixels of a node with a picture below its widgets

WELCOME = """## One photo to a 3D model
1. **Choose a photo** in *Load Image* (or press Run with this one).
2. Press **Run**. It takes 10 to 20 seconds without a GPU.

Turn the model with the mouse. The file lies in ComfyUI's output folder under `3d/`.

The photo may have any background; the object should be whole and near the middle. \
Every step by itself: workflow *zeroshape_w*.
"""


def photo_to_mesh(surface: dict) -> Graph:
    """Photo, shape, mesh, texture, file, viewer."""
    g = Graph("photo_to_mesh", surface, view=(0.7, 70, 150))
    wide, step = 280, 320
    g.note(WELCOME, (0, 0), (wide, 270), "Start here")
    photo = g.node("LoadImage", (0, 320), (wide, 320), "1  Choose a photo", image=PHOTO)
    model = g.node("Recon3D_LoadModel", (0, 690), (wide, 80), name="zeroshape_w_mini")
    shape = g.node("Recon3D_RegressShape", (step, 0), (wide, TALL), "2  Shape", model=model[0], image=photo[0])
    mesh = g.node("Recon3D_ExtractMesh", (2 * step, 0), (wide, TALL), "3  Mesh", field=shape[0])
    baked = g.node("Recon3D_BakeTexture", (3 * step, 0), (wide, TALL), "4  Texture", mesh=mesh[0], views=shape[1])
    saved = g.node("Recon3D_SaveMesh", (4 * step, 0), (wide, 230), "5  File", mesh=baked[0], filename_prefix="3d/photo")
    g.node("Preview3D", (5 * step, 0), (520, 770), "Your model", model_file=saved[0])
    return g
