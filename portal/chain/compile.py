"""Recompile the contracts: `python -m portal.chain.compile`.

A development tool and the only module that imports vyper. It writes `contracts/artifacts/<name>.json`
with abi, bytecode, compiler and settings, which are committed beside their sources; a test compiles again
and compares. Bytecode carries no metadata, so it depends on the sources and the compiler alone.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vyper import __version__ as compiler_version
from vyper.compiler import compile_from_file_input
from vyper.compiler.input_bundle import FileInput, FilesystemInputBundle
from vyper.compiler.settings import OptimizationLevel, Settings

from portal.chain.artifacts import ARTIFACTS, CONTRACTS

SOURCES = ARTIFACTS.parent
EVM_VERSION = "cancun"


def compile_source(name: str, sources: Path = SOURCES) -> dict[str, Any]:
    """What the compiler makes of one contract: abi, bytecode and the layout of its storage."""
    bundle = FilesystemInputBundle([sources])
    source = bundle.load_file(f"{name}.vy")
    if not isinstance(source, FileInput):
        raise TypeError(f"{name}.vy is not a source file")
    compiled: dict[str, Any] = compile_from_file_input(
        source,
        input_bundle=bundle,
        settings=Settings(optimize=OptimizationLevel.GAS, evm_version=EVM_VERSION),
        output_formats=["abi", "bytecode", "layout"],
        no_bytecode_metadata=True,
    )
    return compiled


def artifact_of(compiled: dict[str, Any]) -> dict[str, Any]:
    """The artifact of a compiled contract: {abi, bytecode, compiler, settings}."""
    return {
        "abi": compiled["abi"],
        "bytecode": compiled["bytecode"],
        "compiler": f"vyper {compiler_version}",
        "settings": {"optimize": "gas", "evmVersion": EVM_VERSION, "bytecodeMetadata": False},
    }


def artifact_text(artifact: dict[str, Any]) -> str:
    """The artifact as the text that is committed."""
    return json.dumps(artifact, indent=1, sort_keys=True) + "\n"


def artifact_path(name: str) -> Path:
    return ARTIFACTS / f"{name}.json"


def main() -> None:
    ARTIFACTS.mkdir(exist_ok=True)
    for name in CONTRACTS:
        artifact = artifact_of(compile_source(name))
        artifact_path(name).write_text(artifact_text(artifact))
        print(f"{name}: {len(artifact['bytecode']) // 2 - 1} bytes")


if __name__ == "__main__":
    main()
