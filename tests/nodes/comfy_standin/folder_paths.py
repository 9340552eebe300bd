"""Stand-in: ComfyUI's folders. Tests call `use(root)` to put them into a folder of their own."""

import re
from pathlib import Path

folder_names_and_paths: dict[str, tuple[list[str], set[str]]] = {}
models_dir = input_directory = output_directory = ""


def use(root) -> None:
    global models_dir, input_directory, output_directory
    models_dir, input_directory, output_directory = (str(Path(root) / name) for name in ("models", "input", "output"))
    for folder in (models_dir, input_directory, output_directory):
        Path(folder).mkdir(parents=True, exist_ok=True)
    folder_names_and_paths.clear()
    folder_names_and_paths["loras"] = ([str(Path(models_dir) / "loras")], {".safetensors"})
    folder_names_and_paths["diffusers"] = ([str(Path(models_dir) / "diffusers")], {"folder"})


def get_input_directory():
    return input_directory


def get_output_directory():
    return output_directory


def get_temp_directory():
    return str(Path(output_directory).parent / "temp")


def get_user_directory():
    return str(Path(output_directory).parent / "user")


def add_model_folder_path(folder_name, full_folder_path, is_default=False):
    paths, _ = folder_names_and_paths.setdefault(folder_name, ([], set()))
    if full_folder_path not in paths:
        paths.append(full_folder_path)


def get_folder_paths(folder_name):
    return folder_names_and_paths[folder_name][0][:]


def get_save_image_path(filename_prefix, output_dir, image_width=0, image_height=0):
    prefix = Path(filename_prefix)
    folder = Path(output_dir) / prefix.parent
    if Path(output_dir).resolve() not in (folder.resolve(), *folder.resolve().parents):
        raise Exception("Saving image outside the output folder is not allowed.")
    folder.mkdir(parents=True, exist_ok=True)
    taken = [re.match(re.escape(prefix.name) + r"_(\d+)_", entry.name) for entry in folder.iterdir()]
    counter = max([int(match[1]) for match in taken if match], default=0) + 1
    subfolder = "" if str(prefix.parent) == "." else str(prefix.parent)
    return str(folder), prefix.name, counter, subfolder, filename_prefix
