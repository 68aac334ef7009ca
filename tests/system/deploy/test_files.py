"""The files of the deployment page, as far as they can be judged without Docker."""

import re
import subprocess
import sys
from typing import Any

import pytest
import yaml

from tests.support.harness import ROOT, STEPS
from tests.system.deploy.conftest import DEPLOY, Site

COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
APPS = ("app1", "app2", "init")


@pytest.mark.parametrize("name", APPS)
def test_the_app_knows_every_setting_that_it_is_given(name: str) -> None:
    """A setting with a slip in its name does nothing, and nobody is told."""
    known = STEPS[6].module.config.DEFAULTS

    given = SERVICES[name]["environment"]

    assert set(given) <= set(known)
    assert given["PROXY_COUNT"] == "1"
    assert given["RATELIMIT_STORAGE_URI"].startswith("redis://redis:")


def test_secrets_come_from_outside_and_have_no_default() -> None:
    """A key in a file that is published is nobody's secret; one that may be empty will
    be.
    """
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")

    for name in ("SECRET_KEY", "POSTGRES_PASSWORD", "APP_DATABASE_PASSWORD"):
        assert re.findall(rf"\$\{{{name}(?!\w)(..)", text)
        assert set(re.findall(rf"\$\{{{name}(?!\w)(..)", text)) == {":?"}
    for line in (DEPLOY / ".env.example").read_text(encoding="utf-8").splitlines():
        if re.match(r"\w*(KEY|PASSWORD)\w*=", line):
            assert line.endswith("="), line


def test_the_file_of_settings_names_all_that_compose_asks_for() -> None:
    """Whoever fills it in is done then."""
    asked = set(
        re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    )
    offered = set(
        re.findall(
            r"^#?(\w+)=",
            (DEPLOY / ".env.example").read_text(encoding="utf-8"),
            re.MULTILINE,
        )
    )

    assert asked == offered


def test_only_the_proxy_can_be_reached_from_outside() -> None:
    """Who reaches an app server directly can write the headers that it believes."""
    assert [name for name, service in SERVICES.items() if "ports" in service] == [
        "proxy"
    ]
    assert [
        name for name, service in SERVICES.items() if "outside" in service["networks"]
    ] == ["proxy"]
    assert COMPOSE["networks"]["inside"]["internal"] is True


def test_nothing_runs_as_root_or_can_become_it() -> None:
    """A hole in one part stays in that part."""
    dockerfile = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")

    assert re.findall(r"^USER (\w+)", dockerfile, re.MULTILINE) == ["nobody"]
    for name, service in SERVICES.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert (
            "user" in service or name in APPS or "unprivileged" in service["image"]
        ), name


def test_every_lasting_service_says_whether_it_is_well() -> None:
    """The others wait for it, and whoever runs it can see it."""
    assert [
        name for name, service in SERVICES.items() if "healthcheck" not in service
    ] == ["init"]


def test_the_apps_wait_for_the_tables() -> None:
    """They would say 503 until then."""
    for name in ("app1", "app2"):
        assert SERVICES[name]["depends_on"]["init"] == {
            "condition": "service_completed_successfully"
        }


def test_every_file_that_is_mounted_or_copied_is_there() -> None:
    """Docker makes a folder in place of a file that is missing."""
    mounted = [
        DEPLOY / line.split(":")[0]
        for part in SERVICES.values()
        for line in part.get("volumes", [])
    ]
    copied = re.findall(
        r"^COPY (.+) \./$",
        (DEPLOY / "Dockerfile").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    wanted = [ROOT / name for line in copied for name in line.split()]
    wanted += [
        path for path in mounted if path.name not in ("tls", *COMPOSE["volumes"])
    ]

    assert [str(path) for path in wanted if not path.exists()] == []
    assert len(wanted) >= 4


def test_the_health_check_asks_what_a_healthy_app_answers(site: Site) -> None:
    """A check that fails on a healthy app keeps the whole site from starting."""
    script = SERVICES["app1"]["healthcheck"]["test"][-1]
    app = site.apps[0]

    check = [sys.executable, "-c", script.replace(":8000", f":{app.port}")]
    done = subprocess.run(check, env=app.environment, check=False)

    assert done.returncode == 0
