"""What CI systems take of this repository: the pre-commit hooks, the GitHub action, the container image."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from butane_py.integrations.github import workflow_commands
from tests.helpers import throwaway
from tests.helpers.fleet import HEAD

yaml = pytest.importorskip("yaml")
pytestmark = [pytest.mark.subprocess, pytest.mark.sockets]

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
HOOKS = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
WRONG = HEAD + "storage: {files: [{path: /a, mode: 644}]}\n"


def run(*words: str, cwd: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **(env or {})}
    return subprocess.run(
        list(words), cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


def must(*words: str, cwd: Path, env: dict[str, str] | None = None) -> str:
    ran = run(*words, cwd=cwd, env=env)
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


def repository(folder: Path) -> None:
    """Makes a git repository of a folder, with all its files committed."""
    who = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    must("git", "init", "-q", cwd=folder)
    must("git", "add", "-A", cwd=folder)
    must("git", *who, "commit", "-qm", "t", cwd=folder)


@pytest.mark.slow
def test_pre_commit(tmp_path: Path) -> None:
    """pre-commit installs the hooks from a clone, and each says what is wrong and passes what is right."""
    program = Path(sys.executable).with_name("pre-commit")
    if not program.exists() or shutil.which("git") is None:
        pytest.skip("pre-commit or git is not installed")
    clone, user = tmp_path / "clone", tmp_path / "user"
    throwaway.clone(clone)
    repository(clone)
    user.mkdir()
    arguments = {"butane-build": ["--check", "node.bu", "--inventory", "hosts.yaml"]}
    hooks = [{"id": name, **({"args": arguments[name]} if name in arguments else {})} for name in HOOKS]
    revision = must("git", "rev-parse", "HEAD", cwd=clone).strip()
    files = {
        ".pre-commit-config.yaml": yaml.safe_dump({"repos": [{"repo": str(clone), "rev": revision, "hooks": hooks}]}),
        "good.bu": HEAD, "wrong.bu": WRONG, "good.ign": '{"ignition": {"version": "3.4.0"}}', "wrong.ign": '{"ignition": {"version": "9.9.9"}}',
        "hosts.yaml": "all: {hosts: {a: {n: 1}, b: {n: x}}}\n",
    }  # fmt: skip
    for name, text in files.items():
        (user / name).write_text(text)
    repository(user)
    (user / "node.bu").write_text(HEAD + "vars: {n: int}\n")
    settings = {"PRE_COMMIT_HOME": str(tmp_path / "home"), "PRE_COMMIT_COLOR": "never"}

    def hook(name: str, *more: str) -> tuple[int, str]:
        ran = run(str(program), "run", name, *(more or ("--all-files",)), cwd=user, env=settings)
        return ran.returncode, ran.stdout

    status, said = hook("butane-check")
    assert status == 1 and "wrong.bu:3:36" in said and "2 configs: 1 checked, 1 refused" in said, said
    status, said = hook("butane-check", "--files", "good.bu")
    assert status == 0 and "Passed" in said, said
    status, said = hook("ignition-validate")
    assert status == 1 and "wrong.ign" in said and "good.ign" not in said, said
    tried = run(str(program), "try-repo", str(clone), "butane-check", "--files", "wrong.bu", cwd=user, env=settings)
    assert tried.returncode == 1 and "wrong.bu:3:36" in tried.stdout, tried.stdout
    status, said = hook("butane-build")
    assert status == 1 and "hosts.yaml:1:33" in said, said
    status, said = hook("butane-fix")
    assert status == 1 and "files were modified by this hook" in said, said
    assert (user / "wrong.bu").read_text() == WRONG.replace("644", "0644")
    status, said = hook("butane-check")
    assert status == 0, said


def test_hooks_name_commands_that_exist() -> None:
    assert sorted(HOOKS) == ["butane-build", "butane-check", "butane-fix", "ignition-validate"]
    for hook in HOOKS.values():
        program, *words = shlex.split(hook["entry"])
        ran = run(str(Path(sys.executable).with_name(program)), *words, *hook.get("args", ()), "--help", cwd=ROOT)
        assert ran.returncode == 0, ran.stdout
    chosen = {name: [each for each in ("a.bu", "b.butane", "c.ign", "d.yaml", "e.bump") if re.search(hook["files"], each)] for name, hook in HOOKS.items()}
    assert chosen == {"butane-check": ["a.bu", "b.butane"], "butane-fix": ["a.bu", "b.butane"], "butane-build": ["a.bu", "b.butane", "d.yaml"], "ignition-validate": ["c.ign"]}


def steps() -> dict[str, dict[str, Any]]:
    return {step["name"]: step for step in ACTION["runs"]["steps"]}


def test_no_input_is_part_of_a_script() -> None:
    """What stands in ${{ }} is put into a script before the shell reads it: inputs come by the environment."""
    scripts = [step["run"] for step in steps().values() if "run" in step]
    assert len(scripts) == 2
    assert not [script for script in scripts if "${{" in script]
    used = set(re.findall(r"inputs\.([a-z-]+)", (ROOT / "action.yml").read_text()))
    assert used == set(ACTION["inputs"])
    assert all({"description", "default"} <= set(each) for each in ACTION["inputs"].values())


def script(name: str, folder: Path, inputs: dict[str, str]) -> tuple[int, str, str]:
    """Runs a step as the runner does: inputs in its environment, bash with -e and pipefail; status, output, what it set as outputs."""
    temporary = folder / "temp"
    temporary.mkdir(exist_ok=True)
    if not (temporary / "butane-py").exists():
        (temporary / "butane-py").symlink_to(sys.prefix)
    given = {key: each["default"] for key, each in ACTION["inputs"].items()} | inputs
    step = steps()[name]
    environment = {key: re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda found: given[found[1]], value) for key, value in step["env"].items()}
    outputs = temporary / "outputs"
    outputs.write_text("")
    (temporary / "step.sh").write_text(step["run"])
    ran = run(
        "bash", "--noprofile", "--norc", "-eo", "pipefail", str(temporary / "step.sh"), cwd=folder,
        env={**environment, "RUNNER_TEMP": str(temporary), "GITHUB_OUTPUT": str(outputs)},
    )  # fmt: skip
    return ran.returncode, ran.stdout, outputs.read_text()


def test_the_check_of_the_action(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "good one.bu").write_text(HEAD)
    status, said, outputs = script("Check", tmp_path, {})
    assert status == 0, said
    (tmp_path / "sub" / "wrong.bu").write_text(WRONG)
    status, said, outputs = script("Check", tmp_path, {})
    assert status == 1 and "wrong.bu:3:36" in said
    assert "::error" not in said
    assert "::warning file=sub/wrong.bu,line=3,col=36,title=mode-decimal::mode 644 is decimal and means 01204. write 0644\n" in said
    (name,) = re.findall(r"^sarif=(.*)$", outputs, re.MULTILINE)
    (result,) = json.loads(Path(name).read_text())["runs"][0]["results"]
    assert (result["ruleId"], result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]) == ("mode-decimal", "sub/wrong.bu")
    assert script("Check", tmp_path, {"strict": "false"})[0] == 0
    assert script("Check", tmp_path, {"configs": "sub/good one.bu\n"})[0] == 0
    (tmp_path / "node.bu").write_text(HEAD + "vars: {n: int}\n")
    (tmp_path / "hosts.yaml").write_text("all: {hosts: {a: {n: 1}, b: {n: x}}}\n")
    status, said, outputs = script("Check", tmp_path, {"configs": "node.bu", "inventory": "hosts.yaml"})
    assert status == 1 and "hosts.yaml:1:33" in said and "sarif=" in outputs


def test_annotations_are_one_command_each() -> None:
    """What would end a command or a property is escaped, so that no text of a config is a command of its own."""
    location = {"physicalLocation": {"artifactLocation": {"uri": "a%20b%2C%3A%0A.bu"}, "region": {"startLine": 3, "startColumn": 1}}}
    results = [
        {"ruleId": "code", "level": level, "message": {"text": "50%\n::set-output name=x::y\r"}, "locations": [location]} for level in ("error", "warning", "note")
    ]
    results.append({"ruleId": "code", "level": "error", "message": {"text": "m"}, "locations": [{"physicalLocation": {"artifactLocation": {"uri": "f"}}}]})
    text = "file=a b%2C%3A%0A.bu,line=3,col=1,title=code::50%25%0A::set-output name=x::y%0D"
    expected = [f"::{level} {text}" for level in ("error", "warning", "notice")]
    assert list(workflow_commands({"runs": [{"results": results}]})) == [*expected, "::error file=f,title=code::m"]


@pytest.mark.parametrize("hostile", ["$(touch pwned)", "`touch pwned`", "; touch pwned", "a b\n-o\npwned", "--output=pwned", '"; touch pwned; "', "--", "*"])
def test_hostile_inputs_are_names_and_nothing_else(tmp_path: Path, hostile: str) -> None:
    (tmp_path / "good.bu").write_text(HEAD)
    assert script("Check", tmp_path, {"configs": hostile})[0] != 0
    script("Check", tmp_path, {"configs": "good.bu", "files-dir": hostile, "inventory": hostile, "strict": hostile, "lint": hostile})
    assert not (tmp_path / "pwned").exists()


def instructions() -> list[tuple[str, str]]:
    lines = [line for line in (ROOT / "Containerfile").read_text().splitlines() if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


@pytest.mark.slow
def test_the_container_image(tmp_path: Path) -> None:
    """No engine is here: what COPY names is copied, and RUN is run, below a folder in place of the image's root."""
    kinds = [word for word, _ in instructions()]
    assert kinds[0] == "FROM" and set(kinds) <= {"FROM", "COPY", "RUN", "WORKDIR", "USER", "ENTRYPOINT", "CMD"}
    given = dict(instructions())
    assert not given["USER"].startswith(("0", "root")) and json.loads(given["ENTRYPOINT"]) == ["butane-py"]
    (tmp_path / "src").mkdir()
    for _, rest in (each for each in instructions() if each[0] == "COPY"):
        *sources, target = rest.split()
        for source in sources:
            to = tmp_path / target[1:] / (source if target.endswith("/") else "")
            shutil.copytree(ROOT / source, to) if (ROOT / source).is_dir() else shutil.copy(ROOT / source, to)
    must(sys.executable, "-m", "venv", str(tmp_path / "venv"), cwd=tmp_path)
    path = {"PATH": f"{tmp_path}/venv/bin{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": ""}
    must("sh", "-ec", re.sub(r" /src\b", f" {tmp_path}/src", given["RUN"]), cwd=tmp_path, env=path)
    assert not (tmp_path / "src").exists()
    (tmp_path / "config.bu").write_text(HEAD)
    assert must("butane-py", "config.bu", cwd=tmp_path, env=path) == '{"ignition":{"version":"3.5.0"}}\n'
    assert "error[" not in must("butane-py", "--check", "--lint", "config.bu", cwd=tmp_path, env=path)
