"""A tiny Stable Diffusion personalised on views: the file that it writes, its error then, and what does not change."""

import pytest
import torch

from recon_lib.errors import BadInput, Interrupted
from recon_lib.progress import Progress
from recon_lib.stages.outpainting.painter_diffusers import DiffusersPainter
from recon_lib.stages.outpainting.personalize.painter import personalize, with_lora
from recon_lib.stages.outpainting.personalize.settings import PersonalSettings
from recon_lib.stages.outpainting.personalize.stable_diffusion import _loss, _on_white, _training_sample
from recon_lib.views.square_crop import SquareCrop
from recon_lib.views.views import Views
from recon_lib.weights.inpainters import find_inpaint_folders
from tests.helpers.outpaint_masks import colors, disc, disc_outpaint_mask, truth
from tests.helpers.stop_button import StopButton
from tests.helpers.tiny_pipelines import tiny_sd, tiny_sdxl

pytestmark = pytest.mark.slow
SHORT = PersonalSettings(steps=30, rate=1e-2, rank=4, class_images=1)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    root = tmp_path_factory.mktemp("models") / "diffusers"
    tiny_sd(root)
    tiny_sd(root, "tiny-fill", inpainting=True)
    tiny_sdxl(root)
    return root


def painter(shelf, name: str = "tiny-sd") -> DiffusersPainter:
    (folder,) = (entry for entry in find_inpaint_folders([shelf]) if entry.name == name)
    return DiffusersPainter(folder, steps=2, square=32)


def views(count: int = 2) -> Views:
    outpaint_mask = disc_outpaint_mask()
    cameras = type(outpaint_mask.cameras).cat([outpaint_mask.cameras] * count)
    return Views(truth().repeat(count, 1, 1, 1), cameras, disc().float().repeat(count, 1, 1, 1))


def error_on_views(one: DiffusersPainter) -> float:
    """The network's mean error on the object at many noise levels, the same ones each time."""
    from diffusers import DDPMScheduler

    sample = _training_sample(one.pipeline, _on_white(views()[0], 32), one.subject or "sks object")
    noiser = DDPMScheduler.from_config(one.pipeline.scheduler.config)
    generator = torch.Generator().manual_seed(9)
    with torch.no_grad():
        return float(sum(_loss(one.pipeline.unet, noiser, sample, generator) for _ in range(60)) / 60)


@pytest.mark.parametrize("name", ["tiny-sd", "tiny-fill", "tiny-xl"])
def test_it_learns_the_views_and_leaves_the_painter_as_it_was(shelf, tmp_path, name):
    from safetensors.torch import load_file

    one, target = painter(shelf, name), tmp_path / "object.safetensors"
    before = {key: value.clone() for key, value in one.pipeline.unet.state_dict().items()}
    untuned = error_on_views(one)
    tuned = personalize(one, views(), target, kind="disc", settings=SHORT)
    assert tuned.subject == "sks disc" and tuned.lora == str(target)
    after = one.pipeline.unet.state_dict()
    assert before.keys() == after.keys() and all(torch.equal(before[key], after[key]) for key in before)
    assert error_on_views(tuned) < untuned * 0.99
    keys = load_file(str(target)).keys()
    halves = (".alpha", ".lora_down.weight", ".lora_up.weight")
    assert keys and all(key.startswith("lora_unet_") and key.endswith(halves) for key in keys)
    assert error_on_views(with_lora(one, target)) == error_on_views(tuned)
    assert with_lora(one, target).subject == "sks disc"
    assert {path.name for path in tmp_path.iterdir()} == {"object.safetensors"}


def test_the_same_seed_gives_the_same_file(shelf, tmp_path):
    settings = PersonalSettings(steps=2, class_images=1)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        personalize(painter(shelf), views(), tmp_path / f"{name}.safetensors", settings=settings, seed=seed)
    a, b, c = ((tmp_path / f"{name}.safetensors").read_bytes() for name in "abc")
    assert a == b != c


def test_learning_again_starts_afresh(shelf, tmp_path):
    settings = PersonalSettings(steps=2, class_images=1)
    first = personalize(painter(shelf), views(), tmp_path / "a.safetensors", settings=settings)
    again = personalize(first, views(), tmp_path / "b.safetensors", settings=settings)
    assert again.lora == str(tmp_path / "b.safetensors") and again.subject == first.subject
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_it_can_be_stopped_and_leaves_nothing(shelf, tmp_path):
    one = painter(shelf)
    keys = set(one.pipeline.unet.state_dict())
    for at in (1, 2, 4):
        with pytest.raises(Interrupted):
            personalize(one, views(), tmp_path / "x.safetensors", settings=SHORT, progress=StopButton(at))
    assert not list(tmp_path.iterdir()) and set(one.pipeline.unet.state_dict()) == keys


def test_steps_are_counted(shelf, tmp_path):
    progress = Progress()
    settings = PersonalSettings(steps=3, class_images=2)
    personalize(painter(shelf), views(), tmp_path / "x.safetensors", settings=settings, progress=progress)
    assert (progress.done, progress.total) == (5, 5)


def test_a_prior_that_weighs_nothing_is_not_painted(shelf, tmp_path):
    progress = Progress()
    personalize(
        painter(shelf), views(), tmp_path / "x.safetensors", settings=PersonalSettings(3, prior=0), progress=progress
    )
    assert (progress.done, progress.total) == (3, 3)


def test_views_are_shown_on_white():
    picture = _on_white(views()[0], 48)
    crop = SquareCrop.around(disc()[0, 0])
    coverage = crop.crop_coverage(disc().float(), 48)
    assert (picture.movedim(1, -1)[coverage[:, 0] == 0] == 1).all()
    inside = coverage[:, 0] == 1
    assert torch.allclose(picture.movedim(1, -1)[inside], crop.crop(colors(), 48).movedim(1, -1)[inside], atol=0.02)


def test_bad_input_is_reported(shelf, tmp_path):
    one, target = painter(shelf), tmp_path / "x.safetensors"
    marked = views()
    empty = Views(marked.images, marked.cameras, marked.masks * 0)
    with pytest.raises(BadInput, match="connect marked views"):
        personalize(one, empty, target)
    with pytest.raises(BadInput, match="at least one step"):
        personalize(one, marked, target, settings=PersonalSettings(steps=0))
    with pytest.raises(BadInput, match="safetensors"):
        personalize(one, marked, tmp_path / "x.ckpt")
