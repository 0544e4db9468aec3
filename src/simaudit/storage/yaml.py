"""Reading YAML files."""

from pathlib import Path
from typing import Any

import yaml

from simaudit.vocabulary.errors import SimauditError


def read_yaml(path: Path) -> Any:
    """Return the content of a YAML file. Raises SimauditError when it is missing, unreadable or not valid YAML."""
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        raise SimauditError(f"{path}: missing; run in the folder that holds it") from None
    except PermissionError:
        raise SimauditError(f"{path}: must not be read; change its permissions") from None
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise SimauditError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
