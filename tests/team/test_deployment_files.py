"""The files of `deploy/` and the page about them fit together: what the page tells an administrator can be done."""

import fnmatch
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

REPOSITORY = Path(__file__).parents[2]
DEPLOY = REPOSITORY / "deploy"
PAGE = (REPOSITORY / "docs" / "team-server.md").read_text()
COMPOSE = YAML(typ="safe").load(DEPLOY / "compose.yaml")
SETTINGS = ["server.env", "worker.env", "mlflow-auth.ini", "postgresql.sql"]


def shell_lines(heading: str, *, skipping: tuple[str, ...]) -> str:
    """Return the first shell block of a section, without the lines that need root or containers."""
    block = re.search(rf"^## {heading}$.*?^```sh$(.*?)^```$", PAGE, re.M | re.S)[1]
    return "\n".join(line for line in block.splitlines() if not line.startswith(skipping))


def passwords(folder: Path, suffix: str = "") -> dict[str, str]:
    """Return each line of the settings that holds passwords in the examples, by its file and number."""
    found = {}
    for name in SETTINGS:
        lines = (folder / f"{name}{suffix}").read_text().splitlines()
        examples = (DEPLOY / f"{name}.example").read_text().splitlines()
        found |= {f"{name}:{n}": line for n, (line, old) in enumerate(zip(lines, examples, strict=True))
                  if "change-me-" in old}  # fmt: skip
    return found


def test_every_file_that_the_page_names_is_there():
    named = set(re.findall(r"\b(?:deploy|flows|experiments|tests)/[\w./@-]*\w", PAGE))
    assert {"deploy/server.env.example", "deploy/postgresql.sql.example", "flows/prefect.yaml"} <= named
    assert [name for name in named if not (REPOSITORY / name).exists()] == []


def test_the_page_prepares_containers_that_find_each_other_and_share_passwords(tmp_path):
    if not (shutil.which("openssl") and shutil.which("sed") and "GNU" in _version_of_sed()):
        pytest.skip("needs openssl and GNU sed")
    for example in DEPLOY.glob("*.example"):
        shutil.copy(example, tmp_path)
    commands = shell_lines("In containers", skipping=("cd ", "sudo ", "docker "))
    subprocess.run(["bash", "-eu", "-c", commands], cwd=tmp_path, check=True)
    text = {name: (tmp_path / name).read_text() for name in [*SETTINGS, "postgresql-administrator-password"]}
    assert not any("change-me" in content for content in text.values())
    numbers = {key: re.search(r"change-me-\d+", line)[0] for key, line in passwords(DEPLOY, ".example").items()}
    secrets = {key: re.search(r"(?<=[:='])[\w-]{32}(?![\w-])", line)[0] for key, line in passwords(tmp_path).items()}
    assert (
        len(set(numbers.values()))
        == len({(numbers[key], secrets[key]) for key in numbers})
        == len(set(secrets.values()))
    )
    assert len(text["postgresql-administrator-password"].strip()) == 32
    addresses = {host for content in text.values() for host in re.findall(r"(?:@|http://)([\w.]+:\d+)", content)}
    assert addresses == {"postgresql:5432", "prefect:4200", "mlflow:5000"}
    assert "mlflow:5000" in re.search("^MLFLOW_SERVER_ALLOWED_HOSTS=(.*)$", text["server.env"], re.M)[1].split(",")
    for name in text:
        assert (tmp_path / name).stat().st_mode & 0o077 == 0


def test_only_the_part_that_needs_it_gets_the_database_of_users():
    for name, service in COMPOSE["services"].items():
        has_users = any("mlflow-auth.ini" in volume for volume in service["volumes"])
        assert has_users == (name == "mlflow")


def test_servers_bind_their_containers_and_publish_loopback_only():
    services = COMPOSE["services"]
    assert services["prefect"]["environment"]["PREFECT_SERVER_API_HOST"] == "0.0.0.0"  # noqa: S104  all of a container
    assert services["mlflow"]["environment"]["MLFLOW_HOST"] == "0.0.0.0"  # noqa: S104
    for name in ("prefect", "mlflow", "worker"):
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["restart"] == "always"


def test_no_file_with_passwords_can_be_committed():
    ignored = [line for line in (DEPLOY / ".gitignore").read_text().splitlines() if not line.startswith("#")]
    mounted = [v.split(":")[0] for service in COMPOSE["services"].values() for v in service["volumes"] if v[0] == "."]
    private = [*SETTINGS, *(Path(path).name for path in mounted)]
    private += [Path(secret["file"]).name for secret in COMPOSE["secrets"].values()]
    for name in private:
        assert any(fnmatch.fnmatch(name, pattern) for pattern in ignored), name


def test_the_image_takes_named_paths_only():
    copied = [
        source
        for line in re.findall(r"^COPY (.*)$", (DEPLOY / "Dockerfile").read_text(), re.M)
        for source in line.split()[:-1]
    ]
    assert {"requirements.lock", "pyproject.toml", "afssb_opt", "flows"} <= set(copied)
    assert not {".", "./", "*"} & set(copied)
    assert [source for source in copied if not (REPOSITORY / source).exists()] == []
    seen = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    assert seen[1] == "*"
    assert {line[1:] for line in seen if line.startswith("!")} == set(copied)


def test_the_image_and_the_page_agree_on_who_reads_the_mounted_files():
    user = re.search(r"useradd --uid (\d+) .*afssb$", (DEPLOY / "Dockerfile").read_text(), re.M)[1]
    assert f"sudo chown {user} mlflow-auth.ini" in PAGE


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("part", ["prefect", "mlflow", "worker"])
def test_the_units_leave_little_to_whoever_gets_into_them(part, tmp_path):
    units = tmp_path / "etc" / "systemd" / "system"
    shutil.copytree(DEPLOY / "systemd", units)
    # In tenths: 1.5 to 1.9 of 10 with systemd 252; a newer one may know more to ask for.
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--root={tmp_path}", "--threshold=25", "--no-pager",
         f"afssb-{part}.service"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd-analyze judges running units only")
    assert done.returncode == 0, done.stdout + done.stderr


def _version_of_sed() -> str:
    return subprocess.run(["sed", "--version"], capture_output=True, text=True, check=False).stdout
