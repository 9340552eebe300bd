"""The stand-in tells the truth: the real ComfyUI describes every node of the pack in the same words.

Set COMFYUI_PATH to a ComfyUI checkout; COMFYUI_PYTHON to the Python that has its requirements, if it isn't this one.
"""

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMFYUI = os.environ.get("COMFYUI_PATH")
PYTHON = os.environ.get("COMFYUI_PYTHON", sys.executable)
SAME = ("input", "input_order", "output", "output_is_list", "output_name", "output_tooltips", "name", "display_name",
        "description", "category", "output_node", "experimental")  # fmt: skip
PROGRAM = """
import asyncio, importlib.util, inspect, json, os, sys
comfyui, root, answer = sys.argv[1:]
sys.path.insert(0, comfyui); os.chdir(comfyui); sys.argv = ["main.py", "--cpu"]
import comfy.options; comfy.options.enable_args_parsing()
import comfy.utils, comfy.model_management as management, folder_paths
from comfy_api.latest import ComfyExtension
spec = importlib.util.spec_from_file_location("pack", root + "/__init__.py", submodule_search_locations=[root])
module = sys.modules["pack"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
extension = asyncio.run(module.comfy_entrypoint())
assert isinstance(extension, ComfyExtension)
nodes = [node.GET_NODE_INFO_V1() for node in asyncio.run(extension.get_node_list())]
functions = {"management." + name: getattr(management, name) for name in (
    "throw_exception_if_processing_interrupted", "interrupt_current_processing", "get_torch_device",
    "intermediate_device", "minimum_inference_memory", "free_memory")}
functions |= {"folder_paths." + name: getattr(folder_paths, name) for name in (
    "get_input_directory", "get_output_directory", "add_model_folder_path", "get_folder_paths", "get_save_image_path")}
functions |= {"ProgressBar": comfy.utils.ProgressBar, "update": comfy.utils.ProgressBar.update_absolute}
signatures = {name: list(inspect.signature(function).parameters) for name, function in functions.items()}
assert issubclass(management.InterruptProcessingException, BaseException) and folder_paths.models_dir
open(answer, "w").write(json.dumps({"nodes": {n["name"]: n for n in nodes}, "signatures": signatures}))
"""


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    if not COMFYUI:
        pytest.skip("COMFYUI_PATH is not set: the stand-in is not held against a real ComfyUI")
    answer = tmp_path_factory.mktemp("real") / "answer.json"
    command = [PYTHON, "-c", PROGRAM, COMFYUI, str(ROOT), str(answer)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(answer.read_text())


def test_nodes_are_described_alike(real, pack):
    assert set(real["nodes"]) == set(pack.nodes)
    listed = {"name", "photo", "file", "estimator"}
    for node_id, node in pack.nodes.items():
        mine = json.loads(json.dumps(node.GET_NODE_INFO_V1()))
        for key in SAME:
            ours, theirs = mine[key], real["nodes"][node_id][key]
            if key == "input":
                ours, theirs = without_lists(ours, listed), without_lists(theirs, listed)
            assert ours == theirs, (node_id, key)


def test_functions_take_the_same_arguments(real, pack):
    import folder_paths
    from comfy import model_management, utils

    ours = {"management": model_management, "folder_paths": folder_paths}
    for name, theirs in real["signatures"].items():
        if "." in name:
            room, function = name.split(".")
            mine = getattr(ours[room], function)
        else:
            mine = utils.ProgressBar if name == "ProgressBar" else utils.ProgressBar.update_absolute
        known = list(inspect.signature(mine).parameters)
        assert theirs[: len(known)] == known, name


def without_lists(inputs: dict, listed: set[str]) -> dict:
    """The description without choices that depend on what lies in folders."""
    drop = ("options", "default")
    return {
        group: {
            name: [kind[0], {k: v for k, v in kind[1].items() if k not in drop}] if name in listed else kind
            for name, kind in sockets.items()
        }
        for group, sockets in inputs.items()
    }
