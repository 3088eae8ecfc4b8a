"""``drishti metrics`` against a real NATS."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from drishti import cli
from drishti.bus.connection import connect
from drishti.measures.definition_files import read
from drishti.measures.registry import opened
from drishti_local.home import Home
from drishti_local.prepare import prepare
from drishti_local.servers import NatsServer
from rigs.command import Command

QUEUE = "name: queue.depth\nkind: gauge\nunit: '{message}'\ndimensions: [service]\ndescription: messages that wait\n"


async def test_definitions_live_in_files_and_are_applied_listed_exported_and_deleted(drishti: Command, tmp_path: Path) -> None:
    file = tmp_path / "queue.yaml"
    file.write_text(
        QUEUE + "---\nname: sessions\nkind: unique\nunit: '{session}'\nenabled: false\n---\npack: wisdom\nenabled: false\n"
    )
    status, output, errors = await drishti("metrics", "apply", "--check", str(file))
    assert (status, errors) == (0, "")
    assert output.splitlines() == [
        "would turn off pack wisdom of default",
        "would define   queue.depth of default",
        "would change   sessions of default",
    ]
    assert (await drishti("metrics", "apply", str(file)))[0] == 0
    assert (await drishti("metrics", "apply", str(file)))[1].count("unchanged") == 3
    status, output, _ = await drishti("metrics", "list")
    assert "queue.depth" in output
    assert "sessions" not in output
    assert "wisdom_score" not in output
    assert "sessions" in (await drishti("metrics", "list", "--all"))[1]
    status, output, _ = await drishti("metrics", "show", "queue-depth")
    assert yaml.safe_load(output)["unit"] == "{message}"
    assert "# field avg          {message}" in output

    status, exported, _ = await drishti("metrics", "export")
    assert [document.get("name") for document in yaml.safe_load_all(exported)] == [None, "queue.depth", "sessions"]
    status, _, errors = await drishti("metrics", "export", "--to", str(tmp_path / "kept"))
    assert (status, errors) == (0, f"3 files in {tmp_path / 'kept'}\n")
    status, output, errors = await drishti("metrics", "delete", "queue.depth", "sessions")
    assert output.splitlines() == ["deleted queue.depth", "deleted sessions, again as in built_in"]
    status, _, errors = await drishti("metrics", "delete", "sessions")
    assert status == 1
    assert "nothing to delete" in errors
    assert (await drishti("metrics", "apply", str(tmp_path / "kept")))[0] == 0
    assert (await drishti("metrics", "export"))[1] == exported
    status, output, _ = await drishti("metrics", "packs", "wisdom", "--on")
    assert output.splitlines()[1].split() == ["wisdom", "on", "satisfaction", "wisdom_score", "topics"]
    status, output, _ = await drishti("metrics", "list", "--tenant", "acme")
    assert "queue.depth" not in output


async def test_what_is_wrong_is_said_and_changes_nothing(
    drishti: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(QUEUE + "---\nname: requests\nkind: gauge\nunit: '{request}'\ndimensions: [service, route, status]\n")
    status, output, errors = await drishti("metrics", "apply", str(file))
    assert (status, output) == (1, "")
    assert f"{file}:7: kind: requests is built in" in errors
    assert "queue.depth" not in (await drishti("metrics", "list"))[1]
    status, _, errors = await drishti("metrics", "show", "request")
    assert status == 1
    assert "is it requests" in errors
    status, _, errors = await drishti("metrics", "packs", "nothing", "--on")
    assert (status, errors) == (1, "drishti: there is no pack 'nothing'; there are wisdom\n")
    with pytest.raises(SystemExit):
        cli.main(["metrics", "--help"])
    assert "drishti metrics apply metrics/" in capsys.readouterr().out


async def test_a_run_applies_the_files_in_its_home(own_nats: NatsServer, tmp_path: Path) -> None:
    home = Home(tmp_path)
    folder = tmp_path / "metrics"
    folder.mkdir()
    (folder / "queue.yaml").write_text(QUEUE)
    secrets = home.secrets(("admin",))
    settings = own_nats.settings("admin")
    assert "defined    queue.depth of default" in await prepare(settings, secrets, read([folder]))
    assert await prepare(settings, secrets, read([folder])) == []
    bus = await connect(settings, name="admin")
    try:
        async with opened(bus) as registry:
            assert registry.get("default", "queue-depth") is not None
    finally:
        await bus.close()
