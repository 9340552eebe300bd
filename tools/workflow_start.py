"""The smallest graphs: a photo, or a folder of photos, in; a textured mesh out; and nothing to set."""

from workflow_graph import Graph

PHOTO = "recon3d_dahlia.jpg"
TALL = 420  # pixels of a node with a picture below its widgets

WELCOME = """## One photo to a 3D model
1. **Choose a photo** in *Load Image* (or press Run with this one).
2. Press **Run**. Without a GPU it takes 15 to 60 seconds.

Turn the model with the mouse; it stands upright, however the camera was tilted. The file lies in ComfyUI's output \
folder under `3d/`.

The photo may have any background; the object should be whole and near the middle. \
Every step by itself: workflow *zeroshape_w*.
"""


def photo_to_mesh(surface: dict) -> Graph:
    """Photo, shape, mesh, texture, file, viewer."""
    g = Graph("photo_to_mesh", surface, view=(0.7, 70, 150))
    wide, step = 280, 320
    g.note(WELCOME, (0, 0), (wide, 200), "Start here")
    photo = g.node("LoadImage", (0, 250), (wide, 340), "1  Choose a photo", image=PHOTO)
    model = g.node("Recon3D_LoadModel", (0, 640), (wide, 80), name="zeroshape_w_mini")
    shape = g.node("Recon3D_RegressShape", (step, 0), (wide, TALL), "2  Shape", model=model[0], image=photo[0])
    mesh = g.node("Recon3D_ExtractMesh", (2 * step, 0), (wide, TALL), "3  Mesh", field=shape[0])
    baked = g.node("Recon3D_BakeTexture", (3 * step, 0), (wide, TALL), "4  Texture", mesh=mesh[0], views=shape[1])
    saved = g.node("Recon3D_SaveMesh", (4 * step, 0), (wide, 230), "5  File", mesh=baked[0], upright=shape[1],
                   filename_prefix="3d/photo")  # fmt: skip
    g.node("Preview3D", (5 * step, 0), (460, 770), "Your model", model_file=saved[0])
    return g


FOLDER = "recon3d_figure"
SEVERAL = """## Some photos to a 3D model
1. Put a folder of photos with their cameras into ComfyUI's `input` folder: `transforms.json` (nerfstudio, \
instant-ngp), a COLMAP model, `poses_bounds.npy`, or projection matrices.
2. Write its name into *Load Views* and press **Run**. Without a GPU this one takes 40 seconds to two minutes.

Without masks in the folder connect *Load Reconstruction Model*: it finds the object in each photo.

**No cameras?** *Pose Photos* finds them in many overlapping photos, *Turntable Cameras* for even steps around; either \
takes the place of *Load Views*. *Refine Poses* behind it corrects cameras that are a little off.
"""
FEW = """## Three photos to a 3D model
As *photos_to_mesh*, with three pictures. What none of them shows is the least that their outlines allow, made \
symmetric where they agree with that.
"""


def photos_to_mesh(surface: dict) -> Graph:
    """Posed pictures, fitted surface, mesh, texture, file, viewer."""
    return _from_views("photos_to_mesh", surface, FOLDER, SEVERAL, 370)


def few_views_volsdf(surface: dict) -> Graph:
    """The same of three pictures."""
    return _from_views("few_views_volsdf", surface, f"{FOLDER}/three_views.json", FEW, 140)


def _from_views(name: str, surface: dict, folder: str, welcome: str, room: int) -> Graph:
    """room: pixels that the note is high."""
    g = Graph(name, surface, view=(0.7, 70, 150))
    wide, step = 280, 320
    g.note(welcome, (0, 0), (wide, room), "Start here")
    below = room + 50
    model = g.node("Recon3D_LoadModel", (0, below), (wide, 80), name="zeroshape_w_mini")
    views = g.node("Recon3D_LoadViews", (0, below + 130), (wide, 330), "1  Photos", folder=folder, model=model[0])
    fit = g.node("Recon3D_FitVolSDF", (step, 0), (wide, 500), "2  Surface", views=views[0])
    parts = g.node("Recon3D_ViewsToImages", (step, 550), (wide, 140), views=views[0])
    mesh = g.node("Recon3D_ExtractMesh", (2 * step, 0), (wide, TALL), "3  Mesh", field=fit[0])
    g.node("PreviewImage", (2 * step, TALL + 50), (wide, 300), "The photos", images=parts[0])
    baked = g.node("Recon3D_BakeTexture", (3 * step, 0), (wide, TALL), "4  Texture", mesh=mesh[0], views=views[0],
                   field=fit[0])  # fmt: skip
    saved = g.node("Recon3D_SaveMesh", (4 * step, 0), (wide, 230), "5  File", mesh=baked[0],
                   filename_prefix=f"3d/{name}")  # fmt: skip
    g.node("Preview3D", (5 * step, 0), (460, 770), "Your model", model_file=saved[0])
    return g
