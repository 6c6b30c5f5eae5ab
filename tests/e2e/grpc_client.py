"""A gRPC client whose code is generated from `host/server/proto/iterm_mcp.proto`, as an
iterm-mcp client's is from its own copy."""

from __future__ import annotations

import importlib
import importlib.resources
import sys
from pathlib import Path
from types import ModuleType

from grpc_tools import protoc

PROTO = Path(__file__).resolve().parents[2] / "host" / "server" / "proto"


def generate(folder: Path) -> tuple[ModuleType, ModuleType]:
    """The modules of the messages and of the stub."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "iterm_mcp_pb2_grpc.py").exists():
        known = importlib.resources.files("grpc_tools") / "_proto"
        status = protoc.main(
            [
                "protoc",
                f"-I{PROTO}",
                f"-I{known}",
                f"--python_out={folder}",
                f"--grpc_python_out={folder}",
                "iterm_mcp.proto",
            ]
        )
        assert status == 0, "protoc could not compile the service"
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module("iterm_mcp_pb2"), importlib.import_module("iterm_mcp_pb2_grpc")
    finally:
        sys.path.remove(str(folder))
