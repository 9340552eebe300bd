"""The pack loaded the way ComfyUI loads it: from its folder, under a name of ComfyUI's choosing."""

import asyncio
import importlib
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
STANDIN = Path(__file__).resolve().parent / "comfy_standin"
PREVIEW_SIZE = 48  # pixels: drawing turntables is most of what nodes do at the sizes of these tests
NAME = "/somewhere/custom_nodes/ComfyUI-Recon3D"  # ComfyUI uses the folder's path as the module's name


@dataclass
class Pack:
    """The loaded pack."""

    nodes: dict[str, type]

    def lib(self, name: str) -> ModuleType:
        """The pack's own copy of `recon_lib.<name>`: its classes are the ones that nodes check against."""
        return importlib.import_module(f"{NAME}.recon_lib.{name}")

    def file(self, name: str) -> ModuleType:
        """The pack's `nodes.<name>`."""
        return importlib.import_module(f"{NAME}.nodes.{name}")

    def run(self, node_id: str, **inputs):
        """Execute a node as ComfyUI does: in inference mode, defaults filled in. -> its `NodeOutput`."""
        node = self.nodes[node_id]
        given = {i.id: getattr(i, "default", None) for i in node.define_schema().inputs if not i.optional}
        with torch.inference_mode():
            return node.EXECUTE_NORMALIZED(**{**given, **inputs})


@pytest.fixture(scope="session")
def loaded_pack(tmp_path_factory) -> Pack:
    sys.path.insert(0, str(STANDIN))
    import folder_paths

    folder_paths.use(tmp_path_factory.mktemp("comfy"))
    spec = importlib.util.spec_from_file_location(NAME, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)])
    module = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = module
    spec.loader.exec_module(module)
    extension = asyncio.run(module.comfy_entrypoint())
    return Pack({node.GET_SCHEMA().node_id: node for node in asyncio.run(extension.get_node_list())})


@pytest.fixture
def pack(loaded_pack, tmp_path, monkeypatch) -> Pack:
    """The pack with empty input, output and model folders under `tmp_path`, and with small previews."""
    import folder_paths
    from comfy import model_management, utils

    folder_paths.use(tmp_path)
    loaded_pack.file("host").register_folders()
    model_management.interrupted = False
    utils.updates.clear()
    for name in ("fit", "carve"):
        monkeypatch.setattr(loaded_pack.file(name), "PREVIEW_SIZE", PREVIEW_SIZE)
    monkeypatch.setattr(loaded_pack.file("carve"), "PREVIEW_CELLS", 24)
    return loaded_pack


@pytest.fixture(scope="session")
def photo() -> torch.Tensor:
    """IMAGE [1,48,64,3]: a bright disc on a gradient, an inference tensor as core nodes give it."""
    with torch.inference_mode():
        y, x = torch.meshgrid(torch.linspace(-1, 1, 48), torch.linspace(-1.33, 1.33, 64), indexing="ij")
        disc = (x**2 + y**2 < 0.4).float()
        return torch.stack([disc, 0.5 + 0.3 * y, 0.5 + 0.3 * x], -1)[None].clamp(0, 1)


@pytest.fixture(scope="session")
def disc() -> torch.Tensor:
    """MASK [1,48,64] of the photo's disc."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, 48), torch.linspace(-1.33, 1.33, 64), indexing="ij")
    return (x**2 + y**2 < 0.4).float()[None]


@pytest.fixture(scope="session")
def random_network(loaded_pack) -> torch.nn.Module:
    """The mini ZeroShape-W with random weights, biased so that it takes everything for the object."""
    torch.manual_seed(0)
    network = loaded_pack.lib("networks").build("zeroshape-w", {"image_size": 64})
    network.eval().requires_grad_(False)
    network.mask_head.last.bias.fill_(2.0)
    network.occluder_head.head[-1].bias.fill_(-2.0)
    return network


@pytest.fixture(scope="session")
def tiny_model(loaded_pack, random_network):
    """What Load Reconstruction Model would hand over, without trained weights."""
    parameters = sum(weight.numel() for weight in random_network.parameters())
    make_card = loaded_pack.lib("weights.card").ModelCard
    card = make_card("random", "zeroshape-w", Path("random.safetensors"), parameters=parameters)
    return loaded_pack.lib("weights.registry").LoadedModel(random_network, card)


@pytest.fixture(scope="session")
def tiny_outpainter(loaded_pack):
    """What Load Outpainter would hand over for an embedded model, without trained weights."""
    library = loaded_pack.lib("networks.outpainter")
    torch.manual_seed(0)
    config = library.OutpainterConfig(channels=(16, 16), groups=8, head_width=8, side=32, steps=2)
    network = library.Outpainter(config).eval().requires_grad_(False)
    card = loaded_pack.lib("weights.card").ModelCard("tiny", "outpainter", Path("tiny.safetensors"))
    model = loaded_pack.lib("weights.registry").LoadedModel(network, card)
    return loaded_pack.lib("stages.outpainting.painter_embedded").EmbeddedPainter(model)


@pytest.fixture
def quick_training(pack, monkeypatch):
    """Painters learn for two steps from three lessons."""
    settings = pack.lib("stages.outpainting.personalize.settings").PersonalSettings(steps=2, rate=1e-2, class_images=1)
    monkeypatch.setattr(pack.lib("stages.outpainting.personalize.painter"), "EMBEDDED", settings)
    monkeypatch.setattr(pack.lib("stages.outpainting.personalize.embedded"), "SAMPLES", 3)
    return settings
