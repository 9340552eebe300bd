"""The graphs of G3DR: a photo, or a picture that ComfyUI paints from words, and its depth to a triplane, film, mesh."""

from workflow_graph import Graph

GREEN, PURPLE, ORANGE, BLUE = "#3f5f3f", "#553f6f", "#6f553f", "#3f4f6f"
WIDE = 300

WELCOME = """## One photo to density and colour in space (G3DR)
1. **Choose a photo** in *Load Image*, or take this one.
2. Press **Run**. It takes seconds, without a GPU too.

What the photo shows is certain; what stands behind it, the model has learnt to expect.
"""
TEXT_WELCOME = """## Words to an object (text → image → 3D)
1. Choose a **checkpoint** that you have.
2. Write **what the object is**. One object, whole, on a plain background works best.
3. Press **Run**.

Which pictures come out is the checkpoint's business; the 3D part takes any.
"""
DEPTH_NOTE = """**Estimate Depth & Normal Map** is the pack's own depth. A MoGe, Depth-Anything or DA3 node can take \
its place: set *depth_kind* to what it gives (near is bright, or far is bright). A wrong one is told.
"""
TRIPLANE_NOTE = """**Image + Depth to Triplane** looks once and fits nothing. *level*: how dense matter must be to \
count as solid for the mesh; higher gives thinner parts.

**Render Path** shows the field itself, before any mesh. Connect its frames to *Create Video* or *Save WEBM*.
"""


def g3dr(surface: dict) -> Graph:
    """Photo and depth to a field; 24 frames around it; mesh, texture, file."""
    g = Graph("g3dr", surface)
    g.group("1  Photo & models", (0, -40, 340, 1400), GREEN)
    g.note(WELCOME, (20, 40), (WIDE, 170), "Read me")
    photo = g.node("LoadImage", (20, 260), (WIDE, 440), "Choose a photo", image="recon3d_dahlia.jpg")
    finder = g.node("Recon3D_LoadModel", (20, 750), (WIDE, 80), "Model of mask and depth", name="zeroshape_w_mini")
    model = g.node("Recon3D_LoadModel", (20, 880), (WIDE, 80), "Model of the shape", name="g3dr_mini")
    _triplane_and_result(g, photo[0], finder, model, 360, 2, "3d/g3dr")
    return g


def g3dr_text_to_3d(surface: dict) -> Graph:
    """The same of a picture that a checkpoint paints."""
    g = Graph("g3dr_text_to_3d", surface)
    g.group("1  Words & models", (0, -40, 340, 1400), GREEN)
    g.note(TEXT_WELCOME, (20, 40), (WIDE, 280), "Read me")
    checkpoint = g.node("CheckpointLoaderSimple", (20, 370), (WIDE, 100), ckpt_name="v1-5-pruned-emaonly.safetensors")
    wanted = g.node(
        "CLIPTextEncode", (20, 520), (WIDE, 110), "What the object is", clip=checkpoint[1],
        text="photo of one red armchair, whole, plain white background, soft light",
    )  # fmt: skip
    unwanted = g.node(
        "CLIPTextEncode", (20, 680), (WIDE, 90), "What it is not", clip=checkpoint[1],
        text="cropped, several objects, text, frame, hard shadow",
    )  # fmt: skip
    finder = g.node("Recon3D_LoadModel", (20, 820), (WIDE, 80), "Model of mask and depth", name="zeroshape_w_mini")
    model = g.node("Recon3D_LoadModel", (20, 950), (WIDE, 80), "Model of the shape", name="g3dr_mini")

    g.group("2  Picture", (360, -40, 340, 1400), BLUE)
    empty = g.node("EmptyLatentImage", (380, 40), (WIDE, 130))
    painted = g.node(
        "KSampler", (380, 220), (WIDE, 270), model=checkpoint[0], positive=wanted[0], negative=unwanted[0],
        latent_image=empty[0],
    )  # fmt: skip
    picture = g.node("VAEDecode", (380, 540), (WIDE, 60), samples=painted[0], vae=checkpoint[2])
    g.node("PreviewImage", (380, 650), (WIDE, 390), "What was painted", images=picture[0])
    _triplane_and_result(g, picture[0], finder, model, 720, 3, "3d/g3dr_text")
    return g


def _triplane_and_result(g: Graph, picture, finder, model, x: int, number: int, prefix: str) -> None:
    """Mask, depth, triplane, film, mesh, file."""
    g.group(f"{number}  Mask & depth", (x, -40, 340, 1400), BLUE)
    masks = g.node("Recon3D_Segment", (x + 20, 40), (WIDE, 325), model=finder[0], image=picture)
    depth = g.node(
        "Recon3D_EstimateDepthNormals",
        (x + 20, 415),
        (WIDE, 430),
        model=finder[0],
        image=picture,
        mask=masks[0],
        estimator="the connected model",
    )
    g.node("PreviewImage", (x + 20, 895), (WIDE, 260), "Depth", images=depth[0])
    g.note(DEPTH_NOTE, (x + 20, 1205), (WIDE, 110), "Another's depth")

    x += 360
    g.group(f"{number + 1}  Triplane", (x, -40, 340, 1400), PURPLE)
    field = g.node(
        "Recon3D_ImageDepthToTriplane", (x + 20, 40), (WIDE, 250), model=model[0], image=picture, mask=masks[0],
        depth=depth[0], occluder=masks[1],
    )  # fmt: skip
    film = g.node("Recon3D_RenderPath", (x + 20, 340), (WIDE, 460), field=field[0], frames=24, size=128)
    g.node("PreviewImage", (x + 20, 850), (WIDE, 260), "24 frames around", images=film[0])
    g.note(TRIPLANE_NOTE, (x + 20, 1160), (WIDE, 130), "One look")

    x += 360
    g.group(f"{number + 2}  Mesh", (x, -40, 750, 1400), ORANGE)
    mesh = g.node("Recon3D_ExtractMesh", (x + 20, 40), (WIDE, 400), field=field[0], resolution=128)
    baked = g.node("Recon3D_BakeTexture", (x + 20, 490), (WIDE, 370), mesh=mesh[0], views=field[1])
    saved = g.node("Recon3D_SaveMesh", (x + 20, 910), (WIDE, 230), mesh=baked[0], upright=field[1],
                   filename_prefix=prefix)  # fmt: skip
    g.node("Preview3D", (x + 340, 40), (390, 1000), model_file=saved[0])
