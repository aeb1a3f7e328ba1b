"""The Kubernetes overlays as kubectl renders them, with secrets of the tests' own."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
import yaml
from manifests import KUBERNETES, SECRETS


@pytest.fixture(scope="session")
def render(tmp_path_factory):
    """Render an overlay, or base. Without kubectl a laptop skips, and CI fails."""
    if shutil.which("kubectl") is None:
        reason = "no kubectl on PATH: install 1.27 or newer (Debian 12's kubernetes-client is too old for components)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("kubernetes")
    shutil.copytree(KUBERNETES, folder, dirs_exist_ok=True)
    for name, text in SECRETS.items():
        (folder / "overlays/production/secrets" / name).write_text(text + "\n")
    production, everything = folder / "overlays/production", folder / "overlays/everything"
    shutil.copytree(production, everything)
    text = (production / "kustomization.yaml").read_text(encoding="utf-8")
    assert "  # - ../../components/" in text
    (everything / "kustomization.yaml").write_text(text.replace("  # - ../../components/", "  - ../../components/"))
    rendered = {}

    def render(name):
        if name not in rendered:
            done = subprocess.run(
                ["kubectl", "kustomize", str(folder / name)], capture_output=True, text=True, check=False, timeout=60
            )
            assert done.returncode == 0, done.stderr
            rendered[name] = list(yaml.safe_load_all(done.stdout))
        return rendered[name]

    return render
