# SPDX-License-Identifier: MIT
"""Grafana's dashboards: four of them, each a file that can be imported as it is, whose panels lie beside each other,
have a unit, ask the chosen data source for metrics that docs/METRICS.md lists, and use variables that are there."""
import json
import re

NAMES = ("cluster", "job", "node", "vc")
#: Panels that Grafana itself has, and has not given up.
KINDS = ("timeseries", "stat", "bargauge", "table")
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
#: Of exporters on the nodes (packaging/prometheus).
OTHERS = {"node_load1"}
OWN_VARIABLES = {"__rate_interval"}


def known_metrics(tree):
    """What docs/METRICS.md lists, and of histograms what they consist of."""
    page = tree.text("docs/METRICS.md") if "docs/METRICS.md" in tree.paths else ""
    rows = re.findall(r"^\| `(\w+)`[^|]*\| (\w+) \|", page, re.M)
    return OTHERS | {name + end for name, kind in rows
                     for end in (("_bucket", "_sum", "_count") if kind == "histogram" else ("",))}


def overlaps(a, b):
    return (a["x"] < b["x"] + b["w"] and b["x"] < a["x"] + a["w"] and
            a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"])


def query_faults(expr, variables, metrics):
    for name in re.findall(r"\$(\w+)", expr):
        if name not in variables | OWN_VARIABLES:
            yield "no variable $" + name
    found = set(re.findall(r"\b((?:drover|process|node)_\w+)(?=[{\[])", expr))
    for name in sorted(found - metrics):
        yield "no metric " + name
    for name, labels in re.findall(r"\b((?:drover|process)_\w+)(\{[^}]*\})?", re.sub(r'"[^"]*"', '""', expr)):
        if "job=" not in labels:
            yield name + " of whatever job"


def panel_faults(panel, variables, metrics):
    if panel.get("type") not in KINDS:
        yield "a panel of type %s" % panel.get("type")
    if not panel.get("title"):
        yield "a panel without a title"
    if not panel.get("fieldConfig", {}).get("defaults", {}).get("unit"):
        yield "no unit"
    place = panel.get("gridPos", {})
    if not all(isinstance(place.get(k), int) for k in "xywh") or place["x"] + place["w"] > 24:
        yield "no place in 24 columns"
    if not panel.get("targets"):
        yield "asks nothing"
    for asked in [panel] + panel.get("targets", []):
        if asked.get("datasource") != SOURCE:
            yield "another data source than the chosen one"
    for target in panel.get("targets", []):
        yield from query_faults(target.get("expr", ""), variables, metrics)


def board_faults(board, name, metrics):
    if board.get("uid") != "drover-" + name or not board.get("title") or "id" in board or "__inputs" in board:
        yield "uid, title, and no id or inputs are needed"
    given = board.get("templating", {}).get("list", [])
    if [v.get("name") for v in given[:2]] != ["datasource", "job"] or given[0].get("type") != "datasource":
        yield "the first variables are datasource and job"
    variables = {v.get("name") for v in given}
    panels = board.get("panels", [])
    if not panels or len({p.get("id") for p in panels}) < len(panels):
        yield "panels need ids of their own"
    for number, panel in enumerate(panels):
        faults = list(panel_faults(panel, variables, metrics))
        if not faults and any(overlaps(panel["gridPos"], p["gridPos"]) for p in panels[:number] if "w" in p.get("gridPos", {})):
            faults.append("lies over another")
        for fault in faults:
            yield "%s: %s" % (panel.get("title"), fault)
    used = json.dumps(panels)
    for name in sorted(variables - {"datasource"}):
        if "$" + name not in used:
            yield "nothing uses $" + name


def check(tree):
    boards = [p for p in tree.paths if p.startswith("dashboards/")]
    for name in NAMES if boards else ():
        if "dashboards/%s.json" % name not in boards:
            yield "dashboards/%s.json" % name, 1, "is not there"
    metrics = known_metrics(tree)
    for path in boards:
        try:
            board = json.loads(tree.text(path))
        except ValueError as e:
            yield path, 1, "no JSON: %s" % e
            continue
        for fault in board_faults(board, path[len("dashboards/"):-len(".json")], metrics):
            yield path, 1, fault


PAGE = "| `drover_x` (node) | gauge | X. |\n"


def planted(**change):
    """A tree with four dashboards, the first of which has the change."""
    panel = {"id": 1, "type": "stat", "title": "X", "datasource": SOURCE, "gridPos": {"x": 0, "y": 0, "w": 6, "h": 4},
             "fieldConfig": {"defaults": {"unit": "none"}}, "targets": [{"datasource": SOURCE, "expr": 'drover_x{job="$job"}'}]}
    second = change.pop("second", None)
    boards = {}
    for name in NAMES:
        bad = dict(panel, **change) if name == NAMES[0] else panel
        boards["dashboards/%s.json" % name] = json.dumps({
            "uid": "drover-" + name, "title": name, "panels": [bad] + ([dict(panel, id=2)] if second and bad is not panel else []),
            "templating": {"list": [{"name": "datasource", "type": "datasource"}, {"name": "job"}]}})
    return dict(boards, **{"docs/METRICS.md": PAGE})


def asks(expr):
    return {"targets": [{"datasource": SOURCE, "expr": expr}]}


FIRST = ["dashboards/cluster.json:1"]
PLANTED = [
    (planted(), []),
    (planted(type="graph"), FIRST),
    (planted(title=""), FIRST),
    (planted(fieldConfig={"defaults": {}}), FIRST),
    (planted(gridPos={"x": 20, "y": 0, "w": 6, "h": 4}), FIRST),
    (planted(datasource="Prometheus"), FIRST),
    (planted(**asks('drover_y{job="$job"}')), FIRST),
    (planted(**asks('drover_x{job="$job",node="$node"}')), FIRST),
    (planted(**asks('drover_x{job="$job"} + drover_x{node="a"}')), FIRST),
    (planted(second=True, height=1), FIRST),
    ({"dashboards/cluster.json": "{", "docs/METRICS.md": PAGE},
     ["dashboards/%s.json:1" % name for name in NAMES]),
]
