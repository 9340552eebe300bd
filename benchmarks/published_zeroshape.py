"""ZeroShape's published point decoder, imported from a clone of its repository.

The published code has no licence, so nothing of it is included here. Clone github.com/zxhuang1698/ZeroShape (commit
cc5d9eb was measured) and install timm 0.6.13, beside the environment's packages if need be:
`pip install --no-deps --target FOLDER timm==0.6.13`. timm imports torchvision for things that the decoder never
uses; where it is missing, empty modules stand in.
"""

import importlib.abc
import importlib.util
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from torch import nn


class Anything(type):
    """A class whose attributes are their own names: enough to be listed and compared, but not called."""

    def __getattr__(cls, name: str) -> str:
        if name.startswith("__"):
            raise AttributeError(name)
        return f"{cls.__name__}.{name}"


class EmptyModule(ModuleType):
    __path__: list[str] = []

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything(name, (), {"__init__": lambda self, *args, **options: None})


class StandIn(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Import finder of empty modules for one package and everything below it."""

    def __init__(self, package: str) -> None:
        self.package = package

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if fullname.split(".")[0] != self.package:
            return None
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return EmptyModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass


def published_decoder(clone: Path, timm: Path | None = None) -> nn.Module:
    """The published `Implicit` in its released configuration (options/shape.yaml), randomly initialised."""
    if importlib.util.find_spec("torchvision") is None:
        sys.meta_path.append(StandIn("torchvision"))
    sys.path[:0] = [str(folder) for folder in (clone, timm) if folder is not None]
    from model.shape.implicit import Implicit  # the clone's

    return Implicit(
        196, latent_dim=256, n_channels=256, n_blocks_attn=2, n_layers_mlp=8, num_heads=8, skip_in=[2, 4, 6],
        pos_perlayer=False,
    ).eval().requires_grad_(False)  # fmt: skip
