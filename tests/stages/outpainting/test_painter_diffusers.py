"""Painters from tiny Stable Diffusion folders with random weights: arguments, seen pixels, released memory."""

from dataclasses import replace

import pytest
import torch

from recon_lib.errors import BadInput, Interrupted
from recon_lib.progress import Progress
from recon_lib.stages.outpainting.outpaint import PainterInput, outpaint, painter_input
from recon_lib.stages.outpainting.painter_diffusers import (
    FAR_BRIGHTNESS,
    PROMPT_SUFFIX,
    DiffusersPainter,
    control_image,
)
from recon_lib.views.square_crop import SquareCrop
from recon_lib.weights.inpainters import find_depth_controls, find_folder, find_inpaint_folders
from tests.helpers.outpaint_masks import disc_outpaint_mask
from tests.helpers.stop_button import StopButton
from tests.helpers.tiny_pipelines import tiny_control, tiny_sd, tiny_sdxl

SIDE = 32
SLOW = pytest.mark.slow


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    root = tmp_path_factory.mktemp("models") / "diffusers"
    tiny_sd(root)
    return root


@pytest.fixture
def painter(shelf):
    def make(name: str = "tiny-sd", **options) -> DiffusersPainter:
        folder = find_folder(name, find_inpaint_folders([shelf]))
        return DiffusersPainter(folder, **{"steps": 2, "square": SIDE, **options})

    return make


def inputs() -> PainterInput:
    return painter_input(disc_outpaint_mask(), SquareCrop.around(disc_outpaint_mask().silhouettes[0, 0]), SIDE)


@pytest.mark.parametrize(
    "name", ["tiny-sd", pytest.param("tiny-fill", marks=SLOW), pytest.param("tiny-xl", marks=SLOW)]
)
def test_a_folder_completes_a_view(painter, shelf, name):
    if name == "tiny-fill":
        tiny_sd(shelf, name, inpainting=True)
    elif name == "tiny-xl":
        tiny_sdxl(shelf, name)
    outpaint_mask = disc_outpaint_mask()
    painted = outpaint(painter(name), outpaint_mask, prompt="a red ball", seed=3)
    seen = (outpaint_mask.seen > 0.5).expand(-1, 3, -1, -1)
    assert torch.equal(painted.image[seen], outpaint_mask.images[seen])
    assert (painted.mask <= outpaint_mask.silhouettes).all() and (painted.mask >= outpaint_mask.seen).all()


def test_the_seed_decides_and_the_global_one_does_not_change(painter):
    one = painter()
    before = torch.random.get_rng_state()
    first, again, other = (one.paint(inputs(), seed=seed, progress=Progress())[0] for seed in (3, 3, 4))
    assert first.shape == (1, 3, SIDE, SIDE) and first.min() >= 0 and first.max() <= 1
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_strength_counts(painter):
    strong, weak = (
        painter(strength=strength).paint(inputs(), seed=1, progress=Progress())[0] for strength in (1.0, 0.5)
    )
    assert not torch.equal(strong, weak)


def test_what_the_pipeline_is_asked(painter):
    """White around, the nearest seen colours where it is to paint, the mask, and white asked for in words."""
    one, arguments = painter(), {}

    class Recorder:
        def to(self, device):
            return self

        def __call__(self, **options):
            arguments.update(options)
            return type("Answer", (), {"images": torch.zeros(1, 3, SIDE, SIDE), "nsfw_content_detected": [False]})

    one.__dict__["pipeline"] = Recorder()
    painter_inputs = inputs()
    one.paint(painter_inputs, prompt=" a ball ", progress=Progress())
    assert arguments["prompt"] == f"a ball, {PROMPT_SUFFIX}" and arguments["output_type"] == "pt"
    assert torch.equal(arguments["mask_image"], painter_inputs.masks)
    seen = painter_inputs.images.movedim(1, -1)[painter_inputs.seen[:, 0] > 0.5]
    filled = arguments["image"].movedim(1, -1)[painter_inputs.masks[:, 0] > 0.5]
    assert set(map(tuple, filled.tolist())) <= set(map(tuple, seen.tolist()))
    assert torch.equal(
        arguments["image"] * (1 - painter_inputs.masks), painter_inputs.images * (1 - painter_inputs.masks)
    )
    one.paint(painter_inputs, prompt="", progress=Progress())
    assert arguments["prompt"] == PROMPT_SUFFIX


@SLOW
def test_a_control_guides_by_depth(shelf, painter):
    tiny_control(shelf)
    control = find_folder("tiny-depth", find_depth_controls([shelf]))
    flat, deep = inputs(), inputs()
    x = torch.linspace(2.5, 3.5, SIDE).expand(1, 1, SIDE, SIDE)
    deep = replace(deep, depth=torch.where(deep.depth > 0, x, 0.0))
    guided = painter(control=control, control_scale=1.0)
    first, second = (guided.paint(painter_inputs, seed=0, progress=Progress())[0] for painter_inputs in (flat, deep))
    assert not torch.equal(first, second)
    first, second = (painter().paint(painter_inputs, seed=0, progress=Progress())[0] for painter_inputs in (flat, deep))
    assert torch.equal(first, second), "without a control the depth is not used"


def test_the_depth_picture_is_brighter_where_the_surface_is_nearer():
    painter_inputs = inputs()
    hit = painter_inputs.depth > 0
    x = torch.linspace(2.0, 4.0, SIDE).expand(1, 1, SIDE, SIDE)
    picture = control_image(replace(painter_inputs, depth=torch.where(hit, x, 0.0)))
    assert picture.shape == (1, 3, SIDE, SIDE) and (picture[:, :1][~hit] == 0).all()
    row = picture[0, 0, SIDE // 2][hit[0, 0, SIDE // 2]]
    assert (row.diff() < 0).all()
    assert picture.max() == pytest.approx(1) and picture[:, :1][hit].min() == pytest.approx(FAR_BRIGHTNESS, abs=1e-6)
    assert not control_image(replace(painter_inputs, depth=painter_inputs.depth * 0)).any()


def test_steps_are_counted_and_can_be_stopped(painter):
    one, progress = painter(steps=4, strength=0.5), Progress()
    one.paint(inputs(), progress=progress)
    assert (progress.done, progress.total) == (2, 2)
    with pytest.raises(Interrupted):
        one.paint(inputs(), progress=StopButton(2))


def test_the_pipeline_is_read_once_and_leaves_the_device(painter):
    one = painter()
    first = one.pipeline
    moves, to = [], first.to
    first.to = lambda device: moves.append(device) or to(device)
    one.paint(inputs(), progress=Progress())
    with pytest.raises(Interrupted):
        one.paint(inputs(), progress=StopButton(2))
    assert one.pipeline is first and moves == ["cpu", "cpu"] * 2


# -- what can be wrong ----------------------------------------------------------------------------------------


def test_a_refused_picture_is_reported(painter):
    one = painter()
    flagged = type("Answer", (), {"images": torch.zeros(1, 3, SIDE, SIDE), "nsfw_content_detected": [True]})
    one.__dict__["pipeline"] = type("P", (), {"to": lambda self, d: self, "__call__": lambda self, **_: flagged})()
    with pytest.raises(BadInput, match="safety checker"):
        one.paint(inputs(), progress=Progress())


@SLOW
def test_a_damaged_folder_is_reported(tmp_path):
    path = tiny_sd(tmp_path / "models")
    weights = path / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    (folder,) = find_inpaint_folders([tmp_path / "models"])
    with pytest.raises(BadInput, match="tiny-sd cannot be opened"):
        DiffusersPainter(folder).paint(inputs(), progress=Progress())


@pytest.mark.parametrize(
    ("options", "message"),
    [({"square": 33}, "multiple of 8"), ({"steps": 0}, "nothing to do"), ({"strength": 1.5}, "nothing to do")],
)
def test_bad_settings_are_reported(painter, options, message):
    with pytest.raises(BadInput, match=message):
        painter(**options)
