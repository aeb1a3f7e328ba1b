"""The overlays as kubectl renders them: valid, whole, and settings that Legwork takes."""

from __future__ import annotations

import base64

import kubernetes_validate
import pytest
from manifests import ROOT, SECRETS, named, of_kind, pod_of, workloads

from schemas.settings import load_settings
from webhook.up.plan import DEMONSTRATION

OVERLAYS = ["base", "overlays/demo", "overlays/production", "overlays/everything"]
CUSTOM = {"ScaledObject", "ServiceMonitor"}


def content_of(secret):
    """What the files of a mounted Secret hold."""
    return {name: base64.b64decode(text).decode() for name, text in secret["data"].items()}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_document_fits_the_schema_of_kubernetes(render, overlay):
    documents = render(overlay)
    assert {named(each) for each in workloads(documents)} >= {"Deployment/legwork-web", "Deployment/legwork-worker"}
    for document in documents:
        if document["kind"] not in CUSTOM:
            kubernetes_validate.validate(document, "1.37", strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS[1:])
def test_everything_is_in_the_one_namespace(render, overlay):
    documents = [each for each in render(overlay) if each["kind"] != "Namespace"]
    assert len({each["metadata"]["namespace"] for each in documents}) == 1


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_our_image_is_the_same_everywhere(render, overlay):
    images = {container["image"] for each in workloads(render(overlay)) for container in pod_of(each)["containers"]}
    ours = {image for image in images if not image.startswith("valkey/")}
    assert len(ours) == 1
    assert "legwork" in ours.pop()


@pytest.mark.parametrize("overlay", OVERLAYS[1:])
def test_an_image_has_a_tag_so_that_one_that_the_node_has_is_taken(render, overlay):
    images = {container["image"] for each in workloads(render(overlay)) for container in pod_of(each)["containers"]}
    assert all(image.rpartition(":")[2] not in {"", "latest", image} for image in images)
    if overlay == "overlays/demo":
        told = (ROOT / "deploy/kubernetes/README.md").read_text(encoding="utf-8")
        (ours,) = {image for image in images if image.startswith("legwork")}
        assert f"docker build -t {ours} ." in told
        assert f"kind load docker-image {ours} " in told


@pytest.mark.parametrize("overlay", OVERLAYS[1:])
@pytest.mark.parametrize("name", ["legwork-web", "legwork-worker"])
def test_legwork_takes_the_settings_of_the_pods(render, overlay, name, tmp_path):
    documents = render(overlay)
    (pod,) = [pod_of(each) for each in workloads(documents) if each["metadata"]["name"] == name]
    (container,) = pod["containers"]
    (source,) = container["envFrom"]
    (settings,) = [
        each for each in of_kind(documents, "ConfigMap") if each["metadata"]["name"] == source["configMapRef"]["name"]
    ]
    (volume,) = [each for each in pod["volumes"] if "secret" in each]
    (secret,) = [
        each for each in of_kind(documents, "Secret") if each["metadata"]["name"] == volume["secret"]["secretName"]
    ]
    (mount,) = [each for each in container["volumeMounts"] if each["name"] == volume["name"]]
    for file, text in content_of(secret).items():
        (tmp_path / file).write_text(text)
    files = {each["name"]: each["value"].replace(mount["mountPath"], str(tmp_path)) for each in container["env"]}
    loaded = load_settings(settings["data"] | files, directory=tmp_path)
    assert not loaded.warnings
    assert loaded.port == container.get("ports", [{"containerPort": 8000}])[0]["containerPort"]
    assert loaded.console_password
    assert loaded.sinks
    assert not [spec for spec in loaded.sinks if spec.url.startswith(("file:", "folder:", "sqlite:"))]


def test_the_secrets_of_production_are_those_that_the_operator_put_there(render):
    (secret,) = of_kind(render("overlays/production"), "Secret")
    assert {name: text.rstrip("\n") for name, text in content_of(secret).items()} == SECRETS


def test_in_production_one_proxy_is_trusted_and_the_door_has_a_name(render):
    documents = render("overlays/production")
    (settings,) = of_kind(documents, "ConfigMap")
    assert settings["data"]["TRUSTED_PROXIES"] == "1"
    services = {each["metadata"]["name"]: each for each in of_kind(documents, "Service")}
    hosts = set()
    for ingress in of_kind(documents, "Ingress"):
        (rule,) = ingress["spec"]["rules"]
        (path,) = rule["http"]["paths"]
        backend = path["backend"]["service"]
        assert backend["port"]["name"] in {port["name"] for port in services[backend["name"]]["spec"]["ports"]}
        assert ingress["spec"]["tls"][0]["hosts"] == [rule["host"]]
        hosts.add(rule["host"])
    assert len(hosts) == 1


def test_callbacks_are_never_redirected_nor_logged_and_the_console_goes_by_tls_alone(render):
    annotations = {
        ingress["spec"]["rules"][0]["http"]["paths"][0]["path"]: {
            name.removeprefix("nginx.ingress.kubernetes.io/"): value
            for name, value in ingress["metadata"]["annotations"].items()
        }
        for ingress in of_kind(render("overlays/production"), "Ingress")
    }
    assert annotations.keys() == {"/callbacks", "/"}
    assert annotations["/callbacks"]["ssl-redirect"] == "false"
    assert annotations["/callbacks"]["enable-access-log"] == "false"
    assert annotations["/"]["ssl-redirect"] == "true"


def test_keda_alone_says_how_many_workers_there_are(render):
    (worker,) = [
        each for each in workloads(render("overlays/everything")) if each["metadata"]["name"] == "legwork-worker"
    ]
    assert "replicas" not in worker["spec"]
    (scaled,) = of_kind(render("overlays/everything"), "ScaledObject")
    assert scaled["spec"]["scaleTargetRef"]["name"] == "legwork-worker"


def test_the_demo_keeps_every_write_and_calls_services_that_there_are(render):
    documents = render("overlays/demo")
    services = {each["metadata"]["name"]: each["spec"]["ports"][0]["port"] for each in of_kind(documents, "Service")}
    (valkey,) = of_kind(documents, "StatefulSet")
    assert " ".join(pod_of(valkey)["containers"][0]["args"]).startswith(
        "valkey-server --appendonly yes --appendfsync always --maxmemory-policy noeviction"
    )
    (settings,) = of_kind(documents, "ConfigMap")
    assert DEMONSTRATION.items() <= settings["data"].items()
    (secret,) = of_kind(documents, "Secret")
    (sandbox,) = [each for each in workloads(documents) if each["metadata"]["name"] == "sandbox"]
    variables = {each["name"]: each.get("value", "") for each in pod_of(sandbox)["containers"][0]["env"]}
    assert settings["data"]["EXOTEL_BASE_URL"] == f"http://sandbox:{services['sandbox']}"
    assert int(variables["SANDBOX_PORT"]) == services["sandbox"]
    assert content_of(secret)["redis-url"] == f"redis://valkey:{services['valkey']}/0"
    for kind in ("passthru", "status"):
        url = f"http://legwork-web:{services['legwork-web']}/callbacks/$(TOKEN)/{kind}"
        assert variables[f"SANDBOX_{kind.upper()}_URL"] == url
