"""The Kubernetes manifests as they lie in deploy/kubernetes, and ways to look into them."""

from __future__ import annotations

from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
KUBERNETES = ROOT / "deploy/kubernetes"
# What an operator puts into overlays/production/secrets.
SECRETS = {
    "redis-url": "rediss://:password@redis.example.com:6380/0",
    "exotel-api-key": "the-api-key",
    "exotel-api-token": "the-api-token",
    "callback-token": "test-callback-token-0001",
    "console-password": "open sesame",
    "legwork-secret-key": "ZGVtby1zZWNyZXQta2V5LWtub3duLXRvLWFsbC0hISE=",
    "sinks": "https://crm.example.com/hooks/calls",
    "sink-secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
}


def documents_of(*paths):
    """Every document of these files."""
    return [each for path in paths for each in yaml.safe_load_all(path.read_text(encoding="utf-8")) if each]


def written():
    """Every manifest as it is written, without what kustomize does to it."""
    paths = [path for path in KUBERNETES.rglob("*.yaml") if path.name != "kustomization.yaml"]
    return documents_of(*sorted(paths))


def of_kind(documents, *kinds):
    return [each for each in documents if each["kind"] in kinds]


def workloads(documents):
    """What has pods."""
    return of_kind(documents, "Deployment", "StatefulSet")


def pod_of(workload):
    return workload["spec"]["template"]["spec"]


def labels_of(workload):
    return workload["spec"]["template"]["metadata"]["labels"]


def named(document):
    return f"{document['kind']}/{document['metadata']['name']}"


def chooses(selector, labels):
    """Does a selector of labels choose what has these?"""
    return selector.items() <= labels.items()
