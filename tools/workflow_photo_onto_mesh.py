"""The graph that puts a photo onto a mesh of any origin."""

from workflow_graph import Graph

MESH, PHOTO = "recon3d_mug_scan.glb", "recon3d_mug.jpg"
WELCOME = """## A photo onto a mesh
A mesh from anywhere, and a photo of the thing. Camera and lens are found, and the photo's pixels go onto the mesh. \
Its shape and its UVs stay, and so do its colours where the photo does not show it.

1. **Choose the mesh** in *Load Mesh*, and connect it in place of *Only for this example*: that node takes this scan's \
colours away, so that the photo has something to do.
2. **Choose the photo** in *Load Image*.
3. Press **Run**. Without a GPU it takes half a minute to a minute.
"""
ANSWER = """Photo, mesh, both over each other. **Wrong side?** Things that look alike from several sides have several \
answers: raise *answer* to take the next one. *fit* below 0.6: the photo may show another thing.
"""
MORE = """**More photos:** align each, and put one *Project Views onto Mesh* behind the other. What is on the mesh \
stays: each adds only what the earlier ones do not show.

*sources*: green is the photo, light grey the mesh's own colours, dark grey is guessed. *unseen* is a mask of the \
rest, for nodes that paint textures.
"""


def photo_onto_mesh(surface: dict) -> Graph:
    """Mesh and photo, mask, pose, texture, file."""
    g = Graph("photo_onto_mesh", surface, view=(0.6, 70, 150))
    wide, step = 280, 320
    g.note(WELCOME, (0, 0), (wide, 380), "Start here")
    given = g.node("Recon3D_LoadMesh", (0, 430), (wide, 110), "1  Your mesh", file=MESH)
    bare = g.node("Recon3D_SimplifyMesh", (0, 590), (wide, 420), "Only for this example", mesh=given[0], max_faces=4000)
    photo = g.node("LoadImage", (step, 0), (wide, 350), "2  Its photo", image=PHOTO)
    model = g.node("Recon3D_LoadModel", (step, 400), (wide, 80), name="zeroshape_w_mini")
    masks = g.node("Recon3D_Segment", (step, 530), (wide, 480), "The thing in it", model=model[0], image=photo[0])
    posed = g.node("Recon3D_AlignMesh", (2 * step, 0), (wide, 480), "3  Where the camera stood", mesh=bare[0],
                   image=photo[0], mask=masks[0])  # fmt: skip
    g.node("PreviewImage", (2 * step, 530), (wide, 270), "Photo, mesh, both", images=posed[4])
    g.note(ANSWER, (2 * step, 850), (wide, 180), "Does it fit?")
    painted = g.node("Recon3D_ProjectViews", (3 * step, 0), (wide, 480), "4  The photo on the mesh", mesh=bare[0],
                     views=posed[0])  # fmt: skip
    g.node("PreviewImage", (3 * step, 530), (wide, 280), "Sources of the texture", images=painted[1])
    g.node("PreviewAny", (3 * step, 860), (wide, 150), "Report", source=painted[3])
    best = g.node("Recon3D_PickCamera", (4 * step, 0), (wide, 90), "The photo's camera", cameras=posed[1])
    saved = g.node("Recon3D_SaveMesh", (4 * step, 140), (wide, 280), "5  File", mesh=painted[0], cameras=best[0],
                   filename_prefix="3d/photo_onto_mesh")  # fmt: skip
    g.note(MORE, (4 * step, 470), (wide, 280), "More photos")
    g.node("Preview3D", (5 * step, 0), (460, 770), "Your model", model_file=saved[0])
    return g
