"""A tiny outpainter personalised on an orbit: the file that it writes, its error then, and what does not change."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from recon_lib.data.shards.orbits import OrbitShard
from recon_lib.errors import BadInput, Interrupted
from recon_lib.networks.outpainter import Outpainter, OutpainterConfig, known_picture
from recon_lib.progress import Progress, unchecked
from recon_lib.stages.outpainting.diffusion_loss import DiffusionLoss, condition_and_target
from recon_lib.stages.outpainting.outpaint import outpaint
from recon_lib.stages.outpainting.painter_embedded import EmbeddedPainter
from recon_lib.stages.outpainting.painter_plain import PlainPainter
from recon_lib.stages.outpainting.personalize import embedded
from recon_lib.stages.outpainting.personalize.embedded import _loss, _prior, _train
from recon_lib.stages.outpainting.personalize.painter import personalize, usual_settings, with_lora
from recon_lib.stages.outpainting.personalize.samples import other_objects, view_samples
from recon_lib.stages.outpainting.personalize.settings import EMBEDDED, PersonalSettings
from recon_lib.views.views import Views
from recon_lib.weights.card import ModelCard
from recon_lib.weights.registry import LoadedModel
from tests.helpers.ellipsoid_orbits import write_ellipsoid_orbits
from tests.helpers.outpaint_masks import disc_outpaint_mask
from tests.helpers.stop_button import StopButton

SIDE = 32
TINY = OutpainterConfig(channels=(16, 16), groups=8, head_width=8, side=SIDE, steps=2)
SHORT = PersonalSettings(steps=20, rate=1e-2, rank=4, class_images=2)
BRIEF = PersonalSettings(steps=2, class_images=1)


@pytest.fixture(scope="module", autouse=True)
def few_samples():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedded, "SAMPLES", 4)
        yield


@pytest.fixture(scope="module")
def views(tmp_path_factory) -> Views:
    folder = write_ellipsoid_orbits(tmp_path_factory.mktemp("orbits"), 40, [(0.8, 0.5, 0.6)])
    return OrbitShard.open(folder / "ellipsoids").views(0)[:2]


def painter(**options) -> EmbeddedPainter:
    torch.manual_seed(0)
    network = Outpainter(TINY).eval().requires_grad_(False)
    return EmbeddedPainter(LoadedModel(network, ModelCard("tiny", "outpainter", Path("tiny.safetensors"))), **options)


def error_on(views: Views, one: EmbeddedPainter) -> float:
    """The network's mean error on outpaint masks of the views that it was not trained on, the same each time."""
    pairs = condition_and_target(view_samples(views, SIDE, 4, 77, unchecked))
    generator = torch.Generator().manual_seed(9)
    with torch.no_grad():
        return float(sum(_loss(DiffusionLoss(one.module), pairs, 4, generator) for _ in range(6)) / 6)


@pytest.mark.parametrize("count", [1, 2])
def test_it_learns_the_views_and_leaves_the_painter_as_it_was(views, tmp_path, count):
    one, target = painter(), tmp_path / "object.safetensors"
    before = {key: value.clone() for key, value in one.module.state_dict().items()}
    tuned = personalize(one, views[:count], target, settings=SHORT)
    assert one.lora == "" and tuned.lora == str(target)
    after = one.module.state_dict()
    assert before.keys() == after.keys() and all(torch.equal(before[key], after[key]) for key in before)
    assert error_on(views, tuned) < 0.9 * error_on(views, one)
    assert {path.name for path in tmp_path.iterdir()} == {"object.safetensors"}


def test_the_file_brings_back_what_was_learned(views, tmp_path):
    one, target = painter(), tmp_path / "object.safetensors"
    tuned = personalize(one, views, target, settings=BRIEF, kind="egg")
    again = with_lora(one, target)
    assert (again.name, tuned.name, one.name) == ("tiny + object", "tiny + object", "tiny")
    pictures = [outpaint(each, disc_outpaint_mask(), seed=2).image for each in (tuned, again, one)]
    assert torch.equal(pictures[0], pictures[1]) and not torch.equal(pictures[0], pictures[2])
    target.unlink()
    assert torch.equal(outpaint(tuned, disc_outpaint_mask(), seed=2).image, pictures[0]), "it is held in memory"


def test_what_it_is_held_to_is_what_it_painted_before(views):
    batch, one = view_samples(views, SIDE, 4, 5, unchecked), painter()
    condition, answers = _prior(one.module, batch, None, SHORT, torch.Generator().manual_seed(3), Progress())
    assert len(condition) == len(answers) == SHORT.class_images
    assert torch.equal(known_picture(condition)[1], known_picture(condition_and_target(batch)[0][:2].flip(-1))[1])
    generator = torch.Generator().manual_seed(3)
    other_objects({name: value[:2] for name, value in batch.items()}, generator)  # draws the colours first
    assert torch.equal(answers, one.module.sample(condition, generator))


def test_a_prior_holds_it_to_that(views):
    """Here it is held to black pictures, which nothing else would teach it."""
    own = condition_and_target(view_samples(views, SIDE, 4, 5, unchecked))
    others, errors = (own[0].flip(-1), torch.full_like(own[1], -1.0)), []
    for held in (others, None):
        network = painter().module
        _train(network, own, held, SHORT, 0, torch.Generator().manual_seed(0), Progress())
        with torch.no_grad():
            errors.append(float(_loss(DiffusionLoss(network), others, 8, torch.Generator().manual_seed(1))))
    assert errors[0] < 0.8 * errors[1]


def test_without_a_prior_nothing_is_prior_images(views):
    batch = view_samples(views, SIDE, 2, 0, unchecked)
    for settings in (PersonalSettings(prior=0), PersonalSettings(class_images=0)):
        assert _prior(painter().module, batch, None, settings, torch.Generator(), Progress()) is None


def test_the_same_seed_gives_the_same_file(views, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        personalize(painter(), views, tmp_path / f"{name}.safetensors", settings=BRIEF, seed=seed)
    a, b, c = ((tmp_path / f"{name}.safetensors").read_bytes() for name in "abc")
    assert a == b != c


def test_the_global_seed_is_not_moved(views, tmp_path):
    one = painter()
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    personalize(one, views, tmp_path / "x.safetensors", settings=BRIEF)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_learning_again_starts_afresh(views, tmp_path):
    first = personalize(painter(), views, tmp_path / "a.safetensors", settings=BRIEF)
    again = personalize(first, views, tmp_path / "b.safetensors", settings=BRIEF)
    assert again.lora == str(tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_steps_are_counted_and_it_can_be_stopped(views, tmp_path):
    progress = Progress()
    personalize(painter(), views, tmp_path / "x.safetensors", settings=replace(BRIEF, steps=3), progress=progress)
    assert (progress.done, progress.total) == (3, 3)
    (tmp_path / "x.safetensors").unlink()
    for at in (1, 3, 6, 8):
        with pytest.raises(Interrupted):
            personalize(painter(), views, tmp_path / "x.safetensors", settings=SHORT, progress=StopButton(at))
    assert not list(tmp_path.iterdir())


def test_each_painter_has_its_settings():
    assert usual_settings(painter()) == EMBEDDED
    with pytest.raises(BadInput, match="'plain' has no network to train"):
        usual_settings(PlainPainter())


def test_bad_input_is_reported(views, tmp_path):
    one, target = painter(), tmp_path / "x.safetensors"
    with pytest.raises(BadInput, match="connect marked views"):
        personalize(one, replace(views, masks=views.masks * 0), target)
    with pytest.raises(BadInput, match="no depth and normals"):
        personalize(one, replace(views, normals=None), target)
    with pytest.raises(BadInput, match="at least one step"):
        personalize(one, views, target, settings=PersonalSettings(rank=0))
    with pytest.raises(BadInput, match="no network to train"):
        personalize(PlainPainter(), views, target)
    with pytest.raises(BadInput, match="no LoRA file"):
        with_lora(one, target)
    personalize(one, views, target, settings=BRIEF)
    other = Outpainter(replace(TINY, channels=(16, 24))).eval()
    with pytest.raises(BadInput, match="another shape"):
        with_lora(EmbeddedPainter(replace(one.model, module=other)), target)
