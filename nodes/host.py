"""The only file that talks to ComfyUI: progress, interruption, memory, folders."""

import html
import json
import logging
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import comfy.model_management as management
import comfy.utils
import folder_paths
import torch

from ..recon_lib.errors import BadInput
from ..recon_lib.parsing import checked_name, shown
from ..recon_lib.progress import Preview, Progress, draw
from .convert import to_pil

if TYPE_CHECKING:
    from ..recon_lib.weights.registry import LoadedModel

log = logging.getLogger("recon3d")
MODEL_FOLDER = "recon3d"  # the key in extra_model_paths.yaml, and the folder's name under models/
LONGEST_MESSAGE = 1000  # characters
PACK = Path(__file__).resolve().parent.parent
PREVIEW_SIZE = 512  # pixels, longest side
_told: set[str] = set()  # nodes that show a text
PREVIEW_PAUSE = 0.2  # seconds between preview pictures: encoding them must not slow the work


class ComfyProgress(Progress):
    """Steps and pictures go to the node's progress bar; the Stop button raises ComfyUI's own exception."""

    def __init__(self) -> None:
        super().__init__()
        self._bar = comfy.utils.ProgressBar(1)
        self._shown = float("-inf")

    def check(self) -> None:
        management.throw_exception_if_processing_interrupted()

    def report(self, preview: Preview) -> None:
        picture = None
        now = time.monotonic()
        if preview is not None and now - self._shown >= PREVIEW_PAUSE:
            self._shown = now
            picture = ("JPEG", to_pil(draw(preview)), PREVIEW_SIZE)
        self._bar.update_absolute(self.done, max(self.total, 1), picture)


def show_text(text: str) -> None:
    """Text on the node that is running, in the page that started it; none takes an earlier run's text away again."""
    try:
        from comfy_execution.utils import get_executing_context  # pyright: ignore[reportMissingImports]
        from server import PromptServer  # pyright: ignore[reportMissingImports]
    except ImportError:  # a host without a page
        return
    server, context = getattr(PromptServer, "instance", None), get_executing_context()
    if server is None or context is None or not getattr(server, "client_id", None):
        return
    if text:
        _told.add(context.node_id)
    elif context.node_id not in _told:
        return
    else:
        _told.discard(context.node_id)
    # the page takes it for HTML, and ignores an empty one
    server.send_progress_text(html.escape(public(text)) or "Nothing to note.", context.node_id, server.client_id)


@contextmanager
def training_tensors() -> Iterator[None]:
    """Leave ComfyUI's inference mode, so that what is made inside can be edited and differentiated later.

    Tensors from other nodes may still be inference tensors: clone them inside this block (`convert` does).
    """
    with torch.inference_mode(False), torch.no_grad():
        yield


def device() -> torch.device:
    """Where stages compute."""
    return management.get_torch_device()


def reserve_memory(model: "LoadedModel") -> torch.device:
    """The device, after other models were moved off it until this one and some working memory fit."""
    return make_room(4 * model.card.parameters)


def make_room(size: int) -> torch.device:
    """The device, after other models were moved off it until `size` bytes and some working memory fit."""
    chosen = device()
    management.free_memory(size + management.minimum_inference_memory(), chosen)
    return chosen


def offload(inputs: dict) -> None:
    """Take the networks among a node's inputs (models, decoded fields) off the device: between nodes it is free."""
    for value in inputs.values():
        module = getattr(value, "module", None)
        if isinstance(module, torch.nn.Module):
            module.to("cpu")


def new_graph():
    """A graph to which a node adds nodes that ComfyUI runs in its place."""
    from comfy_execution.graph_utils import GraphBuilder

    return GraphBuilder()


# -- folders --------------------------------------------------------------------------------------------------


def register_folders() -> None:
    """Make models/recon3d known, next to what extra_model_paths.yaml names under the same key."""
    folder_paths.add_model_folder_path(MODEL_FOLDER, str(Path(folder_paths.models_dir) / MODEL_FOLDER))


def offer_samples() -> None:
    """Put the pack's photographs, posed pictures and scans into the input folder, where the workflows start."""
    folder, assets = Path(folder_paths.get_input_directory()), PACK / "assets"
    samples = [*(assets / "photos").glob("*.jpg"), *(assets / "meshes").glob("*_scan.glb")]
    samples += [path for path in (assets / "views").iterdir() if path.is_dir()]
    try:
        for sample in sorted(samples):
            offered = folder / f"{MODEL_FOLDER}_{sample.name}"
            if sample.is_dir() and not offered.exists():
                shutil.copytree(sample, offered)
            elif not offered.exists():
                shutil.copyfile(sample, offered)
    except OSError as error:  # a folder that may not be written to, or a full disk
        log.warning("the samples could not be put into %s: %s", folder, error.strerror)


def model_folders() -> list[Path]:
    """Where models of this pack may lie, besides the pack itself."""
    return [Path(folder) for folder in folder_paths.get_folder_paths(MODEL_FOLDER)]


def kept_path(name: str) -> Path:
    """A file in ComfyUI's user folder, for what must outlast a crash."""
    return Path(folder_paths.get_user_directory()) / MODEL_FOLDER / name


def pipeline_folders() -> list[Path]:
    """Where transformers and diffusers models may lie as folders."""
    return model_folders() + [Path(folder) for folder in folder_paths.get_folder_paths("diffusers")]


def changed(path: Path) -> list:
    """When the file, or the newest file of the folder, was changed: a node's fingerprint."""
    newest = max([path, *path.rglob("*")], key=lambda each: each.stat().st_mtime_ns)
    return [str(path), newest.name, newest.stat().st_mtime_ns]


def inside(root: str | Path, name: str, what: str) -> Path:
    """The path `name` below `root`, links followed; `BadInput` when it leads out of it or to the root itself."""
    root = Path(root).resolve()
    checked_name(name, what)
    try:
        path = (root / name).resolve()
    except (OSError, RuntimeError) as error:  # links in a circle
        raise BadInput(f"{what} {shown(name)} cannot be followed; give another path.") from error
    if root not in path.parents:
        raise BadInput(f"{what} {shown(name)} lies outside ComfyUI's {root.name} folder; give a path inside it.")
    return path


def input_path(name: str, what: str) -> Path:
    """An existing file or folder in the input folder, else in the output folder.

    With " [input]" or " [output]" behind its name, as ComfyUI marks them, only there.
    """
    folders = {" [input]": folder_paths.get_input_directory(), " [output]": folder_paths.get_output_directory()}
    mark = next((mark for mark in folders if name.endswith(mark)), "")
    plain, roots = name.removesuffix(mark), [folders[mark]] if mark else list(folders.values())
    for root in roots if plain.strip() else ():
        path = inside(root, plain, what)
        if path.exists():
            return path
    where = " or ".join(Path(root).name for root in roots)
    raise BadInput(f"{what} {shown(plain)} is not in ComfyUI's {where} folder; put it there and press R.")


def input_files(endings: set[str]) -> list[str]:
    """Names for `input_path` of the files with one of `endings`: in the input folder and its folder 3d, then in the
    output folder and the folders in it, the newest first.
    """
    root, made = Path(folder_paths.get_input_directory()), Path(folder_paths.get_output_directory())
    given = [path for folder in (root, root / "3d") for path in _with_ending(folder, endings)]
    below = sorted(path for path in made.iterdir() if path.is_dir()) if made.is_dir() else []
    results = [path for folder in (made, *below) for path in _with_ending(folder, endings)]
    results.sort(key=lambda path: -path.stat().st_mtime_ns)
    names = sorted(path.relative_to(root).as_posix() for path in given)
    return names + [f"{path.relative_to(made).as_posix()} [output]" for path in results]


def _with_ending(folder: Path, endings: set[str]) -> list[Path]:
    found = folder.iterdir() if folder.is_dir() else ()
    return [path for path in found if path.suffix.lower() in endings and path.is_file()]


def output_name(entry: dict[str, str]) -> str:
    """The name by which `input_path` finds what `output_path` gave this entry."""
    name = f"{entry['subfolder']}/{entry['filename']}".lstrip("/")
    return f"{name} [output]" if (Path(folder_paths.get_input_directory()) / name).exists() else name


def graph_texts(hidden: Any) -> dict[str, str]:
    """The prompt and the page's workflow as JSON, for a file that brings its graph back; {} if the user wants none.

    hidden: of a running node. The keys are those that ComfyUI writes into its own files.
    """
    import comfy.cli_args

    if getattr(comfy.cli_args.args, "disable_metadata", False):
        return {}
    texts = {**(getattr(hidden, "extra_pnginfo", None) or {})}
    if getattr(hidden, "prompt", None) is not None:
        texts["prompt"] = hidden.prompt
    return {name: json.dumps(value) for name, value in texts.items()}


def passing_path(ending: str) -> Path:
    """A new file in ComfyUI's temp folder, emptied when it starts: for what need not outlast its cache."""
    folder = Path(folder_paths.get_temp_directory())
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{MODEL_FOLDER}_{uuid.uuid4().hex}{ending}"


def picture_on_node(picture: torch.Tensor) -> dict:
    """The entry of a node's `ui` that shows a picture [3,H,W] on it."""
    path = passing_path(".png")
    to_pil(picture).save(path)
    return {"images": [{"filename": path.name, "subfolder": "", "type": "temp"}], "animated": (False,)}


def lora_folders() -> list[Path]:
    """Where LoRA files may lie: those that Load LoRA knows, and loras below this pack's models."""
    return [Path(folder) for folder in folder_paths.get_folder_paths("loras")] + [f / "loras" for f in model_folders()]


def output_path(prefix: str, ending: str) -> tuple[Path, dict[str, str]]:
    """A new numbered file for `prefix` in the output folder, and its entry for /history.

    ending: with dot, or empty for a folder.
    """
    root = Path(folder_paths.get_output_directory())
    last = prefix.replace("\\", "/").rpartition("/")[2].strip()
    if last in ("", ".", ".."):
        raise BadInput(f"File name {shown(prefix)} has no name in it; give something like 3d/object.")
    inside(root, f"{prefix}_00000_{ending}", "File name")
    folder, name, counter, subfolder, _ = folder_paths.get_save_image_path(prefix, str(root))
    path = Path(folder) / f"{name}_{counter:05}_{ending}"
    inside(root, str(path), "File name")  # as it will be written
    return path, {"filename": path.name, "subfolder": subfolder.replace("\\", "/"), "type": "output"}


def public(message: str) -> str:
    """A message as a remote user may see it: ComfyUI's folders by their last name, at most 1000 characters."""
    for folder in _own_folders():
        message = message.replace(str(folder), folder.name)
    return message if len(message) <= LONGEST_MESSAGE else f"{message[: LONGEST_MESSAGE - 1]}…"


def _own_folders() -> list[Path]:
    """ComfyUI's folders and the pack's own, as they are given and with links followed; the innermost first."""
    names = ("input", "output", "temp", "user")
    folders = [getattr(folder_paths, f"get_{name}_directory")() for name in names]
    folders += [folder_paths.models_dir, *map(str, (*lora_folders(), *pipeline_folders(), PACK)), Path.home()]
    folders.append(getattr(folder_paths, "base_path", ""))
    both = {path for folder in folders if folder for path in (Path(folder), Path(folder).resolve()) if path.name}
    return sorted(both, key=lambda path: -len(path.parts))
