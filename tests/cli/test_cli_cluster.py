"""The files for clusters and CI: what they ask for is there, each part is graded once, and joined."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer
import yaml

from grader.cli.app import app
from grader.cli.grade import read_shard
from grader.collect.collect import collect
from tests.support.cli_help import ROOT
from tests.support.notebook_files import notebook, write

EXAMPLES = ROOT / "docs" / "examples"
API = json.loads((Path(__file__).parent / "schemas" / "kubernetes-1.33.json").read_text("utf-8"))
KINDS = {"Job": "job-batch-v1", "NetworkPolicy": "networkpolicy-networking-v1"}
PARTS = 3
EXERCISE = "multiplication-gru"
STUDENTS = ("김민준", "lee", "o'neil", "park $(x)", "choi")

# `grader` that notes what it was asked; the tests ask the real one what that means.
GRADER = """#!{python} -IS
import json, os, sys
from pathlib import Path

log, words = Path({log!r}), sys.argv[1:]
with (log / "calls").open("a") as calls:
    print(json.dumps(words), file=calls)
if words[0] == "grade":
    (Path(words[words.index("--out") + 1]) / "results").mkdir(parents=True)
sys.exit(int(os.environ.get("CODE_OF_" + words[0].upper(), "0")))
"""
# `sbatch` that takes what these files give it, refuses all else, and runs the job at once.
SBATCH = """#!{python} -IS
import json, os, re, subprocess, sys
from pathlib import Path

options, words = {{}}, sys.argv[1:]
while words and words[0].startswith("--"):
    name, _, value = words.pop(0)[2:].partition("=")
    options[name] = value
script = Path(words[0])
asked = re.findall(r"^#SBATCH --([a-z-]+)(?:=(.*))?$", script.read_text(), re.M)
options = dict(asked) | options
known = {{"parsable", "requeue", "array", "dependency", "job-name", "nodes", "ntasks",
          "cpus-per-task", "mem", "time", "output"}}
assert set(options) <= known, set(options) - known
with (Path({log!r}) / "submitted").open("a") as file:
    print(json.dumps(options), file=file)
env = os.environ | {{"SLURM_JOB_ID": "77", "SLURM_CPUS_PER_TASK": options["cpus-per-task"]}}
first, last = map(int, options.get("array", "0-0").split("-"))
for number in range(first, last + 1):
    if number == int(os.environ.get("LOST", "-1")):
        continue
    own = {{"SLURM_ARRAY_TASK_ID": str(number)}} if "array" in options else {{}}
    done = subprocess.run(["sh", *words], env=env | own, stdout=sys.stderr)
    with (Path({log!r}) / "codes").open("a") as file:
        print(done.returncode, file=file)
print("4711;somewhere")
"""


@dataclass(frozen=True)
class Cluster:
    """A folder with a class, and programs that only look as if."""

    place: Path

    @property
    def log(self) -> Path:
        return self.place / "log"

    def env(self, **more: object) -> dict[str, str]:
        own = {
            "PATH": f"{self.place / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "GRADER_COURSE": str(ROOT),
            "GRADER_SECRET_FILE": str(self.place / "secret"),
        }
        return {**os.environ, **own, **{name: str(value) for name, value in more.items()}}

    def run(self, *words: object, **env: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*map(str, words)],
            cwd=self.place,
            env=self.env(**env),
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )

    def lines(self, name: str) -> list[Any]:
        return [json.loads(line) for line in (self.log / name).read_text("utf-8").splitlines()]

    def graded(self) -> list[str]:
        """Whose notebooks the parts hold, all together, by the real reading of their options."""
        group: Any = typer.main.get_command(app)
        found: list[str] = []
        for words in self.lines("calls"):
            if words[0] == "grade":
                asked = group.commands["grade"].make_context("grade", words[1:]).params
                (folder,) = asked["paths"]
                batch = collect([self.place / folder], exercise_ids=(EXERCISE,), owed=None)
                part = batch.submissions[read_shard(asked["shard"])]
                found += [one.student for one in part]
        return sorted(found)


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    made = Cluster(tmp_path)
    made.log.mkdir()
    (tmp_path / "bin").mkdir()
    for name, source in (("grader", GRADER), ("sbatch", SBATCH)):
        path = tmp_path / "bin" / name
        path.write_text(source.format(python=sys.executable, log=str(made.log)), "utf-8")
        path.chmod(0o755)
    for student in STUDENTS:
        write(tmp_path / "the class" / student / f"{EXERCISE}.ipynb", notebook("x = 1"))
    return made


def slurm(cluster: Cluster, **env: object) -> subprocess.CompletedProcess[str]:
    script = EXAMPLES / "slurm-grade.sh"
    return cluster.run("sh", script, "the class", "all grades", PARTS, "--lang", "en", **env)


# --- Slurm -----------------------------------------------------------------------------------


def test_slurm_grades_every_student_in_one_part_and_joins_all_parts(cluster: Cluster) -> None:
    done = slurm(cluster)
    assert done.returncode == 0, done.stderr
    assert cluster.graded() == sorted(STUDENTS)
    *parts, merge = cluster.lines("calls")
    assert [one[:4] for one in parts] == [
        ["grade", "the class", "--shard", f"{number}/{PARTS}"] for number in range(1, PARTS + 1)
    ]
    assert all(one[-4:] == ["--jobs", "16", "--lang", "en"] for one in parts)
    folders = [f"all grades.parts/{number}" for number in range(1, PARTS + 1)]
    assert merge == ["merge", *folders, "--out", "all grades"]


def test_slurm_joins_after_all_parts_and_starts_lost_ones_again(cluster: Cluster) -> None:
    slurm(cluster)
    array, merge = cluster.lines("submitted")
    assert array["array"] == f"1-{PARTS}"
    assert "requeue" in array
    assert merge["dependency"] == "afterany:4711"  # without the cluster's name


def test_work_that_is_not_accepted_is_no_failure_of_a_slurm_job(cluster: Cluster) -> None:
    slurm(cluster, CODE_OF_GRADE=1, CODE_OF_MERGE=1)
    assert cluster.lines("codes") == [0] * (PARTS + 1)


def test_what_is_ungraded_is_one(cluster: Cluster) -> None:
    slurm(cluster, CODE_OF_GRADE=3, CODE_OF_MERGE=3)
    assert cluster.lines("codes") == [3] * (PARTS + 1)


def test_a_part_that_is_missing_is_named_and_the_others_are_joined(cluster: Cluster) -> None:
    done = slurm(cluster, LOST=2)
    assert f"part 2 of {PARTS} graded nothing" in done.stderr
    assert cluster.lines("calls")[-1] == [
        "merge", "all grades.parts/1", "all grades.parts/3", "--out", "all grades",
    ]  # fmt: skip
    assert cluster.lines("codes")[-1] == 3


def test_without_a_secret_for_all_nodes_nothing_is_submitted(cluster: Cluster) -> None:
    done = slurm(cluster, GRADER_SECRET_FILE="")
    assert done.returncode != 0
    assert "GRADER_SECRET_FILE" in done.stderr
    assert not (cluster.log / "submitted").exists()


# --- Kubernetes ------------------------------------------------------------------------------


def objects(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((EXAMPLES / name).read_text(encoding="utf-8")))


def checked(one: dict[str, Any]) -> None:
    schema = {"$ref": f"#/definitions/{KINDS[one['kind']]}", "definitions": API["definitions"]}
    jsonschema.Draft7Validator(schema).validate(one)


KUBERNETES = ("kubernetes-grade.yaml", "kubernetes-merge.yaml")


def jobs_of(name: str) -> list[dict[str, Any]]:
    return [one["spec"] for one in objects(name) if one["kind"] == "Job"]


def pod(name: str) -> dict[str, Any]:
    (job,) = jobs_of(name)
    found: dict[str, Any] = job["template"]["spec"]
    return found


def variable(name: str, wanted: str) -> str:
    (container,) = pod(name)["containers"]
    return next(str(one["value"]) for one in container["env"] if one["name"] == wanted)


@pytest.mark.parametrize("name", KUBERNETES)
def test_kubernetes_knows_every_field(name: str) -> None:
    found = objects(name)
    assert found
    for one in found:
        checked(one)


@pytest.mark.parametrize(
    ("where", "field", "value"),
    [
        (("spec",), "completionmode", "Indexed"),
        (("spec",), "completions", "4"),
        (("spec", "template", "spec"), "restartpolicy", "Never"),
        (("spec", "template", "spec", "securityContext"), "runAsRoot", False),
    ],
)
def test_a_field_that_kubernetes_does_not_know_is_noticed(
    where: tuple[str, ...], field: str, value: object
) -> None:
    one = objects("kubernetes-grade.yaml")[1]
    place = one
    for step in where:
        place = place[step]
    place[field] = value
    with pytest.raises(jsonschema.ValidationError):
        checked(one)


@pytest.mark.parametrize("name", KUBERNETES)
def test_no_pod_is_root_or_finds_the_clusters_api(name: str) -> None:
    found = pod(name)
    (container,) = found["containers"]
    assert found["securityContext"]["runAsNonRoot"] is True
    assert found["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert re.search(r"@sha256:[0-9a-f]{64}$", container["image"])
    mounted = {one["name"] for one in container["volumeMounts"]}
    assert mounted == {one["name"] for one in found["volumes"]}


def test_no_pod_of_the_class_reaches_a_network() -> None:
    policy = objects("kubernetes-grade.yaml")[0]["spec"]
    assert sorted(policy["policyTypes"]) == ["Egress", "Ingress"]
    assert not policy.keys() & {"egress", "ingress"}
    for name in KUBERNETES:
        (job,) = jobs_of(name)
        labels = job["template"]["metadata"]["labels"]
        assert labels == policy["podSelector"]["matchLabels"]


def test_kubernetes_indexes_cover_the_class_and_the_other_job_joins_them(
    cluster: Cluster,
) -> None:
    (job,) = jobs_of("kubernetes-grade.yaml")
    parts = job["completions"]
    assert job["completionMode"] == "Indexed"
    assert {variable(name, "PARTS") for name in KUBERNETES} == {str(parts)}
    moved = {"/hand-ins": "the class", "/grades": str(cluster.place / "grades")}

    def command(name: str) -> list[str]:
        (container,) = pod(name)["containers"]
        *words, script = container["command"]
        for inside, here in moved.items():
            script = script.replace(f"{inside} ", f"'{here}' ").replace(f"{inside}/", f"{here}/")
        return [*words, script]

    for index in range(parts):
        env = {"JOB_COMPLETION_INDEX": index, "PARTS": parts, "CODE_OF_GRADE": 1}
        done = cluster.run(*command("kubernetes-grade.yaml"), **env)
        assert done.returncode == 0, done.stderr
    assert cluster.graded() == sorted(STUDENTS)
    done = cluster.run(*command("kubernetes-merge.yaml"), PARTS=parts, CODE_OF_MERGE=3)
    assert done.returncode == 3
    folders = [f"{moved['/grades']}/parts/{number}" for number in range(1, parts + 1)]
    assert cluster.lines("calls")[-1] == ["merge", *folders, "--out", f"{moved['/grades']}/class"]


# --- matrices of CI --------------------------------------------------------------------------


def gitlab() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((EXAMPLES / "gitlab-class.yaml").read_text("utf-8"))
    return found


def github() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((EXAMPLES / "grade-class.yml").read_text("utf-8"))
    return found


def github_script(job: str) -> str:
    return next(one["run"] for one in github()["jobs"][job]["steps"] if one.get("id") == job)


def bash(script: str) -> list[str]:
    return ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]


def test_gitlabs_nodes_cover_the_class_and_join(cluster: Cluster) -> None:
    parts = gitlab()["grade"]["parallel"]
    (grade,), (merge,) = gitlab()["grade"]["script"], gitlab()["merge"]["script"]
    for number in range(1, parts + 1):
        env = {"HAND_INS": "the class", "CI_NODE_INDEX": number, "CI_NODE_TOTAL": parts}
        done = cluster.run(*bash(grade), CODE_OF_GRADE=1, **env)
        assert done.returncode == 0, done.stderr
    assert cluster.graded() == sorted(STUDENTS)
    assert cluster.run(*bash(merge), CODE_OF_MERGE=3).returncode == 3
    folders = [f"parts/{number}" for number in range(1, parts + 1)]
    assert cluster.lines("calls")[-1] == ["merge", *folders, "--out", "grades"]


def test_githubs_matrix_covers_the_class_and_joins(cluster: Cluster) -> None:
    parts = github()["jobs"]["grade"]["strategy"]["matrix"]["part"]
    assert parts == list(range(1, int(github()["env"]["PARTS"]) + 1))
    for part in parts:
        env = {"HAND_INS": "the class", "PART": part, "PARTS": len(parts), "CODE_OF_GRADE": 1}
        done = cluster.run(*bash(github_script("grade")), **env)
        assert done.returncode == 0, done.stderr
    assert cluster.graded() == sorted(STUDENTS)
    assert cluster.run(*bash(github_script("merge")), CODE_OF_MERGE=3).returncode == 3
    folders = [f"parts/{part}" for part in parts]
    assert cluster.lines("calls")[-1] == ["merge", *folders, "--out", "grades"]


def test_a_class_is_graded_by_hand_and_by_nobodys_push() -> None:
    assert set(github()[True]) == {"workflow_dispatch"}  # YAML reads the key "on" as a truth
    assert gitlab()["workflow"]["rules"] == [{"if": '$CI_PIPELINE_SOURCE == "web"'}]
    assert gitlab()["grade"]["artifacts"]["access"] == "maintainer"
