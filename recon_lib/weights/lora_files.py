"""LoRA files that painters leave when they learned an object: safetensors, with a few words about them."""

from pathlib import Path

from torch import Tensor

from ..errors import BadInput
from ..files import written_whole

SUBJECT = "recon3d.subject"  # the words that it taught
ENDING = ".safetensors"


def write_lora(factors: dict[str, Tensor], target: Path, subject: str) -> None:
    """The file, whole or not at all. subject: what `read_subject` gives back."""
    from safetensors.torch import save_file

    plain = {key: value.detach().float().cpu().contiguous() for key, value in factors.items()}
    with written_whole(target) as beside:
        save_file(plain, str(beside), {SUBJECT: subject})  # of two entries, safetensors writes either first


def read_subject(path: Path) -> str:
    """The words that it taught; none in other programs' files. `BadInput` for a missing or damaged file."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise BadInput(f"There is no LoRA file {path}; choose another, or personalise the painter again.")
    try:
        with safe_open(str(path), "pt") as file:
            return (file.metadata() or {}).get(SUBJECT, "")
    except (SafetensorError, OSError) as error:
        raise BadInput(f"{path.name} is truncated or no safetensors file ({error}); get it again.") from error


def find_loras(folders: list[Path]) -> dict[str, Path]:
    """LoRA files below `folders`, by their path there; the first of a name wins. Reads none."""
    found: dict[str, Path] = {}
    for root in folders:
        for path in sorted(Path(root).rglob(f"*{ENDING}")):
            found.setdefault(path.relative_to(root).as_posix(), path)
    return found
