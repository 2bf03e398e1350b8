"""Whether the shipped code reads anything back in a way that could run it; for what the linters do not see."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for folder in ("afssb_opt", "flows", "experiments") for path in (ROOT / folder).rglob("*.py"))

# Modules whose loaders run what they read.
FORBIDDEN_MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve"}
# Calls, as they end, and the argument that makes them safe.
FORBIDDEN_CALLS = {
    "eval", "exec", "compile", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "yaml.load_all", "pd.read_pickle",
    "pandas.read_pickle", "marshal.load", "marshal.loads", "mlflow.pyfunc.load_model", "os.system", "os.popen",
}  # fmt: skip
# Importing by a name that is not written out: only where the name was checked before.
IMPORTERS = {
    # The user's own code, after `afssb trust`.
    "afssb_opt/evaluators/foreign_code.py",
    # Names that stand in our own source.
    "afssb_opt/__init__.py",
    "afssb_opt/cli/app.py",
    "afssb_opt/isolation/child.py",
}


def dotted(node: ast.AST) -> str:
    """The written name of a function: `torch.load` for `torch.load(...)`."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}".lstrip(".")
    return node.id if isinstance(node, ast.Name) else ""


def keyword(call: ast.Call, name: str) -> object:
    found = [given.value for given in call.keywords if given.arg == name]
    return found[0].value if found and isinstance(found[0], ast.Constant) else None


def faults_of(source: str, name: str = "somewhere.py") -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            for module in names:
                if module.partition(".")[0] in FORBIDDEN_MODULES:
                    yield f"line {node.lineno}: imports {module}"
        if not isinstance(node, ast.Call):
            continue
        called = dotted(node.func)
        if called in FORBIDDEN_CALLS:
            yield f"line {node.lineno}: calls {called}"
        if called.endswith("torch.load") and keyword(node, "weights_only") is not True:
            yield f"line {node.lineno}: torch.load without weights_only=True"
        if called.endswith(("np.load", "numpy.load")) and keyword(node, "allow_pickle") not in (None, False):
            yield f"line {node.lineno}: np.load with allow_pickle"
        if called in {"YAML", "ruamel.yaml.YAML"} and keyword(node, "typ") == "unsafe":
            yield f"line {node.lineno}: YAML(typ='unsafe')"
        if called.endswith(("import_module", "__import__", "run_path", "run_module")) and name not in IMPORTERS:
            if called.endswith(("import_module", "__import__")) and isinstance(node.args[0], ast.Constant):
                continue
            yield f"line {node.lineno}: imports by name with {called}"
        if keyword(node, "shell") is True:
            yield f"line {node.lineno}: runs a shell"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_file_reads_anything_back_that_could_run(path: Path) -> None:
    assert list(faults_of(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())) == []


@pytest.mark.parametrize(
    "planted",
    [
        "import pickle",
        "from joblib import load",
        "import torch\ntorch.load('f')",
        "torch.load('f', weights_only=False)",
        "np.load('f', allow_pickle=True)",
        "yaml.unsafe_load(text)",
        "yaml.load(text)",
        "YAML(typ='unsafe')",
        "eval('1')",
        "importlib.import_module(name)",
        "mlflow.pyfunc.load_model(uri)",
        "subprocess.run(command, shell=True)",
        "pd.read_pickle('f')",
        "marshal.loads(body)",
    ],
)
def test_each_planted_weakness_is_found(planted: str) -> None:
    assert len(list(faults_of(planted))) == 1


def test_what_is_safe_is_left_alone() -> None:
    text = "torch.load('f', weights_only=True)\nnp.load('f')\nYAML(typ='safe')\nre.compile('x')\njson.loads('1')"
    assert list(faults_of(text)) == []
