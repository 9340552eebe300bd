"""A folder of photos over Ray: how workers share a machine, what is told without it, two workers and one killed run."""

import json
import signal
import subprocess
import sys
import time
from importlib.util import find_spec

import pytest
from PIL import Image

from recon_lib.cli import main
from recon_lib.commands import reconstruct_ray
from recon_lib.commands.reconstruct_folder import RESULTS
from recon_lib.commands.reconstruct_ray import plan

QUICK = ["--engine", "ray", "--workers", "2", "--resolution", "16", "--texture-size", "64", "--device", "cpu"]
needs_ray = pytest.mark.skipif(
    not (find_spec("ray") and find_spec("pyarrow")), reason="Ray Data is not installed; see requirements/ray.txt"
)


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        ((8, 0, 40, None, "auto"), (8, {"num_cpus": 1})),
        ((8, 0, 3, None, "auto"), (3, {"num_cpus": 2})),
        ((8, 0, 40, 2, "auto"), (2, {"num_cpus": 4})),
        ((2, 0, 40, 8, "cpu"), (8, {"num_cpus": 1})),
        ((16, 2, 40, None, "auto"), (2, {"num_cpus": 1, "num_gpus": 1})),
        ((16, 2, 40, 4, "cuda"), (4, {"num_cpus": 1, "num_gpus": 0.5})),
        ((16, 2, 40, None, "cpu"), (16, {"num_cpus": 1})),
    ],
)
def test_workers_share_the_machine_evenly(machine, expected):
    assert plan(*machine) == expected


@pytest.fixture
def photos(tmp_path, repo_root):
    folder = tmp_path / "photos"
    folder.mkdir()
    with Image.open(repo_root / "assets" / "photos" / "dahlia.jpg") as photo:
        for number in range(4):
            photo.resize((160, 107 + number)).save(folder / f"{number}.png")
    (folder / "bad.png").write_bytes(b"no picture")
    return folder


def test_without_ray_a_sentence_says_how_to_get_it(photos, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(reconstruct_ray, "find_spec", lambda name: None)
    assert main(["reconstruct", str(photos), "-o", str(tmp_path / "out"), *QUICK]) == 2
    assert "needs Ray Data; install it by" in capsys.readouterr().err and not (tmp_path / "out").exists()


@needs_ray
def test_no_worker_is_refused(photos, tmp_path, capsys):
    assert main(["reconstruct", str(photos), "-o", str(tmp_path / "out"), *QUICK, "--workers", "0"]) == 2
    assert "--workers" in capsys.readouterr().err


@needs_ray
@pytest.mark.slow
def test_two_workers_make_what_one_makes_and_a_killed_run_goes_on(photos, tmp_path):
    command = [sys.executable, "-m", "recon_lib", "reconstruct", str(photos), "-o"]
    out = tmp_path / "out"
    run = subprocess.Popen([*command, str(out), *QUICK], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 240
    while run.poll() is None and time.monotonic() < deadline and not list(out.glob("*.glb")):
        time.sleep(0.05)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    before = {path: path.stat().st_mtime_ns for path in out.glob("*.glb") if path.with_suffix(".json").is_file()}
    time.sleep(5)  # Ray ends its workers when their driver is gone
    again = subprocess.run([*command, str(out), *QUICK], capture_output=True, text=True, check=False)
    assert again.returncode == 2 and "bad.png" in again.stderr, again.stderr
    told = json.loads((out / RESULTS).read_text())
    assert [row["photo"] for row in told["photos"]] == ["0.png", "1.png", "2.png", "3.png", "bad.png"]
    assert "error" in told["photos"][-1] and sum("skipped" in row for row in told["photos"]) >= len(before)
    here = [option for option in QUICK if option not in ("--engine", "ray", "--workers", "2")]
    assert subprocess.run([*command, str(tmp_path / "here"), *here], check=False).returncode == 2
    for mesh in (tmp_path / "here").glob("*.glb"):
        assert mesh.read_bytes() == (out / mesh.name).read_bytes()
    assert all(path.stat().st_mtime_ns == made for path, made in before.items())
