#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""dashboard.py check FILE: says what is wrong with a dashboard; nothing if all is well.
dashboard.py rules FILE: its queries as a file of rules, so that promtool can parse them.
dashboard.py queries FILE: a line each, "panel: name of the line", a tab, and the query for all hosts and guests."""
import json
import re
import sys


def all_panels(panels):
    for p in panels:
        yield p
        yield from all_panels(p.get("panels", []))


def overlap(a, b):
    return a["x"] < b["x"] + b["w"] and b["x"] < a["x"] + a["w"] and a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"]


def check_layout(panels, wrong):
    """Panels inside a collapsed row are laid out by themselves."""
    for i, p in enumerate(panels):
        g = p["gridPos"]
        if g["x"] + g["w"] > 24:
            wrong.append(f'{p["title"]}: wider than the page')
        wrong += [f'{p["title"]} and {o["title"]} overlap' for o in panels[:i] if overlap(g, o["gridPos"])]
        check_layout(p.get("panels", []), wrong)


# What a panel of figures may be in; "none" is a plain number, which a panel has to say as well.
UNITS = {"bytes", "none", "ops", "percentunit", "pps", "reqps", "s", "short"}


def check_panel(p, wrong):
    title = p["title"]
    if not p.get("targets"):
        wrong.append(f"{title}: no query")
    if not p.get("description"):
        wrong.append(f"{title}: no description")
    if p.get("datasource", {}).get("uid") != "${datasource}":
        wrong.append(f"{title}: a data source of its own")
    defaults = p.get("fieldConfig", {}).get("defaults", {})
    if not defaults.get("mappings") and defaults.get("unit") not in UNITS:
        wrong.append(f"{title}: its figures have neither words nor a unit ({defaults.get('unit')})")
    seen = set()
    for t in p.get("targets", []):
        if t["datasource"]["uid"] != "${datasource}":
            wrong.append(f"{title}: a query with a data source of its own")
        if not t.get("expr", "").strip():
            wrong.append(f"{title}: an empty query")
        if not t.get("legendFormat"):
            wrong.append(f"{title}: a line without a name")
        for what in ("refId", "legendFormat"):
            if (what, t.get(what)) in seen:
                wrong.append(f"{title}: {what} {t.get(what)} is there twice")
            seen.add((what, t.get(what)))
        check_legend(title, t, wrong)


def check_legend(title, t, wrong):
    """A name has the labels that its query keeps: one that is dropped is empty, one that is not named makes two lines of one name."""
    name, expr = t.get("legendFormat", ""), t.get("expr", "")
    used = set(re.findall(r"{{\s*(\w+)\s*}}", name))
    joined = re.search(r"\b(?:sum|max|min|avg|count)(?: by \(([^)]*)\))?\s*\(", expr)
    kept = {x.strip() for x in (joined.group(1) or "").split(",")} - {"le", ""} if joined else {"instance"}
    wrong += [f'{title}, "{name}": the query drops {x}' for x in sorted(used - kept)]
    wrong += [f'{title}, "{name}": one line for each {x}, all of that name' for x in sorted(kept - used)]


def check(d):
    wrong, ids, panels = [], set(), list(all_panels(d["panels"]))
    variables = {v["name"]: v for v in d["templating"]["list"]}
    for key in ("title", "uid", "schemaVersion", "time", "templating"):
        if not d.get(key):
            wrong.append(f"it has no {key}")
    if d.get("id") is not None:
        wrong.append("an id of some Grafana is in it: import would replace that one's dashboard")
    if variables.get("datasource", {}).get("type") != "datasource":
        wrong.append("there is no variable for the data source")
    for p in panels:
        if p["id"] in ids:
            wrong.append(f'{p["title"]}: its id is there twice')
        ids.add(p["id"])
        if p["type"] != "row":
            check_panel(p, wrong)
    for name in set(re.findall(r"\$(\w+)", json.dumps(d))) - {"__rate_interval"}:
        if name not in variables:
            wrong.append(f"${name} is no variable")
    check_layout(d["panels"], wrong)
    return wrong


def queries(d):
    """Of each line its panel, its name, and what is asked, for all hosts and guests."""
    for p in all_panels(d["panels"]):
        for t in p.get("targets", []):
            expr = t["expr"].replace("$__rate_interval", "5m").replace("$host", ".*").replace("$domain", ".*")
            yield f'{p["title"]}: {t.get("legendFormat", "")}', " ".join(expr.split())


def rules(d):
    yield "groups:\n  - name: dashboard\n    rules:"
    for n, (_, expr) in enumerate(queries(d), 1):
        yield f"      - record: query:{n}\n        expr: {json.dumps(expr)}"


def main():
    with open(sys.argv[2], encoding="utf-8") as f:
        d = json.load(f)
    ways = {"check": check, "rules": rules, "queries": lambda d: ("\t".join(q) for q in queries(d))}
    lines = list(ways[sys.argv[1]](d))
    print("\n".join(lines), end="\n" if lines else "")
    return 1 if sys.argv[1] == "check" and lines else 0


sys.exit(main())
