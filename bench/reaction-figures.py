#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What bench/reaction measured, from ballastd's traces (ballastd(8), TRACE), the guests' watches and the probes.

reaction-figures.py count TRACE     how many threshold reports led to a setMemory
reaction-figures.py chains DIR      how many stalls ended with memory in the guest
reaction-figures.py report DIR [--quick]   the tables; ends with 1 where a limit is missed
"""
import glob
import os
import re
import sys

THRESHOLD = ("available", "pressure")
ONSET_USEC = 10000  # so much counted stall is its beginning
FIRST_BYTES = 8 << 20
LIMITS = {"reports": 2000, "p50": 20000, "p99": 100000, "stalls": 20}


class Report:
    def __init__(self, words):
        self.guest, self.why = words[1], words[3]
        self.read, self.mono = int(words[4]), int(words[6])
        self.decided = self.began = None
        self.command = None


class Command:
    def __init__(self, words):
        self.guest, self.before, self.to = words[1], int(words[2]), int(words[3])
        self.called = self.returned = None
        self.report = None  # the newest of its guest when it was decided, for whatever reason it was sent
        self.decided = 0
        self.error = None


def parse(path):
    """Threshold reports with the decision that took them in and the command to the same guest that it gave; all commands."""
    reports, commands, waiting, decided, newest, open_commands = [], [], [], [], {}, {}
    end = 0
    with open(path, encoding="ascii", errors="replace") as lines:
        for line in lines:
            if not line.endswith("\n"):
                break  # still being written
            words = line.split()
            if words[0] == "report":
                newest[words[1]] = Report(words)
                if words[3] in THRESHOLD:
                    waiting.append(newest[words[1]])
            elif words[0] == "decide":
                decided, waiting, end = waiting, [], int(words[2])
                for r in decided:
                    r.began, r.decided = int(words[1]), int(words[2])
                reports += decided
            elif words[0] == "command":
                c = Command(words)
                c.report, c.decided = newest.get(c.guest), end
                commands.append(c)
                open_commands.setdefault(c.guest, []).append(c)
                # Where two reports of a guest went into one decision the older one, which waited longer, counts.
                for r in decided:
                    if r.guest == c.guest:
                        r.command = c
                        break
            elif words[0] == "done":
                take_done(open_commands.get(words[1], []), words)
    return reports, commands


def take_done(commands, words):
    for c in commands:
        if c.to == int(words[2]):
            c.called, c.returned, c.error = int(words[3]), int(words[4]), int(words[5])
            commands.remove(c)
            return


def led(reports):
    return [r for r in reports if r.command and r.command.error == 0]


def percentile(values, permyriad):
    values = sorted(values)
    return values[(len(values) - 1) * permyriad // 10000] if values else 0


def ms(usec):
    return f"{usec / 1000:.2f}"


def row(name, values):
    p99 = ms(percentile(values, 9900)) if len(values) >= 100 else "-"
    print(f"  {name:<52} {len(values):>6} {ms(percentile(values, 5000)):>9} {p99:>9} {ms(max(values, default=0)):>9}")


def numbers(path):
    with open(path, encoding="ascii", errors="replace") as f:
        return {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", f.read())}


def control(where, name):
    c = numbers(f"{where}/control-{name}")
    print(f"  {'(a process that sleeps 1 ms: late by)':<52} {c['samples']:>6} {ms(c['p50_us']):>9} {ms(c['p99_us']):>9}"
          f" {ms(c['max_us']):>9}")


class Judge:
    def __init__(self):
        self.missed = False

    def limit(self, what, got, kept):
        print(f"  {'PASS' if kept else 'MISSED'}  {what}: {got}")
        self.missed |= not kept


def waves(where, judge, quick):
    reports, _ = parse(f"{where}/trace-waves")
    acted = led(reports)
    ping = numbers(f"{where}/ping")
    idle = [r for r in reports if not r.command]
    other = len(reports) - len(acted) - len(idle)
    called = [r.command.called - r.read for r in acted]
    returned = [r.command.returned - r.read for r in acted]
    half = {k: ping[f"ping_{k}_us"] // 2 for k in ("p50", "p99", "max")}
    print(f"\n{len(reports)} threshold reports of real agents; {len(acted)} led to a setMemory of their guest, {len(idle)} to none"
          f" (nothing to change), {other} to one that a newer one overtook or that is not over")
    print(f"\n  {'milliseconds':<52} {'n':>6} {'p50':>9} {'p99':>9} {'max':>9}")
    print(f"  {'channel: half of a round trip (bound)':<52} {ping['pings']:>6} {ms(half['p50']):>9} {ms(half['p99']):>9}"
          f" {ms(half['max']):>9}")
    row("report read -> decided, all reports", [r.decided - r.read for r in reports])
    row("report read -> decided, those that led to none", [r.decided - r.read for r in idle])
    row("report read -> decided, those that led to one", [r.decided - r.read for r in acted])
    row("decided -> setMemory handed to libvirt", [r.command.called - r.decided for r in acted])
    row("setMemory handed to libvirt -> it returned", [r.command.returned - r.command.called for r in acted])
    row("report read -> setMemory handed to libvirt", called)
    row("report read -> setMemory returned", returned)
    control(where, "waves")
    print()
    if quick:
        judge.limit("reports that led to a setMemory (quick)", len(acted), len(acted) > 0)
        return half
    judge.limit(f"reports that led to a setMemory >= {LIMITS['reports']}", len(acted), len(acted) >= LIMITS["reports"])
    for p, permyriad in (("p50", 5000), ("p99", 9900)):
        got = percentile(returned, permyriad) + half[p]
        judge.limit(f"report -> setMemory returned, with the channel's bound, {p} <= {LIMITS[p] // 1000} ms", f"{ms(got)} ms",
                    got <= LIMITS[p])
    return half


def read_watch(path):
    """(stall [(time, counted)], total [(time, bytes)]) of a guest's watch."""
    seen = {"stall": [], "total": []}
    with open(path, encoding="ascii", errors="replace") as lines:
        for line in lines:
            words = line.split()
            if len(words) == 3 and words[0] in seen:
                seen[words[0]].append((int(words[1]), int(words[2])))
    return seen["stall"], seen["total"]


def first(pairs, after, least):
    return next((t for t, v in pairs if t >= after and v >= least), None)


def chain(commands, guest, watch):
    """The legs of one stall in microseconds, or a text that says what lacks."""
    stall, total = watch
    onset = first(stall, 0, stall[0][1] + ONSET_USEC) if stall else None
    if onset is None:
        return "no stall was counted"
    c = next((c for c in commands if c.guest == guest and c.error == 0 and c.to > c.before and c.report and c.report.mono >= onset), None)
    if c is None:
        return "no report after its beginning led to a grant"
    r = c.report
    before = max((v for t, v in total if t <= r.mono), default=0)
    some = first(total, r.mono, total_at(total, r.mono) + FIRST_BYTES)
    whole = first(total, r.mono, total_at(total, r.mono) + (c.to - c.before) * 95 // 100)
    if not before or some is None or whole is None:
        return "its kernel did not get the memory"
    return {
        "stall": r.mono - onset, "why": r.why, "decide": c.decided - r.read, "call": c.called - c.decided, "return": c.returned - c.called,
        "some": (some - r.mono) - (c.called - r.read), "whole": (whole - r.mono) - (c.called - r.read),
        "chain_some": some - onset, "chain_whole": whole - onset, "mib": (c.to - c.before) >> 20,
    }


def total_at(total, when):
    return next((v for t, v in reversed(total) if t <= when), 0)


def all_chains(where):
    """(whole chains, what the others lack)."""
    found, failed = [], []
    for path in sorted(glob.glob(f"{where}/watch-*")):
        n, guest = os.path.basename(path).split("-", 2)[1:]
        got = chain(parse(f"{where}/trace-stalls-{n}")[1], guest, read_watch(path))
        (found if isinstance(got, dict) else failed).append(got)
    return found, failed


def chains(where, judge, half, quick):
    found, failed = all_chains(where)
    whys = [c["why"] for c in found]
    granted = sorted(c["mib"] for c in found)
    print(f"\n{len(found)} stalls ended with memory in the guest" +
          (f" ({granted[0]} to {granted[-1]} MiB each; told by " + ", ".join(f"{w}: {whys.count(w)}" for w in sorted(set(whys))) + ")"
           if granted else "") + "".join(f"; {failed.count(f)}: {f}" for f in sorted(set(failed))))
    print(f"\n  {'milliseconds':<52} {'n':>6} {'p50':>9} {'p99':>9} {'max':>9}")
    row("10 ms of stall counted -> report", [c["stall"] for c in found])
    print(f"  {'channel: half of a round trip (bound)':<52} {'':>6} {ms(half['p50']):>9} {ms(half['p99']):>9} {ms(half['max']):>9}")
    row("report read -> decided", [c["decide"] for c in found])
    row("decided -> setMemory handed to libvirt", [c["call"] for c in found])
    row("setMemory handed to libvirt -> it returned", [c["return"] for c in found])
    row("setMemory handed to libvirt -> first 8 MiB usable *", [c["some"] for c in found])
    row("setMemory handed to libvirt -> all of it usable *", [c["whole"] for c in found])
    row("whole chain: stall -> first 8 MiB usable", [c["chain_some"] for c in found])
    row("whole chain: stall -> all of it usable", [c["chain_whole"] for c in found])
    control(where, "stalls")
    print("  * by the guest's clock from the report on, less the host's legs: the channel's time is still in it\n")
    least = 1 if quick else LIMITS["stalls"]
    judge.limit(f"real stalls that ended with memory >= {least}", len(found), len(found) >= least)


def main():
    if len(sys.argv) >= 3 and sys.argv[1] == "count":
        print(len(led(parse(sys.argv[2])[0])))
        return 0
    if len(sys.argv) == 3 and sys.argv[1] == "chains":
        print(len(all_chains(sys.argv[2])[0]))
        return 0
    if len(sys.argv) < 3 or sys.argv[1] != "report":
        print(__doc__, file=sys.stderr)
        return 2
    judge, quick = Judge(), "--quick" in sys.argv
    half = waves(sys.argv[2], judge, quick)
    chains(sys.argv[2], judge, half, quick)
    return 1 if judge.missed else 0


sys.exit(main())
