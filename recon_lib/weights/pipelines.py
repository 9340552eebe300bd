"""Depth and normal models of transformers and diffusers, as folders on this machine. Nothing is ever downloaded."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import BadInput
from ..parsing import is_file, read_json

# what the number means that a transformers model puts out; see each model's own documentation
TRANSFORMERS_KINDS = {
    "depth_anything": "inverse",  # unless its config says metric
    "dpt": "inverse",
    "depth_pro": "depth",
    "glpn": "depth",
    "prompt_depth_anything": "depth",
    "zoedepth": "depth",
}
DIFFUSERS_KINDS = {"MarigoldDepthPipeline": "depth", "MarigoldNormalsPipeline": "normals"}
DEEPEST = 3  # folders below each root that are looked into


@dataclass(frozen=True)
class PipelineFolder:
    """A model folder that `stages.single_view.depth_external` can run."""

    name: str  # path below the folder that was searched
    path: Path
    framework: str  # "transformers" or "diffusers"
    kind: str  # "depth" (grows with distance), "inverse" (grows with nearness) or "normals"


def find_pipelines(folders: Sequence[Path]) -> list[PipelineFolder]:
    """All depth and normal models below `folders`, by name; the first one of a name wins."""
    entries: dict[str, PipelineFolder] = {}
    for root in folders:
        for path in model_folders_below(Path(root)):
            entry = _read(path, path.relative_to(root).as_posix())
            if entry is not None:
                entries.setdefault(entry.name, entry)
    return sorted(entries.values(), key=lambda entry: entry.name)


def find_pipeline(name: str, folders: Sequence[Path]) -> PipelineFolder:
    """The one called `name`; `BadInput` with what there is otherwise."""
    entries = find_pipelines(folders)
    for entry in entries:
        if entry.name == name:
            return entry
    known = ", ".join(entry.name for entry in entries) or "none"
    raise BadInput(
        f"No depth or normal model '{name}' was found (there is: {known}); put its folder into models/recon3d."
    )


def model_folders_below(root: Path) -> list[Path]:
    """Folders below `root` that hold a model's description."""
    folders, level = [], [root] if root.is_dir() else []
    for _ in range(DEEPEST):
        level = sorted(child for folder in level for child in folder.iterdir() if child.is_dir())
        here = [child for child in level if (child / "model_index.json").is_file() or (child / "config.json").is_file()]
        folders += here
        level = [child for child in level if child not in here]
    return folders


def _read(path: Path, name: str) -> PipelineFolder | None:
    """The model in the folder, or None when it is no depth or normal model."""
    index = path / "model_index.json"
    if index.is_file():
        kind = DIFFUSERS_KINDS.get(str(json_object(index).get("_class_name")))
        return kind and PipelineFolder(name, path, "diffusers", kind)
    config = json_object(path / "config.json")
    kind = TRANSFORMERS_KINDS.get(str(config.get("model_type")))
    if kind == "inverse" and config.get("depth_estimation_type") == "metric":
        kind = "depth"
    return kind and PipelineFolder(name, path, "transformers", kind)


def json_object(path: Path) -> dict:
    """The file's object; an unreadable one counts as empty, since foreign folders must not break the list."""
    if not is_file(path):
        return {}
    try:
        value = read_json(path, path.name)
    except BadInput:
        return {}
    return value if isinstance(value, dict) else {}
