"""The workflows are what the specification's section 5 asks for: checked, staged, with a backup in between."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from itertools import product
from typing import Any

import pytest
import yaml

from portal.config import ROOT

FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(path.name for path in FOLDER.glob("*.yml"))


def workflow(name: str) -> dict[str, Any]:
    """YAML reads the word `on` as true."""
    read: dict[Any, Any] = yaml.safe_load((FOLDER / name).read_text())
    return {("on" if key is True else key): value for key, value in read.items()}


def commands(job: dict[str, Any]) -> str:
    return "\n".join(step.get("run", "") for step in job["steps"])


@pytest.mark.parametrize("name", FILES)
def test_each_is_a_workflow_with_few_rights(name: str) -> None:
    read = workflow(name)
    assert read.keys() >= {"name", "on", "permissions", "jobs"}
    assert read["permissions"] == {"contents": "read"}
    for job in read["jobs"].values():
        assert all(("run" in step) != ("uses" in step) for step in job["steps"])


def test_tests_run_the_gate() -> None:
    read = workflow("tests.yml")
    assert read["on"].keys() == {"push", "pull_request", "schedule"}
    assert "bash .ci/run" in commands(read["jobs"]["tests"])


def test_the_slow_tests_run_every_night() -> None:
    read = workflow("tests.yml")
    [night] = read["on"]["schedule"]
    assert re.fullmatch(r"\d+ \d+ \* \* \*", night["cron"])
    assert read["jobs"]["slow"]["if"] == "github.event_name == 'schedule'"
    assert "pytest -m slow" in commands(read["jobs"]["slow"])


def test_migrations_go_by_staging_and_backup_to_production() -> None:
    jobs = workflow("database-migrations.yml")["jobs"]
    order = ["validate", "migrate-staging", "backup-production", "migrate-production"]
    assert list(jobs) == order
    assert [jobs[name].get("needs") for name in order] == [None, *order[:-1]]
    assert [jobs[name].get("environment") for name in order] == [None, "staging", "production", "production"]
    assert "tests/migrations" in commands(jobs["validate"])


@pytest.mark.parametrize(("job", "prefix"), [("migrate-staging", "STAGING"), ("migrate-production", "PROD")])
def test_each_stage_migrates_its_own_database(job: str, prefix: str) -> None:
    [step] = [s for s in workflow("database-migrations.yml")["jobs"][job]["steps"] if "migrations" in s.get("name", "")]
    assert step["run"] == "flask --app wsgi db upgrade && flask --app wsgi db check"
    assert step["env"]["AUDIFI_DATABASE_URL"] == f"${{{{ secrets.{prefix}_DATABASE_URL }}}}"
    assert step["env"]["AUDIFI_OWNER_DATABASE_URL"] == f"${{{{ secrets.{prefix}_OWNER_DATABASE_URL }}}}"


def test_the_backup_is_encrypted_and_fails_with_its_first_part() -> None:
    job = workflow("database-migrations.yml")["jobs"]["backup-production"]
    [step] = [s for s in job["steps"] if "pg_dump" in s.get("run", "")]
    assert step["shell"] == "bash"
    assert re.search(r"pg_dump .*\| openssl enc .* > ", step["run"])
    assert all("secrets." in value for value in step["env"].values())
    assert any("upload-artifact" in s.get("uses", "") for s in job["steps"])


@pytest.mark.parametrize("name", FILES)
def test_shell_steps_can_be_read(name: str) -> None:
    for job in workflow(name)["jobs"].values():
        script = re.sub(r"\$\{\{.*?\}\}", "value", commands(job))
        assert subprocess.run([shutil.which("bash") or "bash", "-n", "-c", script]).returncode == 0


def test_every_test_is_in_one_tier() -> None:
    """Neither slow nor a measurement: in the default run or among the walks of the gate, and never in both."""
    addopts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["addopts"]
    tiers = [re.findall(r"-m '([^']+)'", text) for text in (addopts, (ROOT / ".ci" / "run").read_text())]
    [[default], [walks]] = tiers
    for walk, slow, bench in product((True, False), repeat=3):
        names = {"walk": walk, "slow": slow, "bench": bench}
        assert eval(default, names) + eval(walks, names) == (not slow and not bench), names


def test_the_gate_can_be_read_and_names_every_check() -> None:
    gate = ROOT / ".ci" / "run"
    assert subprocess.run([shutil.which("bash") or "bash", "-n", str(gate)]).returncode == 0
    said = gate.read_text()
    checks = ("pytest", "ruff check", "mypy", "lint-imports", "migrations", "wsgi.py", "demo")
    assert [check for check in checks if check not in said] == []
