"""The graphs after POP3D: with the pack's own painter, and with any inpainting checkpoint through native nodes."""

from workflow_graph import Graph

GREEN, BLUE, PURPLE, ORANGE = "#3f5f3f", "#3f4f6f", "#553f6f", "#6f553f"
WIDE = 300

WELCOME = """## The unseen side, painted view by view (after POP3D)
**Choose a photo** in *Load Image*, or take this one, and press **Run**. Without a GPU it takes some minutes; watch \
*Grow Around*. With a GPU, choose a Stable Diffusion folder in \
*Load Outpainter* and say in *prompt* what the object is: the embedded painter is small and only continues what it sees.
"""
FIRST_NOTE = """**Crop Views** cuts the object out: everything that follows works on small square pictures.

**Visual Hull** is where the object may be, given one outline: a cone. **Complete Shape** guesses what lies behind, \
and **Fit VolSDF** makes of both a surface that looks like the photo.
"""
LOOP_NOTE = """For every next camera *Grow Around* runs the nodes *Visual Hull*, *Outpainting Mask*, *Outpaint View*, \
*Visual Hull* and *Fit VolSDF*. Each camera's result is kept: one camera more costs one step more.

Green: from the photo. Grey: the photo's pixels as the new camera sees them. Orange: painted.

To change a step, look at the workflow *pop3d_native_inpaint*, where steps are drawn by hand.
"""
RESULT_NOTE = """*provenance* as *shading* of *Render* shows what the photo showed (green), what was painted (orange) \
and what only the fit inferred (grey). The photo's own pixels are never repainted.
"""
NATIVE_WELCOME = """## POP3D's steps by hand, painted by your own checkpoint
Choose an inpainting checkpoint in *Load Checkpoint* (Stable Diffusion 1.5 inpainting, or any other that \
*VAE Encode (for Inpainting)* can use), say what the object is in the prompt, and press **Run**.

Two steps are drawn: 60 degrees to the right, then to the left. Copy the second group for more: each takes *views* \
and *field* from the one before it.
"""
STEP_NOTE = """*Outpainting Mask* gives picture and mask to any inpainting nodes; *Join Painted View* takes the \
answer, puts the seen pixels back as they were, gives the object its outline, and adds the view. With *outline* set to \
*painted* that is what was painted; turn *hold_shape* of *Fit VolSDF* off then, so that the shape changes with it.
"""


def pop3d(surface: dict) -> Graph:
    """Photo, first surface, the loop as one node, mesh."""
    g = Graph("pop3d", surface)
    photo, model, painter = beginning(g, WELCOME, "outpainter_mini", "recon3d_buddha_side.jpg")
    first, field = first_surface(g, model, photo, 370, "Recon3D_FitVolSDF")
    g.group("4  Around the object", (1080, -40, 660, 1290), PURPLE)
    grown = g.node(
        "Recon3D_GrowAround", (1100, 40), (WIDE, 620),
        views=first[0], field=field[0], model=model[0], outpainter=painter[0], cameras=8,
    )  # fmt: skip
    g.note(LOOP_NOTE, (1100, 710), (WIDE, 170), "One step per camera")
    g.node("PreviewImage", (1100, 930), (WIDE, 260), "Surface after the last view", images=grown[2])
    parts = g.node("Recon3D_ViewsToImages", (1420, 40), (WIDE, 140), views=grown[0])
    g.node("PreviewImage", (1420, 230), (WIDE, 400), "The photo's view and painted ones", images=parts[0])
    g.node("PreviewImage", (1420, 680), (WIDE, 360), "Seen, carried over, painted", images=parts[4])

    result(g, grown[1], grown[0], 1770, "5")
    return g


def native_inpaint(surface: dict) -> Graph:
    """The same with two steps drawn by hand, painted by ComfyUI's own sampler."""
    g = Graph("pop3d_native_inpaint", surface)
    g.group("1  Photo & models", (0, -40, 340, 1290), GREEN)
    g.note(NATIVE_WELCOME, (20, 40), (WIDE, 190), "Read me")
    photo = g.node("LoadImage", (20, 280), (WIDE, 400), "Choose a photo", image="recon3d_buddha_above.jpg")
    model = g.node("Recon3D_LoadModel", (20, 730), (WIDE, 80), name="zeroshape_w_mini")
    brush = g.node("CheckpointLoaderSimple", (20, 860), (WIDE, 100))

    first, field = first_surface(g, model, photo, 370, "Recon3D_FitVolSDF")
    cameras = g.node(
        "Recon3D_CameraSchedule", (1100, 40), (WIDE, 330), order="as listed", directions="60 0\n-60 0", count=2,
        views=first[0],
    )  # fmt: skip
    g.group("4  Cameras & words", (1080, -40, 340, 1290), BLUE)
    wanted = g.node("CLIPTextEncode", (1100, 420), (WIDE, 100), "What the object is", clip=brush[1],
                    text="a stone head of the Buddha, plain white background")  # fmt: skip
    unwanted = g.node("CLIPTextEncode", (1100, 570), (WIDE, 100), "What it is not", clip=brush[1],
                      text="shadow, scenery, text, frame")  # fmt: skip
    g.note(STEP_NOTE, (1100, 720), (WIDE, 190), "How a step works")
    standing = first[0], field[0]
    for number in (1, 2):
        standing = native_step(g, number, standing, cameras, model, (brush, wanted, unwanted), 1100 + 340 * number)
    result(g, standing[1], standing[0], 2120, "6")
    return g


def beginning(g: Graph, welcome: str, painter: str, photo: str) -> tuple:
    """Photo, model and painter."""
    g.group("1  Photo, model & painter", (0, -40, 340, 1290), GREEN)
    g.note(welcome, (20, 40), (WIDE, 230), "Read me")
    chosen = g.node("LoadImage", (20, 320), (WIDE, 330), "Choose a photo", image=photo)
    model = g.node("Recon3D_LoadModel", (20, 690), (WIDE, 80), name="zeroshape_w_mini")
    painted_by = g.node("Recon3D_LoadOutpainter", (20, 810), (WIDE, 250), name=painter, control="none", lora="none")
    return chosen, model, painted_by


def first_surface(g: Graph, model, photo, x: int, fit: str) -> tuple:
    """The photo's view, cut out, and the field that was fitted to it."""
    g.group("2  What is seen", (x, -40, 340, 1290), BLUE)
    seen = g.node("Recon3D_VisibleSurface", (x + 20, 40), (WIDE, 430), model=model[0], image=photo[0])
    first = g.node("Recon3D_CropViews", (x + 20, 520), (WIDE, 110), views=seen[1], side=256)
    g.node("PreviewImage", (x + 20, 680), (WIDE, 260), "The view that is fitted", images=first[1])
    g.note(FIRST_NOTE, (x + 20, 990), (WIDE, 130), "From one outline")
    x += 360
    g.group("3  First surface", (x - 10, -40, 330, 1290), PURPLE)
    shape = g.node("Recon3D_CompleteShape", (x, 40), (WIDE, 60), model=model[0], points=seen[0])
    hull = g.node("Recon3D_VisualHull", (x, 150), (WIDE, 440), views=first[0], resolution=64)
    field = g.node(fit, (x, 640), (WIDE, 470), views=first[0], start=shape[0], hull=hull[0], cues=0.0,
                   hold_shape=True)  # fmt: skip
    return first, field


def native_step(g: Graph, number: int, standing: tuple, cameras, model, brush: tuple, x: int) -> tuple:
    """One camera: carve, mask, paint with ComfyUI's sampler, join, fit. -> views and field."""
    (checkpoint, wanted, unwanted), (views, field) = brush, standing
    g.group(f"5.{number}  Camera {number}", (x - 10, -40, 315, 3230), PURPLE)
    camera = g.node("Recon3D_PickCamera", (x, 40), (WIDE, 60), cameras=cameras[0], number=number)
    hull = g.node("Recon3D_VisualHull", (x, 150), (WIDE, 440), views=views, resolution=64)
    gap = g.node(
        "Recon3D_OutpaintingMask", (x, 640), (WIDE, 380), views=views, cameras=camera[0], hull=hull[0], field=field
    )
    latent = g.node("VAEEncodeForInpaint", (x, 1070), (WIDE, 100), pixels=gap[1], vae=checkpoint[2], mask=gap[0])
    painted = g.node(
        "KSampler", (x, 1220), (WIDE, 270), model=checkpoint[0], positive=wanted[0], negative=unwanted[0],
        latent_image=latent[0], seed=number,
    )  # fmt: skip
    decoded = g.node("VAEDecode", (x, 1540), (WIDE, 60), samples=painted[0], vae=checkpoint[2])
    joined = g.node(
        "Recon3D_JoinPaintedView", (x, 1650), (WIDE, 165), image=decoded[0], gap=gap[4], model=model[0], views=views
    )
    g.node("PreviewImage", (x, 1865), (WIDE, 260), "Painted view", images=joined[1])
    hull = g.node("Recon3D_VisualHull", (x, 2175), (WIDE, 440), views=joined[0], resolution=64)
    fitted = g.node("Recon3D_FitVolSDF", (x, 2665), (WIDE, 470), views=joined[0], start=field, hull=hull[0], cues=0.0,
                    hold_shape=True)  # fmt: skip
    return joined[0], fitted[0]


def result(g: Graph, field, views, x: int, number: str) -> None:
    """Mesh, texture, pictures, file."""
    g.group(f"{number}  Result", (x, -40, 1070, 1290), ORANGE)
    mesh = g.node("Recon3D_ExtractMesh", (x + 20, 40), (WIDE, 400), field=field)
    baked = g.node("Recon3D_BakeTexture", (x + 20, 490), (WIDE, 370), mesh=mesh[0], views=views, field=field)
    saved = g.node("Recon3D_SaveMesh", (x + 20, 910), (WIDE, 230), mesh=baked[0], upright=views,
                   filename_prefix=f"3d/{g.name}")  # fmt: skip
    frames = g.node("Recon3D_Render", (x + 340, 40), (WIDE, 415), mesh=baked[0], frames=6, size=256)
    g.node("PreviewImage", (x + 340, 505), (WIDE, 260), "Around the object", images=frames[0])
    origin = g.node(
        "Recon3D_Render", (x + 340, 815), (WIDE, 415), mesh=baked[0], frames=6, size=256, shading="provenance"
    )
    g.node("Preview3D", (x + 660, 40), (390, 640), model_file=saved[0])
    g.node("PreviewImage", (x + 660, 730), (390, 260), "Where it comes from", images=origin[0])
    g.note(RESULT_NOTE, (x + 660, 1040), (390, 110), "Seen, painted, inferred")
