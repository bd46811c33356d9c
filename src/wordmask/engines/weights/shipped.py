"""How a network that lies in the package is opened: hash first, then onnxruntime."""

import hashlib
from pathlib import Path
from typing import Any

from wordmask.errors import WeightsError


def open_network(folder: Path, file: str, settings: dict[str, Any], threads: int = 0) -> Any:
    """An onnxruntime session on the CPU, if the file has the sha256 of its settings."""
    import onnxruntime

    path = folder / file
    if not path.exists():
        raise WeightsError(f"{path} is missing; reinstall wordmask")
    data = path.read_bytes()
    got, wanted = hashlib.sha256(data).hexdigest(), settings["files"][file]
    if got != wanted:
        raise WeightsError(
            f"{path} has sha256 {got[:12]}..., expected {wanted[:12]}...; reinstall wordmask"
        )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads  # 0: as many as there are cores
    # Threads that spin while they wait steal the cores from everything else on the machine.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
