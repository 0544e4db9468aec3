"""Whether a folder that params.yaml names holds an autoencoder, seen without loading it or reading its weights."""

import json
from pathlib import Path

KIND = "AutoencoderKL"
WEIGHTS = ("diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.safetensors.index.json")
LARGEST_CONFIG = 2**20  # bytes


def why_no_autoencoder(folder: Path) -> str | None:
    """Return why a folder is none in which diffusers saved an AutoencoderKL; None where it looks like one."""
    remedy = f"name one in which diffusers saved an {KIND}"
    config = folder / "config.json"
    try:
        if not folder.is_dir():
            return f"no such folder; {remedy}"
        if not config.is_file() or config.stat().st_size > LARGEST_CONFIG:
            return f"a folder without a config.json; {remedy}"
        content = json.loads(config.read_text(encoding="utf-8"))
        if not isinstance(content, dict) or content.get("_class_name") != KIND:
            return f"its config.json is not that of an {KIND}; {remedy}"
        if not any((folder / name).is_file() for name in WEIGHTS):
            return f"a folder without {WEIGHTS[0]}; {remedy}"
    except (OSError, ValueError, RecursionError):
        return f"cannot be read; {remedy}"
    return None
