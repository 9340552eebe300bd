"""Systems: one row each, which the command line, training, the loader of models, docs and tests read.

A row names its parts as "module:attribute", with a leading dot for those of this library. So the table costs no
import, lies on the ground floor, and a new system is its own files and one row.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from .errors import BadInput


@dataclass(frozen=True)
class System:
    """A published method, or a learned model that one needs."""

    name: str  # on the command line and on model cards
    title: str  # the method and where it was published
    network: str | None = None  # function: a card's `config` -> untrained nn.Module
    trainer: str | None = None  # module with `add_arguments`, `settings_from` and `train`
    reconstruct: str | None = None  # function, see `systems.reconstruction.Reconstruct`
    options: str = ".systems.options:Options"  # dataclass of its options, importable without torch
    model: str | None = None  # name of the system whose network `reconstruct` needs
    workflow: str | None = None  # file in workflows/


_rows: dict[str, System] = {
    row.name: row
    for row in (
        System(
            "zeroshape-w",
            "ZeroShape-W (Huang et al., CVPR 2025)",
            network=".networks.zeroshape_w.model:build",
            trainer=".training.zeroshape_w.train",
            reconstruct=".systems.zeroshape_w:reconstruct",
            model="zeroshape-w",
            workflow="zeroshape_w.json",
        ),
        System(
            "pop3d",
            "after POP3D (Ryu et al., SIGGRAPH Asia 2023)",
            reconstruct=".systems.pop3d.loop:reconstruct",
            options=".systems.pop3d.options:Options",
            model="zeroshape-w",
            workflow="pop3d.json",
        ),
        System(
            "list",
            "LIST (Arshad and Beksi, ICCV 2023)",
            network=".networks.list_sdf.model:build",
            trainer=".training.list_sdf.train",
            reconstruct=".systems.list_sdf:reconstruct",
            options=".systems.list_sdf_options:Options",
            model="list",
            workflow="list.json",
        ),
        System(
            "g3dr",
            "G3DR (Reddy et al., CVPR 2024)",
            network=".networks.g3dr.model:build",
            trainer=".training.g3dr.train",
            reconstruct=".systems.g3dr:reconstruct",
            options=".systems.g3dr_options:Options",
            model="g3dr",
            workflow="g3dr.json",
        ),
        System(
            "outpainter",
            "painter of unseen sides (of this pack)",
            network=".networks.outpainter:build",
            trainer=".training.outpainter.train",
        ),
        System(
            "focal",
            "focal length of a depth map, after LeReS (Yin et al., CVPR 2021)",
            network=".networks.focal:build",
            trainer=".training.focal.train",
        ),
        System(
            "view-diffusion",
            "prior of views, after ReconFusion (Wu et al., CVPR 2024)",
            network=".networks.view_diffusion.model:build",
            trainer=".training.view_diffusion.train",
        ),
    )
}


def systems(part: str | None = None) -> list[System]:
    """All rows, or those that have a part: "network", "trainer", "reconstruct"."""
    return [row for row in _rows.values() if part is None or getattr(row, part)]


def find_system(name: str) -> System:
    """The row of a system. Raises `BadInput` where there is none."""
    if name not in _rows:
        raise BadInput(f"No system is called {name!r}; there are: {', '.join(_rows)}; or update the pack.")
    return _rows[name]


def load_part(part: str) -> Any:
    """The module, or the attribute of it, that a row names."""
    module, _, attribute = part.partition(":")
    loaded = import_module(module, __package__)
    return getattr(loaded, attribute) if attribute else loaded


@contextmanager
def registered(system: System) -> Iterator[System]:
    """Add a row for as long as the block runs, for tests and other packs."""
    before = dict(_rows)
    _rows[system.name] = system
    try:
        yield system
    finally:
        _rows.clear()
        _rows.update(before)
