"""Kills of the unmodified command line: every rerun gives the bytes of an undisturbed run, and leaves nothing else.

Small, but minutes long: run with `pytest -m slow tests/test_kills.py`.
"""

import random
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from recon_lib.views.photo import save_image
from recon_lib.views.posed_images import save_views
from tests.helpers.kills import Moment, after, digests, run, when_there
from tests.helpers.oracle import disk_picture
from tests.helpers.posed import around, posed, sphere

pytestmark = pytest.mark.slow
RANDOM, AIMED = 20, 5  # kills each
SMALL = ["--resolution", "24", "--texture-size", "64"]


@dataclass(frozen=True)
class Whole:
    """A command, and what it gives undisturbed."""

    arguments: list[str]
    files: dict[str, str]
    seconds: float


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    save_views(posed(sphere(), around(6, 32)), folder / "ball")
    save_image(disk_picture(120, 150, (80, 60), 40)[0][0], folder / "disk.png")
    return folder


def undisturbed(arguments: list[str], folder: Path) -> Whole:
    started = time.monotonic()
    assert run(arguments, folder)
    return Whole(arguments, digests(folder), time.monotonic() - started)


@pytest.fixture(scope="module")
def fit(inputs, tmp_path_factory) -> Whole:
    arguments = ["fit", str(inputs / "ball"), "-o", "OUT/o.glb", "--grid", "64", "--rounds", "6", *SMALL]
    return undisturbed(arguments, tmp_path_factory.mktemp("fit"))


@pytest.fixture(scope="module")
def radiance(inputs, tmp_path_factory) -> Whole:
    arguments = ["fit", str(inputs / "ball"), "-o", "OUT/o.glb", "--field", "radiance", "--pixels", "32", *SMALL]
    return undisturbed(arguments, tmp_path_factory.mktemp("radiance"))


@pytest.fixture(scope="module")
def loop(inputs, tmp_path_factory) -> Whole:
    arguments = [
        "reconstruct",
        str(inputs / "disk.png"),
        "--system",
        "pop3d",
        "--outpainter",
        "plain",
        "--cameras",
        "3",
    ]
    arguments += ["--device", "cpu", "-o", "OUT/o.obj", "--keep-views", "OUT/views", *SMALL]
    return undisturbed(arguments, tmp_path_factory.mktemp("loop"))


def check(whole: Whole, folder: Path, *kills: Moment) -> None:
    """Kill the command at each of the moments, then let it end."""
    killed = [not run(whole.arguments, folder, kill) for kill in kills]
    assert run(whole.arguments, folder)
    assert digests(folder) == whole.files, f"killed: {killed}"
    assert not [path for path in folder.rglob("*") if path.name.startswith(".") and path.is_dir()]


def moments(whole: Whole, seed: int) -> list[Moment]:
    """One to three random moments."""
    dice = random.Random(seed)
    return [after(dice.uniform(0.3, 1) * whole.seconds) for _ in range(dice.randint(1, 3))]


@pytest.mark.parametrize("seed", range(RANDOM))
def test_random_kills_of_a_fit(fit, tmp_path, seed):
    check(fit, tmp_path, *moments(fit, seed))


@pytest.mark.parametrize("delay", range(AIMED))
def test_kills_right_after_the_fit(fit, tmp_path, delay):
    """The state after the last round is the only one that is written in so short a fit."""
    check(fit, tmp_path, when_there(".o.glb.fit"))


def test_kills_of_a_radiance_fit(radiance, tmp_path):
    """At its first state, at a random moment, and late."""
    check(radiance, tmp_path, when_there(".o.glb.fit"), after(0.6 * radiance.seconds), after(0.9 * radiance.seconds))


@pytest.mark.parametrize("seed", range(RANDOM))
def test_random_kills_of_the_loop(loop, tmp_path, seed):
    check(loop, tmp_path, *moments(loop, seed))


@pytest.mark.parametrize("delay", range(AIMED))
def test_kills_between_views_and_mesh(loop, tmp_path, delay):
    check(loop, tmp_path, when_there("views"))
