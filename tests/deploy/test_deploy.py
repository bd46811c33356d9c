"""What deploy/ promises, and that the linters of each kind of file are content where they are."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from wordmask.doors.cli import flags, serve
from wordmask.doors.server.options import ServeOptions

yaml = pytest.importorskip("yaml", reason="PyYAML comes with the extra `docs` or `hf`")
DEPLOY = Path(__file__).parents[2] / "deploy"
BASE = DEPLOY / "kubernetes/base"
KINDS = ("base", "gpu")


def read(path: Path) -> dict:
    return yaml.safe_load(path.read_text("utf-8"))


def program(name: str) -> str:
    """A linter beside this Python or on the path; without it the test is left out, and says so."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed; it comes with the extra `deploy` (kubectl: apart)")
    return found


def run(*command: object) -> subprocess.CompletedProcess:
    return subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, timeout=60
    )


def test_the_dockerfile_passes_hadolint():
    done = run(program("hadolint"), DEPLOY / "Dockerfile")
    assert done.returncode == 0, done.stdout


def test_the_yaml_passes_yamllint():
    done = run(program("yamllint"), "-c", DEPLOY / ".yamllint.yaml", DEPLOY)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_the_manifests_are_valid(kind, tmp_path):
    built = run(program("kubectl"), "kustomize", DEPLOY / "kubernetes" / kind)
    assert built.returncode == 0, built.stderr
    path = tmp_path / "all.yaml"
    path.write_text(built.stdout)
    done = run(program("kubernetes-validate"), "--strict", path)
    assert done.returncode == 0, done.stdout + done.stderr
    kinds = {one["kind"] for one in yaml.safe_load_all(built.stdout)}
    assert kinds == {
        "Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget",
        "PersistentVolumeClaim", "NetworkPolicy",
    }  # fmt: skip


def test_every_file_is_in_the_kustomization():
    named = set(read(BASE / "kustomization.yaml")["resources"])
    assert named == {path.name for path in BASE.glob("*.yaml")} - {"kustomization.yaml"}


def container() -> dict:
    (found,) = read(BASE / "deployment.yaml")["spec"]["template"]["spec"]["containers"]
    return found


def test_the_pod_may_do_nothing_but_serve():
    pod = read(BASE / "deployment.yaml")["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert not pod["automountServiceAccountToken"]
    secured = container()["securityContext"]
    assert secured["readOnlyRootFilesystem"]
    assert not secured["allowPrivilegeEscalation"]
    assert secured["capabilities"] == {"drop": ["ALL"]}
    assert pod["terminationGracePeriodSeconds"] > ServeOptions().stop_s + 3
    assert {"requests", "limits"} == container()["resources"].keys()


def test_probes_ask_routes_that_need_no_token():
    asked = {
        container()[f"{name}Probe"]["httpGet"]["path"]
        for name in ("startup", "readiness", "liveness")
    }
    assert asked == {"/ready", "/health"}


def arguments() -> list[tuple[str, list[str]]]:
    """Every line of arguments that deploy/ hands to `wordmask serve`."""
    (patched,) = read(DEPLOY / "kubernetes/gpu/gpu.yaml")["spec"]["template"]["spec"]["containers"]
    services = read(DEPLOY / "compose.yaml")["services"]
    found = [("base", container()["args"]), ("gpu", patched["args"])]
    return found + [(name, service["command"]) for name, service in services.items()]


@pytest.mark.parametrize(("name", "given"), arguments())
def test_the_arguments_are_options_of_the_server(name, given):
    words = {word.partition("=")[0] for word in given if word.startswith("--")}
    known = {f"--{option.name.replace('_', '-')}" for option in flags.describe(ServeOptions)}
    assert words <= known
    assert serve.serve is not None


def test_the_image_runs_as_nobody_and_names_its_base():
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    assert text.count("FROM ${BASE}") == 2
    assert "USER 10001:10001" in text
    assert "HEALTHCHECK" in text
    entry = next(line for line in text.splitlines() if line.startswith("ENTRYPOINT"))
    assert entry.startswith('ENTRYPOINT ["wordmask"')  # no shell: signals reach the server


@pytest.mark.parametrize("name", ["wordmask", "wordmask-cuda"])
def test_compose_keeps_the_root_read_only_and_the_port_at_home(name):
    service = read(DEPLOY / "compose.yaml")["services"][name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["ports"] == ["127.0.0.1:8000:8000"]
    assert ":?" in service["environment"]["WORDMASK_TOKEN"]
