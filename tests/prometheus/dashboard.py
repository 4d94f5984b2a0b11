#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""dashboard.py check FILE: says what is wrong with a dashboard; nothing if all is well.
dashboard.py rules FILE: its queries as a file of rules, so that promtool can parse them."""
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
        if p["type"] == "row":
            continue
        if not p.get("targets") or not p.get("description"):
            wrong.append(f'{p["title"]}: no query, or no description')
        for t in p.get("targets", []):
            if t["datasource"]["uid"] != "${datasource}" or p["datasource"]["uid"] != "${datasource}":
                wrong.append(f'{p["title"]}: a data source of its own')
    for name in set(re.findall(r"\$(\w+)", json.dumps(d))) - {"__rate_interval"}:
        if name not in variables:
            wrong.append(f"${name} is no variable")
    check_layout(d["panels"], wrong)
    return wrong


def rules(d):
    yield "groups:\n  - name: dashboard\n    rules:"
    n = 0
    for p in all_panels(d["panels"]):
        for t in p.get("targets", []):
            n += 1
            expr = t["expr"].replace("$__rate_interval", "5m").replace("$host", ".*").replace("$domain", ".*")
            yield f"      - record: query:{n}\n        expr: {json.dumps(expr)}"


def main():
    with open(sys.argv[2], encoding="utf-8") as f:
        d = json.load(f)
    lines = check(d) if sys.argv[1] == "check" else list(rules(d))
    print("\n".join(lines), end="\n" if lines else "")
    return 1 if sys.argv[1] == "check" and lines else 0


sys.exit(main())
