"""The graph after POP3D in which one step is a subgraph, to be opened, copied and changed."""

from workflow_graph import Graph, Output, Subgraph
from workflow_pop3d import BLUE, PURPLE, WIDE, beginning, first_surface, result

DIRECTIONS = {90: "the right", -90: "the left", 180: "behind"}  # degrees from the photo's camera

WELCOME = """## POP3D step by step, each step a subgraph
**Choose a photo** in *Load Image*, or take this one, and press **Run**. Without a GPU it takes some minutes; *rounds* \
2 of *Fit VolSDF*, also inside the step, is a quick look. *Load Outpainter* takes Stable Diffusion folders too.
"""
CAMERA_NOTE = """*directions* has one camera per line: azimuth and elevation in degrees, counted from the photo's \
camera. *Pick Camera* takes one of them.

**One more camera:** add a line, set *count* to 4, copy a *Pick Camera* (*number* 4) and a step, and connect *views* \
and *field* from the step before.
"""
STEP_NOTE = """**Open it** by a double click or the button in its title. It holds what *Grow Around* does for each \
camera, so it is the place to change the method: other nodes for painting, another fit, no refit.

The three steps share one inside: a change in one changes all. To change a single one, copy and paste it (Ctrl+C, \
Ctrl+V): the pasted step has an inside of its own.
"""
INSIDE_NOTE = """One camera further, after POP3D.

1. **Visual Hull**: where the object may be, by all outlines so far.
2. **Outpainting Mask**: what of that the new camera sees and no view has seen; the field carries seen colours over.
3. **Outpaint View** paints it and adds the view. *outline*: the current surface's, or what was painted.
4. **Visual Hull** again: with painted outlines it gets smaller.
5. **Fit VolSDF** fits the field of the last step further, to all views.
"""


def steps(surface: dict) -> Graph:
    """Photo, first surface, three steps around the object, mesh."""
    g = Graph("pop3d_steps", surface)
    photo, model, painter = beginning(g, WELCOME, "outpainter_mini", "recon3d_dahlia.jpg")
    first, field = first_surface(g, model, photo, 370, "Recon3D_FitVolSDF")
    g.group("4  Cameras & words", (1080, -40, 340, 1290), BLUE)
    cameras = g.node(
        "Recon3D_CameraSchedule", (1100, 40), (WIDE, 370),
        order="as listed", directions="\n".join(f"{angle} 0" for angle in DIRECTIONS), count=len(DIRECTIONS),
        views=first[0],
    )  # fmt: skip
    g.note(CAMERA_NOTE, (1100, 460), (WIDE, 270), "Where to look from")
    words = g.node("PrimitiveStringMultiline", (1100, 780), (WIDE, 260), "What the object is, for every step",
                   value="an orange dahlia in bloom, plain white background")  # fmt: skip

    inside, views, standing = one_step(surface), first[0], field[0]
    common = {"model": model[0], "outpainter": painter[0], "prompt": words[0]}
    for number, side in enumerate(DIRECTIONS.values(), 1):
        x = 1100 + 340 * number
        g.group(f"5.{number}  From {side}", (x - 10, -40, 315, 1290), PURPLE)
        camera = g.node("Recon3D_PickCamera", (x, 40), (WIDE, 60), cameras=cameras[0], number=number)
        step = g.instance(
            inside, (x, 150), (WIDE, 440), inside.name, views=views, field=standing, camera=camera[0], **common
        )
        g.node("PreviewImage", (x, 640), (WIDE, 280 if number == 1 else 500), "Painted picture", images=step[2])
        views, standing = step[0], step[1]
        if number == 1:
            g.note(STEP_NOTE, (x, 970), (WIDE, 230), "Open the step")
    result(g, standing, views, 2440, "6")
    return g


def one_step(surface: dict) -> Subgraph:
    """Carve, see what is lacking, paint, carve, fit."""
    s = Subgraph("One step after POP3D", surface)
    views, field = s.input("views", "RECON3D_VIEWS"), s.input("field", "RECON3D_FIELD")
    camera, model = s.input("camera", "RECON3D_CAMERAS"), s.input("model", "RECON3D_MODEL")
    outpainter, prompt = s.input("outpainter", "RECON3D_OUTPAINTER"), s.input("prompt", "STRING")

    hull = carved(s, views, 0)
    s.note(INSIDE_NOTE, (0, 530), (WIDE, 300), "What a step does")
    gap = s.node("Recon3D_OutpaintingMask", (340, 40), (WIDE, 420), views=views, cameras=camera, hull=hull, field=field)
    painted = s.node(
        "Recon3D_OutpaintView", (680, 40), (WIDE, 500),
        outpainter=outpainter, gap=gap[4], prompt=prompt, model=model, views=views,
    )  # fmt: skip
    hull = carved(s, painted[0], 1020)
    fitted = s.node("Recon3D_FitVolSDF", (1360, 40), (WIDE, 470), views=painted[0], start=field, hull=hull, cues=0.0,
                    hold_shape=True)  # fmt: skip
    s.output("views", painted[0])
    s.output("field", fitted[0])
    s.output("painted picture", painted[1])
    return s


def carved(g: Graph, views: Output, x: int) -> Output:
    return g.node("Recon3D_VisualHull", (x, 40), (WIDE, 440), views=views, resolution=64)[0]
