"""A real ComfyUI server with the pack inside: starts, lists the nodes, runs the API workflow, stops on demand.

Set COMFYUI_PATH to a ComfyUI checkout; COMFYUI_PYTHON to the Python that has its requirements and the pack's, if it
isn't this one. RECON3D_COMFY_MINUTES (5) is how long starting and each workflow may take.
"""

import json
import os
import re
import socket
import struct
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMFYUI = os.environ.get("COMFYUI_PATH")
PYTHON = os.environ.get("COMFYUI_PYTHON", sys.executable)
PATIENCE = 60 * float(os.environ.get("RECON3D_COMFY_MINUTES", "5"))
EMBEDDED = ROOT / "recon_lib" / "weights" / "embedded" / "zeroshape_w_mini.safetensors"
IMPORT_BUDGET = 3  # seconds on a busy machine; tests/nodes/test_import.py holds the 0.3 of processor time
pytestmark = pytest.mark.skipif(not COMFYUI, reason="COMFYUI_PATH is not set: no real ComfyUI to run the pack in")


class Server:
    """A ComfyUI process of its own folders and port."""

    def __init__(self, home: Path) -> None:
        (home / "custom_nodes").mkdir()
        (home / "custom_nodes" / "ComfyUI-Recon3D").symlink_to(ROOT, target_is_directory=True)
        (home / "custom_nodes" / "tiny_sd").symlink_to(Path(__file__).parent / "tiny_sd", target_is_directory=True)
        (home / "paths.yaml").write_text(f"recon3d:\n  custom_nodes: {home / 'custom_nodes'}\n")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        folders = {name: home / name for name in ("output", "temp", "input", "user")}
        for folder in folders.values():
            folder.mkdir()
        self.output, self.log_path = folders["output"], home / "log.txt"
        command = [PYTHON, "main.py", "--cpu", "--port", str(self.port), "--disable-auto-launch"]
        command += ["--disable-api-nodes", "--database-url", "sqlite:///:memory:"]
        command += ["--extra-model-paths-config", str(home / "paths.yaml")]
        command += [part for name, folder in folders.items() for part in (f"--{name}-directory", str(folder))]
        with self.log_path.open("w") as log:
            self.process = subprocess.Popen(command, cwd=COMFYUI, stdout=log, stderr=subprocess.STDOUT)

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def ask(self, path: str, body: object = None) -> object:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def wait_until_up(self) -> None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            assert self.process.poll() is None, self.log[-3000:]
            try:
                self.ask("/system_stats")
                return
            except OSError:
                time.sleep(0.5)
        raise TimeoutError(self.log[-3000:])

    def queue(self, prompt: dict) -> str:
        answer = self.ask("/prompt", {"prompt": prompt})
        assert not answer["node_errors"], answer  # the status is 200 even then
        return answer["prompt_id"]

    def finished(self, prompt_id: str) -> dict:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            history = self.ask(f"/history/{prompt_id}")
            if history:
                return history[prompt_id]
            time.sleep(0.3)
        raise TimeoutError(self.log[-3000:])


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("comfyui"))
    try:
        running.wait_until_up()
        yield running
    finally:
        running.process.terminate()
        try:
            running.process.wait(20)
        except subprocess.TimeoutExpired:
            running.process.kill()


def test_every_node_is_there_and_the_start_is_quick(server):
    assert "IMPORT FAILED" not in server.log
    surface = json.loads((ROOT / "tests" / "node_surface.json").read_text())
    info = server.ask("/object_info")
    assert {name for name in info if name.startswith("Recon3D_")} == set(surface)
    seconds = float(re.search(r"([\d.]+) seconds: .*ComfyUI-Recon3D", server.log)[1])
    assert seconds <= IMPORT_BUDGET


def test_workflows_help_and_names_are_served(server):
    names = server.ask("/i18n")
    assert names["zh"]["nodeDefs"]["Recon3D_Segment"]["display_name"] != "Segment (Removal: Background, rembg)"
    words = json.loads((ROOT / "locales" / "zh" / "main.json").read_text(encoding="utf-8"))
    assert names["zh"]["recon3d"] == words["recon3d"]
    own = {path.name for path in (ROOT / "web").glob("*.js")}
    served = [path for path in server.ask("/extensions") if Path(path).name in own]
    assert sorted(served) == sorted(f"/extensions/ComfyUI-Recon3D/{name}" for name in own)  # each once
    shipped = {path.stem for path in (ROOT / "workflows").glob("*.json")}
    assert shipped <= set(server.ask("/workflow_templates")["ComfyUI-Recon3D"])
    for page, word in (("Recon3D_Segment.md", "Segment"), ("Recon3D_Segment/zh.md", "分割")):
        path = f"http://127.0.0.1:{server.port}/extensions/ComfyUI-Recon3D/docs/{page}"
        with urllib.request.urlopen(path, timeout=60) as answer:
            assert word in answer.read().decode()


@pytest.mark.skipif(not EMBEDDED.is_file(), reason="no embedded model in this checkout")
def test_the_api_workflow_leaves_a_textured_glb_in_the_history(server):
    prompt = json.loads((ROOT / "workflows" / "api" / "zeroshape_w.json").read_text())
    done = server.finished(server.queue(prompt))
    succeeded(done)
    (entry,) = [entry for output in done["outputs"].values() for entry in output.get("3d", [])]
    content = (server.output / entry["subfolder"] / entry["filename"]).read_bytes()
    assert content[:4] == b"glTF" and struct.unpack("<I", content[8:12])[0] == len(content)
    described = json.loads(content[20 : 20 + struct.unpack("<I", content[12:16])[0]])
    assert described["images"] and described["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]
    with urllib.request.urlopen(
        f"http://127.0.0.1:{server.port}/view?filename={entry['filename']}&subfolder={entry['subfolder']}", timeout=60
    ) as answer:
        assert answer.read() == content


@pytest.mark.skipif(not EMBEDDED.is_file(), reason="no embedded model in this checkout")
def test_the_readme_s_lines_fetch_a_mesh(server, tmp_path):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = text.split("### Without the page")[1].split("```python\n")[1].split("```")[0]
    assert "http://127.0.0.1:8188" in lines
    (tmp_path / "workflows").symlink_to(ROOT / "workflows", target_is_directory=True)
    (tmp_path / "mug.jpg").write_bytes((ROOT / "assets" / "photos" / "coffee_cup.jpg").read_bytes())
    program = lines.replace(":8188", f":{server.port}")
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, timeout=PATIENCE)
    assert (tmp_path / "mug.glb").read_bytes()[:4] == b"glTF"


@pytest.mark.skipif(not EMBEDDED.is_file(), reason="no embedded model in this checkout")
def test_the_loop_goes_around_and_one_camera_more_paints_one_view_more(server):
    prompt = small("pop3d", Recon3D_LoadOutpainter={"name": "nearest seen colour (no model)"})
    (loop,) = [node["inputs"] for node in prompt.values() if node["class_type"] == "Recon3D_GrowAround"]
    ran = []
    for cameras in (2, 3):
        loop.update(cameras=cameras)
        before = server.log
        done = server.finished(server.queue(prompt))
        succeeded(done)
        assert any(output.get("3d") for output in done["outputs"].values())
        log = server.log[len(before) :]
        ran.append((runs(log, "Outpaint View"), runs(log, "Fit VolSDF")))
    assert ran == [(1, 2), (1, 1)]


@pytest.mark.skipif(not EMBEDDED.is_file(), reason="no embedded model in this checkout")
def test_steps_drawn_by_hand_are_painted_by_comfyui_s_own_sampler(server):
    prompt = small("pop3d_native_inpaint", KSampler={"steps": 2})
    kinds = {name: node["class_type"] for name, node in prompt.items()}
    (checkpoint,) = [name for name, kind in kinds.items() if kind == "CheckpointLoaderSimple"]
    wanted, unwanted = [name for name, kind in kinds.items() if kind == "CLIPTextEncode"]
    stands_in = {(checkpoint, 0): 0, (checkpoint, 2): 1, (wanted, 0): 2, (unwanted, 0): 3}
    prompt[checkpoint] = {"class_type": "TinyStableDiffusion", "inputs": {}}
    del prompt[wanted], prompt[unwanted]
    for node in prompt.values():
        for key, value in node["inputs"].items():
            if isinstance(value, list) and tuple(value) in stands_in:
                node["inputs"][key] = [checkpoint, stands_in[tuple(value)]]
    before = server.log
    done = server.finished(server.queue(prompt))
    succeeded(done)
    assert any(output.get("3d") for output in done["outputs"].values())
    assert runs(server.log[len(before) :], "Join Painted View") == 2


@pytest.mark.skipif(not EMBEDDED.is_file(), reason="no embedded model in this checkout")
def test_steps_as_subgraphs_run_like_their_nodes(server):
    before = server.log
    done = server.finished(server.queue(small("pop3d_steps")))  # its photo is not the loop's: nothing is cached
    succeeded(done)
    log = server.log[len(before) :]
    assert (runs(log, "Outpaint View"), runs(log, "Fit VolSDF")) == (3, 4)


def runs(log: str, name: str) -> int:
    """How often a node ran, by the beginning of its display name."""
    return len(re.findall(rf"^{name}( \([^)]*\))? took ", log, re.MULTILINE))


def succeeded(done: dict) -> None:
    _, facts = done["status"]["messages"][-1]
    told = f"{facts.get('node_type')}: {facts.get('exception_message')}"
    assert done["status"]["status_str"] == "success", told


def small(workflow: str, **changes: dict) -> dict:
    """A shipped API workflow with pictures, grids and fits that take seconds; changes by kind of node."""
    prompt = json.loads((ROOT / "workflows" / "api" / f"{workflow}.json").read_text())
    fit = {"grid": 32, "rounds": 2, "pixels": 48}
    sizes = {
        "Recon3D_CropViews": {"side": 64}, "Recon3D_ExtractMesh": {"resolution": 48},
        "Recon3D_BakeTexture": {"size": 256}, "Recon3D_FitVolSDF": fit, "Recon3D_GrowAround": fit,
    }  # fmt: skip
    for node in prompt.values():
        node["inputs"].update(sizes.get(node["class_type"], {}) | changes.get(node["class_type"], {}))
    return prompt


def test_a_wrong_input_comes_back_as_one_sentence(server):
    prompt = {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 80, "height": 80, "batch_size": 1, "color": 0}},
        "2": {"class_type": "SolidMask", "inputs": {"value": 0.0, "width": 80, "height": 80}},
        "3": {
            "class_type": "Recon3D_PrepareMask",
            "inputs": {"image": ["1", 0], "mask": ["2", 0], "meaning": "white is the object"},
        },
        "4": {"class_type": "MaskPreview", "inputs": {"mask": ["3", 0]}},
    }
    done = server.finished(server.queue(prompt))
    name, facts = done["status"]["messages"][-1]
    assert name == "execution_error" and facts["node_type"] == "Recon3D_PrepareMask"
    assert facts["exception_message"].strip() == "The mask is empty; white (1) must mark the object."


def test_the_stop_button_ends_a_long_node_within_a_second(server):
    """A turntable of 360 large frames would take minutes."""
    trimesh = pytest.importorskip("trimesh")

    (server.output.parent / "input" / "ball.glb").write_bytes(trimesh.creation.icosphere(5).export(file_type="glb"))
    prompt = {
        "2": {"class_type": "Recon3D_CameraOrbit", "inputs": orbit(360)},
        "3": {"class_type": "Recon3D_LoadMesh", "inputs": {"file": "ball.glb"}},
        "6": {
            "class_type": "Recon3D_Render",
            "inputs": {
                "mesh": ["3", 0], "cameras": ["2", 0], "frames": 1, "elevation": 0.0, "size": 64, "shading": "lit",
                "background": "white",
            },
        },
        "4": {"class_type": "PreviewImage", "inputs": {"images": ["6", 0]}},
    }  # fmt: skip
    number = server.queue(prompt)
    end = time.monotonic() + PATIENCE
    while not runs(server.log, "Load Mesh") and time.monotonic() < end:
        time.sleep(0.1)
    time.sleep(1.0)
    pressed = time.monotonic()
    server.ask("/interrupt", {"prompt_id": number})
    done = server.finished(number)
    waited = time.monotonic() - pressed
    assert done["status"]["messages"][-1][0] == "execution_interrupted"
    assert waited < (1.0 + 0.3) * slowness(), f"{waited:.2f} s"  # the question is asked every 0.3 s


def slowness() -> float:
    """How many times slower than alone this machine runs now: wall over processor time of some plain work."""
    wall, own = time.perf_counter(), time.process_time()
    while time.process_time() - own < 0.5:
        sum(range(10000))
    return max((time.perf_counter() - wall) / (time.process_time() - own), 1.0)


def orbit(count: int) -> dict:
    return {
        "count": count, "azimuth": 0.0, "sweep": 360.0, "elevation": 10.0, "distance": 3.5, "fov": 40.0,
        "width": 512, "height": 512,
    }  # fmt: skip
