"""ComfyUI starts no slower and with nothing more in memory because the pack is there."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {
    "accelerate", "cv2", "diffusers", "embreex", "fast_simplification", "kornia", "mcubes", "networkx", "PIL",
    "pymcubes", "scipy", "skimage", "torchvision", "transformers", "trimesh", "xatlas",
}  # fmt: skip
PROGRAM = """
import asyncio, importlib.util, sys, tempfile, time
sys.path.insert(0, {standin!r})
import torch, numpy, safetensors  # ComfyUI has these loaded
import comfy.utils, comfy.model_management, folder_paths
from comfy_api import latest
folder_paths.use(tempfile.mkdtemp())
before, started = set(sys.modules), time.process_time()
spec = importlib.util.spec_from_file_location("pack", {door!r}, submodule_search_locations=[{root!r}])
module = sys.modules["pack"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
nodes = asyncio.run(asyncio.run(module.comfy_entrypoint()).get_node_list())
for node in nodes: node.GET_SCHEMA()
print(time.process_time() - started)
print(" ".join(sorted({{name.split(".")[0] for name in set(sys.modules) - before}})))
"""


def test_nothing_heavy_is_imported():
    program = PROGRAM.format(
        standin=str(ROOT / "tests" / "nodes" / "comfy_standin"), door=str(ROOT / "__init__.py"), root=str(ROOT)
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    seconds, loaded = done.stdout.splitlines()
    assert not HEAVY & set(loaded.split())
    assert float(seconds) <= 0.3, "processor seconds, which a busy machine does not stretch much"
