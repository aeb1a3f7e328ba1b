"""The Kubernetes manifests as they are written, without kubectl: valid, hardened, and fitting each other."""

from __future__ import annotations

import re
import subprocess

import kubernetes_validate
import pytest
import yaml
from manifests import KUBERNETES, ROOT, chooses, labels_of, named, of_kind, pod_of, workloads, written

from schemas.settings.model import VARIABLES
from worker.metrics import CATALOG

DOCUMENTS = written()
CUSTOM = {"ScaledObject", "ServiceMonitor"}
NATIVE = [each for each in DOCUMENTS if each["kind"] not in CUSTOM]
WORKLOADS = workloads(DOCUMENTS)
SETTINGS = {variable.name for variable in VARIABLES.values()}
# The oldest that is still looked after somewhere, and the newest whose schemas there are.
VERSIONS = ["1.32", "1.37"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("document", NATIVE, ids=named)
def test_a_manifest_fits_the_schema_of_kubernetes(document, version):
    kubernetes_validate.validate(document, version, strict=True)


def test_the_schemas_are_there_and_refuse_a_field_that_kubernetes_does_not_know():
    wrong = {**WORKLOADS[0], "spec": {**WORKLOADS[0]["spec"], "replica": 2}}
    with pytest.raises(kubernetes_validate.ValidationError, match="replica"):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("workload", WORKLOADS, ids=named)
def test_a_pod_can_do_nothing_but_its_work(workload):
    """What Kubernetes' own profile `restricted` asks for, and a little more."""
    pod = pod_of(workload)
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


@pytest.mark.parametrize("workload", WORKLOADS, ids=named)
def test_a_container_says_what_it_needs_and_whether_it_works(workload):
    for container in pod_of(workload)["containers"]:
        resources = container["resources"]
        assert {"cpu", "memory"} == resources["requests"].keys()
        assert "memory" in resources["limits"]
        assert "livenessProbe" in container
        ports = {port["name"] for port in container.get("ports", ())}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            for kind in ("httpGet", "tcpSocket"):
                assert container.get(probe, {}).get(kind, {"port": "http"})["port"] in ports | {"http"}


def test_our_containers_run_as_the_user_of_the_image():
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    (user,) = re.findall(r"^USER (\d+)$", dockerfile, re.MULTILINE)
    ours = [each for each in WORKLOADS if pod_of(each)["containers"][0]["image"] == "legwork"]
    assert {each["metadata"]["name"] for each in ours} == {"legwork-web", "legwork-worker", "sandbox"}
    assert {pod_of(each)["securityContext"]["runAsUser"] for each in ours} == {int(user)}


def test_the_two_processes_are_those_of_the_procfile():
    commands = dict(line.split(": ") for line in (ROOT / "Procfile").read_text(encoding="utf-8").splitlines())
    for name, command in commands.items():
        (workload,) = [each for each in WORKLOADS if each["metadata"]["name"] == f"legwork-{name}"]
        args = pod_of(workload)["containers"][0]["args"]
        assert " ".join(args).startswith(command)


def test_the_probe_of_a_worker_looks_at_the_file_that_the_worker_touches():
    (worker,) = [each for each in WORKLOADS if each["metadata"]["name"] == "legwork-worker"]
    (container,) = pod_of(worker)["containers"]
    file = container["args"][container["args"].index("--heartbeat") + 1]
    (scratch,) = [each for each in container["volumeMounts"] if not each.get("readOnly")]
    assert file.startswith(scratch["mountPath"] + "/")
    command = container["livenessProbe"]["exec"]["command"]
    assert container["startupProbe"]["exec"]["command"] == command
    assert f"find {file} " in command[-1]


@pytest.mark.parametrize("age", [0, 120, None])
def test_the_probe_of_a_worker_tells_a_fresh_file_from_an_old_one_and_from_none(age, tmp_path):
    (worker,) = [each for each in WORKLOADS if each["metadata"]["name"] == "legwork-worker"]
    shell, option, script = pod_of(worker)["containers"][0]["livenessProbe"]["exec"]["command"]
    file = tmp_path / "alive"
    if age is not None:
        file.touch()
        subprocess.run(["touch", "-d", f"{age} seconds ago", file], check=True)
    done = subprocess.run(
        [shell, option, script.replace("/tmp/alive", str(file))], capture_output=True, check=False, timeout=10
    )
    assert (done.returncode == 0) is (age == 0)


def test_every_variable_is_a_setting():
    names = {
        variable["name"]
        for workload in WORKLOADS
        if labels_of(workload)["app.kubernetes.io/name"] == "legwork"
        for variable in pod_of(workload)["containers"][0]["env"]
    }
    assert names
    assert {name.removesuffix("_FILE") for name in names} <= SETTINGS
    for path in KUBERNETES.rglob("kustomization.yaml"):
        for generator in yaml.safe_load(path.read_text(encoding="utf-8")).get("configMapGenerator", ()):
            told = {literal.partition("=")[0] for literal in generator.get("literals", ())}
            assert told <= SETTINGS, path
    base = (KUBERNETES / "base/settings.env").read_text(encoding="utf-8")
    assert {line.partition("=")[0] for line in base.split()} <= SETTINGS


def test_what_is_secret_comes_in_files_only():
    secrets = {variable.name for variable in VARIABLES.values() if variable.secret}
    for workload in WORKLOADS:
        if labels_of(workload)["app.kubernetes.io/name"] == "legwork":
            given = {variable["name"] for variable in pod_of(workload)["containers"][0]["env"]}
            assert not secrets & given
            assert given == {f"{name.removesuffix('_FILE')}_FILE" for name in given}


def test_a_rollout_of_the_web_leaves_nobody_without_a_door():
    (web,) = [each for each in WORKLOADS if each["metadata"]["name"] == "legwork-web"]
    assert web["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    (container,) = pod_of(web)["containers"]
    assert container["lifecycle"]["preStop"]["exec"]["command"] == ["sleep", "5"]
    assert pod_of(web)["terminationGracePeriodSeconds"] > 5 + 5
    (scaler,) = of_kind(DOCUMENTS, "HorizontalPodAutoscaler")
    assert scaler["spec"]["minReplicas"] >= 2
    assert scaler["spec"]["scaleTargetRef"]["name"] == web["metadata"]["name"]
    assert "replicas" not in web["spec"]


def test_a_budget_is_there_for_each_of_the_two_processes():
    budgets = of_kind(DOCUMENTS, "PodDisruptionBudget")
    for name in ("legwork-web", "legwork-worker"):
        (workload,) = [each for each in WORKLOADS if each["metadata"]["name"] == name]
        fitting = [each for each in budgets if chooses(each["spec"]["selector"]["matchLabels"], labels_of(workload))]
        assert [each["metadata"]["name"] for each in fitting] == [name]


@pytest.mark.parametrize("workload", WORKLOADS, ids=named)
def test_a_selector_chooses_the_pods_of_its_workload_and_no_others(workload):
    selector = workload["spec"]["selector"]["matchLabels"]
    assert [named(each) for each in WORKLOADS if chooses(selector, labels_of(each))] == [named(workload)]


@pytest.mark.parametrize("service", of_kind(DOCUMENTS, "Service"), ids=named)
def test_a_service_leads_to_a_port_that_somebody_listens_on(service):
    (workload,) = [each for each in WORKLOADS if chooses(service["spec"]["selector"], labels_of(each))]
    ports = {port["name"]: port["containerPort"] for port in pod_of(workload)["containers"][0]["ports"]}
    for port in service["spec"]["ports"]:
        assert ports[port["targetPort"]] == port["port"]


def test_nothing_gets_in_or_out_unless_it_is_named():
    policies = of_kind(DOCUMENTS, "NetworkPolicy")
    (nothing,) = [each for each in policies if each["metadata"]["name"] == "legwork-nothing"]
    assert nothing["spec"].keys() == {"podSelector", "policyTypes"}
    assert nothing["spec"]["policyTypes"] == ["Ingress", "Egress"]
    ours = [each for each in WORKLOADS if labels_of(each)["app.kubernetes.io/name"] == "legwork"]
    assert all(chooses(nothing["spec"]["podSelector"]["matchLabels"], labels_of(each)) for each in ours)
    (worker,) = [each for each in ours if each["metadata"]["name"] == "legwork-worker"]
    inward = [each for each in policies if "ingress" in each["spec"]]
    assert inward
    assert not [each for each in inward if chooses(each["spec"]["podSelector"]["matchLabels"], labels_of(worker))]


@pytest.mark.parametrize("policy", of_kind(DOCUMENTS, "NetworkPolicy"), ids=named)
def test_a_policy_is_for_pods_that_there_are(policy):
    selector = policy["spec"]["podSelector"]["matchLabels"]
    assert [each for each in WORKLOADS if chooses(selector, labels_of(each))]


def test_what_scales_the_workers_and_what_is_scraped_is_there():
    (scaled,) = of_kind(DOCUMENTS, "ScaledObject")
    assert scaled["apiVersion"] == "keda.sh/v1alpha1"
    assert scaled["spec"]["scaleTargetRef"]["name"] in {each["metadata"]["name"] for each in WORKLOADS}
    assert 2 <= scaled["spec"]["minReplicaCount"] < scaled["spec"]["maxReplicaCount"]
    for trigger in scaled["spec"]["triggers"]:
        assert (trigger["type"], trigger["metricType"]) == ("prometheus", "Value")
        assert {"serverAddress", "threshold", "query"} == trigger["metadata"].keys()
        float(trigger["metadata"]["threshold"])
        spoken_of = set(re.findall(r"legwork_\w+", trigger["metadata"]["query"]))
        assert spoken_of
        assert {name.removesuffix("_bucket") for name in spoken_of} <= CATALOG.keys()
    (monitor,) = of_kind(DOCUMENTS, "ServiceMonitor")
    (service,) = [
        each
        for each in of_kind(DOCUMENTS, "Service")
        if chooses(monitor["spec"]["selector"]["matchLabels"], each["metadata"].get("labels", {}))
    ]
    # Where none is ready, for Redis is nearly full, the metrics are what says so.
    assert service["spec"]["publishNotReadyAddresses"] is True
    (endpoint,) = monitor["spec"]["endpoints"]
    (port,) = service["spec"]["ports"]
    assert (endpoint["port"], endpoint["path"]) == (port["name"], "/metrics")
    assert endpoint["relabelings"][0]["replacement"].endswith(f":{port['port']}")


def test_the_alert_rules_stand_in_one_place_and_become_a_prometheus_rule():
    done = subprocess.run([KUBERNETES / "prometheus-rule.sh"], capture_output=True, text=True, check=True, timeout=10)
    rule = yaml.safe_load(done.stdout)
    assert (rule["apiVersion"], rule["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")
    assert rule["spec"] == yaml.safe_load((ROOT / "monitoring/alerts.yml").read_text(encoding="utf-8"))


def test_what_is_typed_with_kubectl_names_what_there_is():
    pages = [KUBERNETES / "README.md", ROOT / "docs/operations.md"]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    kinds = {"deploy": "Deployment", "service": "Service"}
    typed = re.findall(r"kubectl -n .*?\b(deploy|service)/([\w-]+)", text)
    assert {kind for kind, _ in typed} == kinds.keys()
    assert {f"{kinds[kind]}/{name}" for kind, name in typed} <= set(map(named, DOCUMENTS))


def test_no_secret_of_a_real_installation_can_get_into_git():
    folder = KUBERNETES / "overlays/production/secrets"
    assert (folder / ".gitignore").read_text(encoding="utf-8").splitlines()[1:] == ["*", "!.gitignore"]
