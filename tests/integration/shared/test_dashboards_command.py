"""``drishti dashboards`` against a real NATS."""

from __future__ import annotations

from pathlib import Path

import yaml

from rigs.command import Command

CHECKOUT = """name: checkout
title: Checkout
panels:
  - kind: stat
    title: Requests
    value: {metric: requests, field: rate}
  - kind: table
    title: By service
    by: service
    head: Service
    columns:
      - {metric: requests, field: rate, title: now}
"""


async def test_dashboards_live_in_files_and_are_applied_listed_exported_and_deleted(drishti: Command, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(f"{CHECKOUT}---\ntenant: acme\nname: empty\ntitle: Empty\n")
    status, output, errors = await drishti("dashboards", "apply", "--check", str(file))
    assert (status, errors, output.splitlines()) == (0, "", ["would make   checkout of default", "would make   empty of acme"])
    assert len((await drishti("dashboards", "list"))[1].splitlines()) == 1
    assert (await drishti("dashboards", "apply", str(file)))[0] == 0
    assert (await drishti("dashboards", "apply", str(file)))[1].count("unchanged") == 2
    status, output, _ = await drishti("dashboards", "list")
    assert output.splitlines()[1].split()[:3] == ["checkout", "Checkout", "2"]
    status, output, _ = await drishti("dashboards", "show", "checkout")
    assert [panel["id"] for panel in yaml.safe_load(output)["panels"]] == ["requests", "by-service"]

    status, exported, _ = await drishti("dashboards", "export")
    status, _, errors = await drishti("dashboards", "export", "--to", str(tmp_path / "kept"))
    assert (status, errors) == (0, f"1 file in {tmp_path / 'kept'}\n")
    file.write_text(CHECKOUT.replace("Checkout", "Till"))
    assert (await drishti("dashboards", "apply", "--check", str(file)))[1] == "would change checkout of default\n"
    assert (await drishti("dashboards", "apply", str(file)))[1] == "changed    checkout of default\n"
    assert (await drishti("dashboards", "delete", "checkout"))[1] == "deleted checkout\n"
    assert (await drishti("dashboards", "apply", str(tmp_path / "kept")))[1] == "made       checkout of default\n"
    assert (await drishti("dashboards", "export"))[1] == exported
    assert (await drishti("dashboards", "export", "--tenant", "acme"))[1].startswith("tenant: acme\nname: empty\n")


async def test_what_is_wrong_is_said_with_its_place_and_changes_nothing(drishti: Command, tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(
        f"{CHECKOUT}---\nname: own_metrics\ntitle: Mine\n---\n{CHECKOUT}---\nname: x\n"
        "---\nname: y\ntitle: Y\npanels: [{kind: riddle}]\n"
    )
    status, output, errors = await drishti("dashboards", "apply", str(file), str(tmp_path / "none.yaml"))
    assert (status, output) == (1, "")
    assert [line.strip(" -") for line in errors.splitlines()[1:]] == [
        f"{file}:14: name: own_metrics is a dashboard that everybody has and cannot be changed: store yours under another name",
        f"{file}:17: checkout is in {file}:1 already",
        f"{file}:30: title: Object missing required field `title`",
        f"{file}:34: panels[0].kind: Invalid value 'riddle'; there are stat, time_series, heatmap, table, "
        "gauge, bar, pie, text, events, incidents, forecast_scores, traces, errors, service_map, histogram, query, "
        "funnel, retention, journeys",
        f"{tmp_path / 'none.yaml'}: no such file",
    ]
    assert len((await drishti("dashboards", "list"))[1].splitlines()) == 1
    status, _, errors = await drishti("dashboards", "delete", "checkout")
    assert (status, errors) == (1, "drishti: there is no dashboard 'checkout' that default made; default made none\n")


async def test_a_misspelt_aggregate_changes_nothing_and_a_metric_that_may_still_come_is_said(
    drishti: Command, tmp_path: Path
) -> None:
    file = tmp_path / "queries.yaml"
    panel = "name: asked\ntitle: Asked\npanels:\n  - kind: query\n    title: Waits\n    queries:\n      - expression: {}\n"
    file.write_text(CHECKOUT + "---\n" + panel.format("p95x(request_duration_ms)"))
    status, output, errors = await drishti("dashboards", "apply", str(file))
    first, expression, caret = errors.splitlines()[1:]
    assert (status, output) == (1, "")
    assert first.startswith(
        f"  - {file}:20: panel 'Waits': panels[0].queries[0].expression: request_duration_ms has no aggregate"
    )
    assert "do you mean p95" in first
    assert (expression.strip(), caret.index("^")) == ("p95x(request_duration_ms)", expression.index("p95x"))
    assert len((await drishti("dashboards", "list"))[1].splitlines()) == 1

    file.write_text(panel.format("p95(reqest_duration_ms)"))
    status, _, errors = await drishti("dashboards", "apply", "--dry-run", "--strict", str(file))
    assert status == 1
    assert "there is no metric 'reqest_duration_ms' yet; do you mean request_duration_ms" in errors
    status, output, errors = await drishti("dashboards", "apply", str(file))
    assert (status, output) == (0, "made       asked of default\n")
    assert errors.startswith(f"warning: {file}:7: panel 'Waits': panels[0].queries[0].expression: there is no metric")
