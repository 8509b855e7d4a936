"""What goes into a function's archive: its own module, what that imports, and nothing else. Pure functions.

So an edit to one handler changes one function, and an unchanged tree gives the same archive on any machine.
"""

import ast
import hashlib
import importlib.util
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import pulumi


def code_archive(
    root: Path,
    handler: str,
    *,
    packages: Iterable[str] = (),
    data: Iterable[str] = (),
    texts: Mapping[str, str] | None = None,
) -> pulumi.AssetArchive:
    """The archive for a handler such as `handlers.intake.submit_lead.handler`.

    `packages`: third-party packages that the AWS runtime lacks, pure Python, taken from this environment (whose
    versions the lock file pins). `data`: folders or files of the repository, under their own names. `texts`:
    name in the archive -> content.
    """
    assets: dict[str, pulumi.Asset | pulumi.Archive] = {}
    for path in modules(root, handler.rpartition(".")[0]):
        assets[str(path)] = pulumi.FileAsset(str(root / path))
    for folder in data:
        for path in _files(root / folder):
            assets[str(path.relative_to(root))] = pulumi.FileAsset(str(path))
    for package in packages:
        location = package_folder(package)
        for path in _files(location):
            assets[str(Path(package) / path.relative_to(location))] = pulumi.FileAsset(str(path))
    for name, text in (texts or {}).items():
        assets[name] = pulumi.StringAsset(text)
    return pulumi.AssetArchive(dict(sorted(assets.items())))


def digest(folder: Path) -> str:
    """One hash of all files below a folder, of their names and contents."""
    total = hashlib.sha256()
    for path in _files(folder):
        total.update(f"{path.relative_to(folder)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def modules(root: Path, module: str) -> list[Path]:
    """The files, relative to `root`, of a module and of all that it imports from its own top-level package."""
    package = module.split(".")[0]
    found: set[Path] = set()
    waiting = [module]
    while waiting:
        path = _module_path(root, waiting.pop())
        if path is None or path in found:
            continue
        found.add(path)
        found.update(Path(*path.parts[:depth]) / "__init__.py" for depth in range(1, len(path.parts)))
        waiting.extend(name for name in _imports(root / path) if name.split(".")[0] == package)
    if not found:
        raise ValueError(f"there is no module {module} below {root}")
    return sorted(found)


def package_folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ValueError(f"package {package} is not installed here; run: make setup")
    folder = Path(spec.submodule_search_locations[0])
    binaries = [path.name for path in _files(folder) if path.suffix in (".so", ".pyd")]
    if binaries:
        raise ValueError(
            f"package {package} has compiled parts ({binaries[0]}), which would tie the archive to this machine"
        )
    return folder


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(p for p in path.rglob("*") if p.is_file() and "__pycache__" not in p.parts)


def _module_path(root: Path, module: str) -> Path | None:
    base = Path(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if (root / path).is_file():
            return path
    return None


@cache
def _imports(path: Path) -> frozenset[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"{path}: write absolute imports, so that they read the same in Lambda")
            names.add(node.module or "")
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(names)
