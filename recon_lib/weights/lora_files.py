"""LoRA files of personalised painters: safetensors, with the words for the object in the metadata."""

from pathlib import Path

from torch import Tensor

from ..errors import BadInput
from ..files import written_whole
from ..parsing import is_file

SUBJECT = "recon3d.subject"  # the words for the object
ENDING = ".safetensors"


def write_lora(factors: dict[str, Tensor], target: Path, subject: str) -> None:
    """Write the file atomically. subject: what `read_subject` returns."""
    from safetensors.torch import save_file

    plain = {key: value.detach().float().cpu().contiguous() for key, value in factors.items()}
    with written_whole(target) as part:
        save_file(plain, str(part), {SUBJECT: subject})  # of two entries, safetensors writes either first


def read_subject(path: Path) -> str:
    """Words for the object; empty for other programs' files. `BadInput` for a missing or damaged file."""
    from safetensors import SafetensorError, safe_open

    if not is_file(path):
        raise BadInput(f"There is no LoRA file {path}; choose another, or personalise the painter again.")
    try:
        with safe_open(str(path), "pt") as file:
            return (file.metadata() or {}).get(SUBJECT, "")
    except (SafetensorError, OSError) as error:
        raise BadInput(f"{path.name} is truncated or no safetensors file ({error}); get it again.") from error


def find_loras(folders: list[Path]) -> dict[str, Path]:
    """LoRA files below `folders`, by their path there; the first of a name wins. Reads none."""
    files: dict[str, Path] = {}
    for root in folders:
        for path in sorted(Path(root).rglob(f"*{ENDING}")):
            files.setdefault(path.relative_to(root).as_posix(), path)
    return files
